"""Inputs that stand on the batch, its phases, or a category: what they are, and when there is no prediction."""

import math
from dataclasses import replace

import pytest

from gateway.decisions.table import windows_needed
from gateway.errors import BundleRefusedError
from gateway.events import ModelDue
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.history.memory.rings import Rings
from gateway.inference.bundle import read_manifest
from gateway.line.definition import Aggregate
from gateway.line.derived_inputs import Category, Stretch
from gateway.records.production import Context, PhaseEvent, ProductionThen
from gateway.time_units import SECOND_NS, seconds_to_ns
from tests.fixtures.building import NOW_NS, assignment, bundle, line, linear, mean_input, moment, sample

OPEN = (-math.inf, math.inf)
T = "temperature"


def ago(seconds):
    return NOW_NS - seconds_to_ns(seconds)


def of_batch(aggregate, since="batch_start", until=None, **changes):
    return mean_input(
        "" if aggregate is Aggregate.DURATION else T,
        **{"aggregate": aggregate, "window_ns": 100 * SECOND_NS, "validated": OPEN,
           "stretch": Stretch(since=since, until=until), **changes},
    )  # fmt: skip


def predict(item, production, *, ramp=range(60)):
    """A temperature that rises by one each second until now; the prediction is 100 and the input."""
    model = assignment(bundle=bundle(inputs=(item,), manipulated=()), predict=linear([0.01], 100.0))
    here = line(models=(model,))
    rings = Rings({T: "plc1", "temperature_setpoint": "plc1"}, capacity=1000)
    samples = [sample(T, float(value), at=at - len(ramp)) for at, value in enumerate(ramp)]
    rings.add_notification("plc1", samples, confirmed_ns=NOW_NS)
    windows = rings.windows(windows_needed(ModelDue(event_id="e", at=moment(NOW_NS), model=model.name), here))
    occasion = Occasion(end_ns=NOW_NS, at_ns=NOW_NS, cause="e", context=Context(), production=production)
    (prediction,) = guarded_predictions(model, here.tags, windows, occasion)
    return prediction


def phases(*events):
    return tuple(PhaseEvent(phase=name, started=started, at_ns=ago(seconds)) for name, started, seconds in events)


BATCH = ProductionThen(
    product="A", batch_started_ns=ago(40), phases=phases(("heat", True, 30), ("heat", False, 10), ("hold", True, 10))
)


@pytest.mark.parametrize(
    ("item", "value"),
    [
        (of_batch(Aggregate.DURATION), 40.0),
        (of_batch(Aggregate.DURATION, since="phase:heat"), 30.0),
        (of_batch(Aggregate.DURATION, since="phase:heat", until="phase_end:heat"), 20.0),
        (of_batch(Aggregate.DURATION, since="batch_start", until="phase:heat"), 10.0),
        (of_batch(Aggregate.DURATION, lag_ns=20 * SECOND_NS), 20.0),
        (of_batch(Aggregate.MAX, until="phase:heat"), 29.0),
        (of_batch(Aggregate.MIN), 20.0),
        (of_batch(Aggregate.INTEGRAL, since="phase:hold"), sum(range(50, 60))),
        (of_batch(Aggregate.TIME_ABOVE, level=54.0), 5.0),
        (of_batch(Aggregate.TIME_BELOW, level=54.0), 34.0),
        (of_batch(Aggregate.TIME_BELOW, level=54.0, since="phase:hold"), 4.0),
    ],
)
def test_a_window_begins_and_ends_with_events_of_the_batch(item, value):
    prediction = predict(item, BATCH)
    assert prediction.verdict.accepted
    assert prediction.features.values == (pytest.approx(value),)
    evidence = prediction.features.evidence
    assert [entry.tag for entry in evidence] == ([] if item.aggregate is Aggregate.DURATION else [T])


@pytest.mark.parametrize("aggregate", [Aggregate.MEAN, Aggregate.DURATION])
@pytest.mark.parametrize(
    ("production", "changes", "code"),
    [
        (ProductionThen(product="A"), {}, "OUTSIDE_BATCH"),
        (replace(BATCH, batch_started_ns=NOW_NS), {}, "OUTSIDE_BATCH"),
        (BATCH, {"lag_ns": 50 * SECOND_NS}, "OUTSIDE_BATCH"),
        (BATCH, {"stretch": Stretch(since="phase:cool")}, "PHASE_NOT_REACHED"),
        (BATCH, {"stretch": Stretch(since="phase:hold", until="phase_end:hold")}, "PHASE_NOT_REACHED"),
        (BATCH, {"stretch": Stretch(since="phase:hold", until="phase_end:heat")}, "PHASE_NOT_REACHED"),
        (BATCH, {"stretch": Stretch(since="phase:heat"), "lag_ns": 35 * SECOND_NS}, "PHASE_NOT_REACHED"),
        (BATCH, {"window_ns": 39 * SECOND_NS}, "BATCH_TOO_LONG"),
        (BATCH, {"validated": (1e6, 2e6)}, "OUTSIDE_VALIDATED_RANGE"),
    ],
)
def test_without_its_stretch_there_is_no_prediction(aggregate, production, changes, code):
    prediction = predict(replace(of_batch(aggregate), **changes), production)
    assert [reason.code for reason in prediction.verdict.reasons] == [code]
    assert prediction.value is None


def test_a_phase_that_began_again_counts_from_its_newest_start():
    again = replace(BATCH, phases=(*BATCH.phases, *phases(("heat", True, 5))))
    assert predict(of_batch(Aggregate.DURATION, since="phase:heat"), again).features.values == (5.0,)
    ended_before = of_batch(Aggregate.DURATION, since="phase:heat", until="phase_end:heat")
    assert predict(ended_before, again).verdict.reasons[0].code == "PHASE_NOT_REACHED"


def test_a_hole_in_a_batch_is_too_much_for_an_integral_and_may_do_for_a_mean():
    ramp = [*range(30), *[math.nan] * 3, *range(33, 60)]
    assert predict(of_batch(Aggregate.MEAN), BATCH, ramp=ramp).verdict.accepted
    for item in (of_batch(Aggregate.INTEGRAL), of_batch(Aggregate.TIME_ABOVE, level=1.0)):
        assert predict(item, BATCH, ramp=ramp).verdict.reasons[0].code == "LOW_COVERAGE"


def category(value, levels=("A", "B"), tag=""):
    made = Category(name="product" if not tag else "recipe", value=value, levels=levels)
    return mean_input(tag, aggregate=Aggregate.LAST, window_ns=0, validated=(0.0, 1.0), category=made)


def test_a_category_is_one_at_its_level_and_none_where_it_was_not_learned():
    assert predict(category("A"), BATCH).features.values == (1.0,)
    assert predict(category("B"), BATCH).features.values == (0.0,)
    for production, shown in ((replace(BATCH, product="C"), "C"), (ProductionThen(), "not known")):
        (reason,) = predict(category("A"), production).verdict.reasons
        assert reason.code == "UNKNOWN_CATEGORY"
        assert f"product is {shown}, which the model has not learned. It knows A, B." in reason.text


def test_a_tag_s_state_as_a_category_passes_the_gates_of_a_tag():
    assert predict(category("59", ("58", "59"), T), BATCH).features.values == (1.0,)
    (reason,) = predict(category("1", ("1", "2"), T), BATCH).verdict.reasons
    assert reason.parameters["value"] == "59"
    (reason,) = predict(category("1", ("1", "2"), T), BATCH, ramp=[1.0, math.nan]).verdict.reasons
    assert reason.code == "NO_VALUE"


@pytest.mark.parametrize(
    "keys",
    [
        'tag = "t"\naggregate = "time_above"', 'tag = "t"\naggregate = "mean"\nlevel = 1.0',
        'tag = "t"\naggregate = "mean"\nsince = "someday"', 'tag = "t"\naggregate = "mean"\nuntil = "phase:x"',
        'tag = "t"\naggregate = "duration"\nsince = "batch_start"', 'tag = ""\naggregate = "duration"',
        'tag = ""\naggregate = "mean"\nsince = "batch_start"',
        'tag = ""\naggregate = "last"\ncategory = { name = "product", value = "C", levels = ["A"] }',
        'tag = ""\naggregate = "mean"\ncategory = { name = "product", value = "A", levels = ["A"] }',
        'tag = "t"\naggregate = "last"\ntransform = "log"\ncategory = { name = "x", value = "1", levels = ["1"] }',
    ],
)  # fmt: skip
def test_a_manifest_that_lacks_what_an_input_needs_is_refused(keys):
    head = 'name = "m"\nversion = "1"\nintended_use = ""\nfiles = {}\n'
    rest = 'window_seconds = 0\nlag_seconds = 0\nunit = ""\nvalidated = [0, 1]\n'
    with pytest.raises(BundleRefusedError, match="input m:"):
        read_manifest({"bundle.toml": f'{head}[[input]]\nname = "m"\n{rest}{keys}\n'.encode()}, where="here")
