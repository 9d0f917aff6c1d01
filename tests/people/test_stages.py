"""How far a model may go is changed by a signed act only: never beyond the configuration, for one version."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.config.reading import read
from gateway.contract.acts import SignInRequest
from gateway.inference.signed_stages import SignedStages, with_signed_stages
from gateway.line.definition import Stage
from gateway.people.passwords import hashed
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, ChangeStage, SignPending
from gateway.records.people import StageChanged
from gateway.records.signatures import SignaturePolicy
from gateway.records.user_acts import AddUser, SetPassword
from gateway.records.users import Credential, CredentialKind, Role
from gateway.runtime.act_requests import perform
from gateway.store.queries.signatures import newest
from gateway.store.queries.signed_stages import signed_stages, stage_evidence
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from tests.fixtures.acting import acting
from tests.fixtures.laboratory import CONFIGURATION
from tests.fixtures.store_bench import Bench, viscosity


def by(user_id, kind=CredentialKind.PASSWORD):
    return Credential(kind=kind, subject=user_id)


class Staging(Bench):
    def __init__(self, directory):
        super().__init__(directory)
        self.with_users()
        for user_id, role in (("anna", Role.QUALITY), ("bert", Role.QUALITY), ("emil", Role.ENGINEER),
                              ("olga", Role.OPERATOR)):  # fmt: skip
            self.act(AddUser(user_id=user_id, full_name=user_id.title(), roles=(role,)))
        models = tuple(replace(model, stage=Stage.APPROVE) for model in self.line.models)
        self.line = replace(self.line, models=models)
        self.sha256 = self.line.model_named("viscosity").bundle.identity.sha256

    def stage(self, stage, user_id="anna", kind=CredentialKind.PASSWORD, **changes):
        self.now_ns += SECOND_NS
        act = ChangeStage(**{"model": "viscosity", "bundle_sha256": self.sha256, "stage": stage, **changes})
        return self.act(act, credential=by(user_id, kind), reason="VR-7")

    def effective(self):
        return with_signed_stages(self.line, signed_stages(self.connection)).model_named("viscosity").stage


@pytest.fixture
def bench(tmp_path):
    bench = Staging(tmp_path)
    with closing(bench.connection):
        yield bench


def test_quality_lowers_and_raises_a_stage_by_signature_with_the_evidence_in_the_record(bench):
    bench.order()
    bench.model_due(78.0)
    bench.result(viscosity(100.0))
    answer = bench.stage("shadow")
    assert (answer.outcome, answer.details["stage"]) == (ActOutcome.DONE, "shadow")
    assert bench.effective() is Stage.SHADOW
    assert bench.stage("approve").details["before"] == "shadow"
    assert bench.effective() is Stage.APPROVE
    record = next(iter(newest(bench.connection))).record
    assert json.loads(record.body)["evidence"] == answer.details["evidence"]
    assert (record.version, record.subject) == (2, "viscosity")
    ((body,),) = bench.rows("SELECT body FROM audit WHERE kind = 'stage_changed' ORDER BY seq LIMIT 1")
    assert json.loads(body)["evidence"].keys() >= {"results", "inside", "outside", "coverage", "abstained", "samples"}


def test_evidence_counts_hits_misses_and_abstentions_beside_the_laboratory(bench):
    bench.order()
    bench.model_due(78.0)
    for number, value in enumerate((100.0, 160.0)):
        bench.now_ns += 30 * SECOND_NS
        sampled = {"sampled_at": "2026-03-01T08:00:00Z"} if number == 99 else {}
        bench.result(viscosity(value, sample_id=f"S-{number}", **sampled))
    evidence = stage_evidence(bench.connection, model="viscosity", bundle_sha256=bench.sha256)
    assert evidence.results == evidence.inside + evidence.outside
    assert stage_evidence(bench.connection, model="viscosity", bundle_sha256="other").samples == 0


def test_evidence_of_a_long_time_counts_every_result_and_says_since_when(bench):
    many = 3000
    for number in range(many):
        bench.connection.execute(
            "INSERT INTO prediction (prediction_id, at_ns, model, equipment_id, analyte, accepted, sample_result_id, "
            "low, high, body, hash) VALUES (?, ?, 'viscosity', 'R1', 'viscosity', ?, ?, 99, 101, ?, 'h')",
            (f"p{number}", number, number % 3 > 0, f"r{number}", json.dumps({"model": {"sha256": bench.sha256}})),
        )
        bench.connection.execute(
            "INSERT INTO feedback (bundle_sha256, analyte, result_id, sampled_ns, arrived_ns, measured, predicted) "
            "VALUES (?, 'viscosity', ?, ?, ?, ?, 100)",
            (bench.sha256, f"r{number}", number, number, 100.0 + number % 2 * 5),
        )
    evidence = stage_evidence(bench.connection, model="viscosity", bundle_sha256=bench.sha256)
    assert (evidence.samples, evidence.from_ns, evidence.abstained) == (many, 0, {"UNKNOWN": many // 3})
    assert (evidence.results, evidence.inside, evidence.outside, evidence.mean_error) == (many, 1500, 1500, 2.5)
    plan = [
        step
        for name in ("predicted_at_samples", "abstained_at_samples", "beside_the_laboratory")
        for step in bench.connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", {"model": "", "bundle_sha256": ""})
    ]
    assert not [step[3] for step in plan if step[3].startswith("SCAN")]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": "unheard"}, "no model of this line"),
        ({"bundle_sha256": "ab"}, "another version"),
        ({"stage": "automatic"}, "no further than approve"),
        ({"stage": "wild"}, "is no stage"),
    ],
)
def test_what_no_configuration_allows_is_not_signed(bench, changes, why):
    assert why in bench.stage(**{"stage": "advise", **changes}).why
    assert list(newest(bench.connection)) == []


def test_nobody_changes_a_stage_without_right_or_password(bench):
    assert "is not for olga" in bench.stage("shadow", "olga").why
    assert "your password" in bench.stage("shadow", kind=CredentialKind.SESSION).why
    assert bench.effective() is Stage.APPROVE


def test_an_engineer_asks_and_quality_signs(bench):
    pending = bench.stage("advise", "emil")
    assert (pending.outcome, pending.details["signed_by"]) == (ActOutcome.PENDING, [])
    assert bench.effective() is Stage.APPROVE
    bench.order()
    bench.result(viscosity(100.0))  # evidence goes on; what was signed does not change
    sign = SignPending(record_id=pending.details["record_id"], sha256=pending.details["sha256"])
    assert bench.act(sign, credential=by("anna")).outcome is ActOutcome.DONE
    assert bench.effective() is Stage.ADVISE


def test_a_change_that_came_between_two_signatures_refuses_the_second(bench):
    bench.line = replace(bench.line, signatures={ActKind.CHANGE_STAGE: SignaturePolicy(roles=(Role.QUALITY,), count=2)})
    first, second = bench.stage("advise"), bench.stage("shadow", "bert")
    for pending, user_id, outcome in ((first, "bert", ActOutcome.DONE), (second, "anna", ActOutcome.REFUSED)):
        sign = SignPending(record_id=pending.details["record_id"], sha256=pending.details["sha256"])
        assert bench.act(sign, credential=by(user_id)).outcome is outcome
    assert bench.effective() is Stage.ADVISE


@pytest.mark.parametrize("ceiling", list(Stage))
@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("same_version", [True, False])
def test_the_effective_stage_is_the_lower_of_both_and_another_version_starts_with_advice(
    bench, ceiling, stage, same_version
):
    line = replace(bench.line, models=tuple(replace(model, stage=ceiling) for model in bench.line.models))
    change = StageChanged(
        model="viscosity", bundle_sha256=bench.sha256 if same_version else "of another", stage=stage.name.lower(),
        at_ns=1, record_id="r", signed_by=("Anna",), person="Anna", reason="",
    )  # fmt: skip
    limited = with_signed_stages(line, SignedStages(by_model={"viscosity": change}))
    expected = min(ceiling, stage) if same_version else min(ceiling, stage, Stage.ADVISE)
    assert limited.model_named("viscosity").stage is expected
    raised = replace(change, stage="automatic", bundle_sha256=bench.sha256)
    assert with_signed_stages(limited, SignedStages(by_model={"viscosity": raised})).model_named(
        "viscosity"
    ).stage is ceiling  # fmt: skip


def test_where_the_plant_asks_for_it_nothing_goes_beyond_advice_without_a_signature(bench):
    bench.line = replace(bench.line, signed_stages_only=True)
    assert bench.effective() is Stage.ADVISE
    bench.stage("approve")
    assert bench.effective() is Stage.APPROVE


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE stage_change SET stage = 'automatic', body = replace(body, 'advise', 'automatic')",
        "UPDATE signature SET printed_name = 'Somebody'",
        "DELETE FROM signature",
        "DELETE FROM signed_record",
        "UPDATE signed_record SET body = replace(body, 'advise', 'approve')",
    ],
)
def test_a_stage_edited_by_hand_puts_the_model_in_shadow(bench, edit):
    bench.stage("advise")
    assert bench.effective() is Stage.ADVISE
    bench.connection.execute(edit)
    assert bench.effective() is Stage.SHADOW


def test_a_running_gateway_takes_a_signed_stage_up_at_once(bench, tmp_path):
    bench.act(SetPassword(user_id="anna", password_hash=hashed("a password of hers")), credential=by("anna"))
    act = ChangeStage(model="viscosity", bundle_sha256=bench.sha256, stage="shadow")
    sign_in = SignInRequest(user_id="anna", password="a password of hers")
    file = tmp_path / "labline.toml"
    file.write_text(CONFIGURATION.replace('directory = "store"', f'directory = "{tmp_path}"'))
    settings, _sha256 = read(file)
    with acting(tmp_path, bench.line) as running:
        answer = perform(settings, act, path=file, sign_in=sign_in, reason="VR-8")
        taken = [line for kind, line in (item for item in running.done if isinstance(item, tuple)) if kind == "line"]
    assert answer.details["stage"] == "shadow"
    assert taken[-1].model_named("viscosity").stage is Stage.SHADOW


def test_a_stage_that_is_signed_already_is_not_signed_again(bench):
    bench.stage("shadow")
    again = bench.stage("shadow")
    assert (again.code, again.parameters["stage"]) == (ActRefusal.STAGE_SIGNED_ALREADY, "shadow")
