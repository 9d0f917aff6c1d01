"""How a wrong password slows the next attempt down, and when a user is locked. Pure.

The counts are per user and on record, so that neither another address nor a restart begins them again.
"""

from gateway.records.acts import Answer, refused
from gateway.records.users import SignInCounted
from gateway.time_units import SECOND_NS, seconds_to_ns

FREE_FAILURES = 3  # in a row, without a delay: people mistype
LOCKED_AFTER = 10  # in a row; then an administrator sets a new password
_LONGEST_DELAY_SECONDS = 900.0


def is_locked(failures: int) -> bool:
    """Return whether a user who failed so often in a row is locked."""
    return failures >= LOCKED_AFTER


def next_attempt_ns(failures: int, last_failed_ns: int | None) -> int:
    """Return from when on (UTC ns) another attempt is looked at: the delay doubles with each failure from the third."""
    if last_failed_ns is None or failures < FREE_FAILURES:
        return 0
    delay = min(2.0 ** (failures - FREE_FAILURES), _LONGEST_DELAY_SECONDS)
    return last_failed_ns + seconds_to_ns(delay)


def refused_before_checking(counted: SignInCounted, *, now_ns: int) -> Answer | None:
    """Return why a password is not even looked at, None where it is.

    A disabled user's is looked at like any other's: neither the time nor the record of it says who is disabled.
    """
    if is_locked(counted.failures):
        return refused(
            f"{counted.user_id} is locked after {counted.failures} wrong passwords in a row",
            hint="an administrator unlocks it (labline user unlock), or sets a new password",
        )
    wait_ns = next_attempt_ns(counted.failures, counted.last_failed_ns) - now_ns
    if wait_ns > 0:
        return refused(
            f"wrong passwords before: the next attempt is in {-(-wait_ns // SECOND_NS)} s", hint="wait, then try again"
        )
    return None


WRONG = refused("user or password is wrong", hint="after some wrong ones in a row the next attempt has to wait")
