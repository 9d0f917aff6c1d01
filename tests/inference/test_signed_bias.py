"""``bias = "signed"``: laboratory results propose, and what a person has signed is in force."""

from dataclasses import asdict, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.inference.signed_bias import signature_holds, signed
from gateway.line.outputs import BiasLimits
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, SignBiases
from gateway.records.people import SignedBias
from gateway.store.queries.signed_biases import correction
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS, seconds_to_ns
from tests.decisions.test_model_feedback import audited, learned, newest_prediction, teach
from tests.fixtures.building import NOW_NS, assignment, bundle, line, value_output
from tests.fixtures.store_bench import Bench

LIMITS = BiasLimits(trust=0.5, max_step=2.0, max_total=3.0, max_age_ns=seconds_to_ns(3600), signed=True)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def signable(**changes):
    return assignment(bundle=bundle(outputs=(value_output(bias=replace(LIMITS, **changes), sigma=1.0),)))


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.line = line(models=(signable(),))
    made.order()
    yield made
    made.connection.close()


def act(bias=1.5, *, at=0.0, newest=-5.0):
    bias_act = SignedBias(
        bundle_sha256=bundle().identity.sha256, analyte="viscosity", bias=bias,
        newest_ns=NOW_NS + seconds_to_ns(newest), signed_ns=NOW_NS + seconds_to_ns(at), approver="Q. Head",
        meaning="checked",
    )  # fmt: skip
    return signed(bias_act, KEY)


def put_in_force(bench, bias_act):
    """Have it on record as it is, whatever the gateway would say to it."""
    bench.connection.execute(SQL["insert_signed_bias"], asdict(bias_act))


def sign(bench, *biases, at_ns=None):
    """Ask for corrections to be put into force, a moment before their instant."""
    at_ns = min(bias.signed_ns for bias in biases) - 1 if at_ns is None else at_ns
    return bench.act(SignBiases(model="viscosity", biases=biases), at_ns=at_ns)


def value_and_version(bench):
    bench.now_ns += SECOND_NS
    bench.model_due(78.0)
    prediction = newest_prediction(bench)
    return prediction["value"], prediction["bias_version"]


def now(bench):
    model = bench.line.models[0].bundle
    return correction(bench.connection, model, model.outputs[0], at_ns=bench.now_ns)


def test_results_propose_and_change_nothing_by_themselves(bench):
    teach(bench, 103.0)
    assert learned(bench)["bias"] == 0.0
    assert learned(bench)["ewma"]["value"] != 0.0  # they are charted all the same
    assert audited(bench, "bias_changed") == []
    assert value_and_version(bench) == (pytest.approx(100.0), 0)
    found = now(bench)
    assert (found.in_force.bias, found.proposal.bias, found.results) == (0.0, pytest.approx(1.5), 1)


def test_what_is_signed_is_in_force_from_then_on_and_audited_with_its_signature(bench):
    teach(bench, 103.0)
    proposal = now(bench).proposal
    signable = act(proposal.bias, newest=(proposal.newest_ns - NOW_NS) / SECOND_NS)
    assert sign(bench, signable).outcome is ActOutcome.DONE
    assert value_and_version(bench) == (pytest.approx(101.5), 1)
    (entry,) = audited(bench, "bias_signed")
    assert (entry["approver"], entry["bias"], entry["meaning"]) == ("Q. Head", pytest.approx(1.5), "checked")
    assert entry["signature"] == signable.signature
    put_in_force(bench, act(-1.0, at=3))
    assert value_and_version(bench) == (pytest.approx(101.5), 1)  # one second later: not yet
    assert value_and_version(bench) == (pytest.approx(99.0), 2)


def test_a_proposal_is_at_most_a_step_from_what_is_in_force_and_what_is_in_force_at_most_the_total(bench):
    put_in_force(bench, act(-1.0, newest=-50.0))
    bench.now_ns += 1
    for number in range(6):
        teach(bench, 140.0, f"S-{number}")
        bench.now_ns += 1
    assert now(bench).proposal.bias == pytest.approx(1.0)  # two above -1
    put_in_force(bench, act(50.0))
    assert value_and_version(bench) == (pytest.approx(103.0), 2)


def test_a_signed_correction_ends_with_the_age_of_the_newest_result_that_it_rests_on(bench):
    bench.line = line(models=(signable(max_age_ns=seconds_to_ns(7)),))
    put_in_force(bench, act(1.5, newest=-5.0))
    assert value_and_version(bench)[0] == pytest.approx(101.5)
    assert value_and_version(bench)[0] == pytest.approx(101.5)
    assert value_and_version(bench)[0] == pytest.approx(100.0)


def test_the_charts_hold_results_against_what_was_in_force_when_their_sample_was_drawn(bench):
    put_in_force(bench, act(3.0, at=-10, newest=-15))
    teach(bench, 103.0, seconds_ago=5)
    assert learned(bench)["ewma"]["value"] == pytest.approx(0.0)
    ((low, high),) = bench.rows("SELECT low, high FROM prediction WHERE sample_result_id IS NOT NULL")
    assert low <= 103.0 <= high


@pytest.mark.parametrize(
    "changes", [{"bias": 2.5}, {"approver": "Someone"}, {"signature": "00" * 64}, {"public_key": "zz"}]
)
def test_an_act_that_is_not_what_its_key_has_signed_is_left_out_with_an_alarm(bench, changes):
    assert signature_holds(act())
    assert not signature_holds(replace(act(), **changes))
    put_in_force(bench, replace(act(), **changes))
    assert value_and_version(bench)[0] == pytest.approx(100.0)
    assert bench.rows("SELECT code FROM latch") == [("EVIDENCE_DAMAGED",)]


def test_only_keys_that_are_trusted_on_this_line_correct_anything(bench):
    bench.line = replace(bench.line, trusted_keys=frozenset({"ab" * 32}))
    put_in_force(bench, act())
    assert value_and_version(bench)[0] == pytest.approx(100.0)
    bench.line = replace(bench.line, trusted_keys=frozenset({act().public_key}))
    assert value_and_version(bench)[0] == pytest.approx(101.5)


def test_what_is_in_force_already_and_what_is_too_old_is_not_proposed_again(bench):
    teach(bench, 103.0)
    newest_ns = now(bench).proposal.newest_ns
    put_in_force(bench, act(newest=(newest_ns - NOW_NS) / SECOND_NS))
    bench.now_ns += 1
    assert now(bench).proposal.newest_ns is None
    teach(bench, 103.0, "S-2", seconds_ago=2)
    assert now(bench).proposal.newest_ns is not None
    bench.now_ns += seconds_to_ns(3601)
    assert now(bench).proposal.newest_ns is None


def test_each_act_is_later_than_the_one_before_whatever_the_clock_shows(bench):
    put_in_force(bench, act(at=5))
    refused = sign(bench, act(at=4))
    assert (refused.outcome, refused.code) == (ActOutcome.REFUSED, ActRefusal.INSTANT_PASSED)
    assert refused.details["newest_signed_ns"] == act(at=5).signed_ns
    assert sign(bench, act(at=6)).outcome is ActOutcome.DONE


def test_no_decision_of_a_later_instant_stands_without_a_correction(bench):
    """Its instant has passed when it is decided: it is signed again for a later one."""
    refused = sign(bench, act(at=5), at_ns=act(at=5).signed_ns)
    assert (refused.outcome, refused.code) == (ActOutcome.REFUSED, ActRefusal.INSTANT_PASSED)
    assert bench.rows("SELECT * FROM signed_bias") == audited(bench, "bias_signed") == []


@pytest.mark.parametrize("changes", [{"bias": 2.5}, {"signature": "00" * 64}, {"public_key": "zz"}])
def test_what_no_key_has_signed_is_refused(bench, changes):
    assert "does not hold" in sign(bench, replace(act(), **changes)).why
    assert bench.rows("SELECT * FROM signed_bias") == []


def test_a_key_that_is_not_trusted_and_a_proposal_that_newer_results_have_overtaken_are_refused(bench):
    teach(bench, 103.0)
    assert "newer results" in sign(bench, act(newest=-3600)).why
    bench.line = replace(bench.line, trusted_keys=frozenset({"ab" * 32}))
    assert "trusted_keys" in sign(bench, act()).why
    assert bench.rows("SELECT * FROM signed_bias") == []


def test_a_signature_counts_only_for_the_bundle_that_it_names(bench):
    put_in_force(bench, replace(act(), bundle_sha256="ef" * 32))
    assert value_and_version(bench)[0] == pytest.approx(100.0)
    assert bench.rows("SELECT code FROM latch") == []
