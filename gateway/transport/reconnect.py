"""Reconnection as a state machine: the one owner of when to try again, for OPC UA and MQTT alike.

    AWAY --attempt--> CONNECTING --connected--> PROVING --proven--> UP
      ^                   |                        |                 |
      +------ failed -----+-------- failed --------+---- failed -----+

A connection is proven by what it is for (data, granted subscriptions), not by its socket; the delays start again from
the first only once it has been up for a while, so that a server which accepts and drops us is not hammered. Within
the first minute of an outage the delays stay short, as most outages are short; after that they grow to the cap. Jitter
keeps many gateways from knocking on one server in step.

Transitions are logged here: a warning when an outage begins and when its reason is another one, debug while it lasts,
information when it is over.
"""

import random
from collections.abc import Mapping
from enum import StrEnum

import structlog

from gateway.clock import Clock

log = structlog.get_logger()

FIRST_SECONDS = 0.25
LONGEST_IN_FIRST_MINUTE_SECONDS = 2.5
LONGEST_SECONDS = 20.0
FIRST_MINUTE_SECONDS = 75.0
STABLE_SECONDS = 5.0
SHORT_LIFE_SECONDS = 10.0
SHORT_LIVES_UNTIL_UNSTABLE = 3
MOST_REASONS_LOGGED = 8  # as warnings, in one outage


class State(StrEnum):
    """Where a connection stands."""

    AWAY = "away"
    CONNECTING = "connecting"
    PROVING = "proving"
    UP = "up"


_FOLLOWS: Mapping[State, frozenset[State]] = {
    State.AWAY: frozenset({State.CONNECTING}),
    State.CONNECTING: frozenset({State.PROVING, State.AWAY}),
    State.PROVING: frozenset({State.UP, State.AWAY}),
    State.UP: frozenset({State.AWAY}),
}


class Reconnection:
    """The state of one connection, and when to try again."""

    def __init__(self, name: str, *, clock: Clock) -> None:
        self.state = State.AWAY
        self.attempts = 0
        self.short_lives = 0  # connections in a row that served, and were lost soon after
        self._name = name
        self._clock = clock
        self._away_since = clock.monotonic()
        self._up_since: float | None = None
        self._reasons_logged: set[str] = set()  # of this outage

    def attempt(self) -> None:
        """Begin to connect."""
        self._go(State.CONNECTING)
        self.attempts += 1

    def connected(self) -> None:
        """Note that the other side has accepted; whether it serves is still to be shown."""
        self._go(State.PROVING)

    def proven(self) -> None:
        """Note that it serves."""
        self._go(State.UP)
        self._up_since = self._clock.monotonic()
        away_seconds = round(self._up_since - self._away_since, 1)
        log.info("connection up", connection=self._name, attempts=self.attempts, away_seconds=away_seconds)

    def failed(self, why: str) -> float:
        """Note that it failed, for whatever reason; return how many seconds to wait before the next attempt."""
        now = self._clock.monotonic()
        if self._up_since is not None:
            life_seconds = now - self._up_since
            self.short_lives = self.short_lives + 1 if life_seconds < SHORT_LIFE_SECONDS else 0
            if life_seconds >= STABLE_SECONDS:  # else it counts as never up: two that take it from each other slow down
                self.attempts, self._away_since, self._reasons_logged = 0, now, set()
            log.warning("connection lost", connection=self._name, reason=why)
        else:
            news = why not in self._reasons_logged and len(self._reasons_logged) < MOST_REASONS_LOGGED
            self._reasons_logged.add(why)
            level = log.warning if self.attempts <= 1 or news else log.debug
            level("connection failed", connection=self._name, reason=why, attempts=self.attempts)
        self._up_since = None
        self._go(State.AWAY)
        return self._delay(away_seconds=now - self._away_since)

    @property
    def unstable(self) -> bool:
        """Return whether connections come up and are lost again and again: another client may have our name."""
        return self.short_lives >= SHORT_LIVES_UNTIL_UNSTABLE

    def _delay(self, *, away_seconds: float) -> float:
        longest = LONGEST_SECONDS if away_seconds > FIRST_MINUTE_SECONDS else LONGEST_IN_FIRST_MINUTE_SECONDS
        ceiling = min(longest, FIRST_SECONDS * 2.0 ** min(self.attempts, 16))
        return float(ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def _go(self, after: State) -> None:
        if after not in _FOLLOWS[self.state]:
            raise RuntimeError(f"{self._name}: {after} cannot follow {self.state}")
        self.state = after
