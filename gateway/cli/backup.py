"""``labline backup`` and ``labline restore``: the store as a folder, and back."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import err, out, progress_of, show_json
from gateway.config.reading import read
from gateway.store.care.backup import backup as back_up
from gateway.store.care.backup import restore as put_back
from gateway.store.database import locked


def backup(
    config: Path = CONFIG,
    to: Path = typer.Option(..., "--to", metavar="<folder>", help="A new folder for the copy; it must not exist yet."),
    as_json: bool = JSON,
) -> None:
    """Copy the store into a folder, also while the gateway runs, and check the whole copy.

    Keys and passwords are not copied. A damaged store is copied, too: the damage is listed, and the exit code is 1.
    """
    settings, _sha256 = read(config)
    with progress_of("copying", quiet=as_json) as report_progress:
        manifest = back_up(settings.store.directory, to, at_ns=time.time_ns(), on_progress=report_progress)
    if as_json:
        show_json({"folder": str(to), **manifest})
    else:
        head = manifest["head"]
        witness = f"the audit trail ends with line {head['seq']}, {head['hash']}" if head else "it has no audit trail"
        out.print(f"backed up to {to}; {witness}", soft_wrap=True)
        for problem in manifest["wrong"]:
            err.print(f"damaged: {problem}", style="red", soft_wrap=True)
    raise typer.Exit(1 if manifest["damaged"] else 0)


def restore(
    config: Path = CONFIG,
    source: Path = typer.Option(..., "--from", metavar="<folder>", help="The folder with the backup."),
    as_json: bool = JSON,
) -> None:
    """Replace the store by a backup; stop the gateway first, and the present store is kept beside it.

    After the next start the alarm STORE_RESTORED stands, and all models are in shadow, until a person takes it down:
    labline audit acknowledge STORE_RESTORED. Messages that waited in the backup are sent again with the same ids.
    """
    settings, _sha256 = read(config)
    with locked(settings.store.directory):
        about = put_back(source, settings.store.directory, at_ns=time.time_ns())
    if as_json:
        show_json(about)
        return
    out.print(f"restored the backup of {about['backup_at']}")
    if about["damaged"]:
        err.print(f"{about['damaged']} of its records were damaged when it was made; they are not used",
                  style="red", soft_wrap=True)  # fmt: skip
    if about["replaced"]:
        out.print(f"the replaced store is in {settings.store.directory / about['replaced']}", soft_wrap=True)
    _show_people(about)
    out.print("to do: have the laboratory's system send again what it delivered since the backup, or salvage it from "
              "the replaced store (labline buffer salvage)", soft_wrap=True)  # fmt: skip
    out.print("to do: start the gateway; its models stay in shadow until: labline audit acknowledge STORE_RESTORED",
              soft_wrap=True)  # fmt: skip


def _show_people(about: Mapping[str, Any]) -> None:
    """Say whose roles, state, password or keys are again as they were when the backup was made."""
    err.print("roles, passwords and keys are again as they were when the backup was made; everybody is signed out",
              style="yellow", soft_wrap=True)  # fmt: skip
    people = about["people"]
    if people is None:
        err.print("who was changed since is not known: the replaced store could not be read", soft_wrap=True)
        return
    for person in people:
        before, after = person["roles"]
        roles = f" (roles: {before or 'none'} -> {after or 'none'})" if before != after else ""
        enabled = " ENABLED AGAIN" if person["disabled"] == [True, False] else ""
        err.print(f"  {person['user']}: {', '.join(person['changed'])}{roles}{enabled}", soft_wrap=True)
    if people:
        err.print("to do: look at each of them with labline user list, and change what must not come back",
                  soft_wrap=True)  # fmt: skip
