"""Laboratory results over HTTP: a body is answered when all that it tells is committed."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.events import MessageRefused
from gateway.ingest.messages import Intake

TOPIC = "http/lims/results"


def taking(intake: Intake) -> Callable[[bytes], Awaitable[list[str]]]:
    """Return the function that takes a body, and returns, once all of it is committed, why what of it was refused."""

    async def take(body: bytes) -> list[str]:
        committed = asyncio.Event()
        events = intake.offer(TOPIC, body, session="webhook", committed=committed.set)
        await committed.wait()
        return [reason.text for event in events if isinstance(event, MessageRefused) for reason in event.reasons]

    return take
