"""Instants and lengths of time as people at the plant say them. Pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.lab.deviations import Deviation
from gateway.texts.catalogue import number_in_text
from gateway.time_units import SECOND_NS

_MINUTE, _HOUR = 60, 3600


def zone_of(deviation: Deviation) -> ZoneInfo:
    """Return the plant's time zone; UTC where this machine does not know it."""
    try:
        return ZoneInfo(deviation.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def instant(at_ns: int, zone: ZoneInfo) -> str:
    """Return ``2026-03-02 09:14:07 +01:00``: the plant's clock with its offset."""
    local = datetime.fromtimestamp(at_ns // SECOND_NS, zone).isoformat(sep=" ")
    return f"{local[:19]} {local[19:]}"


def day_of(at_ns: int, zone: ZoneInfo) -> date:
    """Return the day of an instant, by the plant's clock."""
    return datetime.fromtimestamp(at_ns // SECOND_NS, zone).date()


def duration(length_ns: int) -> str:
    """Return a length of time as people say it: ``45 s``, ``52 min``, ``7.5 h``."""
    seconds = length_ns / SECOND_NS
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return number_in_text(f"{seconds / _HOUR:.1f} h")
