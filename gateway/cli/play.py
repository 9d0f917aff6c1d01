"""``labline play``: a recording of one's own plant, played to the gateway before it comes near the plant."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from gateway.cli.options import takes
from gateway.cli.output import err, progress_of, show_json, show_table
from gateway.errors import LablineError, first_of

_UNFINISHED = "play-unfinished"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayedFile:
    """What is played, how fast, and with what."""

    file: Path = typer.Argument(..., help="A recipe, or a file with its [data] and [laboratory].")
    bundle: Path | None = typer.Option(
        None, "--bundle", help="Run the gateway with this bundle; without it, bring your own."
    )
    speed: float = typer.Option(1.0, "--speed", min=0.001, help="How many times faster than the recording.")
    first: int = typer.Option(0, "--from-row", min=0, help="The first row that counts.")
    rows: int = typer.Option(None, "--rows", min=1, help="How many rows; without it, to the end.")
    lead: int = typer.Option(50, "--lead", min=0, help="Rows played before, to fill the models' windows.")
    begin_after: float | None = typer.Option(
        None, "--begin-after", min=0.0, help="Seconds before the first row; else 1, and 15 for a gateway of yours."
    )
    opcua_port: int = typer.Option(None, "--opcua-port", help="The played plant's port; without it, any free one.")
    keep: Path = typer.Option(None, "--keep", help="A new folder for the configuration, the store and the log.")
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table.")

    @property
    def begins_after_seconds(self) -> float:
        """Return how long the plant stands before the first row: a gateway of one's own needs time to connect."""
        return (15.0 if self.bundle is None else 1.0) if self.begin_after is None else self.begin_after


@takes(PlayedFile)
def play(options: PlayedFile) -> None:
    """Play a file of measurements as an OPC UA server and a laboratory, and hold predictions against the truth.

    With a bundle the whole gateway runs, configured for the recording. Without one the plant and the broker are there
    for a gateway of yours, at the addresses shown.
    """
    found = _played(options)
    if options.as_json:
        show_json(found)
    else:
        show_table("what was said, and what came of it", ("figure", "value"), list(found.items()))
    wrong = options.bundle is not None and (found["audit"] != "ok" or found["lost"] or found["duplicates"])
    raise typer.Exit(1 if wrong else 0)


def _played(given: PlayedFile) -> dict[str, Any]:
    """Return what came of playing a file; raises LablineError where it cannot be played."""
    from simulator.gateway_process import GatewayFailedError  # noqa: PLC0415 - only here the simulator is needed
    from simulator.play.file import read_recording  # noqa: PLC0415
    from simulator.play.plan import PlayOptions, remarks, stretch  # noqa: PLC0415
    from simulator.play.stage import play as on_stage  # noqa: PLC0415
    from simulator.play.stage import tags_text  # noqa: PLC0415

    recording = read_recording(given.file)

    def shown(url: str, port: int) -> None:
        if given.bundle is None and not given.as_json:
            where = f"OPC UA: {url}    MQTT: 127.0.0.1:{port}, results on lims/results/qc\n"
            err.print(where, markup=False, soft_wrap=True)
            err.print(tags_text(recording, speed=given.speed), markup=False, soft_wrap=True)

    with progress_of("playing", quiet=given.as_json) as on_progress:
        options = PlayOptions(
            speed=given.speed, first=given.first, rows=given.rows, lead=given.lead, bundle=given.bundle,
            begin_after_seconds=given.begins_after_seconds, opcua_port=given.opcua_port,
            on_progress=on_progress, on_stage=shown,
        )  # fmt: skip
        stretch(recording, options)  # what cannot be played is said before anything is made
        for remark in remarks(recording, options):
            err.print(f"note: {remark}", soft_wrap=True)
        try:
            with _folder(given.keep) as folder:
                return asyncio.run(on_stage(recording, options, folder))
        except* GatewayFailedError as failed:
            raise LablineError(str(first_of(failed))) from None
        except* LablineError as failed:
            raise first_of(failed) from None


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Yield a folder for what the play leaves: a temporary one, or a new one to keep.

    A mark stands in it until the play has ended, so that one that failed may be tried again under the same name; what
    it has left stays until then. Raises LablineError where the folder is somebody else's.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="labline-") as name:
            yield Path(name)
        return
    mark = keep / _UNFINISHED
    try:
        if keep.exists() and any(keep.iterdir()):
            if not mark.is_file():
                raise LablineError(f"{keep} is there already", hint="name a folder that is to be made")
            shutil.rmtree(keep)
        keep.mkdir(parents=True, exist_ok=True)
        mark.write_text("This play has not ended. The next one with the same --keep takes its place.\n")
    except OSError as error:
        why = error.strerror or str(error)
        raise LablineError(f"{keep} cannot be made: {why}", hint="name a folder that you may write") from error
    yield keep.resolve()
    mark.unlink(missing_ok=True)
