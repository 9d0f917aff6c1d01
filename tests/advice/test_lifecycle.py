from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.advice.lifecycle import FOLLOWS, OPEN, answer, expired, may_follow, moved
from gateway.line.definition import Stage
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, SetpointSuggestion, Severity
from gateway.records.people import Act
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, deadline, moment


def guidance(**changes):
    return Guidance(
        **{
            "guidance_id": "g-1",
            "kind": GuidanceKind.SETPOINT,
            "state": GuidanceState.PROPOSED,
            "severity": Severity.WARNING,
            "title": "Raise temperature setpoint by 1 degC",
            "reasons": (),
            "issued_ns": NOW_NS,
            "expires": deadline(NOW_NS + 10),
            "equipment_id": "R1",
            "analyte": "viscosity",
            "suggestion": SetpointSuggestion(
                tag="temperature_setpoint", current=78.0, proposed=79.0, unit="degC", validated=(70.0, 90.0),
                max_step=2.0, expected_value=100.0, expected_low=99.0, expected_high=101.0,
            ),
            **changes,
        }
    )  # fmt: skip


def test_every_state_is_in_the_table_and_no_closed_state_opens_again():
    assert set(FOLLOWS) == set(GuidanceState)
    for closed in set(GuidanceState) - OPEN:
        assert not FOLLOWS[closed]


@given(st.lists(st.sampled_from(list(GuidanceState)), max_size=20))
def test_a_life_never_visits_a_state_twice(wanted):
    life = [guidance()]
    for state in wanted:
        after = moved(life[-1], state)
        if after is not None:
            life.append(after)
    states = [each.state for each in life]
    assert len(states) == len(set(states))


@pytest.mark.parametrize(("state", "act"), list(product(sorted(OPEN), Act)))
def test_an_answer_changes_the_state_only_as_the_table_allows(state, act):
    before = guidance(state=state)
    after, outcome = answer(before, act, moment(NOW_NS), stage=Stage.APPROVE)
    assert outcome
    assert after is None or may_follow(before.state, after.state)


def test_an_answer_to_a_closed_guidance_says_why_it_changes_nothing():
    assert answer(guidance(state=GuidanceState.EXPIRED), Act.ACKNOWLEDGE, moment(NOW_NS), stage=Stage.APPROVE) == (
        None,
        "NOT_POSSIBLE_WHEN_EXPIRED",
    )


def test_the_same_answer_again_changes_nothing():
    assert answer(guidance(state=GuidanceState.ACKNOWLEDGED), Act.ACKNOWLEDGE, moment(NOW_NS), stage=Stage.APPROVE) == (
        None,
        "ALREADY_SO",
    )


def test_a_plain_answer_cannot_lift_a_hold():
    hold = guidance(kind=GuidanceKind.HOLD)
    assert answer(hold, Act.REJECT, moment(NOW_NS), stage=Stage.APPROVE) == (None, "SIGNATURE_REQUIRED")
    acknowledged, _ = answer(hold, Act.ACKNOWLEDGE, moment(NOW_NS), stage=Stage.APPROVE)
    assert acknowledged is not None


def test_nobody_can_answer_advice_that_has_expired():
    assert answer(guidance(), Act.ACKNOWLEDGE, moment(NOW_NS + 10), stage=Stage.APPROVE) == (None, "EXPIRED")


def test_only_open_guidance_with_a_time_expires():
    assert expired(guidance(), moment(NOW_NS + 10))
    assert not expired(guidance(), moment(NOW_NS + 9))
    assert not expired(guidance(expires=None), moment(NOW_NS + 10**18))
    assert not expired(guidance(state=GuidanceState.REJECTED), NOW_NS + 10)


def test_a_clock_set_forward_ends_nothing_early_and_one_set_back_revives_nothing():
    hour = 3_600 * SECOND_NS
    issued = moment(NOW_NS)
    advice = guidance(expires=issued.after(600 * SECOND_NS))
    stepped = moment(NOW_NS + 24 * hour, boot_ns=NOW_NS + 60 * SECOND_NS)
    assert not expired(advice, stepped)
    set_back = moment(NOW_NS - 24 * hour, boot_ns=NOW_NS + 600 * SECOND_NS)
    assert expired(advice, set_back)


def test_after_a_reboot_the_latest_wall_time_ever_seen_decides():
    advice = guidance(expires=moment(NOW_NS).after(600 * SECOND_NS))
    rebooted = {"boot_id": "boot-2", "boot_ns": 5 * SECOND_NS}
    assert not expired(advice, moment(NOW_NS + 599 * SECOND_NS, **rebooted))
    assert expired(advice, moment(NOW_NS + 600 * SECOND_NS, **rebooted))
    lost_battery = moment(0, latest_ns=NOW_NS + 700 * SECOND_NS, **rebooted)
    assert expired(advice, lost_battery)
