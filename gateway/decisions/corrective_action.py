"""Corrective and preventive actions: put on record against a deviation's failure, and done."""

from collections.abc import Mapping
from typing import Any

from gateway.contract.identity import identity_of
from gateway.contract.lims.names import normalised
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.decisions.deviation_closing import is_day
from gateway.events import ActRequested
from gateway.facts.corrective_action import CompleteActionFacts, RecordActionFacts
from gateway.lab.deviations import DeviationInShort
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, CompleteAction, RecordAction, damaged, done, refused
from gateway.records.corrective_actions import ActionDone, ActionKind, ActionRecorded

LONGEST_ACTION, LONGEST_OWNER = 2000, 200


def on_record_action(event: ActRequested, facts: RecordActionFacts) -> Decision:
    """Put an action on record; it is against the failure of its deviation."""
    act = event.act
    if not isinstance(act, RecordAction):
        raise TypeError(f"{act.kind} is no RecordAction")
    refusal = _refusal(act, facts)
    if refusal is not None or facts.deviation is None:
        return Decision(answer=refusal)
    action = _action(event, act, facts.deviation)
    entry = audit_entry(
        "action_recorded", action.action_id, scope=action.scope, deviation=action.deviation_id,
        action_kind=action.kind.value, action=action.action, owner=action.owner, due=action.due,
        lot=action.material_lot_id, person=event.person, reason=event.reason,
    )  # fmt: skip
    return Decision(records=(action,), audit=(entry,), answer=done(action_id=action.action_id))


def on_complete_action(event: ActRequested, facts: CompleteActionFacts) -> Decision:
    """Note that an action was done."""
    act = event.act
    if not isinstance(act, CompleteAction):
        raise TypeError(f"{act.kind} is no CompleteAction")
    if not facts.holds:
        return Decision(answer=damaged(table="corrective_action", key=act.action_id))
    if facts.action is None:
        return Decision(answer=refused(ActRefusal.NO_SUCH_ACTION, action=act.action_id))
    if facts.done:
        return Decision(answer=refused(ActRefusal.ACTION_DONE_ALREADY, action=act.action_id))
    completed = ActionDone(action_id=act.action_id, at_ns=event.at_ns, person=event.person, note=event.reason)
    entry = audit_entry("action_done", act.action_id, scope=facts.action.scope, deviation=facts.action.deviation_id,
                        person=event.person, reason=event.reason)  # fmt: skip
    return Decision(records=(completed,), audit=(entry,), answer=done(action_id=act.action_id))


def what_was_to_be_done(act: CompleteAction, facts: CompleteActionFacts) -> Mapping[str, Any]:
    """Return what is signed of an action that was done."""
    action = facts.action
    if action is None:
        return {"action": act.action_id, "what": None}
    return {"action": act.action_id, "what": action.action, "owner": action.owner, "deviation": action.deviation_id}


def _refusal(act: RecordAction, facts: RecordActionFacts) -> Answer | None:
    if not facts.holds:
        return damaged(table="deviation", key=act.deviation_id)
    if facts.deviation is None:
        return refused(ActRefusal.NO_SUCH_DEVIATION_ON_RECORD, deviation=act.deviation_id)
    if not normalised(act.action) or not normalised(act.owner):
        return refused(ActRefusal.ACTION_NOT_STATED)
    if len(act.action) > LONGEST_ACTION or len(act.owner) > LONGEST_OWNER:
        return refused(ActRefusal.ACTION_TOO_LONG, most=LONGEST_ACTION)
    if act.due is not None and not is_day(act.due):
        return refused(ActRefusal.ACTION_DUE_IS_NO_DAY, due=act.due)
    return None


def _action(event: ActRequested, act: RecordAction, deviation: DeviationInShort) -> ActionRecorded:
    result = deviation.result
    return ActionRecorded(
        action_id=identity_of("corrective-action", event.event_id),
        deviation_id=deviation.deviation_id,
        kind=ActionKind(act.action_kind),
        action=normalised(act.action) or "",
        owner=normalised(act.owner) or "",
        due=act.due,
        at_ns=event.at_ns,
        person=event.person,
        product=result.material_definition_id,
        analyte=result.analyte,
        failures=tuple(dict.fromkeys(reason.code for reason in deviation.reasons)),
        equipment_id=deviation.equipment_id,
        material_lot_id=result.material_lot_id,
        client_id=result.client_id,
        study_id=result.study_id,
    )
