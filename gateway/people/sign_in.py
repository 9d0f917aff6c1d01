"""How wrong passwords slow the next attempt down, when they are reported, and when they lock. Pure.

They count by user and by the address that they come from, and are on record, so that a restart begins nothing again.
Guesses of a stranger must not keep a user out: where the user has signed in before, only wrong passwords from there
count. Everywhere else all of these places count together, too: they slow down, and after a hundred they lock
(NIST SP 800-63B, 5.2.2). Long before, people are called (21 CFR 11.300 d).
"""

from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, refused
from gateway.records.users import SignInCounted
from gateway.time_units import SECOND_NS, seconds_to_ns

FREE_FAILURES = 3  # in a row, without a delay: people mistype
SLOWED_AFTER = 20  # of all places together from where the user has not signed in yet
REPORTED_EVERY = 10
LOCKED_AFTER = 100  # in a row; then an administrator sets a new password
_LONGEST_DELAY_SECONDS, _LONGEST_SLOW_SECONDS = 900.0, 60.0
_LARGEST_EXPONENT = 20


def is_locked(here: SignInCounted, elsewhere: SignInCounted) -> bool:
    """Return whether a user can no longer sign in from an address.

    Args:
        here: the count of this address.
        elsewhere: the count of all addresses together from where the user has not signed in yet.
    """
    return (here if here.known else elsewhere).failures >= LOCKED_AFTER


def next_attempt_ns(here: SignInCounted, elsewhere: SignInCounted) -> int:
    """Return from when on (UTC ns) another attempt from an address is looked at.

    The delay doubles with each failure from there from the third, up to a quarter of an hour; with each from anywhere
    from the twentieth, up to a minute.
    """
    own_ns = _after(here, free=FREE_FAILURES, longest_seconds=_LONGEST_DELAY_SECONDS)
    if here.known:
        return own_ns
    return max(own_ns, _after(elsewhere, free=SLOWED_AFTER, longest_seconds=_LONGEST_SLOW_SECONDS))


def _after(counted: SignInCounted, *, free: int, longest_seconds: float) -> int:
    if counted.last_failed_ns is None or counted.failures < free:
        return 0
    delay = min(2.0 ** min(counted.failures - free, _LARGEST_EXPONENT), longest_seconds)
    return counted.last_failed_ns + seconds_to_ns(delay)


def is_to_be_reported(here: SignInCounted, elsewhere: SignInCounted) -> bool:
    """Return whether people are called after another wrong password: after ten, and again after ten more."""
    counts = (here,) if here.known else (here, elsewhere)
    return any(counted.failures and not counted.failures % REPORTED_EVERY for counted in counts)


def refused_before_checking(here: SignInCounted, elsewhere: SignInCounted, *, now_ns: int) -> Answer | None:
    """Return why a password is not even looked at, None where it is.

    A disabled user's is looked at like any other's: neither the time nor the record of it says who is disabled.
    """
    if is_locked(here, elsewhere):
        return refused(ActRefusal.USER_LOCKED, user=here.user_id)
    wait_ns = next_attempt_ns(here, elsewhere) - now_ns
    if wait_ns > 0:
        return refused(ActRefusal.WAIT_AFTER_WRONG_PASSWORDS, seconds=-(-wait_ns // SECOND_NS))
    return None
