"""Whether the kernel's clock is disciplined by NTP or PTP, as adjtimex(2) tells; nothing is changed."""

import ctypes
import os
import sys
from dataclasses import dataclass

_TIMEX_BYTES = 256  # larger than struct timex of any Linux
_ERROR_MICROSECONDS_AT, _STATUS_AT = 24, 40  # in struct timex where a long has 8 bytes
_UNSYNCHRONIZED, _TIME_ERROR = 0x40, 5


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockState:
    """Whether something keeps the clock right, and how wrong it may be at most."""

    synchronized: bool
    largest_error_seconds: float


def clock_state() -> ClockState | None:
    """Return the state of the kernel's clock; None where it cannot be had."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    timex = (ctypes.c_char * _TIMEX_BYTES)()
    try:
        returned = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
    except (OSError, AttributeError):
        return None
    if returned < 0:
        return None
    state = bytes(timex)
    error = int.from_bytes(state[_ERROR_MICROSECONDS_AT : _ERROR_MICROSECONDS_AT + 8], sys.byteorder, signed=True)
    status = int.from_bytes(state[_STATUS_AT : _STATUS_AT + 4], sys.byteorder)
    return ClockState(
        synchronized=returned != _TIME_ERROR and not status & _UNSYNCHRONIZED, largest_error_seconds=error / 1e6
    )


def in_container() -> bool:
    """Return whether this runs in a container, whose clock is the host's."""
    return os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")  # noqa: PTH110 - two fixed names
