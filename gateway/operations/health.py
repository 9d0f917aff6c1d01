"""How the gateway is, as one object that parts tell and that ``status`` is made from."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from gateway import __version__
from gateway.contract.payloads.status import StatusFigures, StatusPayload, status_payload
from gateway.guardrails.stages import effective_stage
from gateway.line.definition import LineDefinition
from gateway.records.outgoing import Lane
from gateway.store.queries.readers import Depths

log = structlog.get_logger()

_TELL_AGAIN_SECONDS = 300.0
_MOST_TAGS_TOLD = 50
_LONGEST_REASON = 300


@dataclass(slots=True)
class Health:
    """States of sources and sessions, and the alarms that stand."""

    line: LineDefinition
    on_change: Callable[[], None] = lambda: None
    sources: dict[str, bool] = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)
    latches: frozenset[str] = frozenset()
    skew_seconds: dict[str, float] = field(default_factory=dict)
    disk: dict[str, float] = field(default_factory=dict)
    source_reasons: dict[str, str] = field(default_factory=dict)  # of sources that are not connected
    tag_reasons: dict[str, dict[str, str]] = field(default_factory=dict)  # by source: tags of no use
    started_up: bool = False  # so that it takes in, decides and sends
    alarm_counts: dict[str, float] = field(default_factory=dict)  # of those on record
    history_fetch: dict[str, dict[str, float]] = field(default_factory=dict)  # by source, at its first connection
    monotonic: Callable[[], float] = time.monotonic
    _logged_at: dict[str, float] = field(default_factory=dict)
    _quiet: set[str] = field(default_factory=set)  # raised again so soon that it is detail
    _raised_by: dict[str, set[str]] = field(default_factory=dict)
    _latches_known: bool = False

    def take_line(self, line: LineDefinition) -> None:
        """Speak of this line's models from now on."""
        self.line = line
        self.on_change()

    def source(self, name: str, connected: bool) -> None:  # noqa: FBT001 - a state, told by callbacks
        """Note whether a source is connected."""
        self.sources[name] = connected
        if connected:
            self.source_reasons.pop(name, None)
        self.on_change()

    def source_reason(self, name: str, why: str) -> None:
        """Note why a source is not connected."""
        if self.source_reasons.get(name) != why:
            self.source_reasons[name] = why
            self.on_change()

    def tags(self, source: str, reasons: Mapping[str, str]) -> None:
        """Note which tags of a source cannot be used, and why."""
        if self.tag_reasons.get(source, {}) != reasons:
            self.tag_reasons[source] = dict(reasons)
            self.on_change()

    def history_fetched(self, source: str, figures: Mapping[str, float]) -> None:
        """Note how much of a source's own history has been fetched; the next status says it."""
        self.history_fetch[source] = dict(figures)

    def alarm(self, code: str) -> None:
        """Raise an alarm that stands until the gateway restarts."""
        self.condition(code, True)

    def condition(self, code: str, stands: bool, *, of: str = "") -> None:  # noqa: FBT001 - a state, told by callbacks
        """Note whether an alarm stands; where several may raise it (``of``), it stands until none of them does."""
        raised_by = self._raised_by.setdefault(code, set())
        (raised_by.add if stands else raised_by.discard)(of)
        stands = bool(raised_by)
        if stands == (code in self.alarms):
            return
        (self.alarms.add if stands else self.alarms.discard)(code)
        self._log(code, stands=stands)
        self.on_change()

    def _log(self, code: str, *, stands: bool) -> None:
        """Log that an alarm stands or is over; one that comes and goes is a line every few minutes, else detail."""
        now = self.monotonic()
        if stands and now - self._logged_at.get(code, -math.inf) >= _TELL_AGAIN_SECONDS:
            self._logged_at[code] = now
            self._quiet.discard(code)
            log.error("alarm", code=code)
        elif stands:
            self._quiet.add(code)
            log.debug("alarm again", code=code)
        else:
            (log.debug if code in self._quiet else log.info)("alarm is over", code=code)

    def latched(self, codes: Iterable[str]) -> None:
        """Note which alarms stand until a person takes them down; what stands from an earlier run is logged once.

        An alarm that latches later is logged with the decision that latches it (``plant_log``).
        """
        codes = tuple(codes)
        if not self._latches_known and codes:
            log.error("alarms stand until a person takes them down", codes=sorted(codes))
        self._latches_known = True
        if self.latches != frozenset(codes):
            self.latches = frozenset(codes)
            self.on_change()

    def skew(self, source: str, seconds: float) -> None:
        """Note how far a source's clock is ahead of ours."""
        self.skew_seconds[source] = round(seconds, 3)

    def clock_in_doubt(self) -> bool:
        """Return whether a source's clock and ours are too far apart, whichever of them is wrong."""
        return any(code.startswith("CLOCK_SKEW_") for code in self.alarms)

    def store(self, failure: str | None) -> None:
        """Note that the store fails, or works again."""
        self.condition("STORE_UNAVAILABLE", failure is not None)

    def degraded(self) -> tuple[str, ...]:
        """Return what is not as it should be."""
        lost = [f"SOURCE_{name.upper()}_DISCONNECTED" for name, up in sorted(self.sources.items()) if not up]
        return (*sorted(self.alarms | self.latches), *lost)

    def _shown_tag_reasons(self) -> dict[str, str]:
        """Return the tags that cannot be used, as many as a message that is sent all the time may name."""
        every = {tag: reason for reasons in self.tag_reasons.values() for tag, reason in reasons.items()}
        return {tag: every[tag][:_LONGEST_REASON] for tag in sorted(every)[:_MOST_TAGS_TOLD]}

    def status(self, *, at_ns: int, depths: Depths, models: Mapping[str, Mapping[str, float]]) -> StatusPayload:
        """Return the status to publish."""
        buffer: dict[str, float] = {lane.name.lower(): depths.messages.get(lane, 0) for lane in Lane}
        buffer |= {"parked": depths.parked, "oldest_seconds": round(depths.oldest_seconds(at_ns), 3)}
        figures = StatusFigures(
            stage={model.name: effective_stage(model, self.latches).name.lower() for model in self.line.models},
            sources={name: "connected" if up else "disconnected" for name, up in self.sources.items()},
            buffer=buffer,
            degraded=self.degraded(),
            models=models,
            clock_skew_seconds=self.skew_seconds,
            source_reasons={name: reason[:_LONGEST_REASON] for name, reason in sorted(self.source_reasons.items())},
            tag_reasons=self._shown_tag_reasons(),
            alarms=self.alarm_counts,
            disk=self.disk,
            history_fetch=self.history_fetch,
        )
        return status_payload(line=self.line.path, at_ns=at_ns, online=True, version=__version__, figures=figures)
