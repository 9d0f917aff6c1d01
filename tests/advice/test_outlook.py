"""Where a value heads while its causes change: warned of before it is there, and a move sized for where it settles."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.advice.condition import Standing, standing_by_value
from gateway.advice.warned_of import reason_of, title_of
from gateway.contract.payloads.prediction import prediction_payload
from gateway.decisions.table import decide, windows_needed
from gateway.events import ModelDue
from gateway.facts.model_due import PastPrediction
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.history.memory.rings import Rings
from gateway.inference.settling import settled
from gateway.line.definition import Aggregate, ManipulatedTag
from gateway.line.derived_inputs import Category, Stretch, Transform
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, RejectedAdvice
from gateway.records.production import Context
from gateway.time_units import seconds_to_ns
from tests.fixtures.building import (
    NOW_NS,
    VISCOSITY,
    assignment,
    bundle,
    line,
    linear,
    mean_input,
    model_due_facts,
    moment,
    sample,
    value_output,
)

NEWEST, OLDER = "temperature.0s-4s", "temperature.4s-8s"
INPUTS = (
    mean_input("temperature", name=NEWEST, window_ns=seconds_to_ns(4)),
    mean_input("temperature", name=OLDER, window_ns=seconds_to_ns(4), lag_ns=seconds_to_ns(4)),
)


def model(*, valid=(0.0, 300.0), **changes):
    """viscosity = 100 - 2 (newest - 78) - 2 (older - 78)."""
    moved = ManipulatedTag(
        tag="temperature_setpoint", unit="degC", validated=(70.0, 90.0), max_step=5.0, resolution=0.1,
        minimum_interval_ns=seconds_to_ns(60), gains={NEWEST: 1.0, OLDER: 1.0},
    )  # fmt: skip
    here = bundle(inputs=INPUTS, manipulated=(moved,), outputs=(value_output(valid=valid),), **changes)
    return assignment(bundle=here, predict=linear([-2.0, -2.0], 100 + 4 * 78))


def history(older, newest, setpoint=78.0):
    """A temperature that stepped four seconds ago."""
    rings = Rings({"temperature": "plc1", "temperature_setpoint": "plc1"}, capacity=100)
    values = [sample("temperature", older, at=-20), sample("temperature", newest, at=-4.0),
              sample("temperature_setpoint", setpoint, at=-200)]  # fmt: skip
    rings.add_notification("plc1", values, confirmed_ns=NOW_NS)
    return rings


def due(older, newest, here=None, **known):
    line_here = line(models=(model() if here is None else here,))
    event = ModelDue(event_id="due", at=moment(NOW_NS), model="viscosity")
    windows = history(older, newest).windows(windows_needed(event, line_here))
    context = Context(material_definition_id="FG-100", material_lot_id="L1", equipment_id="R1")
    return decide(event, model_due_facts(line_here, windows=windows, context=context, **known))


def advice(decision, kind):
    return [item for item in decision.records if isinstance(item, Guidance) and item.kind is kind]


def predicted(older, newest, here=None):
    here = model() if here is None else here
    event = ModelDue(event_id="due", at=moment(NOW_NS), model="viscosity")
    line_here = line(models=(here,))
    windows = history(older, newest).windows(windows_needed(event, line_here))
    occasion = Occasion(end_ns=NOW_NS, at_ns=NOW_NS, cause="due", context=Context())
    (prediction,) = guarded_predictions(here, line_here.tags, windows, occasion)
    return prediction


def test_an_outlook_is_where_the_value_settles_once_every_window_sees_what_the_newest_sees():
    prediction = predicted(78.0, 79.0)
    assert prediction.value == pytest.approx(98.0)
    assert (prediction.outlook.value, prediction.outlook.accepted) == (pytest.approx(96.0), True)
    assert prediction.outlook.high - prediction.outlook.low == pytest.approx(prediction.high - prediction.low)


def test_a_steady_plant_has_no_outlook():
    assert predicted(79.0, 79.0).outlook is None


def test_an_outlook_beyond_what_the_model_knows_carries_no_number_to_the_outside():
    prediction = predicted(78.0, 79.0, model(valid=(97.0, 300.0)))
    assert prediction.value == pytest.approx(98.0)
    assert not prediction.outlook.accepted
    payload = prediction_payload(prediction, line="acme", cause="due", expires_ns=NOW_NS)
    assert payload.outlook is None
    shown = prediction_payload(predicted(78.0, 79.0), line="acme", cause="due", expires_ns=NOW_NS).outlook
    assert shown.value == pytest.approx(96.0)


def test_a_value_that_heads_beyond_a_limit_is_warned_of_while_it_is_inside_and_as_a_warning():
    (warning,) = advice(due(78.0, 79.2), GuidanceKind.WARNING)
    assert (warning.predicted.low, warning.severity.value) == (pytest.approx(96.6), "warning")
    assert warning.title == "Lot L1: viscosity heads below 95, now 97.6 mPa·s"
    assert warning.reasons[0].code == "PREDICTED_TO_LEAVE"
    assert "below the lower limit of 95 mPa·s if its causes stay as they are" in warning.reasons[0].text


def test_a_move_is_sized_for_where_the_value_settles_not_for_where_it_is():
    (suggestion,) = [item.suggestion for item in advice(due(78.0, 79.2), GuidanceKind.SETPOINT)]
    settles_at = 100 - 4 * 1.2
    assert suggestion.expected_value == pytest.approx(settles_at - 4 * (suggestion.proposed - 78.0))
    assert abs(suggestion.expected_value - 100.0) <= 0.5 + 1e-6  # as near to the target as the search asks for


def test_what_comes_back_by_itself_is_warned_of_and_not_moved_a_second_time():
    decision = due(79.8, 78.0)  # outside now: 96.4 - 1; it settles at 100
    assert advice(due(80.0, 78.0), GuidanceKind.WARNING) == []  # 96 to 98: inside
    wide = due(81.0, 78.4)
    (warning,) = advice(wide, GuidanceKind.WARNING)
    assert warning.reasons[0].code in {"PREDICTED_OUT_OF_SPECIFICATION", "PREDICTED_NEAR_LIMIT"}
    assert not advice(wide, GuidanceKind.SETPOINT)
    assert not advice(decision, GuidanceKind.SETPOINT)


def test_a_move_from_an_outlook_outside_what_the_model_knows_must_lead_back_into_it():
    (suggestion,) = [item.suggestion for item in advice(due(78.0, 79.5, model(valid=(96.0, 300.0))),
                                                        GuidanceKind.SETPOINT)]  # fmt: skip
    assert suggestion.expected_low >= 96.0 - 1.0
    assert suggestion.expected_value >= 96.0
    nowhere = model(valid=(96.9, 97.1))  # now is known, and no move leads to where anything is
    assert not advice(due(78.0, 79.5, nowhere), GuidanceKind.SETPOINT)


def test_an_operator_who_rejected_is_asked_again_only_where_it_heads_further_out():
    (before,) = advice(due(78.0, 79.2), GuidanceKind.SETPOINT)
    rejected = RejectedAdvice(guidance=replace(before, state=GuidanceState.REJECTED), person="op", reason="cleaning",
                              at_ns=NOW_NS - 1)  # fmt: skip
    again = due(78.0, 79.2, rejected={"viscosity": (rejected,)})
    assert not advice(again, GuidanceKind.SETPOINT)
    further = due(78.0, 79.9, rejected={"viscosity": (rejected,)})
    assert advice(further, GuidanceKind.SETPOINT)


@given(st.floats(75.0, 81.0), st.floats(75.0, 81.0), st.floats(90.0, 110.0))
def test_a_warning_by_the_outlook_always_names_the_side_and_fits_its_title(older, newest, centre):
    prediction = predicted(older, newest)
    limits = replace(VISCOSITY, lower=centre - 3.0, upper=centre + 3.0)
    if prediction.outlook is None:
        return
    inside_now = limits.lower <= prediction.low and prediction.high <= limits.upper
    heads_out = prediction.outlook.low < limits.lower or prediction.outlook.high > limits.upper
    if inside_now and heads_out:
        side = "above" if prediction.outlook.high > limits.upper else "below"
        title = title_of(prediction, limits, outside=False)
        assert side in title
        assert len(title) <= 60
        assert side in reason_of(prediction, limits, outside=False).text


@given(st.tuples(st.floats(-5, 5), st.floats(0, 5)), st.tuples(st.floats(-5, 5), st.floats(0, 5)))
def test_a_prediction_is_calm_only_where_it_is_and_will_be(now, ahead):
    limits = replace(VISCOSITY, lower=-3.0, upper=3.0)
    intervals = [(low, low + width) for low, width in (now, ahead)]
    both = standing_by_value(
        PastPrediction(at_ns=0, low=intervals[0][0], high=intervals[0][1], heading=intervals[1]), limits, dead_band=0.0
    )
    alone = [standing_by_value(PastPrediction(at_ns=0, low=low, high=high), limits, dead_band=0.0)
             for low, high in intervals]  # fmt: skip
    assert (both is Standing.OUTSIDE) == (Standing.OUTSIDE in alone)


@given(st.lists(st.floats(0, 100), min_size=4, max_size=4))
def test_settled_inputs_are_settled_and_a_slope_is_left_alone(values):
    definitions = (*INPUTS, mean_input("temperature", name="slope", aggregate=Aggregate.SLOPE), mean_input("pressure"))
    once = settled(definitions, tuple(values))
    assert once[:2] == (values[0], values[0])
    assert once[2:] == tuple(values[2:])
    assert settled(definitions, once) == once


def test_what_is_published_of_a_heading_warning_is_held_by_the_second_check_like_any_other():
    decision = due(78.0, 79.2)
    bodies = [json.loads(message.payload) for message in decision.messages if b'"suggestion"' in message.payload]
    moves = [body["suggestion"] for body in bodies if body.get("suggestion")]
    assert moves
    assert all(np.isfinite(move["proposed"]) and 70.0 <= move["proposed"] <= 90.0 for move in moves)


def an_input(tag="flow", aggregate="last", *, lag=0, window=0, **more):
    return mean_input(tag, name=f"{tag}.{aggregate}.{lag}.{len(more)}", aggregate=Aggregate(aggregate),
                      lag_ns=seconds_to_ns(lag), window_ns=seconds_to_ns(window), **more)  # fmt: skip


FLOW, STEAM = an_input("flow"), an_input("steam")
RUNNING, ENDED = Stretch(since="batch_start"), Stretch(since="phase:heat", until="phase_end:heat")
MODE_2 = Category(name="mode", value="2", levels=("1", "2"))


@pytest.mark.parametrize(
    ("inputs", "now", "settles_at"),
    [
        # a ratio of which both tags' levels are known follows them
        ((FLOW, STEAM, an_input(over="steam", lag=8)), (20.0, 4.0, 3.0), (20.0, 4.0, 5.0)),
        # without them it takes the newest of its kind, whatever its window
        ((an_input(over="steam"), an_input(over="steam", lag=8, aggregate="mean", window=4)), (5.0, 3.0), (5.0, 5.0)),
        # a level that is older than the ratio says nothing of it
        ((an_input(lag=9), STEAM, an_input(over="steam", lag=4)), (20.0, 4.0, 3.0), (20.0, 4.0, 3.0)),
        ((FLOW, an_input(transform=Transform.SQUARE, lag=8)), (3.0, 4.0), (3.0, 9.0)),
        ((FLOW, an_input(aggregate="integral", window=60)), (2.0, 100.0), (2.0, 120.0)),
        ((FLOW, an_input(aggregate="time_above", window=60, level=1.5)), (2.0, 10.0), (2.0, 60.0)),
        ((FLOW, an_input(aggregate="time_below", window=60, level=1.5)), (2.0, 10.0), (2.0, 0.0)),
        # changes stay, as slopes do
        ((FLOW, an_input(lag=4), an_input(difference_ns=seconds_to_ns(4))), (2.0, 1.0, 1.0), (2.0, 2.0, 1.0)),
        ((FLOW, an_input(lag=4, category=MODE_2)), (2.0, 0.0), (2.0, 1.0)),
        # a stretch of the batch that has ended stays
        ((FLOW, an_input(lag=4), an_input(aggregate="mean", stretch=ENDED)),
         (2.0, 1.0, 7.0), (2.0, 2.0, 7.0)),
    ],
)  # fmt: skip
def test_what_is_computed_settles_where_its_tags_settle(inputs, now, settles_at):
    assert settled(inputs, now) == pytest.approx(settles_at)
    assert settled(inputs, settled(inputs, now)) == pytest.approx(settles_at)


@pytest.mark.parametrize(
    ("inputs", "now"),
    [
        ((FLOW, an_input(lag=4), an_input(aggregate="duration", stretch=RUNNING)), (2.0, 1.0, 9.0)),
        ((FLOW, an_input(lag=4), an_input(aggregate="mean", stretch=RUNNING)), (2.0, 1.0, 9.0)),
        ((an_input(lag=4), an_input("heat", aggregate="integral", window=60)), (1.0, 9.0)),  # its level is not known
        ((FLOW, an_input(lag=4), an_input(lag=4, transform=Transform.LOG)), (-2.0, 1.0, 0.0)),  # not defined there
        ((an_input("zero"), FLOW, an_input(over="zero", lag=4)), (0.0, 2.0, 1.0)),
        ((FLOW, an_input(lag=4, category=MODE_2)), (7.0, 0.0)),
    ],
)  # fmt: skip
def test_where_it_is_not_defined_nothing_is_said(inputs, now):
    assert settled(inputs, now) == now


def test_a_model_with_a_ratio_has_an_outlook():
    ratio = mean_input("temperature", name="ratio", over="temperature_setpoint", aggregate=Aggregate.LAST, window_ns=0,
                       lag_ns=seconds_to_ns(4), validated=(0.5, 2.0))  # fmt: skip
    setpoint = mean_input("temperature_setpoint", name="setpoint", aggregate=Aggregate.LAST, window_ns=0)
    newest = mean_input("temperature", name="newest", aggregate=Aggregate.LAST, window_ns=0)
    here = bundle(inputs=(newest, setpoint, ratio), manipulated=(), outputs=(value_output(valid=(0.0, 300.0)),))
    made = assignment(bundle=here, predict=linear([0.0, 0.0, 100.0], 0.0))
    line_here = line(models=(made,))
    rings = Rings({"temperature": "plc1", "temperature_setpoint": "plc1"}, capacity=100)
    rings.add_notification("plc1", [sample("temperature", 78.0, at=-20), sample("temperature", 80.0, at=-2),
                                    sample("temperature_setpoint", 78.0, at=-200)], confirmed_ns=NOW_NS)  # fmt: skip
    windows = rings.windows(windows_needed(ModelDue(event_id="due", at=moment(NOW_NS), model="viscosity"), line_here))
    occasion = Occasion(end_ns=NOW_NS, at_ns=NOW_NS, cause="due", context=Context())
    (prediction,) = guarded_predictions(made, line_here.tags, windows, occasion)
    assert (prediction.value, prediction.outlook.value) == (pytest.approx(100.0), pytest.approx(100 * 80 / 78))
