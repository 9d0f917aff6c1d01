"""The gates of a write to the PLC: nothing passes that any limit, person or record speaks against."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guardrails.writing import judge_permission, judge_plant
from gateway.latches import mismatch_latch
from gateway.line.definition import Interlock, Stage
from gateway.line.setpoint_writes import SetpointWrites
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, SetpointSuggestion, Severity
from gateway.records.setpoints import WriteState
from tests.fixtures.building import NOW_NS, assignment, bundle, moment
from tests.fixtures.writes import TAG, intent, permission, plant_now, write, writing_line

SUGGESTION = SetpointSuggestion(
    tag=TAG, current=78.0, proposed=79.0, unit="degC", validated=(70.0, 90.0), max_step=2.0, expected_value=100.0,
    expected_low=99.0, expected_high=101.0,
)  # fmt: skip
APPROVED = Guidance(
    guidance_id="g1", kind=GuidanceKind.SETPOINT, state=GuidanceState.APPROVED, severity=Severity.WARNING, title="t",
    reasons=(), issued_ns=NOW_NS, expires=None, suggestion=SUGGESTION,
)  # fmt: skip
LINE = writing_line(stage=Stage.APPROVE, stop_tag="stop")
OPEN = plant_now(tags={TAG: 78.0, "stop": 0.0})


def code(refused):
    return None if refused is None else refused.reason.code


def test_what_is_approved_and_allowed_passes():
    assert judge_permission(intent(), permission(LINE, APPROVED)) is None
    assert judge_plant(intent(), LINE, OPEN) is None


SHADOW = replace(LINE, models=(assignment(stage=Stage.SHADOW),))
OTHER_BUNDLE = replace(
    LINE,
    models=(assignment(stage=Stage.APPROVE, bundle=bundle(identity=replace(bundle().identity, sha256="cd" * 32))),),
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"stopped": True}, "WRITES_STOPPED"),
        ({"latches": (mismatch_latch(TAG),)}, "ALARM_STANDS"),
        ({"latches": ("STORE_DAMAGED",)}, "STAGE_TOO_LOW"),
        ({"at": moment(NOW_NS + 11 * 10**9)}, "APPROVAL_EXPIRED"),
        ({"guidance": None}, "NOT_APPROVED"),
        ({"guidance": replace(APPROVED, suggestion=replace(SUGGESTION, proposed=79.5))}, "NOT_APPROVED"),
        ({"guidance": replace(APPROVED, guidance_id="g2")}, "NOT_APPROVED"),
        ({"line": SHADOW}, "STAGE_TOO_LOW"),
        ({"line": OTHER_BUNDLE}, "MODEL_NOT_IN_SERVICE"),
        ({"since_move_ns": 59 * 10**9}, "TOO_SOON"),
        *(({"guidance": replace(APPROVED, state=state)}, "NOT_APPROVED")
          for state in GuidanceState if state is not GuidanceState.APPROVED),
    ],
)  # fmt: skip
def test_what_the_records_speak_against_is_refused(changes, expected):
    assert code(judge_permission(intent(), permission(**({"here": LINE, "guidance": APPROVED} | _named(changes))))) == (
        expected
    )


def _named(changes):
    return {"here" if name == "line" else name: value for name, value in changes.items()}


def test_without_a_person_stage_low_risk_and_budget_must_let_it():
    alone = intent(approved_by="automatic")
    assert code(judge_permission(alone, permission(LINE, APPROVED))) == "STAGE_TOO_LOW"
    automatic = writing_line()
    assert judge_permission(alone, permission(automatic, APPROVED)) is None
    assert code(judge_permission(alone, permission(automatic, APPROVED, automatic_moves=2))) == "BUDGET_SPENT"
    cautious = writing_line(low_risk=False)
    assert code(judge_permission(alone, permission(cautious, APPROVED))) == "STAGE_TOO_LOW"
    assert judge_permission(intent(), permission(automatic, APPROVED, automatic_moves=99)) is None


@pytest.mark.parametrize(
    ("changes", "expected", "state"),
    [
        ({"tags": {TAG: 78.0, "stop": 1.0}}, "STOP_TAG", WriteState.STOPPED),
        ({"tags": {TAG: 78.0}}, "STOP_TAG", WriteState.STOPPED),
        ({"external_declared": True, "external": False}, "OPERATOR_MODE", WriteState.OVERRIDDEN),
        ({"external_declared": True, "external": None}, "OPERATOR_MODE", WriteState.OVERRIDDEN),
        ({"tags": {TAG: 78.2, "stop": 0.0}}, "MOVED_BY_OTHERS", WriteState.OVERRIDDEN),
        ({"tags": {TAG: math.nan, "stop": 0.0}}, "SETPOINT_UNKNOWN", WriteState.REFUSED),
        ({"tags": {"stop": 0.0}}, "SETPOINT_UNKNOWN", WriteState.REFUSED),
        ({"to_write": None}, "TYPE_DOES_NOT_FIT", WriteState.REFUSED),
        ({"to_write": math.nan}, "TYPE_DOES_NOT_FIT", WriteState.REFUSED),
        ({"to_write": 79.04}, "TYPE_DOES_NOT_FIT", WriteState.REFUSED),
        ({"eu_range": (0.0, 78.9)}, "SETPOINT_OUTSIDE_RANGE", WriteState.REFUSED),
        ({"eu_range": (math.nan, math.nan)}, "SETPOINT_OUTSIDE_RANGE", WriteState.REFUSED),
        ({"limits_declared": (True, False), "minimum": None}, "PLC_LIMITS_UNKNOWN", WriteState.REFUSED),
        ({"limits_declared": (False, True), "maximum": 78.5}, "SETPOINT_OUTSIDE_RANGE", WriteState.REFUSED),
        ({"limits_declared": (True, True), "minimum": 90.0, "maximum": 70.0}, "SETPOINT_OUTSIDE_RANGE",
         WriteState.REFUSED),
    ],
)  # fmt: skip
def test_what_the_plant_shows_at_the_instant_decides(changes, expected, state):
    refused = judge_plant(intent(), LINE, replace(OPEN, **changes))
    assert (code(refused), refused.state) == (expected, state)


def test_a_tag_without_a_write_table_and_an_interlock_that_does_not_hold_refuse():
    assert code(judge_plant(intent(), replace(LINE, writes=SetpointWrites()), OPEN)) == "NOT_WITHIN_LINE"
    (setpoint,) = bundle().manipulated
    locked = replace(setpoint, interlocks=(Interlock(tag="mode", within=(1.0, 1.0)),))
    here = replace(LINE, models=(assignment(stage=Stage.APPROVE, bundle=bundle(manipulated=(locked,))),))
    assert code(judge_plant(intent(), here, OPEN)) == "INTERLOCKED"
    assert judge_plant(intent(), here, replace(OPEN, tags={**OPEN.tags, "mode": 1.0})) is None


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.floats(60, 100)
pairs = st.tuples(numbers, numbers)


@given(
    of_bundle=pairs, of_tag=pairs, eu_range=st.none() | pairs, minimum=st.none() | numbers, maximum=st.none() | numbers,
    current=numbers, wanted=numbers, rounded=numbers, step=st.floats(0.1, 50), tolerance=st.floats(0, 5),
)  # fmt: skip
def test_whatever_the_servers_show_what_passes_lies_within_every_limit(
    of_bundle, of_tag, eu_range, minimum, maximum, current, wanted, rounded, step, tolerance
):
    (setpoint,) = bundle().manipulated
    here = writing_line(stage=Stage.APPROVE, validated=of_tag, tolerance=tolerance)
    moved = replace(setpoint, validated=of_bundle, max_step=step)
    here = replace(here, models=(assignment(stage=Stage.APPROVE, bundle=bundle(manipulated=(moved,))),))
    plant = plant_now(
        to_write=rounded, tags={TAG: current}, eu_range=eu_range, limits_declared=(True, True), minimum=minimum,
        maximum=maximum,
    )  # fmt: skip
    if judge_plant(intent(from_value=current, to_value=wanted), here, plant) is None:
        assert math.isfinite(rounded)
        assert max(of_bundle[0], of_tag[0], minimum) <= rounded <= min(of_bundle[1], of_tag[1], maximum)
        assert eu_range is None or eu_range[0] <= rounded <= eu_range[1]
        assert abs(rounded - current) <= step * (1 + 1e-9)
        assert abs(rounded - wanted) <= max(tolerance, 0.05)


def test_the_write_of_the_fixture_is_one_of_the_line():
    assert writing_line().writes.by_tag == {TAG: write()}
