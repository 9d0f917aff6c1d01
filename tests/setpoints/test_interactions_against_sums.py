"""Whatever two models on one setpoint say, no suggestion of the one pushes the other's value out: against slow sums."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.decisions.table import decide, windows_needed
from gateway.events import ModelDue
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.records.guidance import Guidance
from gateway.records.production import Context
from tests.fixtures.building import (
    NOW_NS,
    PH,
    VISCOSITY,
    assignment,
    line,
    linear,
    model_due_facts,
    moment,
    steady_rings,
)
from tests.setpoints.test_interactions import ph_model

CONTEXT = Context(equipment_id="R1", material_definition_id="FG-100", material_lot_id="LOT-1")


@st.composite
def lines(draw):
    """Viscosity that is out of specification, and pH anywhere, following the temperature by any slope."""
    slope, ph_slope = draw(st.floats(-8, 8)), draw(st.floats(-3, 3))
    viscosity = assignment(predict=linear([slope], draw(st.floats(80, 120)) - slope * 78.0))
    ph = ph_model(slope=ph_slope, at_76_5=draw(st.floats(6, 8)))
    lower = draw(st.one_of(st.none(), st.floats(5.5, 7)))
    limits = replace(PH, lower=lower, upper=draw(st.floats(7.1, 8.5)), target=None)
    return line(models=(viscosity, ph), specifications=(VISCOSITY, limits)), limits, ph_slope


def said_by(here, name, windows):
    model = here.model_named(name)
    occasion = Occasion(end_ns=NOW_NS, at_ns=NOW_NS, cause=name, context=CONTEXT)
    return guarded_predictions(model, here.tags, windows, occasion)


def suggested(here):
    """What viscosity's model suggests after pH's has spoken, and what that said."""
    rings = steady_rings(78.0, 78.0)
    due, ph_due = (ModelDue(event_id=name, at=moment(NOW_NS), model=name) for name in ("viscosity", "ph"))
    windows = rings.windows([*windows_needed(due, here), *windows_needed(ph_due, here)])
    (ph,) = said_by(here, "ph", windows)
    facts = model_due_facts(here, windows=windows, context=CONTEXT, coupled_predictions={"ph": (ph,)})
    moves = [each.suggestion for each in decide(due, facts).records if isinstance(each, Guidance)]
    return next((each for each in moves if each is not None), None), ph


def reach(limits, value):
    """How far an interval of +-0.1 reaches out of the limits."""
    below = 0.0 if limits.lower is None else limits.lower - (value - 0.1)
    return max(0.0, below, value + 0.1 - limits.upper)


def test_the_lines_drawn_do_lead_to_suggestions_and_some_are_held_back():
    counted = {"freely": 0, "beside pH": 0}

    @settings(max_examples=200, database=None, derandomize=True)
    @given(lines())
    def count(drawn):
        here, *_ = drawn
        alone = line(models=here.models[:1], specifications=here.specifications)
        counted["freely"] += suggested_alone(alone) is not None
        counted["beside pH"] += suggested(here)[0] is not None

    count()
    assert counted["freely"] > counted["beside pH"] > 40


def suggested_alone(here):
    rings = steady_rings(78.0, 78.0)
    due = ModelDue(event_id="viscosity", at=moment(NOW_NS), model="viscosity")
    facts = model_due_facts(here, windows=rings.windows(windows_needed(due, here)), context=CONTEXT)
    moves = [each.suggestion for each in decide(due, facts).records if isinstance(each, Guidance)]
    return next((each for each in moves if each is not None), None)


@settings(max_examples=120, deadline=None)
@given(lines())
def test_no_suggestion_pushes_a_neighbours_value_farther_out(drawn):
    here, limits, ph_slope = drawn
    suggestion, ph = suggested(here)
    if suggestion is not None:
        assert ph.value is not None
        after = ph.value + ph_slope * (suggestion.proposed - suggestion.current)
        assert reach(limits, after) <= reach(limits, ph.value) + 1e-6
