"""A bias for each product: one product's results correct no other, and what is unknown is not corrected."""

from dataclasses import replace

from gateway.inference.corrections import Instant, corrected
from gateway.inference.feedback import Feedback, bias_state_of
from gateway.line.outputs import BiasLimits, ValueOutput, Widening
from gateway.time_units import SECOND_NS

HOUR_NS = 3600 * SECOND_NS
BIAS = BiasLimits(trust=1.0, max_step=9.0, max_total=9.0, max_age_ns=99 * HOUR_NS, per_product=True)
OUTPUT = ValueOutput(
    column=0, valid=(0, 300), coverage=0.9, half_width=2.0, sigma=1.0, bias=BIAS,
    widening=Widening(ages_ns=(0,), factors=(1.0,), uncorrected=3.0),
)  # fmt: skip


def result(hour, error, product):
    return Feedback(
        result_id=f"r{hour}", sampled_ns=hour * HOUR_NS, arrived_ns=hour * HOUR_NS + 1, measured=100.0 + error,
        predicted=100.0, product=product,
    )  # fmt: skip


def said(state, product, hour=10):
    return corrected(state, OUTPUT, Instant(at_ns=hour * HOUR_NS, product=product))


def test_a_product_is_corrected_by_its_own_results_alone():
    state = bias_state_of([result(0, 2.0, "A"), result(1, -3.0, "B"), result(2, 2.5, "A")], OUTPUT)
    assert said(state, "A").correction == 2.5
    assert said(state, "B").correction == -3.0
    assert (said(state, "A").version, said(state, "B").version) == (2, 1)


def test_an_unknown_product_is_not_corrected_and_its_interval_is_wide():
    state = bias_state_of([result(0, 2.0, "A"), result(1, 5.0, None)], OUTPUT)
    for product in ("C", None):
        assert (said(state, product).correction, said(state, product).half_width) == (0.0, 6.0)
    assert said(state, "A").half_width == 2.0


def test_errors_are_charted_for_each_product():
    """Two products whose errors cancel out in one chart drift in their own."""
    entries = [result(hour, 1.5 if hour % 2 else -1.5, "A" if hour % 2 else "B") for hour in range(60)]
    uncorrected = replace(OUTPUT, bias=replace(BIAS, trust=1e-9))
    assert bias_state_of(entries, uncorrected).drifts
    assert not bias_state_of(entries, replace(uncorrected, bias=None)).drifts
