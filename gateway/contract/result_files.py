"""Laboratory results in a CSV file as the messages they would have been. Pure.

A column is called like a field of the canonical message, or is named to be one; a specification's limits are ``lower``
and ``upper``. Cells stay text: what a number or a limit is, the reader of messages decides.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

_THOUSANDS = re.compile(r"[<>]?\s*[+-]?\d{1,3}(\.\d{3})+(,\d+)?")
_LIMITS = ("lower", "upper")
_WHOLE = frozenset({"result_version", "replicate"})
_NUMBERS = frozenset({"lod", "loq"})
_TIMES = frozenset({"sampled_at", "received_at", "analysed_at", "approved_at"})
_WITH_COMMAS = frozenset({"value", "value_text", "result", *_LIMITS, *_NUMBERS})


@dataclass(frozen=True, kw_only=True, slots=True)
class FileForm:
    """How a file is written: what separates cells, which of its columns are which field, how numbers and times are."""

    separator: str | None = None  # None: whichever of , ; and tab the header has most of
    columns: Mapping[str, str]  # our field: the file's column
    decimal_comma: bool = False
    zone: ZoneInfo | None = None  # of times that name none


def messages_in(text: str, form: FileForm) -> Iterator[tuple[int, bytes]]:
    """Yield (line, message) of each row that has any cell; a cell that is empty is a field that is absent.

    Raises ValueError where the file has no header, or not the columns that were named.
    """
    header = text.split("\n", 1)[0]
    separator = form.separator or max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    names = [name.strip() for name in reader.fieldnames or ()]
    told = [next((field for field, column in form.columns.items() if column == name), name) for name in names if name]
    twice = sorted({name for name in told if told.count(name) > 1})
    if twice:
        raise ValueError(f"has {', '.join(twice)} in more than one column")
    missing = sorted(set(form.columns.values()) - set(names))
    if not any(names) or missing:
        raise ValueError(f"has no column {', '.join(missing) or 'at all'}; it has {', '.join(names) or 'none'}")
    fields = {column: field for field, column in form.columns.items()}
    for row in reader:
        if None in row:  # a decimal comma between cells that commas separate would else go unseen
            raise ValueError(f"line {reader.line_num} has more cells than the header")
        cells = {
            fields.get(column.strip(), column.strip()): cell.strip()
            for column, cell in row.items()
            if isinstance(column, str) and isinstance(cell, str) and cell.strip()
        }
        if cells:
            yield reader.line_num, json.dumps(_document(cells, form)).encode()


def _document(cells: Mapping[str, str], form: FileForm) -> dict[str, object]:
    document: dict[str, object] = {
        name: _value(name, cell, form) for name, cell in cells.items() if name not in _LIMITS
    }
    limits = {name: _value(name, cells[name], form) for name in _LIMITS if name in cells}
    return document | ({"specification": limits} if limits else {})


def _value(name: str, cell: str, form: FileForm) -> object:
    if form.decimal_comma and name in _WITH_COMMAS:
        cell = _with_point(cell)
    if name in _WHOLE or name in _NUMBERS or name in _LIMITS:
        return _number(cell, whole=name in _WHOLE)
    return _with_zone(cell, form.zone) if name in _TIMES and form.zone is not None else cell


def _with_point(cell: str) -> str:
    """Return a number that is written with a comma, written with a point; any other point makes it unreadable."""
    if "." in cell and not _THOUSANDS.fullmatch(cell):
        return f"{cell} (a point in a number with a decimal comma)"
    return cell.replace(".", "").replace(",", ".")


def _number(cell: str, *, whole: bool) -> object:
    """Return the number in a cell, or its text where there is none: the reader of messages says so."""
    try:
        return int(cell) if whole else float(cell)
    except ValueError:
        return cell


def _with_zone(cell: str, zone: ZoneInfo) -> str:
    try:
        at = datetime.fromisoformat(cell)
    except ValueError:
        return cell
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).isoformat()
