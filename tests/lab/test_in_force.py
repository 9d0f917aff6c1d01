"""Which specification holds: by product, client and time, from the configuration and from master data."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lab.disposition import judge_result
from gateway.lab.in_force import all_in_force, differ, in_force, in_unit, strictest
from gateway.lab.specifications import judge, rounded
from gateway.records.laboratory import Bands, Recommendation, Specification
from tests.fixtures.building import NOW_NS, VISCOSITY, result

DAY_NS = 86_400 * 10**9
OLD = replace(VISCOSITY, version="2", lower=90.0, effective_until_ns=NOW_NS)
NEW = replace(VISCOSITY, version="3", effective_from_ns=NOW_NS)
OURS = replace(VISCOSITY, version="A", client_id="client-a", upper=103.0)


def version(stated, *, at_ns=NOW_NS, product="FG-100", client_id=None):
    found = in_force(stated, product=product, analyte="viscosity", client_id=client_id, at_ns=at_ns)
    return found and found.version


def test_the_version_that_held_when_the_sample_was_drawn_counts():
    assert version((OLD, NEW), at_ns=NOW_NS - 1) == "2"
    assert version((OLD, NEW), at_ns=NOW_NS) == "3"
    assert version((NEW,), at_ns=NOW_NS - 1) is None


def test_a_client_has_its_own_and_nobody_elses():
    assert version((VISCOSITY, OURS), client_id="client-a") == "A"
    assert version((VISCOSITY, OURS), client_id="client-b") == "3"
    assert version((OURS,), client_id=None) is None


@pytest.mark.parametrize("product", [None, "FG-200"])
def test_a_product_is_never_guessed(product):
    assert version((VISCOSITY,), product=product) is None


def test_the_same_limits_in_another_unit_are_no_conflict():
    same = Specification(analyte="viscosity", lower=0.095, upper=0.105, unit="Pa.s")
    assert not differ(VISCOSITY, same)
    assert differ(VISCOSITY, replace(same, upper=0.104))
    assert differ(VISCOSITY, replace(same, inclusive=False))
    assert differ(VISCOSITY, replace(same, unit="cSt"))


def test_what_a_model_is_held_against_lies_within_all_that_is_in_force():
    found = strictest((VISCOSITY, Specification(analyte="viscosity", lower=0.09, upper=0.102, unit="Pa.s")), "mPa.s")
    assert found is not None
    assert (found.lower, found.upper) == (95.0, 102.0)
    assert strictest((VISCOSITY,), "cSt") is None
    assert in_unit(VISCOSITY, "Pa.s") == replace(VISCOSITY, lower=0.095, upper=0.105, target=0.1, unit="Pa.s")


def test_a_conflict_between_configuration_and_master_data_is_flagged_and_the_more_careful_holds():
    stated = replace(VISCOSITY, upper=102.0, version="4")
    judged = judge_result(result(value=103.0), (VISCOSITY, stated))
    assert judged.recommendation is Recommendation.HOLD
    assert {"SPECIFICATION_CONFLICT", "SPECIFICATION_VERSION_DIFFERS"} <= set(judged.flags)
    assert judge_result(result(value=100.0), (VISCOSITY, VISCOSITY)).flags == ()


def test_a_result_in_another_unit_is_converted_and_says_so():
    recommendation, reason = judge(result(value=0.1061, unit="Pa.s"), VISCOSITY)
    assert recommendation is Recommendation.HOLD
    assert reason.text == "Viscosity 0.1061 Pa·s (compared as 106.1 mPa·s) is above the upper limit of 105 mPa·s."


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [(105.04, 1, "release"), (105.05, 1, "hold"), (94.95, 1, "release"), (94.94, 1, "hold"), (105.4, 0, "release")],
)
def test_a_value_is_rounded_to_the_specifications_decimals_before_it_is_compared(value, decimals, expected):
    assert judge(result(value=value), replace(VISCOSITY, decimals=decimals))[0] == expected


@pytest.mark.parametrize(("value", "expected"), [(0.125, 0.13), (-0.125, -0.13), (2.675, 2.68), (1e15, 1e15)])
def test_half_is_rounded_away_from_zero(value, expected):
    assert rounded(value, 2) == expected


def test_each_side_may_be_inclusive_or_not():
    limits = replace(VISCOSITY, lower_inclusive=False)
    assert judge(result(value=95.0), limits)[0] is Recommendation.HOLD
    assert judge(result(value=105.0), limits)[0] is Recommendation.RELEASE


def test_a_corrected_version_of_the_same_day_takes_over():
    wrong, right = replace(NEW, version="4", upper=120.0), replace(NEW, version="5", upper=102.0)
    assert version((wrong, right)) == "5"


def test_of_two_sources_the_bands_of_both_count_and_a_target_outside_is_none():
    wide = Specification(analyte="x", lower=40.0, upper=60.0, target=50.0)
    banded = replace(wide, bands=Bands(release=(98.0, 102.0), review=(95.0, 105.0)))
    found = strictest((wide, banded), None)
    assert found is not None
    assert (found.lower, found.upper, found.target) == (47.5, 52.5, 50.0)
    narrow = strictest((wide, replace(wide, lower=52.0, target=None)), None)
    assert narrow is not None
    assert (narrow.lower, narrow.target) == (52.0, None)


stated_ones = st.lists(
    st.builds(
        replace,
        st.just(VISCOSITY),
        analyte=st.sampled_from(["viscosity", "Viscosity", "pH"]),
        product=st.sampled_from(["FG-100", "FG-200"]),
        client_id=st.sampled_from([None, "client-a"]),
        version=st.sampled_from(["1", "2"]),
        effective_from_ns=st.sampled_from([None, NOW_NS, NOW_NS + DAY_NS]),
    ),
    max_size=6,
)


@given(stated=stated_ones, client_id=st.sampled_from([None, "client-a"]))
def test_all_that_hold_of_a_product_are_those_that_hold_of_each_of_its_analytes(stated, client_id):
    asked = {"product": "FG-100", "client_id": client_id, "at_ns": NOW_NS}
    one_by_one = [in_force(stated, analyte=analyte, **asked) for analyte in ("viscosity", "ph")]
    together = all_in_force(stated, **asked)
    assert len(together) == sum(each is not None for each in one_by_one)
    assert all(each in one_by_one for each in together)
