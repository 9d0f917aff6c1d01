"""What operators read: the value, its side, the limit, the lot, what to do; and one warning for one condition."""

import json
import math
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.advice.phrases import beyond_text, interval_text
from gateway.advice.titles import lot_title, move_title, predicted_title
from gateway.line.outputs import ProbabilityOutput
from gateway.records.guidance import GuidanceKind, SetpointSuggestion, Severity
from gateway.records.laboratory import Specification
from gateway.records.prediction import ModelIdentity, Prediction
from gateway.records.timers import Timer
from gateway.records.verdicts import Reason, Verdict
from gateway.texts.catalogue import LONGEST_TITLE, fitting
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, assignment, bundle, line, linear, value_output
from tests.fixtures.store_bench import Bench


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    with closing(found.connection):
        found.order()
        yield found


def told(bench, kind):
    return [each for each in bench.sent("guidance") if each["kind"] == kind]


def prediction(value, half=0.5, lot="LOT-5", analyte="moisture", unit="%"):
    return Prediction(
        prediction_id="p", at_ns=NOW_NS, equipment_id="R1", analyte=analyte, unit=unit,
        model=ModelIdentity(name="m", version="1", sha256="x"), stage="advise", value=value, low=value - half,
        high=value + half, coverage=0.9, features=None, verdict=Verdict(), material_lot_id=lot,
        material_definition_id=None,
    )  # fmt: skip


MOISTURE = Specification(analyte="moisture", lower=3.3, upper=4.2, unit="%")


# --- 15: sentences ---------------------------------------------------------------------------------------


def test_first_plant_15_a_warning_says_value_interval_side_limit_lot_and_what_to_do(bench):
    bench.model_due(76.0, setpoint=76.0)
    (warning,) = told(bench, "warning")
    assert warning["title"] == "Lot LOT/1: viscosity predicted 108 mPa·s, above 105"
    (reason,) = warning["reasons"]
    assert reason["text"] == (
        "viscosity of lot LOT/1 is predicted at 108 mPa·s (107 to 109), above the upper limit of 105 mPa·s. "
        "Check the process and take a sample."
    )
    assert reason["parameters"]["upper"] == 105.0


def test_first_plant_15_an_interval_that_reaches_beyond_a_limit_says_so():
    assert beyond_text(prediction(4.0), MOISTURE, outside=False) == "above the upper limit of 4.2 %"
    assert beyond_text(prediction(3.75, half=1.0), MOISTURE, outside=False) == (
        "below the lower limit of 3.3 % and above the upper limit of 4.2 %"
    )
    assert (
        predicted_title(prediction(4.0), MOISTURE, outside=False)
        == "Lot LOT-5: moisture predicted 4 %, may be above 4.2"
    )
    assert interval_text(prediction(4.20004), MOISTURE) == "4.20004 % (3.7 to 4.7)"


def test_first_plant_15_near_a_limit_the_sentence_does_not_read_as_if_the_interval_gave_the_limits(bench):
    bench.model_due(76.9, setpoint=76.9)
    (warning,) = told(bench, "warning")
    assert "the interval reaches above the upper limit of 105 mPa·s" in warning["reasons"][0]["text"]
    assert "leaves" not in json.dumps(warning)


def test_first_plant_15_a_suggestion_says_from_where_to_where(bench):
    bench.model_due(81.0, setpoint=81.0)
    (setpoint,) = told(bench, "setpoint")
    move = setpoint["suggestion"]
    assert setpoint["title"] == f"Lower temperature setpoint from {move['current']:g} to {move['proposed']:g} °C"
    assert " by " not in setpoint["title"]


def test_first_plant_15_the_title_of_the_case():
    move = SetpointSuggestion(
        tag="neutraliser_flow_setpoint", current=50.0, proposed=62.0, unit="mL/s", validated=(0.0, 100.0),
        max_step=20.0, expected_value=1.0, expected_low=0.0, expected_high=2.0,
    )  # fmt: skip
    assert move_title(move) == "Raise neutraliser flow setpoint from 50 to 62 mL/s"


@pytest.mark.parametrize(
    ("current", "proposed", "told"),
    [(50.03, 62.0, "from 50.03 to 62"), (1000000.4, 1000000.5, "from 1000000.4 to 1000000.5"),
     (81.00000000000001, 79.0, "from 81 to 79"), (0.1, 0.30000000000000004, "from 0.1 to 0.3")],
)  # fmt: skip
def test_first_plant_15_where_a_move_begins_and_ends_is_told_apart(current, proposed, told):
    move = SetpointSuggestion(
        tag="flow", current=current, proposed=proposed, unit="L/h", validated=(0.0, 2e6), max_step=20.0,
        expected_value=1.0, expected_low=0.0, expected_high=2.0,
    )  # fmt: skip
    assert told in move_title(move)


def test_first_plant_15_a_value_without_a_unit_leaves_no_gap():
    ph = Specification(analyte="pH", lower=6.5, upper=7.5)
    assert interval_text(prediction(7.6, half=0.1, unit=""), ph) == "7.6 (7.5 to 7.7)"
    assert predicted_title(prediction(7.6, unit="", analyte="pH"), ph, outside=True) == (
        "Lot LOT-5: pH predicted 7.6, above 7.5"
    )


def test_first_plant_15_a_warning_by_probability_names_the_lot_and_what_to_do(bench):
    output = value_output()
    likely = bundle(outputs=(type(output)(analyte="viscosity", unit="mPa.s",
                                          probability=ProbabilityOutput(column=0, warn_at=0.5)),))  # fmt: skip
    bench.line = line(models=(assignment(bundle=likely, predict=linear([0.0], 0.87)),))
    bench.model_due(78.0)
    (warning,) = told(bench, "warning")
    assert warning["title"] == "Lot LOT/1: viscosity likely out of specification (87%)"
    assert "of lot LOT/1" in warning["reasons"][0]["text"]
    assert warning["reasons"][0]["text"].endswith("take a sample.")


names = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12)


@settings(max_examples=60)
@given(
    value=st.floats(-1e4, 1e4), half=st.floats(0.001, 100), lot=st.none() | names, analyte=names,
    outside=st.booleans(), limits=st.tuples(st.floats(-100, 0), st.floats(1, 100)),
)  # fmt: skip
def test_first_plant_15_a_title_has_at_most_60_characters_and_its_number_is_on_the_right_side(
    value, half, lot, analyte, outside, limits
):
    specification = Specification(analyte=analyte, lower=round(limits[0], 2), upper=round(limits[1], 2), unit="%")
    title = predicted_title(prediction(value, half, lot=lot, analyte=analyte), specification, outside=outside)
    assert len(title) <= LONGEST_TITLE
    shown = float(title.split("predicted ")[1].split(" %")[0].split(",")[0])
    assert (shown > specification.upper) == (value > specification.upper)
    assert (shown < specification.lower) == (value < specification.lower)
    assert math.isclose(shown, value, rel_tol=1e-3, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("text", "code", "title"),
    [
        (
            "moisture 4.297 is above the upper limit of 4.2 %.",
            "OUT_OF_SPECIFICATION",
            "Hold lot LOT-0005: moisture 4.297 above 4.2 %",
        ),
        (
            "pH 9.8 is above the upper limit of 7.5.",
            "OUT_OF_SPECIFICATION",
            "Hold lot LOT-0005: pH 9.8 is above the upper limit of 7.5",
        ),
        (
            "Something that takes many more words than a title has room for.",
            "UNIT_MISMATCH",
            "Hold lot LOT-0005: moisture: unit mismatch",
        ),
    ],
)
def test_first_plant_15_the_title_of_a_hold_says_lot_value_side_and_limit_in_60_characters(text, code, title):
    reason = Reason(code=code, parameters={"analyte": "moisture"}, text=text)
    hold_title = lot_title(GuidanceKind.HOLD, lot="LOT-0005", sample="", reason=reason)
    assert hold_title == title
    assert len(hold_title) <= LONGEST_TITLE


def test_first_plant_15_a_hold_by_a_result_has_a_title_that_fits_and_its_sentence_as_reason(bench):
    bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 110.25, "unit": "mPa.s", "status": "approved",
                  "material_lot_id": "LOT/1"})  # fmt: skip
    (hold,) = told(bench, "hold")
    assert hold["title"] == "Hold lot LOT/1: Viscosity 110.25 mPa·s above 105 mPa·s"
    assert hold["reasons"][0]["text"] == "Viscosity 110.25 mPa·s is above the upper limit of 105 mPa·s."


def test_first_plant_15_a_title_is_never_cut_in_a_name():
    assert fitting("x" * 80, "y" * 70) == "y" * 70
    assert fitting("x" * 61, "fits") == "fits"


# --- 15: one warning for one condition -------------------------------------------------------------------


def at_each_minute(bench, minutes, temperature=76.0):
    for _ in range(minutes):
        bench.now_ns += 60 * SECOND_NS
        bench.timer(Timer.EXPIRE_GUIDANCE)
        bench.model_due(temperature, setpoint=temperature)


def warnings(bench):
    return bench.rows(
        "SELECT guidance_id, state, json_extract(body, '$.severity') FROM guidance WHERE kind = 'warning'"
    )


def test_first_plant_15_a_warning_whose_condition_goes_on_keeps_its_id_and_its_acknowledgement(bench):
    bench.model_due(76.0, setpoint=76.0)
    ((guidance_id, _, severity),) = warnings(bench)
    bench.answer(guidance_id, "acknowledge")
    at_each_minute(bench, 60)
    assert warnings(bench) == [(guidance_id, "acknowledged", severity)]
    times = [each["expires_at"] for each in told(bench, "warning")]
    assert times == sorted(times)
    assert len(set(times)) > 5  # terminals hear of it in time
    board = [each for each in bench.sent("board")[-1]["guidance"] if each["kind"] == "warning"]
    assert [(each["id"], each["state"], each["expires_at"]) for each in board] == [
        (guidance_id, "acknowledged", times[-1])
    ]


def test_first_plant_15_a_warning_that_nobody_answered_is_told_anew_with_more_time_before_it_expires(bench):
    bench.model_due(76.0, setpoint=76.0)
    at_each_minute(bench, 30)
    ((guidance_id, state, _),) = warnings(bench)
    assert state == "proposed"
    assert {each["state"] for each in told(bench, "warning")} == {"proposed"}
    assert {each["id"] for each in told(bench, "warning")} == {guidance_id}
    assert "Lot LOT/1" in told(bench, "warning")[-1]["title"]


def test_first_plant_15_a_warning_ends_with_its_condition_and_expires_where_nothing_is_known_any_more(bench):
    bench.model_due(76.0, setpoint=76.0)
    at_each_minute(bench, 12)
    bench.now_ns += 11 * 60 * SECOND_NS
    bench.timer(Timer.EXPIRE_GUIDANCE)
    assert [state for _, state, _ in warnings(bench)] == ["expired"]
    bench.model_due(76.0, setpoint=76.0)
    bench.now_ns += SECOND_NS
    bench.model_due(78.0, setpoint=78.0)
    assert [state for _, state, _ in warnings(bench)] == ["expired", "resolved"]


def test_first_plant_15_a_warning_that_becomes_critical_keeps_its_id_and_never_falls_back(bench):
    bench.model_due(76.9, setpoint=76.9)
    ((guidance_id, _, severity),) = warnings(bench)
    assert severity == Severity.WARNING.value
    at_each_minute(bench, 1, temperature=76.0)
    at_each_minute(bench, 12, temperature=76.9)
    assert warnings(bench) == [(guidance_id, "proposed", Severity.CRITICAL.value)]


def test_first_plant_15_a_warning_that_somebody_has_seen_calls_them_again_when_it_becomes_critical(bench):
    bench.model_due(76.9, setpoint=76.9)
    ((guidance_id, _, _),) = warnings(bench)
    bench.answer(guidance_id, "acknowledge")
    at_each_minute(bench, 1, temperature=76.0)
    at_each_minute(bench, 12, temperature=76.9)
    assert [(state, severity) for _, state, severity in warnings(bench)] == [
        ("superseded", Severity.WARNING.value),
        ("proposed", Severity.CRITICAL.value),
    ]


def test_first_plant_15_a_model_that_speaks_rarely_does_not_let_its_warning_expire_in_between(bench):
    bench.line = line(models=(assignment(every_ns=900 * SECOND_NS),))
    bench.model_due(76.0, setpoint=76.0)
    for _ in range(4):
        bench.now_ns += 900 * SECOND_NS
        bench.timer(Timer.EXPIRE_GUIDANCE)
        bench.model_due(76.0, setpoint=76.0)
    assert [state for _, state, _ in warnings(bench)] == ["proposed"]
