"""Times at the border: RFC 3339 text outside, int64 nanoseconds UTC inside."""

from datetime import UTC, datetime

_NS = 1_000_000_000
_MS = 1_000_000
_EARLIEST_NS = 0  # 1970: nothing in a plant's records is older
_LATEST_NS = 9_000_000_000 * _NS  # 2255: still an int64 with room to add durations


def rfc3339(at_ns: int) -> str:
    """Return ``2026-03-02T08:14:07.120Z``: UTC with milliseconds, as every payload carries it."""
    seconds, rest = divmod(at_ns, _NS)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest // _MS:03d}Z"


def parse_rfc3339(text: str) -> int:
    """Return nanoseconds UTC; raises ValueError with a sentence where the text is no time with a zone."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError("has no time zone; add Z or an offset such as +02:00")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    at_ns = (delta.days * 86_400 + delta.seconds) * _NS + delta.microseconds * 1_000
    if not _EARLIEST_NS <= at_ns <= _LATEST_NS:
        raise ValueError("lies outside the years 1970 to 2255")
    return at_ns
