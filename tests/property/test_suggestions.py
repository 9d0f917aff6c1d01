"""No published suggestion is ever outside its limits, whatever the inputs, the model and the setpoint."""

import json
import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.decide import decide, windows_needed
from gateway.definitions import ManipulatedTag, Stage
from gateway.events import ModelDue, Situation
from gateway.guardrails.setpoints import second_check
from gateway.history.rings import Rings
from gateway.records import Context, Lane, TagSample, seconds_to_ns
from tests.building import BAD, GOOD, NOW_NS, UNCERTAIN, assignment, bundle, line, mean_input

anything = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=64),
    st.floats(60, 95),
    st.sampled_from([0.0, -0.0, 5e-324, 1e308, -1e308, math.inf, -math.inf, math.nan]),
)
statuses = st.sampled_from([GOOD, GOOD, GOOD, UNCERTAIN, BAD])
instants = st.floats(-30, 5)
histories = st.lists(st.tuples(instants, anything, statuses), max_size=12)
limits = st.tuples(st.floats(60, 95), st.floats(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@st.composite
def adversarial_models(draw):
    """A model that returns whatever it likes for each row, the same for the same row."""
    slope, offset = draw(st.floats(-50, 50)), draw(st.floats(-500, 500))
    poison, every = draw(anything), draw(st.integers(1, 5))

    def predict(rows):
        values = offset + slope * rows[:, 0]
        return np.where((np.abs(rows[:, 0] * 1000).astype(np.uint64) % every == 0) & (every > 1), poison, values)

    return predict


@st.composite
def situations(draw):
    manipulated = ManipulatedTag(
        tag="temperature_setpoint",
        unit="degC",
        validated=draw(limits),
        max_step=draw(st.floats(1e-3, 50)),
        resolution=draw(st.floats(1e-3, 10)),
        minimum_interval_ns=seconds_to_ns(draw(st.floats(0, 100))),
        gains={"temperature.mean": draw(st.floats(-3, 3))},
    )
    model = assignment(
        predict=draw(adversarial_models()),
        stage=draw(st.sampled_from(list(Stage))),
        bundle=bundle(
            inputs=(mean_input("temperature", minimum_coverage=0.1),),
            manipulated=(manipulated,),
            half_width=draw(st.floats(1e-3, 20)),
            output_valid=(-1000.0, 1000.0),
        ),
    )
    here = line(models=(model,))
    rings = Rings({"temperature": "plc1", "temperature_setpoint": "plc1"}, capacity=20)
    for tag in here.tags:
        for at, value, status in draw(histories):
            at_ns = NOW_NS + seconds_to_ns(at)
            sample = TagSample(tag=tag, value=value, status=status, source_ns=at_ns, server_ns=at_ns)
            rings.take("plc1", [sample], confirmed_ns=draw(st.sampled_from([0, NOW_NS])))
    due = ModelDue(event_id="e", at_ns=NOW_NS, model=model.name)
    last_move = draw(st.one_of(st.none(), st.integers(0, NOW_NS)))
    situation = Situation(
        line=here,
        windows=rings.windows(windows_needed(due, here)),
        context=Context(equipment_id="R1", material_definition_id="FG-100", material_lot_id="LOT-1"),
        last_move_ns={} if last_move is None else {"temperature_setpoint": last_move},
    )
    return due, situation, model, manipulated, last_move


@settings(max_examples=400, deadline=None)
@given(situations())
def test_no_suggestion_leaves_its_limits(drawn):
    due, situation, model, manipulated, last_move = drawn
    with np.errstate(all="ignore"):
        decision = decide(due, situation)
    for message in decision.messages:
        document = json.loads(message.payload)  # and it is JSON without NaN
        suggestion = document.get("suggestion")
        if suggestion is None:
            continue
        assert model.stage >= Stage.ADVISE
        assert manipulated.validated[0] <= suggestion["proposed"] <= manipulated.validated[1]
        assert abs(suggestion["proposed"] - suggestion["current"]) <= manipulated.max_step * (1 + 1e-9)
        assert last_move is None or NOW_NS - last_move >= manipulated.minimum_interval_ns
        assert message.lane is Lane.GUIDANCE
        assert message.expires_ns is not None
        assert second_check(message.payload, situation.line) is None


@settings(max_examples=200, deadline=None)
@given(situations(), st.floats(-200, 300), st.floats(-200, 300))
def test_the_second_check_passes_exactly_what_is_within_the_limits(drawn, current, proposed):
    _, situation, model, manipulated, _ = drawn
    here = replace(situation.line, models=(replace(model, stage=Stage.ADVISE),))
    identity = model.bundle.identity
    payload = json.dumps(
        {
            "kind": "setpoint",
            "model": {"name": identity.name, "sha256": identity.sha256},
            "suggestion": {"tag": manipulated.tag, "current": current, "proposed": proposed},
        }
    ).encode()
    within = manipulated.validated[0] <= proposed <= manipulated.validated[1]
    near = abs(proposed - current) <= manipulated.max_step * (1 + 1e-9)
    assert (second_check(payload, here) is None) == (within and near)
