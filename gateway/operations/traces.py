"""What traces hear of a result, from its arrival to the last message that follows from it. Without a library.

A part tells ``Traces`` what happens; where the configuration has no traces that is ``NO_TRACES``, which hears nothing.
"""

import re
from typing import Protocol

from gateway.decision import Decision
from gateway.events import Event

_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
Parent = tuple[int, int, int]
"""Trace, span and flags of who has sent a message."""


def parent_of(traceparent: str | None) -> Parent | None:
    """Return what a traceparent says (W3C Trace Context, 3.2), None where there is none that can be understood."""
    form = _FORM.fullmatch(traceparent or "")
    return None if form is None else (int(form[1], 16), int(form[2], 16), int(form[3], 16))


class Traces(Protocol):
    """What hears of results and their messages; every call returns at once."""

    def arrived(self, event: Event, traceparent: str | None) -> None:
        """Note that an event has come in; ``traceparent``: of its message."""
        ...

    def begun(self, event: Event) -> None:
        """Note that an event is decided now."""
        ...

    def decided(self, event: Event, decision: Decision) -> None:
        """Note that a decision is committed."""
        ...

    def traceparent_of(self, message_id: str) -> str | None:
        """Return what a message that is sent now carries."""
        ...

    def answered(self, message_id: str, code: int | None) -> None:
        """Note the broker's answer to a message; None: the connection went before, and it is sent again."""
        ...


class _NoTraces:
    """Hears nothing."""

    def arrived(self, event: Event, traceparent: str | None) -> None:
        """Do nothing."""

    def begun(self, event: Event) -> None:
        """Do nothing."""

    def decided(self, event: Event, decision: Decision) -> None:
        """Do nothing."""

    def traceparent_of(self, message_id: str) -> str | None:
        """Return nothing."""

    def answered(self, message_id: str, code: int | None) -> None:
        """Do nothing."""


NO_TRACES: Traces = _NoTraces()
