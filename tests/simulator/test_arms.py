"""The bench of three arms: the gateway in virtual time, people with habits, every written value within all limits."""

import math
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.line.definition import Stage as ModelStage
from simulator.bench.arms import ARMS, Shift, breaks_a_limit, figures
from simulator.bench.bootstrap import interval_of_mean, interval_of_ratio
from simulator.bench.virtual import run as virtual_run
from simulator.bench.virtual.run import Stage
from simulator.habits import MEDIAN_PLANT_SECONDS, Habits, realistic
from simulator.plant_setpoints import WRITTEN, PlantSetpoints, Request
from simulator.scenarios import PLANT_SECONDS
from tests.fixtures.once import once

SECONDS = 34.0
TEMPERATURE = "reactor_temperature_setpoint"


def seen(run):
    rows = run.connection.execute("SELECT kind, state FROM guidance ORDER BY issued_ns, guidance_id").fetchall()
    return {
        "off": run.tally.off_share,
        "guidance": [tuple(row) for row in rows],
        "requests": tuple(run.setpoints.requests),
        "states": [state for (state,) in run.connection.execute("SELECT state FROM setpoint_intent")],
        "rejections": run.connection.execute(
            "SELECT count(*) FROM guidance_state WHERE state = 'rejected'"
        ).fetchone()[0],
        "outside": [request for request in run.setpoints.requests if breaks_a_limit(request, run.line)],
        "lost": run.observer.lost,
        "duplicates": run.observer.duplicates,
        "followed": len(run.observer.applied),
        "recovered": len(run.observer.recovered),
    }  # fmt: skip


@pytest.fixture(scope="module")
def stages():
    with closing(Stage("approve")) as approve, closing(Stage("automatic")) as automatic:
        yield {"approve": approve, "automatic": automatic}


def shift(stages, arm, *, seed=2, habits=None):
    how = ARMS[arm]
    return stages[how.stage].play(seed=seed, follows=how.follows, habits=habits or realistic(seed), seconds=SECONDS,
                                  look=seen)  # fmt: skip


@pytest.fixture(scope="module")
def shifts(stages, tmp_path_factory):
    return once(tmp_path_factory, "arms", lambda _: {arm: shift(stages, arm) for arm in ARMS})


def test_the_models_of_an_arm_may_go_as_far_as_its_stage(stages):
    for name, stage in stages.items():
        assert {model.stage for model in stage.line.models} == {ModelStage[name.upper()]}


def test_nobody_writes_where_nobody_follows(shifts):
    assert shifts["nobody"]["guidance"]  # there was something to follow
    assert not shifts["nobody"]["requests"]


@pytest.mark.parametrize("arm", ["operators", "automatic"])
def test_followed_suggestions_are_written_within_every_limit_and_make_better_product(shifts, arm):
    assert shifts[arm]["requests"]
    assert set(shifts[arm]["states"]) == {"written"}
    assert not shifts[arm]["outside"]
    assert shifts[arm]["off"] < shifts["nobody"]["off"]


def test_a_drift_is_seen_a_suggestion_followed_and_the_plant_recovers(shifts):
    assert shifts["operators"]["followed"] >= 1
    assert shifts["operators"]["recovered"] >= 1


def test_nothing_is_lost_or_sent_twice_in_virtual_time(shifts):
    assert {(run["lost"], run["duplicates"]) for run in shifts.values()} == {(0, 0)}


def test_the_same_seed_is_the_same_shift(stages, shifts):
    assert shift(stages, "operators") == shifts["operators"]


def test_an_operator_who_refuses_all_moves_nothing_and_says_why(stages):
    refusing = Habits(median_seconds=0.5, refused_share=1.0)
    refused = shift(stages, "operators", habits=refusing)
    assert refused["rejections"]
    assert not refused["requests"]


def test_half_of_the_answers_come_within_the_median_and_a_fifth_are_refusals():
    habits = realistic(1)
    delays = sorted(habits.reaction_seconds() for _ in range(2001))
    assert delays[1000] * PLANT_SECONDS == pytest.approx(MEDIAN_PLANT_SECONDS, rel=0.1)
    assert 350 < delays[1900] * PLANT_SECONDS < 500  # one in twenty takes some seven minutes
    assert sum(habits.refusal() is not None for _ in range(2000)) / 2000 == pytest.approx(0.2, abs=0.04)


class MovesBack(PlantSetpoints):
    """A plant whose operator puts a setpoint back a second after the gateway has moved it, once."""

    def __init__(self, plant):
        super().__init__(plant)
        self.before = {tag: block.setpoint for tag, block in self.blocks.items()}
        self.moved_at = {}

    def scan(self, now_seconds):
        super().scan(now_seconds)
        for item in self.requests:
            self.moved_at.setdefault(item.tag, now_seconds)
        for tag, moved_at in self.moved_at.items():
            self.operate(tag, now_seconds - moved_at)

    def operate(self, tag, seconds):
        if 1.0 <= seconds < 1.2:
            self.move(tag, self.before[tag])


class TakesInHand(MovesBack):
    """A plant whose operator takes a setpoint in hand as soon as something is requested of it, for ten seconds."""

    def request(self, tag, value):
        super().request(tag, value)
        self.blocks[tag].operator_allows = tag in self.moved_at

    def operate(self, tag, seconds):
        if seconds >= 10.0:
            self.blocks[tag].operator_allows = True


def automatic_shift(stages, monkeypatch, operator, seconds):
    """The states of the moves of the temperature, with when the cause of each had ended; and what only people saw."""
    monkeypatch.setattr(virtual_run, "PlantSetpoints", operator)

    def look(run):
        moves = run.connection.execute(
            "SELECT i.state, i.issued_ns, s.at_ns FROM setpoint_intent AS i LEFT JOIN setpoint_intent_state AS s "
            "ON s.intent_id = i.intent_id AND s.state = 'cause_ended' WHERE i.tag = ? ORDER BY i.issued_ns",
            (TEMPERATURE,),
        ).fetchall()
        proposed = run.connection.execute(
            "SELECT count(*) FROM guidance WHERE kind = 'setpoint' AND json_extract(body, '$.suggestion.tag') = ? "
            "AND guidance_id NOT IN (SELECT guidance_id FROM setpoint_intent)",
            (TEMPERATURE,),
        ).fetchone()[0]
        requests = [item for item in run.setpoints.requests if item.tag == TEMPERATURE]
        return [tuple(row) for row in moves], proposed, requests

    return stages["automatic"].play(seed=2, follows=False, habits=realistic(2), seconds=seconds, look=look)


def test_a_setpoint_that_an_operator_puts_back_is_not_moved_there_again_by_itself_but_suggested(
    stages, shifts, monkeypatch
):
    without_operator = [item for item in shifts["automatic"]["requests"] if item.tag == TEMPERATURE]
    assert len(without_operator) > 1
    moves, proposed, requests = automatic_shift(stages, monkeypatch, MovesBack, SECONDS)
    assert ([state for state, _, _ in moves], len(requests)) == (["written"], 1)
    assert proposed >= 1


def test_a_setpoint_that_an_operator_takes_in_hand_is_tried_again_only_after_they_have_given_it_back(
    stages, monkeypatch
):
    moves, _proposed, requests = automatic_shift(stages, monkeypatch, TakesInHand, 46.0)
    (first, *later) = moves
    assert (first[0], [state for state, _, _ in later]) == ("overridden", ["written"])
    assert first[2] - first[1] > 9 * 10**9  # it was seen that they have, and that is on record
    assert later[0][1] > first[2]
    assert len(requests) == 2


def request(value, *, before=78.0, plc=(74.0, 81.5)):
    return Request(tag=TEMPERATURE, value=value, before=before, plc=plc)


@pytest.mark.parametrize(
    ("written", "breaks"),
    [
        (request(79.0), False),
        (request(79.5), False),
        (request(79.6), True),  # a step beyond the bundle's largest
        (request(81.05, before=80.0), True),  # beyond the validated range
        (request(79.0, plc=(74.0, 78.9)), True),  # beyond what the PLC takes at that instant
        (request(math.nan), True),
    ],
)
def test_a_written_value_is_held_against_the_intersection_of_all_limits(stages, written, breaks):
    assert breaks_a_limit(written, stages["automatic"].line) is breaks


def test_a_tag_without_a_range_of_its_own_is_outside(stages):
    line = stages["automatic"].line
    bare = replace(line, tags={**line.tags, TEMPERATURE: replace(line.tags[TEMPERATURE], validated=None)})
    assert breaks_a_limit(request(79.0), bare)


def figure_shift(off_share, *, writes=0, outside=0):
    return Shift(off_share=off_share, suggestions=3, approved=2, rejected=1, calls=4, most_calls=2, writes=writes,
                 outside=outside, most_moves=writes)  # fmt: skip


def test_the_table_holds_half_of_nobodys_share_and_no_write_outside_limits_as_goals():
    table = figures({
        "nobody": [figure_shift(0.6), figure_shift(0.4)],
        "operators": [figure_shift(0.2, writes=3), figure_shift(0.2, writes=2)],
        "automatic": [figure_shift(0.1, writes=5, outside=1), figure_shift(0.1)],
    })  # fmt: skip
    assert table["ratio_operators"].value == pytest.approx(0.4)
    assert (table["ratio_operators"].holds, table["writes_of_nobody"].holds) == (True, True)
    assert table["writes_outside_limits"].holds is False
    assert table["ratio_operators_low"].value <= 0.4 <= table["ratio_operators_high"].value


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=30))
def test_an_interval_holds_its_mean_and_lies_within_the_values(values):
    low, high = interval_of_mean(values)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    below, above = interval_of_ratio(values, [1.0] * len(values))
    assert (below, above) == pytest.approx((low, high))


def test_pairs_that_differ_by_a_factor_have_a_ratio_without_width():
    nobody = [0.1, 0.5, 0.9, 0.3]
    assert interval_of_ratio([value / 2 for value in nobody], nobody) == pytest.approx((0.5, 0.5))


def test_limits_of_the_plants_own_setpoints_lie_within_each_other():
    for written in WRITTEN.values():
        for outer, inner in pairwise((written.eu_range, written.plc, written.validated)):
            assert outer[0] <= inner[0] < inner[1] <= outer[1]
