"""What happens by the clock: models become due, timers run out."""

import asyncio
import math

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.events import ModelDue, TimerDue
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import ModelAssignment
from gateway.records.timers import Timer
from gateway.time_units import SECOND_NS

_FIRST_SECONDS = 1.0  # soon after the start, too


async def make_due(model: ModelAssignment, *, inbox: EventQueue, clock: Clock) -> None:
    """Make a model due at its pace; after a delay it goes on at its next instant, without catching up."""
    due = clock.monotonic()
    every = model.every_ns / SECOND_NS
    while True:
        at = clock.now()
        event = ModelDue(event_id=identity_of("model-due", model.name, at.wall_ns, at.boot_ns), at=at, model=model.name)
        inbox.put(event, Urgency.MODELS_AND_TIMERS)
        due += every * max(1, math.ceil((clock.monotonic() - due) / every))
        await asyncio.sleep(due - clock.monotonic())


async def run_timer(timer: Timer, *, inbox: EventQueue, clock: Clock) -> None:
    """Let a timer run out again and again."""
    await asyncio.sleep(min(_FIRST_SECONDS, timer.every_seconds))
    while True:
        at = clock.now()
        event = TimerDue(event_id=identity_of("timer", timer, at.wall_ns, at.boot_ns), at=at, timer=timer)
        inbox.put(event, Urgency.MODELS_AND_TIMERS)
        await asyncio.sleep(timer.every_seconds)
