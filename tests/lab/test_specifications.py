from dataclasses import replace

import pytest

from gateway.lab.disposition import LotState, judge_result, no_less_careful
from gateway.lab.specifications import action_limits, judge
from gateway.records.laboratory import Bands, Recommendation, ResultStatus, Specification
from tests.fixtures.building import VISCOSITY, result

BANDED = replace(VISCOSITY, bands=Bands(release=(98.0, 102.0), review=(95.0, 105.0)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (100.0, Recommendation.RELEASE),
        (98.0, Recommendation.RELEASE),
        (102.0, Recommendation.RELEASE),
        (97.9, Recommendation.REVIEW),
        (95.0, Recommendation.REVIEW),
        (102.1, Recommendation.REVIEW),
        (94.9, Recommendation.HOLD),
        (105.1, Recommendation.HOLD),
    ],
)
def test_bands_are_percent_of_target(value, expected):
    assert judge(result(value=value), BANDED)[0] is expected


@pytest.mark.parametrize(
    ("value", "expected"), [(95.0, "release"), (105.0, "release"), (94.99, "hold"), (105.01, "hold")]
)
def test_without_bands_inside_is_release_and_outside_is_hold(value, expected):
    assert judge(result(value=value), VISCOSITY)[0] == expected


def test_exclusive_limits_put_a_value_on_the_limit_outside():
    assert judge(result(value=105.0), replace(VISCOSITY, inclusive=False))[0] is Recommendation.HOLD


def test_the_reason_names_value_and_limit():
    _, reason = judge(result(value=107.25), VISCOSITY)
    assert reason.code == "OUT_OF_SPECIFICATION"
    assert reason.text == "Viscosity 107.25 mPa·s is above the upper limit of 105 mPa·s."
    assert reason.parameters["upper"] == 105.0


def censored(qualifier, limit):
    return result(value=None, qualifier=qualifier, censored_at=limit, value_text=f"{qualifier}{limit:g}", unit=None)


@pytest.mark.parametrize(
    ("qualifier", "limit", "lower", "upper", "expected"),
    [
        ("<", 0.05, None, 0.1, Recommendation.RELEASE),
        ("<", 0.1, None, 0.1, Recommendation.RELEASE),
        ("<", 0.2, None, 0.1, Recommendation.REVIEW),
        ("<", 5.0, 5.0, None, Recommendation.HOLD),
        ("<", 6.0, 5.0, None, Recommendation.REVIEW),
        (">", 200.0, None, 100.0, Recommendation.HOLD),
        (">", 100.0, None, 100.0, Recommendation.HOLD),
        (">", 50.0, 40.0, None, Recommendation.RELEASE),
        (">", 50.0, 40.0, 100.0, Recommendation.REVIEW),
    ],
)
def test_censored_results_are_judged_as_intervals(qualifier, limit, lower, upper, expected):
    limits = Specification(analyte="x", lower=lower, upper=upper)
    assert judge(censored(qualifier, limit), limits)[0] is expected


def test_no_specification_is_a_review():
    assert judge(result(), None)[0] is Recommendation.REVIEW


def test_another_unit_is_a_review_not_a_guess():
    recommendation, reason = judge(result(unit="cSt", value=100.0), VISCOSITY)
    assert (recommendation, reason.code) == (Recommendation.REVIEW, "UNIT_MISMATCH")


def test_an_entered_result_releases_nothing_but_can_hold():
    assert judge(result(status=ResultStatus.ENTERED), VISCOSITY)[0] is Recommendation.REVIEW
    assert judge(result(status=ResultStatus.ENTERED, value=200.0), VISCOSITY)[0] is Recommendation.HOLD


def test_conflicting_specifications_take_the_more_careful_and_say_so():
    own = Specification(analyte="viscosity", lower=99.0, upper=101.0)
    judged = judge_result(result(value=103.0, specification=own), (VISCOSITY,))
    assert judged.recommendation is Recommendation.HOLD
    assert "SPECIFICATION_CONFLICT" in judged.flags


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [
        ("hold", "review", "hold"),
        ("review", "pending", "review"),
        ("review", "hold", "hold"),
        ("release", "pending", "pending"),
    ],
)
def test_while_records_are_in_doubt_no_lot_becomes_less_a_matter_for_a_person(before, now, kept):
    state, reasons = no_less_careful(
        LotState(recommendation=Recommendation(now)), (), LotState(recommendation=Recommendation(before))
    )
    assert state.recommendation.value == kept
    assert [reason.code for reason in reasons] == (["RECORDS_IN_DOUBT"] if kept != now else [])


@pytest.mark.parametrize(("now", "kept"), [("release", "review"), ("review", "review"), ("pending", "pending")])
def test_where_records_are_missing_a_lot_of_which_nothing_is_known_is_not_for_release(now, kept):
    state, _reasons = no_less_careful(LotState(recommendation=Recommendation(now)), (), LotState(), forgotten=True)
    assert state.recommendation.value == kept


def test_a_censored_result_is_not_released_by_bands_it_cannot_be_measured_against():
    banded = Specification(
        analyte="x", lower=95.0, upper=None, target=100.0, bands=Bands(release=(98, 102), review=(95, 105))
    )
    assert judge(censored(">", 96.0), banded)[0] is Recommendation.REVIEW


def test_the_action_limits_are_the_review_band_within_the_limits():
    wide = replace(BANDED, lower=80.0, upper=103.0)
    assert (action_limits(wide).lower, action_limits(wide).upper) == (95.0, 103.0)
    assert action_limits(VISCOSITY) == VISCOSITY
