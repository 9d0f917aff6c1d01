"""What must not leave: expired, damaged, too large, refused by the second check, parked for a person to look at.

Each is taken out of the outbox with a record of why; a message that the broker refuses is kept there, parked.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.guardrails.setpoint_gates import may_suggest, refused_suggestions
from gateway.line.definition import LineDefinition
from gateway.records.outgoing import Lane
from gateway.records.verdicts import Reason
from gateway.store.outbox import Left, Queued, departed, parked
from gateway.store.queries.readers import Reader
from gateway.store.told_releases import STORE_HAS_FORGOTTEN, Untold, may_let_go, why_untold
from gateway.transport.mqtt import MqttSession

log = structlog.get_logger()

_HEADROOM_BYTES = 256  # of a packet, for its header and properties


class SendingListener(Protocol):
    """What hears of the drain."""

    def progress(self) -> None:
        """Note that the drain gets on."""
        ...

    def alarm(self, code: str) -> None:
        """Note a message that was withheld, that does not match its hash, or that the broker refused."""
        ...

    def withheld(self, message_id: str, refused: Mapping[str, Reason]) -> None:
        """Note which message the second check kept back, and of which guidance in it, by id, why."""
        ...


class HoldingBack:
    """Looks at each message once more before it leaves."""

    def __init__(
        self,
        *,
        session: MqttSession,
        reader: Reader,
        writer: Writer,
        line: LineDefinition,
        present: Callable[[str], float | None],
        clock: Clock,
        listener: SendingListener,
    ) -> None:
        """``present`` gives a tag's value at this instant, or None."""
        self._session = session
        self._reader = reader
        self._writer = writer
        self._line = line
        self._present = present
        self._clock = clock
        self._listener = listener

    def take_line(self, line: LineDefinition) -> None:
        """Check what leaves by this definition from now on."""
        self._line = line

    async def holds(self, message: Queued) -> bool:
        """Return whether a message stays: it is parked, or taken out with a record of why."""
        if len(message.payload) + len(message.topic) + _HEADROOM_BYTES > self._session.largest_packet_bytes:
            await self.park(message, f"its {len(message.payload)} bytes are more than the broker takes")
            return True
        if not message.holds:
            self._listener.alarm("EVIDENCE_DAMAGED")
            log.critical("a message does not match its hash; it is not sent", topic=message.topic, seq=message.seq)
            await self._writer.run(parked(message.seq, "it does not match the hash it was written with"))
            return True
        if message.expires is not None and self._clock.now().is_past(message.expires):
            await self._take_out(message, Left.EXPIRED)
            return True
        if may_let_go(message) and await self._is_untold(message):
            return True
        refused = await self._refused(message)
        if refused:
            await self._withhold(message, refused)
        return bool(refused)

    async def _is_untold(self, message: Queued) -> bool:
        """Return whether it stays: it has been overtaken, or the store was put back from a backup since."""
        why = await self._writer.run(lambda store: why_untold(store, message))
        if why is Untold.OVERTAKEN:
            log.warning("a release that was overtaken is not sent", topic=message.topic, message=message.message_id)
            await self._take_out(message, Left.SUPERSEDED)
        elif why is Untold.FORGOTTEN:
            await self.park(message, STORE_HAS_FORGOTTEN)
        return why is not None

    async def _refused(self, message: Queued) -> Mapping[str, Reason]:
        """Return by guidance why the second check refuses a message, by the alarms that stand at this moment."""
        if message.lane is not Lane.GUIDANCE and not may_suggest(message.payload):
            return {}
        latches = await self._reader.alarms.latches()
        return refused_suggestions(message.payload, self._line, self._present, latches)

    async def _withhold(self, message: Queued, refused: Mapping[str, Reason]) -> None:
        reasons = [reason.text for reason in refused.values()]
        if message.lane is Lane.GUIDANCE and not message.again:
            log.critical(
                "guidance withheld by the second check",
                topic=message.topic,
                message=message.message_id,
                reasons=reasons,
            )
            self._listener.alarm("GUIDANCE_WITHHELD")
        else:  # it was told before, and the plant or the alarms have gone on since: no alarm
            log.warning(
                "withheld by the second check", topic=message.topic, message=message.message_id, reasons=reasons
            )
        await self._take_out(message, Left.WITHHELD)
        self._listener.withheld(message.message_id, refused)

    async def _take_out(self, message: Queued, reason: Left) -> None:
        await self._writer.run(departed([message.seq], reason, at_ns=self._clock.now_ns()))

    async def park(self, message: Queued, reason: str) -> None:
        """Keep a message out of the way until a person has looked at it."""
        log.error(
            "a message is parked", topic=message.topic, reason=reason, message=message.message_id, seq=message.seq
        )
        self._listener.alarm("PUBLISH_REFUSED")
        await self._writer.run(parked(message.seq, reason))
