"""Several models on one line: what one suggests leaves alone what the others vouch for."""

from dataclasses import replace

import numpy as np
import pytest

from gateway.line.definition import Aggregate, Stage
from gateway.line.outputs import ModelOutput, ValueOutput
from gateway.records.laboratory import Bands
from gateway.records.prediction import ModelIdentity
from gateway.records.timers import Timer
from gateway.setpoints.interactions import coupled_models, gains_on
from gateway.time_units import SECOND_NS
from tests.fixtures.building import PH, VISCOSITY, assignment, bundle, line, linear, mean_input, tag
from tests.fixtures.store_bench import Bench

# viscosity = 100 - 4 (temperature - 78); it is 106 at 76.5, and 1.4 degC more would bring it to its target
PH_OUTPUT = ModelOutput(
    analyte="ph", unit="", value=ValueOutput(column=0, valid=(0.0, 14.0), coverage=0.9, half_width=0.1)
)


def ph_model(*, slope=0.5, at_76_5=7.0, **changes):
    """PH that follows the temperature, and may move nothing itself."""
    made = bundle(
        identity=ModelIdentity(name="ph", version="1.0.0", sha256="cd" * 32), outputs=(PH_OUTPUT,), manipulated=()
    )
    return assignment(bundle=made, predict=linear([slope], at_76_5 - slope * 76.5), **changes)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def suggested(bench, ph, *, temperature=76.5, predicted=True):
    """What viscosity's model suggests once pH's has spoken: the proposed setpoint or None, and why there is none."""
    bench.line = line(models=(assignment(), ph), specifications=(VISCOSITY, PH))
    bench.order()
    if predicted:
        bench.model_due(temperature, name="ph")
    bench.now_ns += SECOND_NS
    bench.model_due(temperature)
    moves = [each["suggestion"]["proposed"] for each in bench.sent("guidance") if each.get("suggestion")]
    ((why,),) = bench.rows("SELECT json_extract(body, '$.no_suggestion[0].code') FROM prediction "
                           "WHERE model = 'viscosity'")  # fmt: skip
    return (moves[0] if moves else None), why


@pytest.mark.parametrize("slope", [0.0, 0.01, -0.1])
def test_a_neighbour_that_hardly_follows_changes_nothing(bench, slope):
    assert suggested(bench, ph_model(slope=slope)) == (pytest.approx(79.4), None)


def test_a_move_stops_where_it_would_push_a_neighbours_value_out(bench):
    proposed, why = suggested(bench, ph_model(slope=0.5))
    assert why is None
    assert proposed == pytest.approx(78.5)  # from 78.9 on pH and its interval leave 7.5; inside is reached at 78.5


def test_where_every_move_that_helps_pushes_a_neighbour_out_there_is_none(bench):
    assert suggested(bench, ph_model(slope=2.0, at_76_5=7.35)) == (None, "NO_IMPROVING_MOVE")


def test_a_neighbour_that_is_out_already_is_pushed_no_farther_but_may_be_helped(bench):
    assert suggested(bench, ph_model(slope=0.5, at_76_5=8.0)) == (None, "NO_IMPROVING_MOVE")


def test_a_move_that_brings_a_neighbour_back_is_welcome(bench):
    assert suggested(bench, ph_model(slope=-0.5, at_76_5=8.0)) == (pytest.approx(79.4), None)


def test_a_move_does_not_lead_a_neighbour_out_of_its_validated_inputs(bench):
    ph = ph_model(slope=0.0)
    narrow = replace(ph, bundle=replace(ph.bundle, inputs=(mean_input("temperature", validated=(70.0, 77.6)),)))
    proposed, _why = suggested(bench, narrow)
    assert proposed == pytest.approx(78.5)  # at 79.4 the temperature would be 77.9


def test_a_neighbour_that_has_not_spoken_forbids_the_move(bench):
    assert suggested(bench, ph_model(), predicted=False) == (None, "SIDE_EFFECT_UNKNOWN")


def test_a_neighbour_that_abstained_forbids_the_move(bench):
    ph = ph_model()
    blind = replace(ph, bundle=replace(ph.bundle, inputs=(mean_input("temperature", validated=(10.0, 20.0)),)))
    assert suggested(bench, blind) == (None, "SIDE_EFFECT_UNKNOWN")


def test_what_a_neighbour_said_three_of_its_ticks_ago_no_longer_counts(bench):
    assert suggested(bench, ph_model(every_ns=SECOND_NS // 3)) == (None, "SIDE_EFFECT_UNKNOWN")


def test_in_shadow_a_neighbour_is_no_party(bench):
    assert suggested(bench, ph_model(stage=Stage.SHADOW), predicted=False) == (pytest.approx(79.4), None)


def test_a_neighbour_that_an_alarm_has_put_in_shadow_is_not_vouched_for(bench):
    bench.connection.execute("INSERT INTO latch VALUES ('MODEL_DRIFT_PH_PH', 0, '{}')")
    assert suggested(bench, ph_model()) == (None, "SIDE_EFFECT_UNKNOWN")


def test_a_value_that_nobody_wants_of_this_product_forbids_nothing(bench):
    ph = ph_model()
    other = replace(ph, bundle=replace(ph.bundle, outputs=(replace(PH_OUTPUT, analyte="colour"),)))
    assert suggested(bench, other, predicted=False) == (pytest.approx(79.4), None)


def test_a_second_move_waits_until_the_neighbour_shows_the_first(bench):
    """Else each of several moves would be judged from where the neighbour stood before all of them."""
    slow = ph_model(slope=0.02)
    inputs = (mean_input("temperature", window_ns=120 * SECOND_NS, minimum_coverage=0.01),)
    slow = replace(slow, bundle=replace(slow.bundle, inputs=inputs), every_ns=60 * SECOND_NS)
    assert suggested(bench, slow) == (pytest.approx(79.4), None)
    bench.now_ns += SECOND_NS
    bench.model_due(76.5, setpoint=79.4)  # it is seen to be applied
    bench.now_ns += 70 * SECOND_NS  # viscosity's own interval is over; pH's window still reaches back before the move
    bench.model_due(76.5, name="ph")
    bench.now_ns += SECOND_NS
    bench.model_due(76.5, setpoint=79.4)
    ((why,),) = bench.rows("SELECT json_extract(body, '$.no_suggestion[0].code') FROM prediction "
                           "WHERE model = 'viscosity' ORDER BY rowid DESC LIMIT 1")  # fmt: skip
    assert why == "SIDE_EFFECT_UNKNOWN"


def test_a_neighbours_value_stays_inside_the_limits_from_which_on_people_act(bench):
    banded = replace(PH, bands=Bands(release=(97.0, 103.0), review=(95.0, 105.0)))  # of 7: 6.65 to 7.35
    bench.line = line(models=(assignment(), ph_model(slope=0.5)), specifications=(VISCOSITY, banded))
    bench.order()
    bench.model_due(76.5, name="ph")
    bench.now_ns += SECOND_NS
    bench.model_due(76.5)
    moves = [each["suggestion"]["proposed"] for each in bench.sent("guidance") if each.get("suggestion")]
    assert moves == [pytest.approx(78.5)]  # 78.6 and more would bring pH and its interval above 7.35


def test_a_neighbour_on_other_equipment_is_held_to_what_runs_there(bench):
    assert suggested(bench, ph_model(equipment_id="E9"), predicted=False) == (pytest.approx(79.4), None)


def test_inputs_follow_by_the_neighbours_own_word_else_by_their_tags():
    mover = assignment()
    (manipulated,) = mover.bundle.manipulated
    inputs = (
        mean_input("temperature"),
        mean_input("temperature", name="t.slope", aggregate=Aggregate.SLOPE),
        mean_input("temperature_setpoint", aggregate=Aggregate.LAST),
        mean_input("flow"),
    )
    other = ph_model()
    by_tags = replace(other, bundle=replace(other.bundle, inputs=inputs))
    assert gains_on(by_tags, manipulated, mover).tolist() == [1.0, 0.0, 1.0, 0.0]
    own = replace(manipulated, gains={"flow.mean": -3.0})
    by_word = replace(by_tags, bundle=replace(by_tags.bundle, manipulated=(own,)))
    assert gains_on(by_word, manipulated, mover).tolist() == [0.0, 0.0, 0.0, -3.0]


def test_only_models_whose_inputs_follow_are_neighbours():
    mover, ph = assignment(), ph_model()
    apart = replace(ph, bundle=replace(ph.bundle, inputs=(mean_input("flow"),)))
    assert coupled_models(mover, line(models=(mover, ph))) == (ph,)
    assert coupled_models(mover, line(models=(mover, apart))) == ()
    assert coupled_models(ph, line(models=(mover, ph))) == ()  # it moves nothing
    assert np.allclose(mover.predict(np.array([[76.5]])), 106.0)


# --- what was suggested and is not done yet ------------------------------------------------------------


def states(bench):
    """The newest state of each suggestion, in the order in which they were made."""
    return [state for (state,) in bench.rows("SELECT state FROM guidance WHERE kind = 'setpoint' ORDER BY rowid")]


def later(bench, temperature, *, ph=None):
    bench.now_ns += SECOND_NS
    if ph is not None:
        bench.model_due(ph, name="ph")
        bench.now_ns += SECOND_NS
    bench.model_due(temperature)


def test_a_suggestion_stands_while_it_is_still_right(bench):
    suggested(bench, ph_model(slope=0.5))
    later(bench, 76.4, ph=76.5)
    assert states(bench) == ["proposed"]


def test_a_suggestion_is_taken_back_when_a_neighbour_has_come_to_where_it_would_be_pushed_out(bench):
    suggested(bench, ph_model(slope=0.5))  # 2 degC more bring pH to 7.4
    later(bench, 76.5, ph=77.0)
    assert states(bench) == ["withdrawn"]


def test_a_suggestion_is_taken_back_when_a_neighbour_can_no_longer_say(bench):
    suggested(bench, ph_model(slope=0.5))
    bench.now_ns += 10 * SECOND_NS  # pH has said nothing for ten of its ticks
    later(bench, 76.5)
    assert states(bench) == ["withdrawn"]


def test_a_suggestion_is_taken_back_when_it_would_lead_away_from_the_target(bench):
    """From above the specification to below it within one tick: the move that was right would make it worse."""
    suggested(bench, ph_model(slope=0.0))
    later(bench, 80.0, ph=76.5)
    assert states(bench) == ["withdrawn"]


def beside_a_jacket(bench, *, ph_slope):
    """Both models want the temperature higher; pH's may move the jacket for it, viscosity's the setpoint."""
    ph = ph_model(slope=ph_slope, at_76_5=7.6)
    (temperature,) = bundle().manipulated
    jacket = replace(temperature, tag="jacket", gains={"temperature.mean": -1.0}, validated=(10.0, 30.0), max_step=8.0)
    ph = replace(ph, bundle=replace(ph.bundle, manipulated=(jacket,)))
    tags = {**line().tags, "jacket": tag("jacket")}
    bench.line = line(models=(assignment(), ph), specifications=(VISCOSITY, PH), tags=tags)
    bench.order()
    bench.model_due(77.0, jacket=20.0)
    bench.now_ns += SECOND_NS
    bench.model_due(76.5, name="ph", jacket=20.0)


def why_none(bench):
    ((why,),) = bench.rows("SELECT json_extract(body, '$.no_suggestion[0].code') FROM prediction "
                           "ORDER BY rowid DESC LIMIT 1")  # fmt: skip
    return why


def test_two_models_do_not_move_two_setpoints_at_once_that_one_value_hangs_on(bench):
    """Each was judged without the other: together they would bring viscosity from above its limits to below them."""
    beside_a_jacket(bench, ph_slope=-0.1)
    bench.now_ns += SECOND_NS
    bench.model_due(76.5, jacket=20.0)
    assert [each["suggestion"]["tag"] for each in bench.sent("guidance") if each.get("suggestion")] == ["jacket"]
    assert why_none(bench) == "MOVE_UNDER_WAY"


def test_when_the_first_move_has_had_its_effect_the_second_may_follow(bench):
    beside_a_jacket(bench, ph_slope=-0.1)
    bench.now_ns += 601 * SECOND_NS  # what nobody follows expires
    bench.timer(Timer.EXPIRE_GUIDANCE)
    bench.model_due(80.0, name="ph", jacket=20.0)
    bench.now_ns += SECOND_NS
    bench.model_due(76.5, jacket=20.0)
    assert why_none(bench) is None
    moved = [each["suggestion"]["tag"] for each in bench.sent("guidance") if each.get("suggestion")]
    assert moved[-1] == "temperature_setpoint"
