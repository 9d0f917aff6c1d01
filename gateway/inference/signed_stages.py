"""How far people have let each model go by a signed act: never further than the configuration says. Pure.

A signature is for one version: another version starts with advice at most, however far the one before it went.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.line.definition import LineDefinition, ModelAssignment, Stage
from gateway.records.people import StageChanged


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedStages:
    """The newest signed stage of each model; ``unknown``: models of which the record does not hold."""

    by_model: Mapping[str, StageChanged]
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class StageThen:
    """A stage that counted from an instant on; ``change``: None where its record does not hold."""

    model: str
    at_ns: int
    change: StageChanged | None


def stages_at(changes: Sequence[StageThen], at_ns: int) -> SignedStages:
    """Return the stages that counted just before an instant, of changes in their order."""
    newest = {item.model: item.change for item in changes if item.at_ns < at_ns}
    return SignedStages(
        by_model={model: change for model, change in newest.items() if change is not None},
        unknown=frozenset(model for model, change in newest.items() if change is None),
    )


def with_signed_stages(line: LineDefinition, signed: SignedStages) -> LineDefinition:
    """Return the line with each model no further than signed."""
    return replace(line, models=tuple(_limited(model, line, signed) for model in line.models))


def ceiling_of(model: ModelAssignment) -> Stage:
    """Return how far the configuration, and the approval of its bundle, let a model go."""
    return model.stage if model.ceiling is None else model.ceiling


def _limited(model: ModelAssignment, line: LineDefinition, signed: SignedStages) -> ModelAssignment:
    ceiling = ceiling_of(model)
    return replace(model, ceiling=ceiling, stage=min(ceiling, _signed_stage(model, line, signed)))


def _signed_stage(model: ModelAssignment, line: LineDefinition, signed: SignedStages) -> Stage:
    if model.name in signed.unknown:
        return Stage.SHADOW
    change = signed.by_model.get(model.name)
    if change is None:
        return Stage.ADVISE if line.signed_stages_only else Stage.AUTOMATIC
    stage = Stage[change.stage.upper()]
    return stage if change.bundle_sha256 == model.bundle.identity.sha256 else min(stage, Stage.ADVISE)
