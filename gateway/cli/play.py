"""``labline play``: a file of plant data, played to a gateway before the gateway is connected to the plant."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from gateway.cli.options import JSON, takes
from gateway.cli.output import err, progress_of, show_json, show_table
from gateway.config.bundles import bundle_files
from gateway.errors import LablineError, first_of
from gateway.inference.bundle import MANIFEST, read_manifest

_UNFINISHED = "play-unfinished"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayedFile:
    """The options of ``labline play``."""

    file: Path = typer.Argument(
        ..., help="A training recipe, or a TOML file with the tables [data] and [laboratory] of one."
    )
    bundles: list[Path] = typer.Option(
        [],
        "--bundle",
        metavar="<folder>",
        help="A model (of several analytes one each): start a gateway with it. Without it: connect one of your own.",
    )
    speed: float = typer.Option(1.0, "--speed", min=0.001, help="How many times faster than the data were recorded.")
    first: int = typer.Option(0, "--from-row", min=0, help="The first row to evaluate; the first of the file is 0.")
    rows: int = typer.Option(None, "--rows", min=1, help="How many rows to evaluate. Without it: all to the end.")
    lead: int = typer.Option(
        50, "--lead", min=0, help="How many rows to play before the first, to fill the models' time windows."
    )
    virtual: bool = typer.Option(
        False,
        "--virtual",
        help="Play in virtual time, as fast as this machine computes, without OPC UA and MQTT: no row is missed.",
    )
    begin_after: float | None = typer.Option(
        None,
        "--begin-after",
        min=0.0,
        help="Seconds to wait before the first row. Without it: 1 with --bundle, else 15.",
    )
    opcua_port: int | None = typer.Option(
        None, "--opcua-port", help="The OPC UA server's port. Without it: any free one."
    )
    keep: Path | None = typer.Option(
        None,
        "--keep",
        metavar="<folder>",
        help="A new folder to keep the configuration, the store and the log in. Without it they are deleted.",
    )
    as_json: bool = JSON

    @property
    def bundle(self) -> Path | None:
        """Return the first model."""
        return self.bundles[0] if self.bundles else None

    @property
    def begins_after_seconds(self) -> float:
        """Return the seconds that the plant waits before the first row: a separate gateway needs time to connect."""
        return (15.0 if self.bundle is None else 1.0) if self.begin_after is None else self.begin_after


@takes(PlayedFile)
def play(options: PlayedFile) -> None:
    """Play a file of measurements to a gateway, and compare its predictions with the measured values.

    An OPC UA server serves the rows as tags, and a simulated laboratory sends results over MQTT. With --bundle a
    gateway is started and configured for the file. Without it you connect your own: the addresses and tags are printed.
    """
    if options.virtual and (options.bundle is None or options.keep is not None or options.opcua_port is not None):
        raise LablineError(
            "--virtual plays to the gateway of a --bundle, and has no store to --keep and no --opcua-port",
            hint="without --virtual a gateway runs as a process of its own",
        )
    outcome = _played(options)
    if options.as_json:
        show_json(outcome)
    else:
        show_table("predictions compared with the measured values", ("figure", "value"), list(outcome.items()))
    untrue = outcome.get("audit", "ok") != "ok"  # in virtual time nobody holds the trail's key
    wrong = options.bundle is not None and (untrue or outcome["lost"] or outcome["duplicates"])
    raise typer.Exit(1 if wrong else 0)


def _played(options: PlayedFile) -> dict[str, Any]:
    """Play a file and return the figures of the comparison; raises LablineError where it cannot be played."""
    from simulator.gateway_process import GatewayFailedError  # noqa: PLC0415 - only here the simulator is needed
    from simulator.play.file import read_recording  # noqa: PLC0415
    from simulator.play.plan import PlayOptions, remarks, stretch  # noqa: PLC0415
    from simulator.play.stage import play as on_stage  # noqa: PLC0415
    from simulator.play.stage import tags_text  # noqa: PLC0415

    analytes = [analyte for bundle in options.bundles for analyte in sorted(_analytes(bundle))]
    recording = read_recording(options.file, analytes=analytes)

    def shown(url: str, port: int) -> None:
        if options.bundle is None and not options.as_json:
            where = f"OPC UA: {url}    MQTT: 127.0.0.1:{port}, results on lims/results/qc\n"
            err.print(where, markup=False, soft_wrap=True)
            err.print(tags_text(recording, speed=options.speed), markup=False, soft_wrap=True)

    with progress_of("playing", quiet=options.as_json) as on_progress:
        play_options = PlayOptions(
            speed=options.speed, first=options.first, rows=options.rows, lead=options.lead, bundle=options.bundle,
            more_bundles=tuple(options.bundles[1:]),
            begin_after_seconds=options.begins_after_seconds, opcua_port=options.opcua_port,
            on_progress=on_progress, on_stage=shown,
        )  # fmt: skip
        stretch(recording, play_options)  # raises what cannot be played before anything is made
        for remark in remarks(recording, play_options):
            err.print(f"note: {remark}", soft_wrap=True)
        try:
            with _folder(options.keep) as folder:
                if options.virtual:
                    return _played_virtually(recording, play_options, folder)
                return asyncio.run(on_stage(recording, play_options, folder))
        except* GatewayFailedError as failed:
            raise LablineError(str(first_of(failed))) from None
        except* LablineError as failed:
            raise first_of(failed) from None


def _played_virtually(recording: Any, options: Any, folder: Path) -> dict[str, Any]:
    from gateway.operations.logs import configure_logs  # noqa: PLC0415
    from simulator.bench.virtual.play import play_virtually  # noqa: PLC0415

    configure_logs(level="error")
    return play_virtually(recording, options, folder)


def _analytes(bundle: Path) -> set[str]:
    """Return what a bundle predicts; nothing where there is none that can be read, which is said later."""
    if not (bundle / MANIFEST).is_file():
        return set()
    return {item.analyte for item in read_manifest(bundle_files(bundle), where=str(bundle)).output}


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Yield the folder for the configuration, the store and the log: a temporary one, or a new one to keep.

    A mark file stands in it until the play has ended. A play that failed can so be repeated with the same folder, which
    is then replaced. Raises LablineError where the folder was not made by an unfinished play.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="labline-") as name:
            yield Path(name)
        return
    mark = keep / _UNFINISHED
    try:
        if keep.exists() and any(keep.iterdir()):
            if not mark.is_file():
                raise LablineError(f"{keep} is there already", hint="name a folder that does not exist yet")
            shutil.rmtree(keep)
        keep.mkdir(parents=True, exist_ok=True)
        mark.write_text("This play has not ended. The next one with the same --keep takes its place.\n")
    except OSError as error:
        why = error.strerror or str(error)
        raise LablineError(f"{keep} cannot be made: {why}", hint="name a place that you may write to") from error
    yield keep.resolve()
    mark.unlink(missing_ok=True)
