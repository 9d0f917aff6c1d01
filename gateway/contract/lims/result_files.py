"""Laboratory results in a CSV file as the messages they would have been. Pure.

A column is called like a field of the canonical message, in any of its spellings, or is named to be one. Cells stay
text: what a number, a limit, a status or a comparator is, the reader of messages decides, so that the import and the
gateway read alike. Where a row itself cannot be trusted, its message says so (``import_problem``), and its result is
for a person.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from gateway.contract.lims.field_spellings import SPELLINGS, by_folded_name
from gateway.contract.lims.names import folded, normalised
from gateway.contract.lims.written_values import written_value
from gateway.contract.times import is_date, local_time

_OURS = by_folded_name(SPELLINGS)
_NUMBERS = frozenset({"value", "lower", "upper", "lod", "loq"})
_TIMES = frozenset({"sampled_at", "received_at", "analysed_at", "approved_at"})
_SEPARATOR_LINE = re.compile(r"sep=(?P<separator>.)\r?\n?", re.IGNORECASE)
_WITH_TIME = re.compile(r"%[HIcXsT]")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls
_LONGEST_SHOWN = 200  # characters of a header that is none
PROBLEM = "import_problem"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileForm:
    """How a file is written, and how the gateway reads numbers in texts."""

    separator: str | None = None  # None: as a line sep= says, else whichever of , ; and tab the header has most of
    columns: Mapping[str, str]  # our field: the file's column
    decimal_comma: bool = False
    gateway_decimal_comma: bool = False
    zone: ZoneInfo | None = None  # of times that name none
    time_format: str | None = None  # as strptime takes it; None: ISO 8601
    ignore: frozenset[str] = frozenset()  # folded names of columns that do not matter


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """A row with the number of its first line."""

    number: int
    cells: Sequence[str]


def decoded(content: bytes, encoding: str | None = None) -> str:
    """Return a file's text; without an encoding UTF-8, or UTF-16 where a byte order mark says so.

    Raises ValueError with a sentence where the bytes are not of that encoding, or it is none.
    """
    if content.startswith(_WORKBOOKS):
        raise ValueError("is a workbook and no CSV file: save its sheet as CSV (UTF-8)")
    name = encoding or ("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    try:
        text = content.decode(name)
    except LookupError as error:
        raise ValueError(f"there is no encoding {encoding}") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        expected = encoding or "UTF-8"
        raise ValueError(f"line {line} is not {expected}; say how the file is written: --encoding cp1252") from error
    return text.removeprefix("\ufeff")


def line_count(text: str) -> int:
    """Return how many lines of a file have anything in them, its header included."""
    return sum(1 for line in io.StringIO(text) if line.strip())


def messages_in(text: str, form: FileForm) -> Iterator[tuple[int, bytes]]:
    """Yield (line, message) of each row that has any cell; a cell that is empty is a field that is absent.

    Raises ValueError where the file has no header, or not the columns that were named, or quotes that do not balance.
    """
    first = _SEPARATOR_LINE.match(text)
    stated = None if first is None else first["separator"]
    header = text[first.end() :] if first is not None else text
    separator = form.separator or stated or max(",;\t", key=header.split("\n", 1)[0].count)
    lines = _lines(header, separator, before=0 if first is None else 1)
    names = [normalised(cell) for cell in next(lines, _Line(number=1, cells=())).cells]
    fields = _fields(names, form)
    for line in lines:
        if len(line.cells) > len(names):  # a decimal comma between cells that commas separate would else go unseen
            raise ValueError(f"line {line.number} has more cells than the header")
        cells = {field: cell.strip() for field, cell in zip(fields, line.cells, strict=False)
                 if cell.strip() and folded(field) not in form.ignore}  # fmt: skip
        if cells:
            document = {name: _value(name, cell, form) for name, cell in cells.items()}
            short = len(line.cells) < len(names)
            problems = [f"the row has {len(line.cells)} cells and the header {len(names)}"] if short else []
            yield line.number, message_with(document, problems)


def message_with(document: Mapping[str, object], problems: Collection[str]) -> bytes:
    """Return a row's message, with what keeps its result for a person."""
    return json.dumps({**document, **({PROBLEM: "; ".join(problems)} if problems else {})}).encode()


def _lines(text: str, separator: str, *, before: int) -> Iterator[_Line]:
    """Yield the rows that have cells; raises ValueError where a quote is not closed, or closed in another row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    width, number = 0, before
    while True:
        begins = number + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(f"line {begins} cannot be parted into cells: {error}; do its quotes balance?") from error
        if cells is None:
            return
        number = before + reader.line_num
        width = width or len(cells)
        if number > begins and _swallows(cells, separator, width):
            raise ValueError(f"a quote that is opened in line {begins} takes in the lines up to {number}: close it")
        if any(cell.strip() for cell in cells):
            yield _Line(number=begins, cells=cells)


def _swallows(cells: Sequence[str], separator: str, width: int) -> bool:
    """Return whether a cell of several lines holds as many separators as a row: then it has taken one in."""
    return any("\n" in cell and cell.count(separator) >= max(width - 1, 1) for cell in cells)


def _fields(names: Sequence[str], form: FileForm) -> list[str]:
    """Return the field of each column, by the names that were given, else its own; raises ValueError."""
    named = {normalised(column): field for field, column in form.columns.items()}
    fields = [named.get(name, name or f"column {at}") for at, name in enumerate(names, start=1)]
    if not any(names):
        raise ValueError("is empty: its first line names no columns")
    if not any(folded(field) in _OURS for field in fields):
        raise ValueError(f"has no column of a result, but {', '.join(names)[:_LONGEST_SHOWN]}: is its separator right?")
    missing = sorted(named.keys() - set(names))
    if missing:
        raise ValueError(f"has no column {', '.join(missing)}; it has {', '.join(names)}")
    twice = sorted({field for field in fields if fields.count(field) > 1})
    if twice:
        raise ValueError(f"has {', '.join(twice)} in more than one column")
    return fields


def _value(name: str, cell: str, form: FileForm) -> str:
    ours = _OURS.get(folded(name))
    if ours in _NUMBERS and form.decimal_comma != form.gateway_decimal_comma:
        return _as_the_gateway_reads(cell, form)
    return _as_rfc3339(cell, form) if ours in _TIMES else cell


def _as_the_gateway_reads(cell: str, form: FileForm) -> str:
    """Return a number or a limit with the gateway's decimal mark; a text that is no number in the file stays none."""
    written = written_value(cell, decimal_comma=form.decimal_comma)
    if written is None:
        other = written_value(cell, decimal_comma=form.gateway_decimal_comma)
        return cell if other is None else f"{cell} (no number as this file is written)"
    if written.digits is None:
        return cell
    digits = written.digits.replace(".", ",") if form.gateway_decimal_comma else written.digits
    return f"{written.qualifier or ''}{digits}"


def _as_rfc3339(cell: str, form: FileForm) -> str:
    """Return a time with its zone, a date as ISO 8601 has it; anything else as it is: the reader of messages says why.

    An hour that the zone has twice in a year, or never, is no time; midnight to the second is a date.
    """
    try:
        if form.time_format is not None:
            at = datetime.strptime(cell, form.time_format)  # noqa: DTZ007 - the zone follows
            if _WITH_TIME.search(form.time_format) is None:
                return at.date().isoformat()
        elif is_date(cell):
            return cell
        else:
            at = local_time(cell)
    except ValueError:
        return cell
    if at.tzinfo is None and at.time() == time.min:  # how a spreadsheet writes a date
        return at.date().isoformat()
    if at.tzinfo is not None or form.zone is None:
        return at.isoformat()
    local = at.replace(tzinfo=form.zone)
    return at.isoformat() if local.utcoffset() != local.replace(fold=1).utcoffset() else local.isoformat()
