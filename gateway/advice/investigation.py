"""What follows a decision later: what a lot was made by, and the draft of a deviation. Pure."""

from gateway.advice.publication import deviation_message
from gateway.contract.identity import identity_of
from gateway.definitions import LineDefinition
from gateway.events import Decision, FollowUp, FollowUpDue, FollowUpKind, Situation
from gateway.history.windows import WindowRequest
from gateway.lab.deviations import Deviation, Fingerprint, causes_of, fingerprint, nearest, relatives, spread_of, traces
from gateway.lab.disposition import TREND_FLAGS, judge_result
from gateway.lab.procedures import instructions_for
from gateway.records import SECOND_NS, AuditEntry, LabResult

LONGEST_NS = 8 * 3600 * SECOND_NS  # of a process window
_USUAL_NS = 3600 * SECOND_NS  # where nobody says when the lot was begun


def windows_of_follow_up(follow_up: FollowUp, line: LineDefinition) -> tuple[WindowRequest, ...]:
    """Return the stretches of the equipment's tags that a follow-up looks at."""
    return tuple(
        WindowRequest(tag=tag.name, start_ns=follow_up.from_ns, end_ns=follow_up.until_ns)
        for tag in line.tags.values()
        if follow_up.equipment_id is not None and tag.equipment_id == follow_up.equipment_id
    )


def follow_up_of_lot(lot: str, equipment_id: str | None, *, started_ns: int | None, ended_ns: int) -> FollowUp:
    """Return the follow-up of a lot that has ended."""
    return FollowUp(
        kind=FollowUpKind.FINGERPRINT,
        subject=lot,
        equipment_id=equipment_id,
        from_ns=_from_ns(started_ns, ended_ns),
        until_ns=ended_ns,
    )


def follow_up_of_result(
    result: LabResult, equipment_id: str | None, *, started_ns: int | None, until_ns: int
) -> FollowUp:
    """Return the follow-up of a result that failed."""
    return FollowUp(
        kind=FollowUpKind.DEVIATION,
        subject=result.result_id,
        equipment_id=equipment_id,
        from_ns=_from_ns(started_ns, until_ns),
        until_ns=until_ns,
    )


def _from_ns(started_ns: int | None, until_ns: int) -> int:
    begun = until_ns - _USUAL_NS if started_ns is None or started_ns >= until_ns else started_ns
    return max(begun, until_ns - LONGEST_NS)


def on_fingerprint(event: FollowUpDue, situation: Situation) -> Decision:
    """Return the record of what a lot was made by."""
    return Decision(records=(_fingerprint(event, situation, event.follow_up.subject),))


def _fingerprint(event: FollowUpDue, situation: Situation, lot: str) -> Fingerprint:
    wanted = event.follow_up
    return fingerprint(
        lot,
        product=situation.context.material_definition_id,
        equipment_id=wanted.equipment_id,
        windows=situation.windows.values(),
        uses=[use for use in situation.investigation.uses if use.material_lot_id == lot],
        zone=situation.line.time_zone,
        from_ns=wanted.from_ns,
        until_ns=wanted.until_ns,
    )


def on_deviation(event: FollowUpDue, situation: Situation) -> Decision:
    """Return the draft of a deviation as a record, an audit line and a message; nothing where its result is gone."""
    known, line = situation.investigation, situation.line
    result = known.result
    if result is None:
        return Decision()
    own = _fingerprint(event, situation, result.material_lot_id or result.sample_id)
    in_force = situation.in_force(
        result.analyte,
        event.follow_up.until_ns,
        product=result.material_definition_id,
        client_id=result.client_id,
    )
    trends = tuple(each for each in known.reasons if each.code in TREND_FLAGS)  # with the figures of that time
    reasons = judge_result(result, in_force, trends).reasons
    deviation = Deviation(
        deviation_id=identity_of("deviation", event.event_id),
        at_ns=event.at_ns,
        result=result,
        reasons=reasons,
        specification=next(iter(in_force), result.specification),
        equipment_id=event.follow_up.equipment_id,
        timeline=known.timeline,
        process=traces(situation.windows.values(), known.references, line.tags),
        history=known.history,
        causes=causes_of([own, *known.alike], known.references, line.tags, sensitivities=known.sensitivities),
        similar=nearest(
            own, ((each.deviation, each.done, each.helped) for each in known.earlier), spread_of(known.references)
        ),
        affected_lots=() if result.material_lot_id is None else relatives(result.material_lot_id, known.uses),
        instructions=instructions_for(
            line.procedures,
            analyte=result.analyte,
            product=result.material_definition_id,
            failures=[reason.code for reason in reasons],
            equipment=event.follow_up.equipment_id,
        ),
        fingerprint=own,
        compared_with=len(known.references),
        affected=1 + len(known.alike),
        gaps=situation.gaps,
    )
    told = AuditEntry(
        kind="deviation_drafted",
        subject=deviation.deviation_id,
        body={"result": result.result_id, "lot": result.material_lot_id,
              "causes": [each.name for each in deviation.causes]},
    )  # fmt: skip
    message = deviation_message(deviation, line=line, cause=event.event_id, at_ns=event.at_ns)
    recorded = (deviation,) if result.material_lot_id is None else (deviation, own)
    return Decision(records=recorded, audit=(told,), messages=(message,))
