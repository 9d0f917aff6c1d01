"""Attempts to sign in: counted of each address and of all together, so that nobody can guess for long."""

from gateway.console.application import counted_rate
from gateway.console.asked import Asked
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.transport.http_entrance import Rate

_PER_SECOND_OF_ADDRESS, _AT_ONCE_OF_ADDRESS = 0.2, 10
_PER_SECOND, _AT_ONCE = 1.0, 30


class Attempts:
    """Counts attempts to sign in."""

    def __init__(self) -> None:
        self._rate = Rate(per_second=_PER_SECOND, at_once=_AT_ONCE)
        self._rates: dict[str, Rate] = {}

    def count(self, asked: Asked) -> None:
        """Raise where an address, or all of them together, try too often."""
        if not (self._rate_of(asked).takes() and self._rate.takes()):
            raise RefusedError(429, RequestRefusal.TOO_MANY_SIGN_INS)

    def succeeded(self, asked: Asked) -> None:
        """Do not count an attempt that was right: many people may work behind one address."""
        self._rate_of(asked).give_back()
        self._rate.give_back()

    def _rate_of(self, asked: Asked) -> Rate:
        return counted_rate(self._rates, asked.origin, per_second=_PER_SECOND_OF_ADDRESS, at_once=_AT_ONCE_OF_ADDRESS)
