import json
from dataclasses import replace

import numpy as np
import pytest

from gateway.advice.publication import guidance_message
from gateway.decisions.table import windows_needed
from gateway.errors import InferenceError
from gateway.events import ModelDue
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.guardrails.setpoint_gates import judge_move, judge_present, second_check
from gateway.history.memory.rings import Rings
from gateway.line.definition import Interlock, Stage
from gateway.line.model_domain import Domain
from gateway.line.outputs import ModelOutput, ProbabilityOutput, ValueOutput
from gateway.records.prediction import Prediction
from gateway.records.production import Context
from gateway.records.verdicts import Verdict
from gateway.time_units import seconds_to_ns
from tests.advice.test_lifecycle import guidance
from tests.fixtures.building import (
    BAD,
    NOW_NS,
    UNCERTAIN,
    assignment,
    bundle,
    line,
    linear,
    mean_input,
    moment,
    sample,
    steady_rings,
    tag,
    value_output,
)


def predict(model, rings, *, tags=None, at_ns=NOW_NS):
    here = line(models=(model,), **({} if tags is None else {"tags": tags}))
    due = ModelDue(event_id="e", at=moment(at_ns), model=model.name)
    windows = rings.windows(windows_needed(due, here))
    occasion = Occasion(end_ns=at_ns, at_ns=at_ns, cause="e", context=Context())
    (prediction,) = guarded_predictions(model, here.tags, windows, occasion)
    return prediction


def codes(prediction):
    return [reason.code for reason in prediction.verdict.reasons]


def test_good_inputs_give_a_value_with_its_interval_and_evidence():
    prediction = predict(assignment(), steady_rings(78.0, 78.0))
    assert prediction.verdict.accepted
    assert (prediction.value, prediction.low, prediction.high) == (
        pytest.approx(100),
        pytest.approx(99),
        pytest.approx(101),
    )
    assert prediction.features is not None
    assert prediction.features.evidence[0].count == 10
    assert len(prediction.features.evidence[0].samples_sha256) == 64


@pytest.mark.parametrize(
    ("rings", "code"),
    [
        (steady_rings(78.0, 78.0, status=BAD), "BAD_QUALITY"),
        (steady_rings(78.0, 78.0, status=UNCERTAIN), "BAD_QUALITY"),
        (steady_rings(float("nan"), 78.0), "NO_VALUE"),
        (steady_rings(120.0, 78.0), "OUTSIDE_VALIDATED_RANGE"),
        (Rings({"temperature": "plc1", "temperature_setpoint": "plc1"}, capacity=10), "NO_VALUE"),
    ],
)
def test_each_input_gate_abstains_with_its_reason_and_without_numbers(rings, code):
    prediction = predict(assignment(), rings)
    assert codes(prediction) == [code]
    assert (prediction.value, prediction.low, prediction.high) == (None, None, None)


def test_uncertain_values_pass_where_the_tag_accepts_them():
    tags = {**line().tags, "temperature": tag("temperature", accept_uncertain=True)}
    assert predict(assignment(), steady_rings(78.0, 78.0, status=UNCERTAIN), tags=tags).verdict.accepted


def test_a_value_its_server_no_longer_confirms_is_stale():
    late = NOW_NS + seconds_to_ns(11)
    assert codes(predict(assignment(), steady_rings(78.0, 78.0), at_ns=late)) == ["STALE"]


def test_a_dead_banded_value_that_its_server_confirms_is_not_stale():
    rings = steady_rings(78.0, 78.0)
    rings.confirm("plc1", confirmed_ns=NOW_NS + seconds_to_ns(300))
    assert predict(assignment(), rings, at_ns=NOW_NS + seconds_to_ns(300)).verdict.accepted


def test_a_window_known_too_little_abstains():
    rings = Rings({"temperature": "plc1", "temperature_setpoint": "plc1"}, capacity=10)
    rings.add_notification("plc1", [sample("temperature", 78.0, at=-3)], confirmed_ns=NOW_NS)
    assert codes(predict(assignment(), rings)) == ["LOW_COVERAGE"]


@pytest.mark.parametrize(
    ("value", "code"), [(float("nan"), "NOT_FINITE"), (float("inf"), "NOT_FINITE"), (1e9, "OUTSIDE_OUTPUT_RANGE")]
)
def test_each_output_gate_abstains(value, code):
    model = assignment(predict=lambda rows: np.full((len(rows), 1), value))
    assert codes(predict(model, steady_rings(78.0, 78.0))) == [code]


def test_a_model_that_fails_abstains():
    def failing(_rows):
        raise InferenceError("no such operator")

    assert codes(predict(assignment(predict=failing), steady_rings(78.0, 78.0))) == ["MODEL_FAILED"]


(MANIPULATED,) = bundle().manipulated


@pytest.mark.parametrize(
    ("current", "proposed", "code"),
    [
        (78.0, 79.9, None),
        (78.0, 80.0, None),
        (78.0, 80.1, "STEP_TOO_LARGE"),
        (89.5, 90.1, "SETPOINT_OUTSIDE_RANGE"),
        (70.5, 69.9, "SETPOINT_OUTSIDE_RANGE"),
        (float("nan"), 78.0, "SETPOINT_NOT_FINITE"),
        (78.0, float("inf"), "SETPOINT_NOT_FINITE"),
    ],
)
def test_the_gates_of_a_move(current, proposed, code):
    reason = judge_move(MANIPULATED, current=current, proposed=proposed)
    assert (reason.code if reason else None) == code


@pytest.mark.parametrize(
    ("current", "seconds_ago", "code"),
    [
        (78.0, None, None),
        (78.0, 60, None),
        (78.0, 59, "TOO_SOON"),
        (None, None, "SETPOINT_UNKNOWN"),
        (95.0, None, "SETPOINT_OUTSIDE_RANGE"),
        (1.7e308, None, "SETPOINT_OUTSIDE_RANGE"),
        (float("nan"), None, "SETPOINT_OUTSIDE_RANGE"),
    ],
)
def test_where_a_setpoint_may_be_moved_from(current, seconds_ago, code):
    last = None if seconds_ago is None else NOW_NS - seconds_to_ns(seconds_ago)
    present = {} if current is None else {MANIPULATED.tag: current}
    reason = judge_present(MANIPULATED, present=present, last_move_ns=last, at_ns=NOW_NS)
    assert (reason.code if reason else None) == code


def test_a_mean_inside_does_not_hide_samples_outside_the_tags_validated_range():
    rings = Rings({"temperature": "plc1", "temperature_setpoint": "plc1"}, capacity=50)
    swinging = [sample("temperature", 200.0 if at % 2 else -44.0, at=-20 + at) for at in range(20)]
    rings.add_notification("plc1", swinging, confirmed_ns=NOW_NS)
    tags = {**line().tags, "temperature": tag("temperature", validated=(60.0, 95.0))}
    assert codes(predict(assignment(), rings, tags=tags)) == ["OUTSIDE_VALIDATED_RANGE"]
    assert predict(assignment(), rings).verdict.accepted  # without a range of the tag only the mean is judged


def test_a_server_whose_clock_runs_ahead_is_not_believed():
    rings = Rings({"temperature": "plc1", "temperature_setpoint": "plc1"}, capacity=50)
    rings.add_notification("plc1", [sample("temperature", 76.0, at=-20)], confirmed_ns=NOW_NS - seconds_to_ns(10))
    rings.add_notification("plc1", [sample("temperature", 94.9, at=60)], confirmed_ns=NOW_NS)
    assert codes(predict(assignment(), rings)) == ["BAD_QUALITY"]


def to_be_sent(**changes):
    model = assignment()
    predicted = Prediction(
        prediction_id="p", at_ns=NOW_NS, equipment_id="R1", analyte="viscosity", unit="mPa.s",
        model=model.bundle.identity, stage="advise", value=107.0, low=106.0, high=108.0, coverage=0.9, features=None,
        verdict=Verdict(), material_lot_id=None, material_definition_id=None,
    )  # fmt: skip
    message = guidance_message(guidance(predicted=predicted), line=line(), cause="c", at_ns=NOW_NS)
    document = json.loads(message.payload)
    document["suggestion"].update(changes)
    return document


def checked(document, present=78.0, **changes):
    reason = second_check(json.dumps(document).encode(), line(**changes), lambda _tag: present)
    return reason.code if reason else None


def test_the_second_check_lets_a_suggestion_within_limits_pass():
    assert checked(to_be_sent()) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"proposed": 95.0}, "SETPOINT_OUTSIDE_RANGE"),
        ({"proposed": 81.0}, "STEP_TOO_LARGE"),
        ({"tag": "coolant_flow"}, "NOT_WITHIN_LINE"),
        ({"proposed": None}, "UNREADABLE"),
        ({"proposed": "NaN"}, "SETPOINT_OUTSIDE_RANGE"),
    ],
)
def test_the_second_check_withholds_what_is_outside(changes, code):
    assert checked(to_be_sent(**changes)) == code


def test_the_second_check_measures_from_where_the_setpoint_is_now_not_from_what_the_message_says():
    assert checked(to_be_sent(), present=76.9) == "STEP_TOO_LARGE"
    assert checked(to_be_sent(), present=None) == "SETPOINT_UNKNOWN"
    assert checked(to_be_sent(current=1e9)) is None


def test_the_second_check_withholds_what_it_cannot_read_or_place():
    assert second_check(b"\xff", line(), lambda _tag: 78.0) is not None
    assert checked({**to_be_sent(), "suggestion": None}) == "UNREADABLE"
    assert checked({**to_be_sent(), "model": {"name": "other", "sha256": "x"}}) == "NOT_WITHIN_LINE"


def test_the_second_check_withholds_a_suggestion_of_another_bundle_or_a_shadow_model():
    document = to_be_sent()
    other = replace(bundle(), identity=replace(bundle().identity, sha256="cd" * 32))
    assert checked(document, models=(assignment(bundle=other),)) == "NOT_WITHIN_LINE"
    assert checked(document, models=(assignment(stage=Stage.SHADOW),)) == "STAGE_TOO_LOW"


def test_guidance_without_a_suggestion_passes_the_second_check():
    assert second_check(b'{"kind": "hold", "suggestion": null}', line(), lambda _tag: None) is None


# --- each gate is necessary: a case that it alone stops ------------------------------------------------


def stays(value):
    return lambda _at: value


STEADY = stays(78.0)


def history(temperature=STEADY, setpoint=STEADY, *, seconds=60):
    """A minute of both tags, each second, as functions of the second (negative before now)."""
    tags = {"temperature": temperature, "temperature_setpoint": setpoint}
    rings = Rings(dict.fromkeys(tags, "plc1"), capacity=1000)
    for at in range(-seconds, 1):
        samples = [sample(name, value(at), at=at) for name, value in tags.items()]
        rings.add_notification("plc1", samples, confirmed_ns=NOW_NS + seconds_to_ns(at))
    return rings


def moving(at):
    return 78.0 + 0.01 * (at % 7)


def test_a_value_that_jumps_faster_than_it_can_is_not_believed():
    spike = history(lambda at: 80.0 if at == -4 else moving(at))
    slow = {**line().tags, "temperature": tag("temperature", max_rate_per_second=1.0)}
    assert predict(assignment(), spike).verdict.accepted
    assert codes(predict(assignment(), spike, tags=slow)) == ["CHANGES_TOO_FAST"]
    assert predict(assignment(), history(moving), tags=slow).verdict.accepted


def test_two_samples_a_moment_apart_do_not_make_noise_a_jump():
    rings = history(moving)
    rings.add_notification("plc1", [sample("temperature", 78.5, at=0.001)], confirmed_ns=NOW_NS + 2_000_000)
    slow = {**line().tags, "temperature": tag("temperature", max_rate_per_second=1.0)}
    assert predict(assignment(), rings, tags=slow, at_ns=NOW_NS + 2_000_000).verdict.accepted


def test_a_sensor_that_shows_the_very_same_value_for_too_long_is_stuck():
    watched = assignment(bundle=bundle(inputs=(mean_input("temperature", frozen_after_ns=seconds_to_ns(30)),)))
    stuck = history(lambda at: moving(at) if at < -31 else 78.5)
    moved_lately = history(lambda at: 78.4 if at < -20 else 78.5)
    assert predict(assignment(), stuck).verdict.accepted
    assert codes(predict(watched, stuck)) == ["FROZEN"]
    assert predict(watched, moved_lately).verdict.accepted
    short = history(stays(78.5), seconds=20)  # not known for long enough to say so
    assert predict(watched, short).verdict.accepted


def test_a_moment_of_bad_quality_does_not_make_a_stuck_sensor_move():
    watched = assignment(bundle=bundle(inputs=(mean_input("temperature", frozen_after_ns=seconds_to_ns(30)),)))
    stuck = history(lambda at: moving(at) if at < -31 else 78.5)
    stuck.add_notification("plc1", [sample("temperature", 78.5, at=-1, status=BAD)], confirmed_ns=NOW_NS)
    stuck.add_notification("plc1", [sample("temperature", 78.5)], confirmed_ns=NOW_NS)
    assert codes(predict(watched, stuck)) == ["FROZEN"]


def domain(**changes):
    """Two inputs that go together: any distance along (1, 1), almost none across."""
    half = np.sqrt(0.5)
    known = {
        "center": np.array([78.0, 78.0]), "scale": np.array([1.0, 1.0]), "loadings": np.array([[half], [half]]),
        "variances": np.array([2.0]), "t2_limit": 7.0, "spe_limit": 0.1, "alpha": 0.01, **changes,
    }  # fmt: skip
    return Domain(**known)


def two_inputs(**changes):
    inputs = (mean_input("temperature"), mean_input("temperature_setpoint"))
    model = bundle(inputs=inputs, manipulated=(), **changes)
    return assignment(bundle=model, predict=linear([-4.0, 0.0], 100 + 4 * 78))


@pytest.mark.parametrize(
    ("temperature", "setpoint", "code"),
    [
        (79.0, 79.0, None),
        (81.0, 81.0, "OUTSIDE_DOMAIN_T2"),  # as they go together, but farther than ever
        (79.0, 77.0, "OUTSIDE_DOMAIN_SPE"),  # each as it was, but never so together
    ],
)
def test_inputs_in_their_ranges_but_unlike_what_the_model_has_learned_are_refused(temperature, setpoint, code):
    rings = history(stays(temperature), stays(setpoint))
    assert predict(two_inputs(), rings).verdict.accepted
    assert codes(predict(two_inputs(domain=domain()), rings)) == ([] if code is None else [code])


def test_an_interval_too_wide_to_act_on_is_no_prediction():
    wide = bundle(outputs=(value_output(half_width=3.0, max_half_width=2.5),))
    assert codes(predict(assignment(bundle=wide), steady_rings(78.0, 78.0))) == ["INTERVAL_TOO_WIDE"]


@pytest.mark.parametrize(("probability", "code"), [(0.7, None), (1.2, "OUTSIDE_OUTPUT_RANGE"), (np.nan, "NOT_FINITE")])
def test_a_probability_must_be_one(probability, code):
    output = ModelOutput(analyte="viscosity", unit="mPa.s", probability=ProbabilityOutput(column=0, warn_at=0.5))
    model = assignment(bundle=bundle(outputs=(output,)), predict=lambda rows: np.full((len(rows), 1), probability))
    found = predict(model, steady_rings(78.0, 78.0))
    assert codes(found) == ([] if code is None else [code])
    assert found.probability == (probability if code is None else None)
    assert found.value is None


def test_a_model_of_several_outputs_says_something_of_each():
    outputs = (
        value_output(),
        ModelOutput(
            analyte="ph",
            unit="pH",
            value=ValueOutput(column=1, valid=(6.0, 8.0), coverage=0.9, half_width=0.1),
            probability=ProbabilityOutput(column=2, warn_at=0.5),
        ),
    )
    model = assignment(bundle=bundle(outputs=outputs), predict=lambda rows: np.array([[100.0, 9.0, 0.2]] * len(rows)))
    here = line(models=(model,))
    due = ModelDue(event_id="e", at=moment(NOW_NS), model=model.name)
    windows = steady_rings(78.0, 78.0).windows(windows_needed(due, here))
    occasion = Occasion(end_ns=NOW_NS, at_ns=NOW_NS, cause="e", context=Context())
    viscosity, ph = guarded_predictions(model, here.tags, windows, occasion)
    assert (viscosity.analyte, viscosity.value, viscosity.verdict.accepted) == ("viscosity", 100.0, True)
    assert (ph.analyte, ph.value, ph.probability) == ("ph", None, None)  # one part refused: nothing of it is said
    assert codes(ph) == ["OUTSIDE_OUTPUT_RANGE"]
    assert viscosity.prediction_id != ph.prediction_id


INTERLOCKED = replace(bundle().manipulated[0], interlocks=(Interlock(tag="mode", within=(1.0, 1.0)),))


@pytest.mark.parametrize(
    ("mode", "code"), [(1.0, None), (0.0, "INTERLOCKED"), (None, "INTERLOCKED"), (np.nan, "INTERLOCKED")]
)
def test_a_setpoint_is_moved_only_while_its_interlocks_hold(mode, code):
    present = {"temperature_setpoint": 78.0} | ({} if mode is None else {"mode": mode})
    reason = judge_present(INTERLOCKED, present=present, last_move_ns=None, at_ns=NOW_NS)
    assert (reason.code if reason else None) == code


@pytest.mark.parametrize(("mode", "code"), [(1.0, None), (0.0, "INTERLOCKED"), (None, "INTERLOCKED")])
def test_the_second_check_looks_at_interlocks_by_itself(mode, code):
    model = assignment(bundle=bundle(manipulated=(INTERLOCKED,)))
    present = {"temperature_setpoint": 78.0, "mode": mode}.get
    reason = second_check(json.dumps(to_be_sent()).encode(), line(models=(model,)), present)
    assert (reason.code if reason else None) == code


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.9])
def test_a_stuck_sensor_is_seen_between_two_confirmations_too(seconds):
    watched = assignment(bundle=bundle(inputs=(mean_input("temperature", frozen_after_ns=seconds_to_ns(30)),)))
    assert codes(predict(watched, history(), at_ns=NOW_NS + seconds_to_ns(seconds))) == ["FROZEN"]
