"""What was published and is not settled yet: in the order of sending, with the broker's answers."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.operations.traces import NO_TRACES, Traces
from gateway.store.outbox import Queued


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was passed to the broker, and when, on the monotonic clock."""

    message: Queued
    since: float


class InFlight:
    """Messages that the broker has still to acknowledge, or whose acknowledgement has still to be committed."""

    def __init__(self, clock: Clock, traces: Traces = NO_TRACES) -> None:
        self._clock = clock
        self._traces = traces
        self._sent: dict[int, Sent] = {}
        self._answers: dict[int, int | None] = {}
        self.answered_at = 0.0  # when the last acknowledgement came
        self.answered = asyncio.Event()

    def __len__(self) -> int:
        return len(self._sent)

    def __contains__(self, seq: object) -> bool:
        return seq in self._sent

    def message(self, seq: int) -> Queued:
        """Return a message that is in flight."""
        return self._sent[seq].message

    def add(self, message: Queued, outcome: "asyncio.Future[int]") -> None:
        """Note that a message was published; ``outcome``: the broker's reason code."""
        self._sent[message.seq] = Sent(message, self._clock.monotonic())
        outcome.add_done_callback(lambda answer: self._answered(message, answer))

    def _answered(self, message: Queued, answer: "asyncio.Future[int]") -> None:
        lost = answer.cancelled() or answer.exception() is not None
        code = self._answers[message.seq] = None if lost else answer.result()
        self._traces.answered(message.message_id, code)
        if not lost:
            self.answered_at = self._clock.monotonic()
        self.answered.set()

    def answers(self) -> dict[int, int | None]:
        """Return the reason codes that have come, by message; None where the connection went before."""
        return dict(self._answers)

    def forget(self, seqs: Collection[int]) -> None:
        """Forget messages that are settled."""
        for seq in seqs:
            self._answers.pop(seq, None)
            self._sent.pop(seq, None)

    def waits_longer_than(self, seconds: float) -> bool:
        """Return whether the oldest message has had no answer for so long; one that the store settles has one."""
        oldest = next(iter(self._sent.values()), None)
        if oldest is None or oldest.message.seq in self._answers:
            return False
        return self._clock.monotonic() - oldest.since > seconds
