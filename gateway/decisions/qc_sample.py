"""A control sample of the laboratory: of no lot; it says whether results of lots can be trusted. Pure."""

from dataclasses import replace

from gateway.contract.identity import identity_of
from gateway.contract.payloads.control import ControlPayload
from gateway.contract.payloads.parts import ReasonPart
from gateway.contract.publications import CONTROL
from gateway.contract.times import rfc3339
from gateway.decision import ControlJudged, Decision, ResultAccepted
from gateway.decisions.result_assessment import FINAL, numbered
from gateway.events import ResultArrived
from gateway.facts.lab_result import QcSampleFacts, ResultHistory
from gateway.lab.result_versions import is_newer
from gateway.lab.units import converted
from gateway.lab.westgard import ControlPoint, ControlRule, control_rules_broken
from gateway.line.spc_rules import ControlMaterial
from gateway.records.laboratory import LabResult
from gateway.records.outgoing import AuditEntry, OutgoingMessage
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text

UNKNOWN_CONTROL = "CONTROL_UNKNOWN"


def on_control(event: ResultArrived, facts: QcSampleFacts) -> Decision:
    """Return what follows from a control: its record, and whether it rejects what is measured until the next good one.

    A control that the configuration does not know, or without a validated number, is kept and judged by nobody.
    """
    result, material = _identified(event, facts)
    newest = is_newer(result, facts.history.current)
    point, rules = _judged(event, result, material, facts) if newest and material is not None else (None, ())
    decided = _recorded(result, point, rules, facts, newest=newest)
    if point is None or material is None:
        return decided
    return decided + Decision(messages=(_message(event, facts, material, point, _reasons(rules, result, point)),))


def _identified(event: ResultArrived, facts: QcSampleFacts) -> tuple[LabResult, ControlMaterial | None]:
    """Return (the result with its version and without a lot, its control material); an unknown material is flagged."""
    result = numbered(event, facts.history, facts.context, ())
    result = replace(result, material_lot_id=None, other_lots=())
    material = _material(result, facts)
    if material is None:
        result = replace(result, flags=(*result.flags, UNKNOWN_CONTROL))
    return result, material


def _judged(
    event: ResultArrived, result: LabResult, material: ControlMaterial, facts: QcSampleFacts
) -> tuple[ControlPoint | None, tuple[ControlRule, ...]]:
    """Return (the control in standard deviations from its mean, the rules that it breaks); None without a number."""
    point = _point(event, result, material)
    if point is None:
        return None, ()
    rules = control_rules_broken(point, facts.controls)
    return replace(point, rejected=any(rule.rejects for rule in rules)), rules


def _recorded(
    result: LabResult,
    point: ControlPoint | None,
    rules: tuple[ControlRule, ...],
    facts: QcSampleFacts,
    *,
    newest: bool,
) -> Decision:
    """Put a control on record, with the later controls whose judgement changes by it."""
    current = facts.history.current
    supersedes = current.result_id if current is not None and newest else None
    accepted = ResultAccepted(
        result=result,
        supersedes=supersedes,
        current=supersedes is not None or current is None,
        lots=None,
    )
    body = {
        "sample_id": result.sample_id, "control_id": result.control_id, "result_version": result.result_version,
        "deviations": None if point is None else point.deviations, "rules": [rule.name for rule in rules],
        "rejected": point is not None and point.rejected, "supersedes": supersedes,
    }  # fmt: skip
    judged = (ControlJudged(point=point, withdrawn=supersedes), *_judged_again(point, facts)) if newest else ()
    return Decision(
        records=(accepted, *judged),
        audit=(AuditEntry(kind="control_judged", subject=result.result_id, body=body),),
    )


def _message(
    event: ResultArrived,
    facts: QcSampleFacts,
    material: ControlMaterial,
    point: ControlPoint,
    reasons: tuple[Reason, ...],
) -> OutgoingMessage:
    """Return the message of a control; of a rejected one with the lots measured since the last that was in line."""
    result, line, message_id = event.result, facts.line, identity_of("control", event.event_id)
    payload = ControlPayload(
        schema="labline.control/1",
        id=message_id,
        cause=event.event_id,
        issued_at=rfc3339(event.at_ns),
        line=line.path,
        sample_id=result.sample_id,
        test_id=result.test_id,
        analyte=material.analyte,
        control_id=material.name,
        instrument_id=point.instrument_id,
        run_id=point.run_id,
        value=result.value,
        unit=result.unit,
        mean=material.mean,
        standard_deviation=material.standard_deviation,
        control_unit=material.unit,
        deviations=point.deviations,
        rejected=point.rejected,
        reasons=ReasonPart.of(reasons),
        lots_measured_since_last_good=_listed(facts.measured_since) if point.rejected else [],
    )
    return CONTROL.message(message_id, CONTROL.topic_of(line.topic_root, material.analyte), payload)


def _listed(lots: tuple[str, ...] | None) -> list[str] | None:
    return None if lots is None else list(lots)


def _material(result: LabResult, facts: QcSampleFacts) -> ControlMaterial | None:
    key = (result.control_id, result.analyte)
    return next((material for material in facts.line.controls if (material.name, material.analyte) == key), None)


def _point(event: ResultArrived, result: LabResult, material: ControlMaterial) -> ControlPoint | None:
    if result.value is None or result.status not in FINAL:
        return None
    value = converted(result.value, result.unit, material.unit)
    if value is None:
        return None
    return ControlPoint(
        result_id=result.result_id,
        material=material.name,
        analyte=material.analyte,
        instrument_id=result.instrument_id,
        run_id=result.run_id,
        at_ns=event.measured_ns,
        arrived_ns=event.at_ns,
        deviations=(value - material.mean) / material.standard_deviation,
    )


def _judged_again(point: ControlPoint | None, facts: QcSampleFacts) -> tuple[ControlJudged, ...]:
    """Return the controls measured after this one whose judgement changes: rules look back over several."""
    before, changed = [*facts.controls, *([] if point is None else [point])], []
    for later in facts.later_controls:
        rejected = any(rule.rejects for rule in control_rules_broken(later, before))
        again = replace(later, rejected=rejected)
        before.append(again)
        if rejected != later.rejected:
            changed.append(ControlJudged(point=again, withdrawn=None))
    return tuple(changed)


def no_control_any_more(history: ResultHistory) -> Decision:
    """Withdraw a control from the controls where a correction says that the sample was none."""
    current = history.current
    if current is None or current.control_id is None:
        return Decision()
    return Decision(records=(ControlJudged(point=None, withdrawn=current.result_id),))


def _reasons(rules: tuple[ControlRule, ...], result: LabResult, point: ControlPoint) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            code=rule.value,
            parameters={"analyte": result.analyte, "deviations": point.deviations},
            text=text(
                "control_rule",
                rule.value,
                test=result.test_id,
                material=point.material,
                deviations=point.deviations,
            ),
        )
        for rule in rules
    )
