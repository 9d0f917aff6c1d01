"""A person raises or lowers how far a model may go, by a signed act with the evidence beside it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.model_stage import ChangeStageFacts
from gateway.inference.signed_stages import ceiling_of
from gateway.line.definition import Stage
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, ChangeStage, done, refused
from gateway.records.people import StageChanged


def stage_now(_act: ChangeStage, facts: ChangeStageFacts) -> Mapping[str, Any]:
    """Return what a change of a stage rests on: the stage that was signed before it."""
    before = facts.before
    return {"stage_before": None if before is None else before.stage,
            "of_bundle": None if before is None else before.bundle_sha256}  # fmt: skip


def evidence_of(_act: ChangeStage, facts: ChangeStageFacts) -> Mapping[str, Any]:
    """Return what is known of how the model does, as it stood when the change was asked for."""
    evidence = asdict(facts.evidence)
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in evidence.items()}


def on_change_stage(event: ActRequested, facts: ChangeStageFacts) -> Decision:
    """Put on record how far a model may go from now on; a running gateway takes it up at once."""
    act = event.act
    if not isinstance(act, ChangeStage):
        raise TypeError(f"{act.kind} is no ChangeStage")
    refusal = _not_of_this_line(act, facts) or _no_change(act, facts)
    if refusal is not None:
        return Decision(answer=refusal)
    if event.signed is None:
        raise TypeError("a stage is changed by a signature")  # the least number of signatures says so
    signed = event.signed
    change = StageChanged(
        model=act.model, bundle_sha256=act.bundle_sha256, stage=act.stage, at_ns=event.at_ns,
        record_id=signed.record.record_id, signed_by=tuple(item.printed_name for item in signed.signatures),
        person=event.person, reason=event.reason,
    )  # fmt: skip
    before = None if facts.before is None else facts.before.stage
    entry = audit_entry("stage_changed", act.model, stage=act.stage, before=before, bundle_sha256=act.bundle_sha256,
                        evidence=dict(evidence_of(act, facts)), person=event.person, reason=event.reason)  # fmt: skip
    answer = done(stage=act.stage, before=before, evidence=dict(evidence_of(act, facts)))
    return Decision(records=(change,), audit=(entry,), answer=answer)


def _not_of_this_line(act: ChangeStage, facts: ChangeStageFacts) -> Answer | None:
    """Return why a model's stage cannot be changed; without a running gateway the line's models are not known here."""
    if act.stage.upper() not in Stage.__members__:
        return refused(ActRefusal.NO_SUCH_STAGE, name=act.stage)
    if not facts.line.models:
        return None
    model = facts.line.model_named(act.model)
    if model is None:
        names = [known.name for known in facts.line.configured_models]
        return refused(ActRefusal.NO_SUCH_MODEL, model=act.model, models=names)
    if model.bundle.identity.sha256 != act.bundle_sha256:
        return refused(ActRefusal.OTHER_VERSION_IN_SERVICE, model=act.model)
    if Stage[act.stage.upper()] > ceiling_of(model):
        return refused(ActRefusal.ABOVE_CEILING, model=act.model, stage=ceiling_of(model).name.lower())
    return None


def _no_change(act: ChangeStage, facts: ChangeStageFacts) -> Answer | None:
    before = facts.before
    if before is None or (before.stage, before.bundle_sha256) != (act.stage, act.bundle_sha256):
        return None
    return refused(ActRefusal.STAGE_SIGNED_ALREADY, model=act.model, stage=act.stage)
