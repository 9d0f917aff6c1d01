"""What commands read from the running gateway by the control socket: the tags as they are now, and its status."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.contract.payloads.status import StatusPayload
from gateway.contract.readings import LiveTag, LiveTags, ReadingKind, quality_word, reading_asked
from gateway.contract.times import rfc3339
from gateway.history.tag_history import History
from gateway.history.windows import TagWindow, WindowRequest
from gateway.line.definition import TagDefinition
from gateway.operations.health import Health
from gateway.time_units import SECOND_NS

_TAGS_AT_ONCE = 50

AnswersLine = Callable[[bytes, int], Awaitable[bytes]]


@dataclass(frozen=True, kw_only=True)
class LiveValues:
    """Answers what is read, and leaves every other line to what takes acts."""

    history: History
    health: Health
    clock: Clock
    status: Callable[[], Awaitable[StatusPayload]]
    acts: AnswersLine

    async def answer(self, line: bytes, account: int) -> bytes:
        """Return the answer to a line as one line; ``account``: the number of the operating system's user."""
        match reading_asked(line):
            case ReadingKind.TAGS:
                return (await self.tags()).model_dump_json(by_alias=True).encode() + b"\n"
            case ReadingKind.STATUS:
                return (await self.status()).encoded() + b"\n"
        return await self.acts(line, account)

    async def tags(self) -> LiveTags:
        """Return every tag as it is at this instant; others get their turn now and then while it is put together."""
        now_ns = self.clock.now_ns()
        problems = {tag: why for reasons in self.health.tag_reasons.values() for tag, why in reasons.items()}
        shown = []
        for number, tag in enumerate(tuple(self.health.line.tags.values()), start=1):
            window = self.history.window(WindowRequest(tag=tag.name, start_ns=now_ns, end_ns=now_ns))
            problem = problems.get(tag.name, "") or self.health.source_reasons.get(tag.source, "")
            shown.append(live_tag(tag, window, problem=problem))
            if number % _TAGS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return LiveTags(
            line=self.health.line.path,
            at=rfc3339(now_ns),
            by="gateway",
            tags=shown,
        )


def live_tag(tag: TagDefinition, window: TagWindow, *, problem: str) -> LiveTag:
    """Return a tag as it is at a window's end."""
    known = len(window) > 0
    value = float(window.values[-1]) if known else math.nan
    status = int(window.statuses[-1]) if known else None
    held_ns = int(window.held_ns[-1]) if known else 0
    age_ns = max(window.end_ns - max(held_ns, window.confirmed_ns), 0)
    return LiveTag(
        tag=tag.name,
        source=tag.source,
        node=tag.node,
        equipment=tag.equipment_id,
        unit=tag.unit,
        value=value if math.isfinite(value) else None,
        quality=quality_word(status),
        status=status,
        held_at=rfc3339(held_ns) if known else None,
        age_seconds=age_ns / SECOND_NS if known else None,
        max_age_seconds=tag.max_age_ns / SECOND_NS,
        validated=None if tag.validated is None else (float(tag.validated[0]), float(tag.validated[1])),
        accept_uncertain=tag.accept_uncertain,
        problem=problem,
    )
