"""Laboratory results over HTTP: a body is answered when all its results are committed."""

import asyncio
from dataclasses import dataclass, field

from gateway.contract.identity import sha256_hex
from gateway.events import MessageRefused, ResultArrived
from gateway.ingest.messages import Intake
from gateway.records.verdicts import Reason

TOPIC = "http/lims/results"
MOST_WAITING = 64


@dataclass(slots=True)
class _Waiting:
    refused: list[str]
    committed: asyncio.Event = field(default_factory=asyncio.Event)


class WebhookIntake:
    """Takes bodies; one that is posted again while it still waits joins the one that waits."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._waiting: dict[str, _Waiting] = {}

    async def take(self, body: bytes) -> list[str] | None:
        """Return, once all of a body is committed, why what of it was refused; None where too much waits already."""
        key = sha256_hex(body)
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= MOST_WAITING:
                return None
            waiting = self._waiting[key] = _Waiting(refused=[])
            events = self._intake.offer(TOPIC, body, session="webhook", committed=lambda: self._settled(key))
            waiting.refused += [reason.text for event in events for reason in _not_understood(event)]
        await waiting.committed.wait()
        return waiting.refused

    def _settled(self, key: str) -> None:
        self._waiting.pop(key).committed.set()


def _not_understood(event: object) -> tuple[Reason, ...]:
    """Return why a message, or something in it, was not understood."""
    match event:
        case MessageRefused(reasons=reasons):
            return reasons
        case ResultArrived(result=result):
            return result.unread
        case _:
            return ()
