"""The process outside what a model has learned, for a while: nothing is trusted between one refusal and the next."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guardrails.outside import is_outside, process_outside
from gateway.guardrails.reasons import Abstention
from gateway.inference.manifest import OutsideTable
from gateway.line.sustained_outside import PastJudgement, SustainedOutside, stands_now
from gateway.training.refusals import Gated, chosen_rules, standing_rows
from tests.fixtures.building import bundle
from tests.guardrails.test_guardrails import codes, domain, history, predict, stays, two_inputs

RULES = SustainedOutside(enters_after=3, of=10, leaves_after=5)
RANGE = (Abstention.OUTSIDE_VALIDATED_RANGE, "a")


def states(outside, rules=RULES):
    return standing_rows(rules, np.array(outside, bool)).tolist()


def test_it_begins_with_the_third_of_ten_and_ends_after_five_in_a_row_inside():
    outside = [1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    assert states(outside) == [False] * 5 + [True] * 5 + [False] * 2


def test_a_fault_that_oscillates_is_not_accepted_in_between():
    swinging = [index % 4 == 0 for index in range(60)]
    standing = states(swinging)
    assert not any(standing[:8])
    assert all(standing[8:])


def test_single_refusals_begin_nothing():
    assert not any(states([index % 10 == 0 for index in range(60)]))


def test_what_cannot_be_read_neither_begins_nor_ends_it():
    before = (PastJudgement(outside=True, stands=True),)
    assert stands_now(RULES, before, outside=None)
    inside = tuple(PastJudgement(outside=False, stands=True) for _index in range(4))
    assert not stands_now(RULES, inside, outside=False)
    assert stands_now(RULES, inside, outside=None)
    assert not stands_now(RULES, (), outside=None)


@pytest.mark.parametrize(
    ("codes_of", "outside"),
    [
        ((), False),
        (("OUTSIDE_VALIDATED_RANGE",), True),
        (("STALE", "OUTSIDE_DOMAIN_T2"), True),
        (("OUTSIDE_DOMAIN_SPE", "PROCESS_OUTSIDE"), True),
        (("PROCESS_OUTSIDE",), False),
        (("OUTSIDE_OUTPUT_RANGE",), False),
        (("BAD_QUALITY", "PROCESS_OUTSIDE"), None),
        (("MODEL_TOO_SLOW",), None),
    ],
)
def test_whether_the_process_was_outside_follows_from_the_reasons_on_record(codes_of, outside):
    assert is_outside(codes_of) is outside


@given(st.lists(st.booleans(), max_size=80), st.integers(1, 10), st.integers(1, 20))
def test_it_never_ends_before_so_many_in_a_row_inside_and_begins_only_outside(outside, enters, leaves):
    standing = states(outside, SustainedOutside(enters_after=enters, of=10, leaves_after=leaves))
    for row in range(len(outside)):
        before = row > 0 and standing[row - 1]
        if standing[row] and not before:
            assert outside[row]
            assert sum(outside[max(0, row - 9) : row + 1]) >= enters
        if before and not standing[row]:
            assert not any(outside[max(0, row - leaves + 1) : row + 1])


def test_while_it_stands_the_prediction_abstains_with_that_reason_alone_where_nothing_else_is_wrong():
    within, known = history(stays(78.0), stays(78.0)), two_inputs(domain=domain(), outside=RULES)
    assert codes(predict(known, within)) == []
    past = (PastJudgement(outside=True, stands=True),)
    (reason,) = process_outside(known.bundle, (), past)
    assert reason.code == "PROCESS_OUTSIDE"
    assert "5 predictions in a row" in reason.text
    assert process_outside(replace(known.bundle, outside=None), (), past) == ()


def test_a_bundle_without_the_rules_judges_each_prediction_by_itself():
    assert bundle().outside is None
    with pytest.raises(ValueError, match="never outside"):
        OutsideTable(enters_after=5, of=4, leaves_after=1)


def refused(flags):
    return Gated(refused={RANGE: np.array(flags, bool)}, rows=len(flags))


def test_training_takes_the_longest_state_that_costs_little():
    rare = [400 <= index < 430 for index in range(3000)]
    assert chosen_rules(refused(rare), most_cost=0.01) == SustainedOutside(enters_after=3, of=10, leaves_after=20)
    often = [index % 20 < 6 for index in range(3000)]
    assert chosen_rules(refused(often), most_cost=0.01) is None
    assert chosen_rules(refused(rare), most_cost=0) is None


def test_rows_that_only_the_state_refuses_are_counted_by_themselves():
    gated = refused([True] * 3 + [False] * 10).with_outside(RULES)
    assert gated.refused[Abstention.PROCESS_OUTSIDE, None].sum() == 4
    assert gated.accepted.sum() == 6
