"""The options of ``labline lab import``: which file is sent, and how it is written."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from gateway.cli.options import CONFIG, JSON
from gateway.config.tables import Settings
from gateway.contract.lims.field_spellings import is_field
from gateway.contract.lims.names import folded
from gateway.contract.lims.result_files import FileForm


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """Which file is sent, and how it is written."""

    file: Path = typer.Argument(..., help="A CSV file with a header row, then one result in each row.")
    config: Path = CONFIG
    column: list[str] = typer.Option(
        [],
        "--column",
        metavar="<field=column>",
        help='The column that holds a field, such as sample_id="Sample no.". May be repeated.',
    )
    ignore: list[str] = typer.Option(
        [], "--ignore", metavar="<column>", help="A column to leave out, whatever it says. May be repeated."
    )
    separator: str = typer.Option(
        None, "--separator", help="The character between cells. Without it: the one that the header shows."
    )
    encoding: str = typer.Option(None, "--encoding", help="The file's encoding, such as cp1252. Without it: UTF-8.")
    decimal_comma: bool = typer.Option(
        None,
        "--decimal-comma/--decimal-point",
        help="Numbers are written as 9,8 or as 9.8. Without it: as [lims] decimal_comma says.",
    )
    zone: str = typer.Option(None, "--time-zone", help="The time zone of times that have none, such as Europe/Paris.")
    time_format: str = typer.Option(
        None, "--time-format", help='How times are written, such as "%d.%m.%Y %H:%M". Without it: ISO 8601.'
    )
    only_good: bool = typer.Option(
        False,
        "--only-good",
        help="Send all rows even if some cannot be read; the lots of those are then for review.",
    )
    dry_run: bool = typer.Option(False, "--dry-run", help="Send nothing; show what can be read and what cannot.")
    as_json: bool = JSON


def file_form(options: ImportOptions, settings: Settings) -> FileForm:
    """Return how the file is written, as the options say, or else the configuration; raises typer.BadParameter."""
    lims = settings.lims
    return FileForm(
        separator=_separator(options.separator),
        columns=_columns(options.column),
        decimal_comma=lims.decimal_comma if options.decimal_comma is None else options.decimal_comma,
        gateway_decimal_comma=lims.decimal_comma,
        zone=None if options.zone is None else _zone(options.zone),
        time_format=_time_format(options.time_format),
        ignore=frozenset(folded(name) for name in (*options.ignore, *lims.ignore)),
    )


def _separator(separator: str | None) -> str | None:
    separator = "\t" if separator == r"\t" else separator
    if separator is not None and len(separator) != 1:
        raise typer.BadParameter(f"--separator {separator}: give one character, such as ;")
    return separator


def _time_format(time_format: str | None) -> str | None:
    try:
        if time_format is not None:
            datetime.strptime(datetime(2026, 11, 29, 15, 0, tzinfo=UTC).strftime(time_format), time_format)  # noqa: DTZ007
    except (ValueError, re.error) as error:
        raise typer.BadParameter(f'--time-format {time_format}: give one such as "%d.%m.%Y %H:%M" ({error})') from error
    return time_format


def _columns(options: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in options]
    unknown = [field for field, equals, name in pairs if equals and name and not is_field(field)]
    if unknown:
        raise typer.BadParameter(f"--column {unknown[0]}: a result has no such field; docs/payloads.md lists them")
    wrong = [field for field, equals, name in pairs if not (field and equals and name)]
    if wrong:
        raise typer.BadParameter(f'--column {wrong[0]}: give field=column, such as sample_id="Sample no."')
    return {field: name for field, _equals, name in pairs}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise typer.BadParameter(f"--time-zone {name} is not known: give one such as Europe/Paris") from error
