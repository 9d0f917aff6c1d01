"""``labline history``: writes recorded tag values to files."""

import csv
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from gateway.cli.options import CONFIG, takes
from gateway.cli.output import err, out, progress_of
from gateway.config.reading import read
from gateway.contract.times import parse_rfc3339
from gateway.database.file_permissions import making_files_closed_to_others
from gateway.database.opening import open_for_reading
from gateway.errors import LablineError
from gateway.history.columns import Columns, SampleFlag
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from gateway.records.process import quality_of

app = typer.Typer(help="Export recorded tag values.", no_args_is_help=True)

_HOUR_NS = 3_600_000_000_000
_NAMES = ("tag", "arrival", "source_time", "counts_from", "value", "quality", "status", "flags")


class Format(StrEnum):
    """The format of the file."""

    CSV = "csv"
    PARQUET = "parquet"


@app.callback()
def _group() -> None:
    """Export recorded tag values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """Which values are exported, and to which file."""

    config: Path = CONFIG
    to: Path = typer.Option(..., "--to", metavar="<file>", help="A new file; it must not exist yet.")
    tag: list[str] = typer.Option(
        [], "--tag", metavar="<tag>", help="Only this tag. May be repeated. Without it: all configured tags."
    )
    start: str = typer.Option(
        None,
        "--from",
        metavar="<time>",
        help="Begin, such as 2026-11-29T08:00:00Z. Without it: one day before the end.",
    )
    end: str = typer.Option(None, "--until", metavar="<time>", help="End. Without it: now.")
    form: Format = typer.Option(Format.CSV, "--format", help="csv, or parquet (pip install 'labline[parquet]').")


@app.command()
@takes(ExportOptions)
def export(options: ExportOptions) -> None:
    """Export tag values with their times and quality, also while the gateway runs.

    Times are UTC. source_time is the source's own time; counts_from is when the gateway began to use the value. Exit 1
    if recorded data is damaged.
    """
    settings, _sha256 = read(options.config)
    end_ns = _time(options.end, "--until") or time.time_ns()
    start_ns = _time(options.start, "--from") or end_ns - 24 * _HOUR_NS
    to = options.to
    if start_ns >= end_ns:
        raise typer.BadParameter("--from must be before --until")
    unknown = sorted(set(options.tag) - set(settings.tags))
    if unknown:
        raise LablineError(
            f"no tag {', '.join(unknown)} is configured", hint=f"tags are: {', '.join(settings.tags) or 'none'}"
        )
    if to.exists():
        raise LablineError(f"{to} is there already", hint="name a file that does not exist yet")
    tags = options.tag or sorted(settings.tags)
    path = settings.store.directory / HISTORY_FILE
    with closing(open_for_reading(path, HISTORY)) as connection, making_files_closed_to_others():
        history = RecordedHistory(connection, tags)
        count = _WRITERS[options.form](to, _stretches(history, tags, start_ns, end_ns), len(tags))
    out.print(f"{count} samples of {len(tags)} tags written to {to}", markup=False, soft_wrap=True)
    damage = history.damage
    if damage:
        message = f"{damage.chunks} chunks and {damage.journal_entries} journal entries are damaged"
        err.print(f"{message}: the file has a row with status 0x80310000 there, from which on the value is not known",
                  style="red", soft_wrap=True)  # fmt: skip
        raise typer.Exit(1)


def _time(text: str | None, option: str) -> int | None:
    try:
        return None if text is None else parse_rfc3339(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from error


def _stretches(history: RecordedHistory, tags: list[str], start_ns: int, end_ns: int) -> Iterator[tuple[str, Columns]]:
    """Yield each tag's samples, hour by hour, so that memory stays small."""
    for tag in tags:
        for begin_ns in range(start_ns, end_ns, _HOUR_NS):
            until_ns = min(begin_ns + _HOUR_NS, end_ns)
            columns = history.stretch(tag, start_ns=begin_ns, end_ns=until_ns - (until_ns < end_ns))
            yield tag, columns if begin_ns == start_ns else columns.where(columns.held_ns >= begin_ns)


def _rows(tag: str, columns: Columns) -> Iterator[tuple[Any, ...]]:
    for arrival, source_ns, held_ns, value, status, flags in zip(
        columns.arrival,
        columns.source_ns,
        columns.held_ns,
        columns.values,
        columns.statuses,
        columns.flags,
        strict=True,
    ):
        names = SampleFlag(int(flags)).name or ""
        yield (tag, int(arrival), _iso(int(source_ns)), _iso(int(held_ns)), repr(float(value)),
               quality_of(int(status)).name.lower(), f"0x{int(status):08X}", names if flags else "")  # fmt: skip


def _iso(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _write_csv(to: Path, stretches: Iterator[tuple[str, Columns]], tags: int) -> int:
    count, done = 0, set[str]()
    with to.open("x", newline="", encoding="utf-8") as file, progress_of("exporting") as report_progress:
        writer = csv.writer(file)
        writer.writerow(_NAMES)
        for tag, columns in stretches:
            writer.writerows(_rows(tag, columns))
            count += len(columns)
            done.add(tag)
            report_progress("tags", len(done), tags)
    return count


def _write_parquet(to: Path, stretches: Iterator[tuple[str, Columns]], tags: int) -> int:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra: only who exports Parquet needs it
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise LablineError(
            "Parquet needs pyarrow", hint="pip install 'labline[parquet]', or use --format csv"
        ) from error
    time_type = pa.timestamp("ns", tz="UTC")
    schema = pa.schema(
        [("tag", pa.string()), ("arrival", pa.int64()), ("source_time", time_type), ("counts_from", time_type),
         ("value", pa.float64()), ("quality", pa.string()), ("status", pa.uint32()), ("flags", pa.uint8())]
    )  # fmt: skip
    count, done = 0, set[str]()
    with pq.ParquetWriter(to, schema, compression="zstd") as writer, progress_of("exporting") as report_progress:
        for tag, columns in stretches:
            qualities = [quality_of(int(status)).name.lower() for status in columns.statuses]
            arrays = [[tag] * len(columns), columns.arrival, columns.source_ns, columns.held_ns, columns.values,
                      qualities, columns.statuses, columns.flags]  # fmt: skip
            made = [pa.array(column, type=field.type) for column, field in zip(arrays, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(made, schema=schema))
            count += len(columns)
            done.add(tag)
            report_progress("tags", len(done), tags)
    return count


_WRITERS = {Format.CSV: _write_csv, Format.PARQUET: _write_parquet}
