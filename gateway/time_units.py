"""Nanoseconds, in which all times inside are counted."""

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS


def seconds_to_ns(seconds: float) -> int:
    """Return a duration in whole nanoseconds."""
    return round(seconds * SECOND_NS)
