"""The one place where guidance comes into being: whom it addresses, what it is about, how long it stands. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.contract.identity import identity_of
from gateway.deadlines import Deadline
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, Severity
from gateway.records.laboratory import Specification
from gateway.records.production import Context
from gateway.records.verdicts import Reason


class _Addressed(NamedTuple):
    severity: Severity
    role: str
    signature: bool


_ADDRESSED: Mapping[GuidanceKind, _Addressed] = {
    GuidanceKind.WARNING: _Addressed(Severity.WARNING, "operator", signature=False),
    GuidanceKind.SETPOINT: _Addressed(Severity.WARNING, "operator", signature=False),
    GuidanceKind.REVIEW: _Addressed(Severity.WARNING, "quality", signature=False),
    GuidanceKind.HOLD: _Addressed(Severity.CRITICAL, "quality", signature=True),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GuidanceSubject:
    """What guidance is about. ``name``: what tells it from others of its event, for its id."""

    name: tuple[str, ...]
    context: Context
    analyte: str | None
    specification: Specification | None


def new_guidance(
    kind: GuidanceKind,
    subject: GuidanceSubject,
    *,
    title: str,
    reasons: tuple[Reason, ...],
    event_id: str,
    issued_ns: int,
    expires: Deadline | None = None,
) -> Guidance:
    """Return proposed guidance of a kind; without ``expires`` it stands until people or results end it."""
    addressed, context = _ADDRESSED[kind], subject.context
    return Guidance(
        guidance_id=identity_of("guidance", event_id, *subject.name),
        kind=kind,
        state=GuidanceState.PROPOSED,
        severity=addressed.severity,
        title=title,
        reasons=reasons,
        issued_ns=issued_ns,
        expires=expires,
        announced_ns=issued_ns,
        material_lot_id=context.material_lot_id,
        job_order_id=context.job_order_id,
        material_definition_id=context.material_definition_id,
        equipment_id=context.equipment_id,
        client_id=context.client_id,
        analyte=subject.analyte,
        specification=subject.specification,
        role=addressed.role,
        signature=addressed.signature,
    )
