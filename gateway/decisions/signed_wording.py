"""What a person signs, in words: what each act that can be signed is about, and the facts for which it is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decisions.lot_decision import what_it_rests_on
from gateway.decisions.model_stage import evidence_of, stage_now
from gateway.facts.acts import PointOnRecord, SettlePointFacts
from gateway.facts.guidance import AnswerFacts
from gateway.records.act_kinds import ActKind
from gateway.records.acts import Act, AnswerGuidance, SettlePoint
from gateway.records.people import Act as GuidanceAct


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """Of an act that can be signed: what it is about, what is done, and the facts for which it is asked.

    ``evidence``: what stood beside it when it was asked for: it is signed too, and may change while the act waits.
    ``needs``: whether this act of its kind needs signatures at all, where the policy asks for them.
    """

    subject: Callable[[Any], str]
    what: Callable[[Any], str]
    rests_on: Callable[[Any, Any], Mapping[str, Any]] = lambda _act, _facts: {}
    evidence: Callable[[Any, Any], Mapping[str, Any]] = lambda _act, _facts: {}
    needs: Callable[[Any, Any], bool] = lambda _act, _facts: True


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


WORDING: Mapping[ActKind, Wording] = {
    ActKind.DECIDE_LOT: Wording(
        subject=lambda act: act.material_lot_id,
        what=lambda act: f"{act.verdict.value} of lot {act.material_lot_id}",
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
}


def subject_of(act: Act) -> str | None:
    """Return what an act that can be signed is about, None of one that never is."""
    wording = WORDING.get(act.kind)
    return None if wording is None else wording.subject(act)
