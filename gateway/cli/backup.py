"""``labline backup`` and ``labline restore``: the store as a folder, and back."""

import time
from pathlib import Path

import typer

from gateway.cli.output import err, out, progress_of, show_json
from gateway.config.reading import read
from gateway.store.care.backup import backup as back_up
from gateway.store.care.backup import restore as put_back
from gateway.store.database import locked


def backup(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    to: Path = typer.Option(..., "--to", help="The folder to make; it must not be there yet."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object."),
) -> None:
    """Copy the store, also while the gateway runs, and check the copy in full. Keys and credentials are not in it.

    A damaged store is backed up, too; what is damaged is told, and the exit code is 1.
    """
    settings, _sha256 = read(config)
    with progress_of("copying", quiet=as_json) as told:
        manifest = back_up(settings.store.directory, to, at_ns=time.time_ns(), on_progress=told)
    if as_json:
        show_json({"folder": str(to), **manifest})
    else:
        head = manifest["head"]
        witness = f"the audit trail ends with line {head['seq']}, {head['hash']}" if head else "it has no audit trail"
        out.print(f"backed up to {to}; {witness}", soft_wrap=True)
        for each in manifest["wrong"]:
            err.print(f"damaged: {each}", style="red", soft_wrap=True)
    raise typer.Exit(1 if manifest["damaged"] else 0)


def restore(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    source: Path = typer.Option(..., "--from", help="The backup's folder."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object."),
) -> None:
    """Put a backup in the place of the store, with the gateway stopped; the present store is kept beside it.

    At the next start an alarm stands and all models are in shadow until a person takes it down
    (labline audit acknowledge STORE_RESTORED). Messages that waited in the backup are sent again with their ids.
    """
    settings, _sha256 = read(config)
    with locked(settings.store.directory):
        about = put_back(source, settings.store.directory, at_ns=time.time_ns())
    if as_json:
        show_json(about)
        return
    out.print(f"restored the backup of {about['backup_at']}")
    if about["damaged"]:
        err.print(f"{about['damaged']} of its records were damaged when it was made; they are not served",
                  style="red", soft_wrap=True)  # fmt: skip
    if about["replaced"]:
        out.print(f"the store it replaced is in {settings.store.directory / about['replaced']}", soft_wrap=True)
    out.print("results delivered since then must be sent again by the laboratory's system, or salvaged from there;",
              soft_wrap=True)  # fmt: skip
    out.print("once the gateway runs again, its models stay in shadow until: labline audit acknowledge STORE_RESTORED",
              soft_wrap=True)  # fmt: skip
