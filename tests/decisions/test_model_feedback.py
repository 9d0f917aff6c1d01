"""Laboratory results teach models in service: through the store, with their audit, corrections and drift."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gateway.contract.times import rfc3339
from gateway.decisions.model_feedback import drift_latch
from gateway.line.outputs import BiasLimits, DriftLimits, FunctionSpaceLimits, TrackedLimits
from gateway.store.queries.tracing import trace
from gateway.time_units import seconds_to_ns
from tests.fixtures.building import NOW_NS, assignment, bundle, line, value_output
from tests.fixtures.store_bench import Bench, viscosity

LIMITS = BiasLimits(trust=0.5, max_step=5.0, max_total=8.0, max_age_ns=seconds_to_ns(3600))


@pytest.fixture
def bench(tmp_path):
    """A store whose model says 100 of every sample, and may be corrected."""
    made = Bench(tmp_path)
    made.line = line(models=(teachable(),))
    made.order()
    yield made
    made.connection.close()


def teachable(**changes):
    output = value_output(bias=LIMITS, sigma=1.0, **changes)
    return assignment(bundle=bundle(outputs=(output,)))


def teach(bench, value, sample="S-1", *, seconds_ago=5, **fields):
    drawn = rfc3339(NOW_NS - seconds_to_ns(seconds_ago))
    bench.result({**viscosity(value, sampled_at=drawn), "sample_id": sample, **fields})


def learned(bench):
    ((body,),) = bench.rows(
        "SELECT body FROM model_learned_checked WHERE holds AND bundle_sha256 = ?", bundle().identity.sha256
    )
    return json.loads(body)


def audited(bench, kind):
    return [json.loads(body) for (body,) in bench.rows("SELECT body FROM audit WHERE kind = ? ORDER BY seq", kind)]


def newest_prediction(bench):
    ((body,),) = bench.rows("SELECT body FROM prediction WHERE sample_result_id IS NULL ORDER BY rowid DESC LIMIT 1")
    return json.loads(body)


def test_an_approved_result_moves_the_bias_which_is_audited_and_corrects_what_is_said(bench):
    teach(bench, 102.0)
    assert learned(bench)["bias"] == pytest.approx(1.0)
    (entry,) = audited(bench, "bias_changed")
    assert (entry["before"], entry["after"], entry["version"]) == (0.0, pytest.approx(1.0), 1)
    bench.model_due(78.0)
    said = newest_prediction(bench)
    assert (said["value"], said["uncorrected"], said["bias_version"]) == (pytest.approx(101), pytest.approx(100), 1)
    (payload,) = bench.sent("prediction")
    assert payload["bias"] == {"value": pytest.approx(1.0), "version": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "validated"},  # not approved
        {"status": "rejected"},
        {"value": "<102"},  # censored
        {"unit": "cP"},  # another unit
        {"sampled_at": None},  # of no known instant
        {"sampled_at": rfc3339(NOW_NS - seconds_to_ns(4000))},  # of when nothing was known of the inputs
    ],
)
def test_what_may_teach_nothing_moves_nothing(bench, fields):
    document = viscosity(102.0, status="approved", sampled_at=rfc3339(NOW_NS - seconds_to_ns(5)))
    bench.result({**document, **fields})
    assert bench.rows("SELECT * FROM model_learned") == []


def test_a_correction_takes_the_place_of_what_it_corrects_and_a_rejection_withdraws_it(bench):
    teach(bench, 102.0, "S-1")
    bench.now_ns += 1
    teach(bench, 110.0, "S-2", result_version=1)
    assert learned(bench)["bias"] == pytest.approx(1.0 + 4.5)
    bench.now_ns += 1
    teach(bench, 102.0, "S-2", result_version=2)
    assert learned(bench)["bias"] == pytest.approx(1.0 + 0.5)
    bench.now_ns += 1
    teach(bench, 102.0, "S-2", result_version=3, status="rejected")
    assert learned(bench)["bias"] == pytest.approx(1.0)
    assert bench.rows("SELECT count(*) FROM feedback") == [(1,)]


def test_another_version_of_the_bundle_begins_anew(bench):
    teach(bench, 102.0)
    other = teachable()
    other = replace(other, bundle=replace(other.bundle, identity=replace(other.bundle.identity, sha256="cd" * 32)))
    bench.line = line(models=(other,))
    bench.model_due(78.0)
    assert newest_prediction(bench)["value"] == pytest.approx(100)


def test_a_bias_grown_old_is_not_applied_any_more(bench):
    teach(bench, 102.0)
    bench.now_ns += seconds_to_ns(3601)
    bench.model_due(78.0)
    said = newest_prediction(bench)
    assert said["bias"] == 0.0


def test_a_drift_puts_this_model_into_shadow_until_a_person_has_looked(bench):
    other = assignment(bundle=replace(bundle(), identity=replace(bundle().identity, name="other", sha256="ef" * 32)))
    plain = value_output(sigma=1.0)
    drifting = assignment(bundle=bundle(outputs=(plain,)))
    bench.line = line(models=(drifting, other))
    for number in range(4):
        teach(bench, 103.0, f"S-{number}")
        bench.now_ns += 1
    assert bench.rows("SELECT code FROM latch") == [(drift_latch("viscosity", "viscosity"),)]
    (found,) = audited(bench, "model_drift")
    assert found["ewma"] > 0
    bench.model_due(78.0)
    assert newest_prediction(bench)["stage"] == "shadow"
    bench.model_due(78.0, name="other")
    assert newest_prediction(bench)["stage"] == "advise"
    bench.connection.execute("DELETE FROM latch")  # as labline audit acknowledge does
    teach(bench, 101.0, "S-9")
    assert bench.rows("SELECT code FROM latch") == []  # its charts began anew with this result
    assert learned(bench)["ewma"]["count"] == 1
    bench.model_due(78.0)
    assert newest_prediction(bench)["stage"] == "advise"


def test_a_model_whose_outputs_are_refused_is_still_seen_to_be_wrong(bench):
    bench.line = line(models=(assignment(bundle=bundle(outputs=(value_output(sigma=1.0, valid=(0.0, 99.9)),))),))
    for number in range(4):
        teach(bench, 103.0, f"S-{number}")
        bench.now_ns += 1
    assert bench.rows("SELECT code FROM latch") == [(drift_latch("viscosity", "viscosity"),)]


def test_a_result_of_no_known_equipment_teaches_only_where_there_is_but_one(bench):
    other = replace(bundle().identity, name="other", sha256="ef" * 32)
    models = (teachable(), replace(teachable(), bundle=replace(teachable().bundle, identity=other), equipment_id="R2"))
    bench.line = line(models=models)
    teach(bench, 102.0, material_lot_id=None)
    assert bench.rows("SELECT * FROM feedback") == []
    bench.line = line(models=models[:1])
    teach(bench, 102.0, "S-2", material_lot_id=None)
    assert bench.rows("SELECT count(*) FROM feedback") == [(1,)]


def test_the_version_of_a_bias_never_goes_back(bench):
    teach(bench, 102.0, "S-1")
    bench.now_ns += 1
    teach(bench, 104.0, "S-2", result_version=1)
    bench.now_ns += 1
    teach(bench, 104.0, "S-2", result_version=2, status="rejected")
    versions = [entry["version"] for entry in audited(bench, "bias_changed")]
    assert versions == [1, 2, 3]
    assert learned(bench)["version"] == 3


def two_values(ph_slope):
    """Viscosity 108 at 76 degC, which wants it hotter, and pH 7.9 there, which is too high."""
    outputs = (value_output(), replace(value_output(column=1, half_width=0.1), analyte="ph", unit="pH"))
    return assignment(
        bundle=bundle(outputs=outputs),
        predict=lambda rows: np.column_stack([100 - 4.0 * (rows[:, 0] - 78), 7.9 + ph_slope * (rows[:, 0] - 76)]),
    )


def moves_of(bench):
    return [each for each in bench.sent("guidance") if each["kind"] == "setpoint"]


def test_one_tick_never_suggests_two_moves_of_one_setpoint(bench):
    """Both want it hotter: what is suggested first stands for the minimum interval."""
    bench.line = line(models=(two_values(-0.2),))
    bench.model_due(76.0)
    assert len(moves_of(bench)) == 1


def test_where_two_values_want_a_setpoint_moved_against_each_other_people_decide(bench):
    bench.line = line(models=(two_values(0.2),))
    bench.model_due(76.0)
    assert moves_of(bench) == []
    found = bench.rows("SELECT analyte, json_extract(body, '$.no_suggestion[0].code') FROM prediction ORDER BY analyte")
    assert found == [("ph", "NO_IMPROVING_MOVE"), ("viscosity", "NO_IMPROVING_MOVE")]
    assert sorted(each["analyte"] for each in bench.sent("guidance")) == ["ph", "viscosity"]  # both are warned of


LIKENESS = FunctionSpaceLimits(
    tau_ns=seconds_to_ns(3600), memory_ns=seconds_to_ns(36000), length=1.0, weight=1.0, noise=0.1, max_residual=5.0,
    max_total=4.0, max_age_ns=seconds_to_ns(3600), most_results=60, center=(78.0,), scale=(2.0,),
)  # fmt: skip


def by_likeness(bench):
    bench.line = line(models=(assignment(bundle=bundle(outputs=(value_output(function_space=LIKENESS, sigma=1.0),))),))


def test_a_correction_in_function_space_stands_on_recorded_inputs_and_is_audited(bench):
    by_likeness(bench)
    teach(bench, 102.0)
    assert bench.rows("SELECT features, product FROM feedback_checked WHERE holds") == [("[78.0]", None)]
    bench.model_due(78.0)
    near = newest_prediction(bench)
    assert near["bias"] == pytest.approx(2.0 * 2 / 2.1, rel=0.01)
    assert near["value"] == pytest.approx(100 + near["bias"])
    assert (near["bias_version"], near["high"] - near["value"] < 0.5) == (1, True)  # surer than the 1.0 of the bundle
    bench.now_ns += 1
    bench.model_due(84.0)  # unlike the sample
    far = newest_prediction(bench)
    assert 0 < far["bias"] < near["bias"] - 0.5
    assert far["high"] - far["value"] > near["high"] - near["value"]
    (entry,) = audited(bench, "bias_changed")
    assert (entry["before"], entry["results"]) == (0.0, 1)


def test_a_corrected_result_replays_the_correction_in_function_space(bench):
    by_likeness(bench)
    teach(bench, 102.0, "S-1", result_version=1)
    right = learned(bench)["errors"]
    bench.now_ns += 1
    teach(bench, 104.0, "S-1", result_version=2)
    assert [item["error"] for item in learned(bench)["errors"]] == [pytest.approx(4.0)]
    bench.now_ns += 1
    teach(bench, 102.0, "S-1", result_version=3)
    assert [{**item, "result_id": ""} for item in learned(bench)["errors"]] == [{**right[0], "result_id": ""}]
    bench.now_ns += 1
    teach(bench, 102.0, "S-1", result_version=4, status="rejected")
    assert learned(bench)["errors"] == []
    bench.model_due(78.0)
    assert (newest_prediction(bench)["bias"], newest_prediction(bench)["bias_version"]) == (0.0, 0)


def test_a_product_is_corrected_by_results_of_its_own_alone(bench):
    limits = replace(LIMITS, per_product=True)
    bench.line = line(models=(assignment(bundle=bundle(outputs=(value_output(bias=limits, sigma=1.0),))),))
    teach(bench, 102.0)
    assert bench.rows("SELECT features, product FROM feedback_checked WHERE holds") == [("[]", "FG-100")]
    (entry,) = audited(bench, "bias_changed")
    assert entry["product"] == "FG-100"
    bench.model_due(78.0)
    assert newest_prediction(bench)["bias"] == pytest.approx(1.0)
    bench.now_ns += 1
    for kind in ("lot_ended", "order_ended"):
        bench.context(kind, material_lot_id="LOT/1", job_order_id="WO-1", equipment_id="R1")
    bench.now_ns += 1
    bench.context("order_started", job_order_id="WO-2", material_definition_id="FG-200", equipment_id="R1")
    bench.model_due(78.0)
    assert (newest_prediction(bench)["bias"], newest_prediction(bench)["bias_version"]) == (0.0, 0)


def test_one_peak_demotes_no_model_whose_errors_are_cut_and_the_interval_widens_within_its_bounds(bench):
    output = value_output(
        sigma=1.0,
        charts=DriftLimits(winsorise=3.0, ewma_width=4.0, cusum_decision=6.0),
        tracked=TrackedLimits(rate=0.2, mean_error=1.0, least_scale=0.25, most_scale=2.0),
    )
    bench.line = line(models=(assignment(bundle=bundle(outputs=(output,))),))
    for number, value in enumerate((100.4, 114.0, 99.6)):
        teach(bench, value, f"S-{number}")
        bench.now_ns += 1
    assert bench.rows("SELECT code FROM latch") == []
    assert 1.0 < learned(bench)["scale"] <= 2.0
    bench.model_due(78.0)
    said = newest_prediction(bench)
    assert (said["stage"], said["high"] - said["value"]) == ("advise", pytest.approx(learned(bench)["scale"]))


def test_a_trace_names_the_results_that_a_correction_in_function_space_stands_on(bench):
    by_likeness(bench)
    for number, value in enumerate((102.0, 103.0)):
        teach(bench, value, f"S-{number}", seconds_ago=5 - number)
        bench.now_ns += 1
    bench.model_due(78.0)
    said = newest_prediction(bench)
    (node,) = trace(bench.connection, said["prediction_id"])
    results = [result_id for (result_id,) in bench.rows("SELECT result_id FROM feedback ORDER BY sampled_ns DESC")]
    assert node.details["corrected_by"] == results
    assert said["bias_version"] == len(results) == 2
    plain = replace(bench.line.models[0], bundle=bundle(outputs=(value_output(bias=LIMITS),)))
    bench.line = line(models=(plain,))
    bench.now_ns += 1
    bench.model_due(78.0)
    (node,) = trace(bench.connection, newest_prediction(bench)["prediction_id"])
    assert node.details["bias_version"] > 0


def test_the_same_results_give_the_same_bytes_in_another_store(bench, tmp_path):
    (tmp_path / "again").mkdir()
    again = Bench(tmp_path / "again")
    again.order()
    bodies = []
    for store in (bench, again):
        by_likeness(store)
        for number, value in enumerate((102.0, 99.0, 103.5)):
            teach(store, value, f"S-{number}", seconds_ago=9 - number)
            store.now_ns += 1
        store.model_due(78.5)
        bodies.append(store.rows("SELECT payload FROM outbox WHERE topic LIKE '%prediction%' ORDER BY seq"))
    again.connection.close()
    assert bodies[0] == bodies[1]
    assert bodies[0]
