"""The gateway's status."""

from collections.abc import Mapping

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


def status_payload(
    *,
    line: str,
    at_ns: int,
    online: bool,
    version: str,
    stage: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
    buffer: Mapping[str, float] | None = None,
    degraded: tuple[str, ...] = (),
    models: Mapping[str, Mapping[str, float]] | None = None,
    clock_skew_seconds: Mapping[str, float] | None = None,
    disk: Mapping[str, float] | None = None,
    source_reasons: Mapping[str, str] | None = None,
    tag_reasons: Mapping[str, str] | None = None,
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
        stage=dict(stage or {}),
        sources=dict(sources or {}),
        buffer=dict(buffer or {}),
        degraded=list(degraded),
        models={name: dict(figures) for name, figures in (models or {}).items()},
        clock_skew_seconds=dict(clock_skew_seconds or {}),
        disk=dict(disk or {}),
        source_reasons=dict(source_reasons or {}),
        tag_reasons=dict(tag_reasons or {}),
    )
