"""``labline replay``: decides a recorded period again, with any configuration and model version."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import typer

from gateway.cli.options import JSON, takes
from gateway.cli.output import progress_of, show_json
from gateway.cli.replay_report import Replayed, report_of, show_report, write_report
from gateway.config.bundles import bundle_files
from gateway.config.connections import lims_interface
from gateway.config.line_definition import analytes_of, define_line
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.times import parse_rfc3339, rfc3339
from gateway.database.file_permissions import making_files_closed_to_others
from gateway.database.opening import open_for_reading
from gateway.errors import LablineError
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.inference.bundle import read_manifest
from gateway.inference.versions import Promoted, promoted_versions
from gateway.ingest.lims import understand_results
from gateway.line.definition import LineDefinition
from gateway.replay.decided_lots import decided_lots, divided_lots
from gateway.replay.kept_from_calling import suppression_steps
from gateway.replay.recorded import (
    Recording,
    Stretch,
    epoch,
    language_at_the_time,
    measured,
    output_on_record,
    recorded_events,
    recorded_stretch,
)
from gateway.replay.rerun import rerun
from gateway.replay.setpoint_writes import write_steps
from gateway.store.database import read_state
from gateway.store.queries.guidance import identified_answers
from gateway.store.queries.lots import all_settlements
from gateway.store.queries.signed_biases import all_signed_biases
from gateway.store.queries.signed_stages import stages_on_record
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS

_BEFORE_NS = 60 * SECOND_NS  # the value that held at the beginning may have come a while before


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayOptions:
    """Which period is decided again, with which configuration and models."""

    config: Path = typer.Option(
        ...,
        "--config",
        "-c",
        metavar="<file>",
        help="The configuration to decide with; it may differ from that time's.",
    )
    store: Path | None = typer.Option(
        None, "--store", metavar="<folder>", help="The store with the recorded period. Without it: the configuration's."
    )
    bundle: list[Path] = typer.Option(
        [],
        "--bundle",
        metavar="<folder>",
        help="A model to use instead of the configured one of the same name. May be repeated.",
    )
    start: str = typer.Option(
        None,
        "--from",
        metavar="<time>",
        help="Begin of the period, such as 2026-11-29T08:00:00Z. Without it: the first record.",
    )
    end: str = typer.Option(None, "--to", metavar="<time>", help="End of the period. Without it: the last record.")
    to: Path | None = typer.Option(
        None, "--out", metavar="<folder>", help="A new folder for a report with every difference, and charts."
    )
    as_json: bool = JSON


@takes(ReplayOptions)
def replay(options: ReplayOptions) -> None:
    """Decide a recorded period again, and compare the outcome with what was decided at the time.

    The gateway's own code decides each event again, with the values that were known at that instant, and with the
    laboratory results from before the period. Each model has the version that was in service at the end of the period,
    unless --bundle names another. Nothing is sent, and the store is only read. Exit 1 if recorded data is damaged.
    """
    settings, _sha256 = read(options.config)
    folder = options.store or settings.store.directory
    stretch = _stretch(folder, options.start, options.end)
    in_service = _in_service(folder, stretch)
    line = _line(settings, options.config.resolve(), options.bundle, in_service=in_service)
    replayed = _replayed(settings, line, folder, stretch, quiet=options.as_json)
    report = report_of(replayed)
    if options.to is not None:
        with making_files_closed_to_others():
            write_report(options.to, replayed, report)
    if options.as_json:
        show_json(report)
    else:
        show_report(report)
    raise typer.Exit(1 if replayed.damage else 0)


def _stretch(store: Path, start: str | None, end: str | None) -> Stretch:
    with closing(read_state(store)) as connection:
        whole = recorded_stretch(connection)
    if whole is None:
        raise LablineError(
            f"the store {store} has no records", hint="name a store that a gateway has run with: --store"
        )
    stretch = Stretch(from_ns=_time(start, "--from") or whole.from_ns, until_ns=_time(end, "--to") or whole.until_ns)
    if stretch.from_ns > stretch.until_ns:
        begin, until = rfc3339(stretch.from_ns), rfc3339(stretch.until_ns)
        hint = f"the store has records from {rfc3339(whole.from_ns)} to {rfc3339(whole.until_ns)}"
        raise LablineError(f"nothing is on record from {begin} to {until}", hint=hint)
    return stretch


def _in_service(store: Path, stretch: Stretch) -> dict[str, Promoted]:
    """Return the versions that people had put into service by the end of a stretch."""
    with closing(read_state(store)) as connection:
        acts, _unknown = changes(connection.execute(SQL["version_changes"]))
    return promoted_versions(act for act in acts if act.at_ns < stretch.until_ns)


def _line(settings: Settings, path: Path, bundles: list[Path], *, in_service: Mapping[str, Promoted]) -> LineDefinition:
    promoted = dict(in_service)
    for folder in bundles:
        name = _name_of(folder)
        names = [_name_of((path.parent / table.bundle).resolve()) for table in settings.model]
        if name not in names:
            raise LablineError(f"no model in {path} is called {name}", hint=f"models are: {', '.join(names) or 'none'}")
        models = [
            table.model_copy(update={"bundle": folder.resolve()}) if known == name else table
            for table, known in zip(settings.model, names, strict=True)
        ]
        settings = settings.model_copy(update={"model": models})
        promoted.pop(name, None)
    gone = [name for name, version in promoted.items() if not version.folder.is_dir()]
    if gone:
        folders = ", ".join(f"{name}: {promoted[name].folder}" for name in gone)
        raise LablineError(
            f"the folders of versions that were in service are not there: {folders}",
            hint="name the bundle to decide with: --bundle FOLDER",
        )
    return define_line(settings, path=path, in_service=promoted)


def _name_of(bundle: Path) -> str:
    return read_manifest(bundle_files(bundle), where=str(bundle)).name


def _replayed(settings: Settings, line: LineDefinition, store: Path, stretch: Stretch, *, quiet: bool) -> Replayed:
    begun = time.perf_counter()
    understand = understand_results(lims_interface(settings.lims, analytes_of(settings)))
    with (
        closing(read_state(store)) as connection,
        closing(open_for_reading(store / HISTORY_FILE, HISTORY)) as history_connection,
        progress_of("replaying", quiet=quiet) as on_progress,
        tempfile.TemporaryDirectory(prefix="labline-replay-") as scratch,
    ):
        sources = {name: tag.source for name, tag in line.tags.items()}
        names = [*sources, *(f"@{source}" for source in {*sources.values()})]
        history = RecordedHistory(history_connection, names)
        known = KnownThen(history, sources, start_ns=stretch.from_ns - _reach_ns(line), end_ns=stretch.until_ns)
        recording = Recording(
            events=recorded_events(connection, stretch, understand=understand),
            stretch=stretch,
            epoch=epoch(connection),
            signed_biases=all_signed_biases(connection),
            settlements=all_settlements(connection),
            decided=decided_lots(connection),
            divided=divided_lots(connection),
            answers=identified_answers(connection),
            writes=write_steps(connection),
            kept_from_calling=suppression_steps(connection),
            stages=stages_on_record(connection),
            language=language_at_the_time(connection, stretch),
        )
        now = rerun(recording, line=line, history=known, folder=Path(scratch), on_progress=on_progress)
        return Replayed(
            stretch=stretch,
            versions={model.name: model.bundle.identity.version for model in line.models},
            then=output_on_record(connection, stretch),
            now=now,
            measured=measured(connection),
            seconds=time.perf_counter() - begun,
            damage=bool(history.damage),
        )


def _reach_ns(line: LineDefinition) -> int:
    """Return how far back from an instant the models look."""
    spans = [item.reach_ns + (item.frozen_after_ns or 0) for model in line.models
             for item in model.bundle.inputs]  # fmt: skip
    return max(spans, default=0) + _BEFORE_NS


def _time(text: str | None, option: str) -> int | None:
    try:
        return None if text is None else parse_rfc3339(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from error
