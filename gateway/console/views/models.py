"""Models: which stage counts, and how well they do."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from urllib.parse import quote

from pydantic import Field

from gateway.advice.gateway_alarms import title_of, what_to_do
from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import SignaturePart, View, instant
from gateway.console.views.signed import signatures_on
from gateway.contract.times import rfc3339
from gateway.guardrails.reasons import Abstention
from gateway.inference.signed_stages import SignedStages
from gateway.latches import drift_latch, in_doubt, too_slow_latch
from gateway.line.definition import ModelAssignment
from gateway.line.outputs import ModelOutput
from gateway.records.act_kinds import ActKind
from gateway.store.queries.outside import outside_since_ns
from gateway.store.queries.signed_stages import signed_stages, stage_evidence
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL
from gateway.texts.catalogue import text_of_many

_SIGNED_OF_MODEL = (ActKind.CHANGE_STAGE, ActKind.PROMOTE_MODEL, ActKind.ROLL_BACK_MODEL, ActKind.SIGN_BIASES)
_MOST_PREDICTIONS, _MOST_RESIDUALS = 200, 100


class AbstentionView(View):
    """How often a gate has kept a prediction back, of the newest predictions."""

    code: str
    text: str
    count: int


class ResidualView(View):
    """A laboratory result against what was predicted for its sample."""

    at: str
    measured: float
    predicted: float


class ModelOutputView(View):
    """What a model predicts."""

    analyte: str
    unit: str
    figures: dict[str, float] = Field(description="bias, residual charts in sigmas, coverage, number of results")
    residuals: list[ResidualView] = Field(description="the oldest first")


class InputView(View):
    """An input, and the range in which the model was validated."""

    name: str
    tag: str
    unit: str
    low: float | None
    high: float | None


class VersionView(View):
    """A version that a person has put into service or taken out."""

    at: str
    act: str
    version: str
    person: str
    reason: str


class EvidenceView(View):
    """How this version did beside the laboratory, by all of its samples; a change of stage is signed with it.

    ``inside``: results within the predicted interval, hits; ``outside``: misses. ``mean_error``: absolute.
    """

    samples: int = Field(description="at which it was asked")
    since_at: str | None = Field(description="when the first of them was drawn")
    results: int = Field(description="of the laboratory beside a prediction")
    inside: int
    outside: int
    coverage: float | None
    mean_error: float | None
    abstained: list[AbstentionView] = Field(description="at samples, by the first reason")


class DemotionView(View):
    """A latched alarm that keeps a model's stage lower."""

    code: str
    text: str = Field(description="what is wrong")
    action: str = Field(description="what to do about it")
    since_at: str | None


class StageChangeView(View):
    """The signed stage in force: who asked for it, when and why."""

    stage: str
    at: str
    person: str
    reason: str
    signed_by: list[str]


class ModelView(View):
    """A model at work."""

    name: str
    version: str
    sha256: str
    equipment_id: str
    intended_use: str
    stage: str = Field(description="the one that counts now")
    ceiling: str = Field(description="the highest that the configuration and the approval of the bundle allow")
    signed_stage: str | None = Field(description="the stage that a signed act has set; null: none has")
    stage_change: StageChangeView | None = Field(description="the signed act of that stage; null: none has")
    stage_record_holds: bool = Field(description="false: the record of its stage is damaged, so it is in shadow")
    signed_stages: bool = Field(description="whether a signed act is needed to go beyond advise ([approval])")
    evidence: EvidenceView
    signatures: list[SignaturePart] = Field(description="on its stage, its versions and its corrections")
    demoted_by: list[str] = Field(description="latched alarms that keep it lower")
    demotions: list[DemotionView] = Field(description="the same, each with what to do")
    pilot: str = Field(description="the path of its figures by stage")
    outside_since: str | None = Field(
        description="since when the process has been outside what the model has learned, and nothing is predicted"
    )
    predictions: int = Field(description="of the newest, how many the figures are of")
    abstained_share: float | None
    coverage: float | None = Field(description="share of laboratory results inside the predicted interval")
    abstentions: list[AbstentionView]
    outputs: list[ModelOutputView]
    inputs: list[InputView]
    versions: list[VersionView]


class ModelsView(View):
    """GET /api/models."""

    models: list[ModelView]


def models_view(
    connection: sqlite3.Connection, snapshot: Snapshot, figures: Mapping[str, Mapping[str, float]]
) -> ModelsView:
    """Return the models at work; ``figures``: of each, as the status has them."""
    history, _unknown = changes([tuple(row) for row in connection.execute(SQL["version_changes"])])
    versions: dict[str, list[VersionView]] = {}
    stages = signed_stages(connection)
    for change in history:
        view = VersionView(
            at=rfc3339(change.at_ns), act=change.act.value, version=change.version, person=change.person,
            reason=change.reason,
        )  # fmt: skip
        versions.setdefault(change.model, []).append(view)
    return ModelsView(
        models=[
            _model(
                connection,
                model,
                snapshot,
                figures.get(model.name, {}),
                versions.get(model.name, []),
                stages,
            )
            for model in snapshot.line.models
        ]
    )


def _model(
    connection: sqlite3.Connection,
    model: ModelAssignment,
    snapshot: Snapshot,
    figures: Mapping[str, float],
    versions: list[VersionView],
    stages: SignedStages,
) -> ModelView:
    identity = model.bundle.identity
    return ModelView(
        name=model.name,
        version=identity.version,
        sha256=identity.sha256,
        equipment_id=model.equipment_id,
        intended_use=model.bundle.intended_use,
        stage=snapshot.status.stage.get(model.name, "shadow"),
        stage_change=_stage_change(stages, model),
        stage_record_holds=model.name not in stages.unknown,
        signed_stages=snapshot.line.signed_stages_only,
        evidence=_evidence(connection, model),
        signatures=signatures_on(connection, model.name, *_SIGNED_OF_MODEL),
        demotions=_demotions(connection, model, snapshot),
        pilot=f"/api/models/{quote(model.name, safe='')}/pilot",
        ceiling=(model.stage if model.ceiling is None else model.ceiling).name.lower(),
        signed_stage=_signed_stage(stages, model),
        demoted_by=_demoted_by(model, snapshot),
        outside_since=instant(outside_since_ns(connection, model, snapshot.at.wall_ns)),
        predictions=_MOST_PREDICTIONS,
        abstained_share=figures.get("abstained_share"),
        coverage=figures.get("coverage"),
        abstentions=_abstentions(connection, model),
        outputs=[_output(connection, model, output, figures) for output in model.bundle.outputs],
        inputs=[
            InputView(
                name=item.name, tag=item.tag, unit=item.unit_of_value, low=item.validated[0], high=item.validated[1]
            )
            for item in model.bundle.inputs
        ],
        versions=versions,
    )


def _signed_stage(stages: SignedStages, model: ModelAssignment) -> str | None:
    change = stages.by_model.get(model.name)
    return None if change is None or change.bundle_sha256 != model.bundle.identity.sha256 else change.stage


def _stage_change(stages: SignedStages, model: ModelAssignment) -> StageChangeView | None:
    change = stages.by_model.get(model.name)
    if change is None or change.bundle_sha256 != model.bundle.identity.sha256:
        return None
    return StageChangeView(stage=change.stage, at=rfc3339(change.at_ns), person=change.person, reason=change.reason,
                           signed_by=list(change.signed_by))  # fmt: skip


def _evidence(connection: sqlite3.Connection, model: ModelAssignment) -> EvidenceView:
    """Return what a change of the stage is signed with."""
    evidence = stage_evidence(connection, model=model.name, bundle_sha256=model.bundle.identity.sha256)
    return EvidenceView(
        samples=evidence.samples,
        since_at=instant(evidence.from_ns),
        results=evidence.results,
        inside=evidence.inside,
        outside=evidence.outside,
        coverage=evidence.coverage,
        mean_error=evidence.mean_error,
        abstained=[
            AbstentionView(code=code, text=_of_many(code), count=count)
            for code, count in sorted(evidence.abstained.items(), key=lambda item: -item[1])
        ],
    )


def _of_many(code: str) -> str:
    return text_of_many("abstention", code) if code in Abstention.__members__ else code


def _demotions(connection: sqlite3.Connection, model: ModelAssignment, snapshot: Snapshot) -> list[DemotionView]:
    since = {row["code"]: row["at_ns"] for row in connection.execute(SQL["latches_with_bodies"])}
    return [
        DemotionView(code=code, text=title_of(code), action=what_to_do(code), since_at=instant(since.get(code)))
        for code in _demoted_by(model, snapshot)
    ]


def _demoted_by(model: ModelAssignment, snapshot: Snapshot) -> list[str]:
    own = {drift_latch(model.name, output.analyte) for output in model.bundle.outputs} | {too_slow_latch(model.name)}
    return sorted(code for code in snapshot.latches if code in own or in_doubt((code,)))


def _abstentions(connection: sqlite3.Connection, model: ModelAssignment) -> list[AbstentionView]:
    parameters = {"model": model.name, "most": _MOST_PREDICTIONS}
    rows = connection.execute(SQL["console_abstentions"], parameters).fetchall()
    counts, texts = Counter(row["code"] or "UNKNOWN" for row in rows), {row["code"]: row["text"] for row in rows}
    return [
        AbstentionView(code=code, text=texts.get(code) or code, count=count) for code, count in counts.most_common()
    ]


def _output(
    connection: sqlite3.Connection, model: ModelAssignment, output: ModelOutput, figures: Mapping[str, float]
) -> ModelOutputView:
    suffix = f"_{output.analyte}"
    parameters = {
        "bundle_sha256": model.bundle.identity.sha256, "analyte": output.analyte, "most": _MOST_RESIDUALS,
    }  # fmt: skip
    rows = connection.execute(SQL["console_residuals"], parameters).fetchall()
    return ModelOutputView(
        analyte=output.analyte,
        unit=output.unit,
        figures={name.removesuffix(suffix): value for name, value in figures.items() if name.endswith(suffix)},
        residuals=[
            ResidualView(at=rfc3339(row["sampled_ns"]), measured=row["measured"], predicted=row["predicted"])
            for row in reversed(rows)
        ],
    )
