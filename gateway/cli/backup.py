"""``labline backup`` and ``labline restore``: the store as a folder, and back."""

import time
from pathlib import Path

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
    out.print("to do: have the laboratory's system send again what it delivered since the backup, or salvage it from "
              "the replaced store (labline buffer salvage)", soft_wrap=True)  # fmt: skip
    out.print("to do: start the gateway; its models stay in shadow until: labline audit acknowledge STORE_RESTORED",
              soft_wrap=True)  # fmt: skip
