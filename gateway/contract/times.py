"""Times at the border: RFC 3339 text outside, int64 nanoseconds UTC inside."""

import re
from datetime import UTC, date, datetime
from enum import StrEnum

from gateway.contract.lims.names import normalised

_SEPARATED = re.compile(r"[\dW-]+[Tt ]\d")
_NS = 1_000_000_000
_MS = 1_000_000
_EARLIEST_NS = 0  # 1970: nothing in a plant's records is older
_FORM = "it must be written like 2026-03-02T08:14:07Z or 2026-03-02T08:14:07+01:00"
_LATEST_NS = 9_000_000_000 * _NS  # 2255: still an int64 with room to add durations


class TimeProblem(StrEnum):
    """Why a text is no time; codes of texts in the group ``refusal``."""

    NO_ZONE = "TIME_WITHOUT_ZONE"
    OUTSIDE_YEARS = "TIME_OUTSIDE_YEARS"
    DATE_ONLY = "TIME_IS_DATE"
    FORM = "TIME_FORM"


class NotATimeError(ValueError):
    """A text is no time with a zone. The message is for commands; ``problem`` and ``text`` are for the catalogue."""

    def __init__(self, problem: TimeProblem, message: str, *, text: str = "") -> None:
        super().__init__(message)
        self.problem = problem
        self.text = text


def rfc3339(at_ns: int) -> str:
    """Return ``2026-03-02T08:14:07.120Z``: UTC with milliseconds, as every payload carries it."""
    seconds, rest = divmod(at_ns, _NS)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest // _MS:03d}Z"


def is_date(text: str) -> bool:
    """Return whether a text is a date without a time, such as 2026-03-02, 20260302 or 2026-W10-1: no instant."""
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def parse_rfc3339(text: str) -> int:
    """Return nanoseconds UTC; raises NotATimeError where the text is no time with a zone."""
    moment = local_time(text)
    if moment.tzinfo is None:
        raise NotATimeError(TimeProblem.NO_ZONE, "it has no time zone; add Z or an offset such as +02:00")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    at_ns = (delta.days * 86_400 + delta.seconds) * _NS + delta.microseconds * 1_000
    if not _EARLIEST_NS <= at_ns <= _LATEST_NS:
        raise NotATimeError(TimeProblem.OUTSIDE_YEARS, "it lies outside the years 1970 to 2255")
    return at_ns


def local_time(text: str) -> datetime:
    """Return a date with a time, with a zone where the text has one; raises NotATimeError."""
    text = normalised(text).upper()
    if is_date(text):
        raise NotATimeError(TimeProblem.DATE_ONLY, f"{text} is a date without a time", text=text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotATimeError(TimeProblem.FORM, _FORM) from error
    if _SEPARATED.match(text) is None:  # 2026-03-02+01:00 is a date with a zone, not one o'clock
        raise NotATimeError(TimeProblem.FORM, _FORM)
    return moment
