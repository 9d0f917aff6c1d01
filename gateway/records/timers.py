"""What is due by the clock, and how often."""

from enum import StrEnum
from typing import Self


class Timer(StrEnum):
    """What the gateway does by the clock, and every how many seconds."""

    every_seconds: float

    FOLLOW_SETPOINTS = "follow_setpoints", 15.0
    EXPIRE_GUIDANCE = "expire_guidance", 1.0
    END_SHELVES = "end_shelves", 5.0
    SUPPRESS_ALARMS = "suppress_alarms", 5.0
    REFRESH_BOARD = "refresh_board", 30.0
    SIGN_HEAD = "sign_head", 15.0

    def __new__(cls, name: str, every_seconds: float) -> Self:
        """Make a timer of its name, which is stored, and its period."""
        timer = str.__new__(cls, name)
        timer._value_ = name
        timer.every_seconds = every_seconds
        return timer
