"""When rows are: a column of dates or numbers, read as UTC instants in order, with every oddity counted. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.time_units import SECOND_NS
from gateway.training.files.cells import EMPTY

NEVER = np.iinfo(np.int64).max  # when a result arrives that is not made
BEGIN_NS = 1_767_225_600 * SECOND_NS  # 2026-01-01: where a file says only how much time has passed, or nothing
_LATEST_SECONDS = 4_102_444_800  # 2100: what would be later is no time since 1970
_EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p")
_DATES = (
    "%d.%m.%Y", "%d.%m.%y", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%d-%b-%y",
    "%d-%b-%Y", "%d %b %Y", "%b %d, %Y",
)  # fmt: skip
_NUMBERS: dict[str, float] = {
    "epoch_seconds": 1.0, "epoch_milliseconds": 1e-3, "epoch_microseconds": 1e-6, "epoch_nanoseconds": 1e-9,
}  # fmt: skip
NAMED_FORMATS = ("iso", *_NUMBERS, "elapsed_seconds", "excel_days")
_Parse = Callable[[str], datetime]


@dataclass(frozen=True, kw_only=True)
class Instants:
    """Rows of a file and when they are, shape (n,) each; what was odd about their times."""

    rows: NDArray[np.int64]
    at_ns: NDArray[np.int64]
    odd: Counter[str]


def instants_of(
    cells: Sequence[str], *, time_format: str | None, zone: ZoneInfo, where: Callable[[int], str], key: str
) -> Instants:
    """Return the rows in the order of time; of several at one instant the last one. Raises as ``times_of`` does."""
    known = times_of(cells, time_format=time_format, zone=zone, where=where, key=key)
    return _in_order(known.rows, known.at_ns, known.odd)


def times_of(
    cells: Sequence[str], *, time_format: str | None, zone: ZoneInfo, where: Callable[[int], str], key: str
) -> Instants:
    """Return the time of each row that has one, in the order of the file.

    Raises LablineError with the first cell that is no time, and what to do.

    Args:
        cells: the column.
        time_format: one of NAMED_FORMATS, a pattern of strptime, or None: what the cells show by themselves.
        zone: of times that do not name theirs.
        where: the place of a cell, for the error's sentence.
        key: the table of the recipe, for its hint.
    """
    odd = Counter[str]()
    texts = [cell.strip() for cell in cells]
    kept = np.array([at for at, text in enumerate(texts) if text.lower() not in EMPTY], np.int64)
    _count(odd, "rows without a time", len(texts) - len(kept))
    if not len(kept):
        raise LablineError(f"{where(0)} and below: there is no time", hint=f"see {key} time_column")
    parse = _format_of([texts[at] for at in kept], time_format, key, where(int(kept[0])))
    times = []
    for at in kept.tolist():
        try:
            times.append(parse(texts[at]))
        except (ValueError, OverflowError) as error:
            raise LablineError(
                f'{where(at)}: "{texts[at][:40]}" is no time like the others',
                hint=f"mend the cell, or set {key} time_format",
            ) from error
    return Instants(rows=kept, at_ns=_utc(times, zone, odd), odd=odd)


def _count(odd: Counter[str], what: str, count: int) -> None:
    if count:
        odd[what] += count


def _utc(times: list[datetime], zone: ZoneInfo, odd: Counter[str]) -> NDArray[np.int64]:
    """Return the instants; a local hour that comes twice is told apart by the rows before it."""
    falling = sum(later < earlier for earlier, later in pairwise(times) if _comparable(earlier, later))
    backwards = falling > len(times) // 2
    instants = np.empty(len(times), np.int64)
    before: int | None = None
    for at in range(len(times) - 1, -1, -1) if backwards else range(len(times)):
        time, local = times[at], times[at].tzinfo is None
        if local:
            time = time.replace(tzinfo=zone)
            early, late = time.utcoffset(), time.replace(fold=1).utcoffset()
            ambiguous = early is not None and late is not None and early > late
            if early is not None and late is not None and early < late:
                odd["times in the hour that daylight saving skips"] += 1
            if ambiguous and before is not None and _ns(time) <= before < _ns(time.replace(fold=1)):
                time = time.replace(fold=1)
                odd["times in the second of two hours of the same name (end of daylight saving)"] += 1
        instants[at] = _ns(time)
        before = int(instants[at]) if before is None else max(before, int(instants[at]))
    return instants


def _comparable(one: datetime, other: datetime) -> bool:
    return (one.tzinfo is None) == (other.tzinfo is None)


def _ns(time: datetime) -> int:
    since = time.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def _in_order(rows: NDArray[np.int64], at_ns: NDArray[np.int64], odd: Counter[str]) -> Instants:
    """Return the rows by time; of several at one instant the last one in the file counts."""
    if np.sum(np.diff(at_ns) < 0) > len(at_ns) // 2:
        odd["the file begins with its newest row"] = 1
        back = int(np.sum(np.diff(at_ns) > 0))
    else:
        back = int(np.sum(np.diff(at_ns) < 0))
    _count(odd, "steps back in time, put in order", back)
    order = np.argsort(at_ns, kind="stable")
    rows, at_ns = rows[order], at_ns[order]
    last = np.append(np.diff(at_ns) != 0, True)
    _count(odd, "rows at the instant of a later line, which counts", int(np.sum(~last)))
    return Instants(rows=rows[last], at_ns=at_ns[last], odd=odd)


def _format_of(texts: list[str], time_format: str | None, key: str, where: str) -> _Parse:
    """Return what reads these texts; raises LablineError where that is not plain."""
    if time_format == "iso":
        return _iso
    if time_format in NAMED_FORMATS:
        return partial(_of_number, time_format=str(time_format))
    if time_format is not None:
        return lambda text: datetime.strptime(text, time_format)  # noqa: DTZ007 - its zone is the file's
    if all(map(_is_number, texts)):
        return partial(_of_number, time_format=_numbers_format(texts, key, where))
    if _reads(_iso, texts[0]):
        return _iso
    fitting = [day for day in _DATES if any(_reads(_dated(day), text) for text in texts[:1])]
    fitting = [day for day in fitting if all(_reads(_dated(day), text) for text in texts)] or fitting[:1]
    if not fitting:
        raise LablineError(
            f'{where}: "{texts[0][:40]}" is no time that is known by itself',
            hint=f'set {key} time_format, such as "%d.%m.%Y %H:%M:%S"',
        )
    if len(fitting) > 1:
        raise LablineError(
            f'{where}: "{texts[0][:40]}" may be {" or ".join(fitting)}',
            hint=f'set {key} time_format, such as "{fitting[0]} %H:%M"',
        )
    return _dated(fitting[0])


def _numbers_format(texts: list[str], key: str, where: str) -> str:
    largest = max(map(float, texts))
    for name, unit in _NUMBERS.items():
        if 1e8 <= largest * unit <= _LATEST_SECONDS:  # noqa: PLR2004 - 1973
            return name
    raise LablineError(
        f'{where}: "{texts[0][:40]}" may be seconds that have passed, days of a spreadsheet or something else',
        hint=f'set {key} time_format to "elapsed_seconds", "excel_days" or a pattern such as "%Y%m%d%H%M%S"',
    )


def _is_number(text: str) -> bool:
    return _reads(float, text)


def _reads(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix(" UTC") + ("Z" if text.endswith(" UTC") else ""))


def _of_number(text: str, *, time_format: str) -> datetime:
    """Return the time that a number is: since 1970, since the file's own beginning, or in days of a spreadsheet."""
    number = float(text)
    if not np.isfinite(number):
        raise ValueError(text)
    if time_format == "excel_days":
        return (_EXCEL_EPOCH + timedelta(seconds=round(number * 86_400, 3))).replace(tzinfo=None)
    if time_format == "elapsed_seconds":
        return datetime.fromtimestamp(BEGIN_NS // SECOND_NS, UTC) + timedelta(seconds=number)
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=number * _NUMBERS[time_format])


def _dated(day: str) -> _Parse:
    """Return what reads a date with any clock after it, or none: spreadsheets leave out midnight."""
    formats = [day + clock for clock in _CLOCKS]

    def parse(text: str) -> datetime:
        """Return the time of a cell, in the form of the cell before it first; raises ValueError."""
        for at, pattern in enumerate(formats):
            try:
                time = datetime.strptime(text, pattern)  # noqa: DTZ007 - its zone is the file's
            except ValueError:
                continue
            formats.insert(0, formats.pop(at))  # the next cell is likely of the same form
            return time
        raise ValueError(text)

    return parse
