"""Memory that the process no longer uses, given back to the system.

glibc keeps what was freed for later use, in pieces between what is still in use: after a start, and after half an hour
of history was read, that is more than all that is in use.
"""

import ctypes
from contextlib import suppress


def give_back_unused() -> None:
    """Have the C library give free pages back (malloc_trim(3)); where it knows no such thing, nothing happens."""
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
