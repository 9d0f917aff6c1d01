"""The gateway's status."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from gateway.contract.payloads.parts import Payload, Written
from gateway.contract.times import rfc3339
from gateway.contract.words import StageWord


class StatusPayload(Payload):
    """``status``: how the gateway is; the broker publishes the offline one when it has gone."""

    online: bool
    version: str
    stage: dict[str, StageWord] = Field(description="by model, the stage that counts now")
    sources: dict[str, str]
    buffer: dict[str, Written]
    degraded: list[str]
    models: dict[str, dict[str, Written]]
    clock_skew_seconds: dict[str, Written] = {}  # noqa: RUF012 - pydantic copies it
    disk: dict[str, Written] = {}  # noqa: RUF012 - pydantic copies it
    source_reasons: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    tag_reasons: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    alarms: dict[str, Written] = Field(
        default={}, description="how many are active, unacknowledged, kept from calling; how many called in 10 minutes"
    )
    history_fetch: dict[str, dict[str, Written]] = Field(
        default={}, description="by server, how much of its own history has been fetched: the share, from 0 to 1"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusFigures:
    """What the status of a running gateway says of its parts; a gateway that has gone says none of it."""

    stage: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    buffer: Mapping[str, float] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    models: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    clock_skew_seconds: Mapping[str, float] = field(default_factory=dict)
    disk: Mapping[str, float] = field(default_factory=dict)
    source_reasons: Mapping[str, str] = field(default_factory=dict)
    tag_reasons: Mapping[str, str] = field(default_factory=dict)
    alarms: Mapping[str, float] = field(default_factory=dict)
    history_fetch: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


_NONE = StatusFigures()


def status_payload(
    *, line: str, at_ns: int, online: bool, version: str, figures: StatusFigures = _NONE
) -> StatusPayload:
    """Return the payload of a status; offline needs no more than line, time and version."""
    return StatusPayload(
        schema="labline.status/1",
        id="status",
        cause=None,
        issued_at=rfc3339(at_ns),
        line=line,
        online=online,
        version=version,
        stage=dict(figures.stage),
        sources=dict(figures.sources),
        buffer=dict(figures.buffer),
        degraded=list(figures.degraded),
        models={name: dict(of_model) for name, of_model in figures.models.items()},
        clock_skew_seconds=dict(figures.clock_skew_seconds),
        disk=dict(figures.disk),
        source_reasons=dict(figures.source_reasons),
        tag_reasons=dict(figures.tag_reasons),
        alarms=dict(figures.alarms),
        history_fetch={name: dict(of_source) for name, of_source in figures.history_fetch.items()},
    )
