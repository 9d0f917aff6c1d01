"""What a person signs, in words: what each act that can be signed is about, and the facts for which it is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decisions.lot_decision import what_it_rests_on
from gateway.decisions.model_stage import evidence_of, stage_now
from gateway.facts.acts import PointOnRecord, SettlePointFacts, UserFacts
from gateway.facts.guidance import AnswerFacts
from gateway.people.second_person import ChangeOfUsers, is_confirmed
from gateway.records.act_kinds import ActKind
from gateway.records.acts import Act, AnswerGuidance, DecideLot, SettlePoint
from gateway.records.people import Act as GuidanceAct
from gateway.records.user_acts import ChangeUser


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """Of an act that can be signed: what it is about, what is done, and the facts for which it is asked.

    ``evidence``: what stood beside it when it was asked for: it is signed too, and may change while the act waits.
    ``needs``: whether this act of its kind needs signatures at all, where the policy asks for them. ``concerns``: the
    user whom it is about, who does not sign it.
    """

    subject: Callable[[Any], str]
    what: Callable[[Any], str]
    rests_on: Callable[[Any, Any], Mapping[str, Any]] = lambda _act, _facts: {}
    evidence: Callable[[Any, Any], Mapping[str, Any]] = lambda _act, _facts: {}
    needs: Callable[[Any, Any], bool] = lambda _act, _facts: True
    concerns: Callable[[Any], str | None] = lambda _act: None


def _decision_on(act: DecideLot) -> str:
    count = act.over_open_points
    over = f" over {count} open point{'' if count == 1 else 's'}" if count else ""
    return f"{act.verdict.value} of lot {act.material_lot_id}{over}"


def _of_point(act: SettlePoint, facts: SettlePointFacts) -> Mapping[str, Any]:
    known: PointOnRecord | None = next(
        (item for item in facts.open_points if item.point.point_id == act.point_id), None
    )
    if known is None:
        return {"point": None}
    return {"point": act.point_id, "code": known.point.code, "text": known.point.reason.text,
            "subject": known.about.subject}  # fmt: skip


def _of_move(_act: AnswerGuidance, facts: AnswerFacts) -> Mapping[str, Any]:
    guidance = facts.answered
    suggestion = None if guidance is None else guidance.suggestion
    if guidance is None or suggestion is None:
        return {"move": None}
    model = None if guidance.predicted is None else guidance.predicted.model
    return {
        "title": guidance.title, "tag": suggestion.tag, "current": suggestion.current,
        "proposed": suggestion.proposed, "unit": suggestion.unit,
        "model": None if model is None else f"{model.name} {model.version}",
    }  # fmt: skip


def _of_user(act: ChangeOfUsers, facts: UserFacts) -> Mapping[str, Any]:
    user = next((user for user in facts.users if user.user_id == act.user_id), None)
    if user is None:
        return {"user": None}
    return {"user": user.full_name, "roles": [role.value for role in user.roles], "account": user.os_user,
            "disabled": user.disabled}  # fmt: skip


def _confirmed(act: ChangeOfUsers, facts: UserFacts) -> bool:
    return is_confirmed(act, actor=facts.actor, users=facts.users, confirmers=facts.confirmers)


def _change_of(act: ChangeUser) -> str:
    changes = [] if act.roles is None else [f"roles: {', '.join(act.roles)}"]
    changes += [] if act.os_user is None else [f"account: {act.os_user or 'none'}"]
    changes += [] if act.disabled is None else ["disabled" if act.disabled else "enabled"]
    changes += [] if act.full_name is None else [f"name: {act.full_name}"]
    return f"user {act.user_id}: {'; '.join(changes)}"


WORDING: Mapping[ActKind, Wording] = {
    ActKind.DECIDE_LOT: Wording(
        subject=lambda act: act.material_lot_id,
        what=_decision_on,
        rests_on=what_it_rests_on,
    ),
    ActKind.CHANGE_STAGE: Wording(
        subject=lambda act: act.model,
        what=lambda act: f"{act.model} goes to stage {act.stage}",
        rests_on=stage_now,
        evidence=evidence_of,
    ),
    ActKind.SETTLE_POINT: Wording(
        subject=lambda act: act.material_lot_id,
        what=lambda act: f"point {act.point_id} of lot {act.material_lot_id} is settled",
        rests_on=_of_point,
    ),
    ActKind.ANSWER_GUIDANCE: Wording(
        subject=lambda act: act.guidance_id,
        what=lambda act: f"{act.answer.value} of guidance {act.guidance_id}",
        rests_on=_of_move,
        needs=lambda act, _facts: act.answer is GuidanceAct.APPROVE,
    ),
    ActKind.RESUME_WRITES: Wording(subject=lambda _act: "setpoints", what=lambda _act: "setpoints are written again"),
    ActKind.PROMOTE_MODEL: Wording(
        subject=lambda act: act.model, what=lambda act: f"{act.model} {act.version} is put into service"
    ),
    ActKind.ROLL_BACK_MODEL: Wording(
        subject=lambda act: act.model, what=lambda act: f"the newest promotion of {act.model} is taken back"
    ),
    ActKind.SIGN_BIASES: Wording(
        subject=lambda act: act.model, what=lambda act: f"corrections of {act.model} are put into force"
    ),
    ActKind.ADD_USER: Wording(
        subject=lambda act: act.user_id,
        what=lambda act: f"user {act.user_id} ({act.full_name}) with the roles: {', '.join(act.roles)}",
        rests_on=_of_user,
        needs=_confirmed,
        concerns=lambda act: act.user_id,
    ),
    ActKind.CHANGE_USER: Wording(
        subject=lambda act: act.user_id,
        what=_change_of,
        rests_on=_of_user,
        needs=_confirmed,
        concerns=lambda act: act.user_id,
    ),
    ActKind.ENROLL_KEY: Wording(
        subject=lambda act: act.user_id,
        what=lambda act: f"the key {act.public_key[:16]} of terminal {act.label} signs for {act.user_id}",
        rests_on=_of_user,
        needs=_confirmed,
        concerns=lambda act: act.user_id,
    ),
}


def subject_of(act: Act) -> str | None:
    """Return what an act that can be signed is about, None of one that never is."""
    wording = WORDING.get(act.kind)
    return None if wording is None else wording.subject(act)
