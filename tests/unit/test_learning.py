"""Laboratory results teach models in service: through the store, with their audit, corrections and drift."""

import json
from dataclasses import replace

import pytest

from gateway.advice.learning import drift_latch
from gateway.contract.times import rfc3339
from gateway.definitions import BiasLimits
from gateway.records import seconds_to_ns
from tests.building import NOW_NS, assignment, bundle, line, value_output
from tests.unit.test_store import Bench, viscosity

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
    assert bench.rows("SELECT code FROM latch") == [(drift_latch("viscosity"),)]
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
