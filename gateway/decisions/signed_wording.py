"""What a person signs, in words: what each act that can be signed is about, and the facts for which it is asked."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.contract.certificates import number_of
from gateway.contract.signed_records import request_in
from gateway.decisions.certificate_acts import certificate_as_shown
from gateway.decisions.corrective_action import what_was_to_be_done
from gateway.decisions.deviation_closing import how_actions_did, what_is_closed
from gateway.decisions.lot_decision import what_it_rests_on
from gateway.decisions.model_stage import evidence_of, stage_now
from gateway.decisions.review import what_was_looked_at
from gateway.facts.acts import PointOnRecord, SettlePointFacts, UserFacts
from gateway.facts.guidance import AnswerFacts
from gateway.line.definition import Stage
from gateway.people.second_person import ChangeOfUsers, is_confirmed
from gateway.records.act_kinds import ActKind
from gateway.records.acts import Act, AnswerGuidance, DecideLot, SettlePoint
from gateway.records.lot_decisions import Verdict
from gateway.records.people import Act as GuidanceAct
from gateway.records.signatures import SignedRecord
from gateway.records.user_acts import ChangeUser
from gateway.records.users import Role
from gateway.texts.catalogue import text


class SignedText(StrEnum):
    """The group ``signed_act``: what is signed, in the plant's language, as it is kept with the signature."""

    DECISION = "DECISION"
    APPROVAL = "APPROVAL"
    REJECTED_BY = "REJECTED_BY"
    RELEASE = "RELEASE"
    RELEASE_REST = "RELEASE_REST"
    REJECT = "REJECT"
    HOLD = "HOLD"
    RELEASE_PART = "RELEASE_PART"
    REJECT_PART = "REJECT_PART"
    HOLD_PART = "HOLD_PART"
    REVIEW = "REVIEW"
    OVER = "OVER"
    STAGE = "STAGE"
    POINT = "POINT"
    GUIDANCE = "GUIDANCE"
    WRITES = "WRITES"
    PROMOTED = "PROMOTED"
    ROLLED_BACK = "ROLLED_BACK"
    CORRECTIONS = "CORRECTIONS"
    USER_ADDED = "USER_ADDED"
    USER_CHANGED = "USER_CHANGED"
    ROLES = "ROLES"
    ACCOUNT = "ACCOUNT"
    NO_ACCOUNT = "NO_ACCOUNT"
    DISABLED = "DISABLED"
    ENABLED = "ENABLED"
    NAME = "NAME"
    KEY = "KEY"
    CERTIFICATE = "CERTIFICATE"
    CERTIFICATE_WITHDRAWN = "CERTIFICATE_WITHDRAWN"
    DEVIATION_CLOSED = "DEVIATION_CLOSED"
    ACTION_DONE = "ACTION_DONE"


def in_words(code: SignedText, **parameters: Any) -> str:
    """Return a text about what is signed."""
    return text("signed_act", code, **parameters)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """Of an act that can be signed: what it is about, what is done, and the facts for which it is asked.

    ``evidence``: what stood beside it when it was asked for: it is signed too, and may change while the act waits.
    ``by_record``: what is done, where that follows from the act and the facts that are signed with it.
    ``needs``: whether this act of its kind needs signatures at all, where the policy asks for them. ``concerns``: the
    user whom it is about, who does not sign it.
    """

    subject: Callable[[Any], str]
    what: Callable[[Any], str]
    rests_on: Callable[[Any, Any], Mapping[str, Any]] = lambda _act, _facts: {}
    evidence: Callable[[Any, Any], Mapping[str, Any]] = lambda _act, _facts: {}
    needs: Callable[[Any, Any], bool] = lambda _act, _facts: True
    concerns: Callable[[Any], str | None] = lambda _act: None
    by_record: Callable[[Any, Mapping[str, Any]], str] | None = None


def what_is_done(record: SignedRecord) -> str:
    """Return what an act on record does, in the words that each signature's meaning has."""
    act, wording = request_in(record).act, WORDING.get(ActKind(record.kind))
    if wording is None:
        return f"{record.kind} {record.subject}"
    if wording.by_record is None:
        return wording.what(act)
    return wording.by_record(act, json.loads(record.body)["rests_on"])


def _decision_beside_parts(act: DecideLot, rests_on: Mapping[str, Any]) -> str:
    """Return what is decided: of a lot of which parts are decided on by themselves, a release is one of the rest."""
    of_rest = act.verdict is Verdict.RELEASE and bool(rests_on.get("parts_decided_by_themselves"))
    return _decision_on(act, SignedText.RELEASE_REST if of_rest else None)


def _decision_on(act: DecideLot, known: SignedText | None = None) -> str:
    code = known or (f"{act.verdict.name}_PART" if act.part else act.verdict.name)
    decided = in_words(SignedText[code], lot=act.material_lot_id)
    over = act.over_open_points
    return f"{decided} {in_words(SignedText.OVER, count=over)}" if over else decided


def _roles(roles: Iterable[Role]) -> str:
    return ", ".join(text("role_name", role.name) for role in roles)


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
    changes = [] if act.roles is None else [in_words(SignedText.ROLES, roles=_roles(act.roles))]
    if act.os_user is not None:
        account = SignedText.ACCOUNT if act.os_user else SignedText.NO_ACCOUNT
        changes.append(in_words(account, account=act.os_user))
    if act.disabled is not None:
        changes.append(in_words(SignedText.DISABLED if act.disabled else SignedText.ENABLED))
    changes += [] if act.full_name is None else [in_words(SignedText.NAME, name=act.full_name)]
    return in_words(SignedText.USER_CHANGED, user=act.user_id, changes="; ".join(changes))


WORDING: Mapping[ActKind, Wording] = {
    ActKind.DECIDE_LOT: Wording(
        subject=lambda act: act.material_lot_id,
        what=_decision_on,
        by_record=_decision_beside_parts,
        rests_on=what_it_rests_on,
    ),
    ActKind.SIGN_REVIEW: Wording(
        subject=lambda act: act.material_lot_id,
        what=lambda act: in_words(SignedText.REVIEW, lot=act.material_lot_id),
        rests_on=what_was_looked_at,
    ),
    ActKind.SIGN_CERTIFICATE: Wording(
        subject=lambda act: act.certificate_id,
        what=lambda act: in_words(SignedText.CERTIFICATE, certificate=number_of(act.certificate_id, act.version)),
        rests_on=certificate_as_shown,
    ),
    ActKind.WITHDRAW_CERTIFICATE: Wording(
        subject=lambda act: act.certificate_id,
        what=lambda act: in_words(
            SignedText.CERTIFICATE_WITHDRAWN, certificate=number_of(act.certificate_id, act.version)
        ),
        rests_on=certificate_as_shown,
    ),
    ActKind.CLOSE_DEVIATION: Wording(
        subject=lambda act: act.deviation_id,
        what=lambda act: in_words(SignedText.DEVIATION_CLOSED, deviation=act.deviation_id, version=act.version),
        rests_on=what_is_closed,
        evidence=how_actions_did,
    ),
    ActKind.COMPLETE_ACTION: Wording(
        subject=lambda act: act.action_id,
        what=lambda act: in_words(SignedText.ACTION_DONE, action=act.action_id),
        rests_on=what_was_to_be_done,
    ),
    ActKind.CHANGE_STAGE: Wording(
        subject=lambda act: act.model,
        what=lambda act: in_words(
            SignedText.STAGE,
            model=act.model,
            stage=text("stage_name", act.stage.upper()) if act.stage.upper() in Stage.__members__ else act.stage,
        ),
        rests_on=stage_now,
        evidence=evidence_of,
    ),
    ActKind.SETTLE_POINT: Wording(
        subject=lambda act: act.material_lot_id,
        what=lambda act: in_words(SignedText.POINT, point=act.point_id, lot=act.material_lot_id),
        rests_on=_of_point,
    ),
    ActKind.ANSWER_GUIDANCE: Wording(
        subject=lambda act: act.guidance_id,
        what=lambda act: in_words(SignedText.GUIDANCE, guidance=act.guidance_id),
        rests_on=_of_move,
        needs=lambda act, _facts: act.answer is GuidanceAct.APPROVE,
    ),
    ActKind.RESUME_WRITES: Wording(subject=lambda _act: "setpoints", what=lambda _act: in_words(SignedText.WRITES)),
    ActKind.PROMOTE_MODEL: Wording(
        subject=lambda act: act.model,
        what=lambda act: in_words(SignedText.PROMOTED, model=act.model, version=act.version),
    ),
    ActKind.ROLL_BACK_MODEL: Wording(
        subject=lambda act: act.model, what=lambda act: in_words(SignedText.ROLLED_BACK, model=act.model)
    ),
    ActKind.SIGN_BIASES: Wording(
        subject=lambda act: act.model, what=lambda act: in_words(SignedText.CORRECTIONS, model=act.model)
    ),
    ActKind.ADD_USER: Wording(
        subject=lambda act: act.user_id,
        what=lambda act: in_words(SignedText.USER_ADDED, user=act.user_id, name=act.full_name, roles=_roles(act.roles)),
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
        what=lambda act: in_words(SignedText.KEY, key=act.public_key[:16], terminal=act.label, user=act.user_id),
        rests_on=_of_user,
        needs=_confirmed,
        concerns=lambda act: act.user_id,
    ),
}


def subject_of(act: Act) -> str | None:
    """Return what an act that can be signed is about, None of one that never is."""
    wording = WORDING.get(act.kind)
    return None if wording is None else wording.subject(act)
