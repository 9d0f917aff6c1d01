"""Instants as sentences show them: of the plant's time zone. Pure."""

from datetime import datetime

from gateway.copilot.ground import Ground
from gateway.time_units import SECOND_NS


def shown_time(ground: Ground, at_ns: int) -> str:
    """Return an instant to the minute."""
    at = datetime.fromtimestamp(at_ns / SECOND_NS, tz=ground.line.time_zone)
    return at.strftime("%d.%m.%Y %H:%M" if ground.language == "de" else "%d %b %Y %H:%M")
