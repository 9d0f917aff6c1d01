"""Quality closes a deviation: with its conclusion and a signature, once its actions are done, or none is needed. Pure.

What ICH Q10 (3.2.2) and 21 CFR 211.192 ask for: conclusion and follow-up in writing, and that it was looked at whether
the actions were effective. Where that is too early to say the closing names the day on which it is looked
at; from that day on the check is recorded by closing it again, with the effect as it is then, or another day.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from gateway.advice.deviation_message import News
from gateway.advice.plant_times import day_of
from gateway.advice.publication import deviation_message
from gateway.contract.lims.names import normalised
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.decisions.follow_ups import follow_ups_of_certificates
from gateway.events import ActRequested
from gateway.facts.deviation_closing import CloseDeviationFacts
from gateway.lab.deviations import Deviation
from gateway.lab.effectiveness import ActionOnRecord, Effectiveness
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, CloseDeviation, damaged, done, refused
from gateway.records.deviation_states import ActionJudged, DeviationClosed
from gateway.records.signatures import Signed

_NAMED = 3
_LONGEST_REASON = 2000


def what_is_closed(act: CloseDeviation, facts: CloseDeviationFacts) -> Mapping[str, Any]:
    """Return what is signed of a deviation: its version with its results, and what was done."""
    known = facts.deviation
    if known is None:
        return {"deviation": act.deviation_id, "version": None}
    return {
        "deviation": known.deviation_id,
        "version": known.version,
        "lot": known.result.material_lot_id,
        "results": [[item.result_id, item.test_id, item.value_text] for item in known.results],
        "actions": [[item.action.action_id, item.action.action, item.done_by] for item in facts.actions],
        "no_action": act.no_action,
        "check_by": act.check_by,
    }


def how_actions_did(_act: CloseDeviation, facts: CloseDeviationFacts) -> Mapping[str, Any]:
    """Return how each action did when the closing was asked for; lots that are made meanwhile change it."""
    return {item.action.action_id: [item.effect.effectiveness.value, item.effect.since.failed_lots,
                                    item.effect.since.lots] for item in facts.actions}  # fmt: skip


def on_close_deviation(event: ActRequested, facts: CloseDeviationFacts) -> Decision:
    """Close the newest version of a deviation."""
    act, known = event.act, facts.deviation
    if not isinstance(act, CloseDeviation):
        raise TypeError(f"{act.kind} is no CloseDeviation")
    refusal = _not_closed(act, facts, day_of(event.at_ns, facts.line.time_zone))
    if refusal is not None or known is None:
        return Decision(answer=refusal)
    if event.signed is None:
        raise TypeError("a closing is signed")  # the least number of signatures says so
    if not event.signed.signatures:  # its author does not sign: it waits
        return Decision(answer=done())
    closed = _closed(act, event, event.signed, known, facts)
    entry = audit_entry("deviation_closed", known.deviation_id, scope=known.result.scope, version=known.version,
                        lot=closed.material_lot_id, actions=[item.action_id for item in closed.actions],
                        no_action=closed.no_action, check_by=closed.check_by, signature_id=closed.signature_id,
                        person=event.person, reason=event.reason)  # fmt: skip
    news = News(closed=closed, actions=facts.actions)
    return Decision(
        records=(closed,),
        audit=(entry,),
        messages=(deviation_message(known, line=facts.line, cause=event.event_id, at_ns=event.at_ns, news=news),),
        follow_ups=follow_ups_of_certificates(closed.material_lot_id, facts.line, ended_ns=0),
        answer=done(deviation=known.deviation_id, version=known.version),
    )


def _closed(
    act: CloseDeviation, event: ActRequested, signed: Signed, known: Deviation, facts: CloseDeviationFacts
) -> DeviationClosed:
    last = signed.signatures[-1]
    return DeviationClosed(
        deviation_id=known.deviation_id,
        version=known.version,
        material_lot_id=known.result.material_lot_id,
        conclusion=event.reason,
        no_action=normalised(act.no_action) or "",
        check_by=act.check_by,
        actions=tuple(_judged(item) for item in facts.actions),
        record_id=signed.record.record_id,
        printed_name=last.printed_name,
        role=last.role,
        meaning=last.meaning,
        signature_id=last.signature_id,
        signed_by=tuple(signature.printed_name for signature in signed.signatures),
        at_ns=event.at_ns,
    )


def _not_closed(act: CloseDeviation, facts: CloseDeviationFacts, today: date) -> Answer | None:
    """Return why a deviation is not closed, None where it may be."""
    known = facts.deviation
    if facts.not_holding:
        table, _, key = facts.not_holding[0].partition(" ")
        return damaged(table=table, key=key)
    if known is None:
        return refused(ActRefusal.NO_SUCH_DEVIATION_ON_RECORD, deviation=act.deviation_id)
    if facts.closed is not None and not facts.closed.is_to_check(today.isoformat()):
        return refused(ActRefusal.DEVIATION_CLOSED_ALREADY, person=facts.closed.printed_name)
    if known.version != act.version:
        return refused(ActRefusal.DEVIATION_CHANGED, version=known.version)
    by_actions = _by_actions(act, facts.actions) if facts.actions else _without_action(act)
    return by_actions or _by_day(act, today)


def _without_action(act: CloseDeviation) -> Answer | None:
    if not normalised(act.no_action):
        return refused(ActRefusal.DEVIATION_WITHOUT_ACTION)
    if act.check_by is not None:
        return refused(ActRefusal.NO_EFFECT_TO_CHECK)
    if len(act.no_action) > _LONGEST_REASON:
        return refused(ActRefusal.ACTION_TOO_LONG, most=_LONGEST_REASON)
    return None


def _by_actions(act: CloseDeviation, actions: tuple[ActionOnRecord, ...]) -> Answer | None:
    """Return what is still to be done, or looked at: of the action that was done last, as it may mend the others."""
    if normalised(act.no_action):
        return refused(ActRefusal.DEVIATION_HAS_ACTIONS, count=len(actions))
    waiting = [item.action.action for item in actions if item.done_ns is None]
    if waiting:
        return refused(ActRefusal.DEVIATION_ACTIONS_OPEN, count=len(waiting), actions="; ".join(waiting[:_NAMED]))
    last = max(actions, key=lambda item: item.done_ns or 0)
    since = last.effect.since
    if last.effect.effectiveness is Effectiveness.NOT_EFFECTIVE:
        return refused(ActRefusal.ACTION_DID_NOT_HELP, action=last.action.action, failed=since.failed_lots,
                       lots=since.lots)  # fmt: skip
    if last.effect.effectiveness is Effectiveness.TOO_EARLY and act.check_by is None:
        return refused(ActRefusal.EFFECT_NOT_KNOWN_YET, action=last.action.action, count=since.lots)
    return None


def _by_day(act: CloseDeviation, today: date) -> Answer | None:
    """Return what is wrong with the day on which the effect is looked at; ``today``: at the plant."""
    if act.check_by is None:
        return None
    if not is_day(act.check_by):
        return refused(ActRefusal.ACTION_DUE_IS_NO_DAY, due=act.check_by)
    if date.fromisoformat(act.check_by) < today:
        return refused(ActRefusal.CHECK_DAY_IS_PAST, day=act.check_by)
    return None


def is_day(text: str) -> bool:
    """Return whether a text is a day of ISO 8601."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _judged(item: ActionOnRecord) -> ActionJudged:
    since, before = item.effect.since, item.effect.before
    return ActionJudged(
        action_id=item.action.action_id,
        kind=item.action.kind,
        action=item.action.action,
        owner=item.action.owner,
        done_by=item.done_by or "",
        done_ns=item.done_ns or 0,
        effectiveness=item.effect.effectiveness.value,
        failed_lots=since.failed_lots,
        lots=since.lots,
        failed_lots_before=before.failed_lots,
        lots_before=before.lots,
    )
