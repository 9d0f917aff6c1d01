"""Puts the gateway's own alarms on record: what stands for a few seconds is raised, what is over is returned.

Looking every few seconds is the on and the off delay of these alarms: what comes and goes in between is in the log.
That the process is outside what models have learned is looked up in their predictions, and stands for the on delay of
their warnings first. The models of one equipment raise one alarm.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection

import structlog

from gateway.advice.alarm_states import GATEWAY
from gateway.advice.gateway_alarms import GatewayAlarm, kind_of, outside_domain_of
from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.errors import StoreUnavailableError
from gateway.events import GatewayAlarmChanged
from gateway.guardrails.stages import effective_stage
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import ModelAssignment, Stage
from gateway.operations.health import Health
from gateway.store.queries.readers import Reader

log = structlog.get_logger()

EVERY_SECONDS = 5.0
_LOOKS_LEFT_ALONE = 6  # before what outlives the alarm below which it stood calls: half a minute after a reconnection


class AlarmWatch:
    """Compares what stands with what is on record."""

    def __init__(self, *, health: Health, reader: Reader, inbox: EventQueue, clock: Clock) -> None:
        self._health = health
        self._reader = reader
        self._inbox = inbox
        self._clock = clock
        self._outside = dict[str, str]()  # by model, the alarm that it has raised
        self._left_alone = Counter[str]()

    async def run(self) -> None:
        """Compare until cancelled; while the store cannot be read, nothing can be put on record either."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.compare()
            except StoreUnavailableError as error:
                log.debug("alarms cannot be put on record", error=str(error))

    async def compare(self) -> None:
        """Put each alarm on record that has come or gone."""
        await self._look_at_models()
        on_record = {alarm_id.removeprefix(f"{GATEWAY}/") for alarm_id in await self._reader.alarms.active_of_gateway()}
        latched = set(await self._reader.alarms.latches())
        standing = {*self._health.degraded(), *latched}
        self._changed(standing - on_record, stands=True, latched=lambda code: code in latched)
        self._changed(standing & await self._that_call_now(), stands=True, latched=lambda code: code in latched)
        self._changed(on_record - standing, stands=False, latched=lambda _code: False)

    async def _look_at_models(self) -> None:
        """Note where the process is outside what models have learned; one in shadow calls nobody."""
        now_ns = self._clock.now().wall_ns
        outside = {
            model.name: outside_domain_of(model.equipment_id)
            for model in self._health.line.models
            if await self._is_outside(model, now_ns)
        }
        before, self._outside = self._outside, outside
        for model, code in (before | outside).items():
            self._health.condition(code, outside.get(model) == code, of=model)

    async def _is_outside(self, model: ModelAssignment, now_ns: int) -> bool:
        if effective_stage(model, self._health.latches) < Stage.ADVISE:
            return False
        since_ns = await self._reader.models.outside_since_ns(model, now_ns)
        return since_ns is not None and now_ns - since_ns >= model.warnings.on_delay_ns

    async def _that_call_now(self) -> set[str]:
        """Return the codes of alarms that have stood for a while below one that no longer calls for them."""
        codes = {alarm_id.removeprefix(f"{GATEWAY}/") for alarm_id in await self._reader.alarms.left_alone()}
        self._left_alone = Counter({code: self._left_alone[code] + 1 for code in codes})
        return {code for code, looks in self._left_alone.items() if looks > _LOOKS_LEFT_ALONE}

    def _changed(self, codes: Collection[str], *, stands: bool, latched: Callable[[str], bool]) -> None:
        for code in sorted(codes, key=lambda code: (kind_of(code)[0] is not GatewayAlarm.SOURCE_DISCONNECTED, code)):
            at = self._clock.now()
            event_id = identity_of("gateway-alarm", code, stands, at.wall_ns, at.boot_ns)
            event = GatewayAlarmChanged(event_id=event_id, at=at, code=code, stands=stands, latched=latched(code))
            self._inbox.put(event, Urgency.MODELS_AND_TIMERS)
