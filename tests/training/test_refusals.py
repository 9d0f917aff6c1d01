"""Refusals by gate and input: what training counts is what the gates of service would say, row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.guardrails.reasons import Abstention
from gateway.training.backtest import Served
from gateway.training.learned_limits import LeftOut, margins_of
from gateway.training.recipe_tables.output import OutputTable
from gateway.training.refusals import document_of, gated_blocks, gated_rows
from tests.fixtures.building import assignment, bundle, linear, mean_input, value_output
from tests.guardrails.test_guardrails import codes, domain, history, predict, stays


def model(domain_of_model):
    inputs = (mean_input("temperature"), mean_input("temperature_setpoint"))
    made = bundle(inputs=inputs, manipulated=(), domain=domain_of_model)
    return assignment(bundle=made, predict=linear([-4.0, 0.0], 100 + 4 * 78))


def served(values, half_widths=None):
    widths = np.ones(len(values)) if half_widths is None else np.asarray(half_widths, float)
    nothing = np.full(len(values), np.nan)
    return Served(values=np.asarray(values, float), half_widths=widths, ages_ns=nothing, widenings=nothing)


@settings(max_examples=60, deadline=None)
@given(st.floats(60, 100), st.floats(60, 100))
def test_a_row_is_refused_as_the_gates_of_service_refuse_it(temperature, setpoint):
    known = model(domain())
    prediction = predict(known, history(stays(temperature), stays(setpoint)))
    features = np.array([prediction.features.values])
    output = known.bundle.outputs[0].value
    value = known.predict(features)[:, 0]
    gated = gated_rows(known.bundle.inputs, known.bundle.domain, features, served(value), output)
    refused = {gate.value for (gate, _name), flags in gated.refused.items() if flags[0]}
    assert refused == set(codes(prediction))
    assert bool(gated.accepted[0]) is prediction.verdict.accepted


@pytest.mark.parametrize(
    ("value", "half_width", "gate"),
    [
        (np.nan, 1.0, Abstention.NOT_FINITE),
        (1e6, 1.0, Abstention.OUTSIDE_OUTPUT_RANGE),
        (100.0, np.nan, Abstention.NO_HONEST_INTERVAL),
        (100.0, 9.0, Abstention.INTERVAL_TOO_WIDE),
    ],
)
def test_a_value_is_refused_for_the_first_of_its_gates(value, half_width, gate):
    known = model(None)
    output = value_output(max_half_width=2.5).value
    gated = gated_rows(known.bundle.inputs, domain(), np.array([[78.0, 78.0]]), served([value], [half_width]), output)
    assert [key for key, flags in gated.refused.items() if flags[0]] == [(gate, None)]


def test_refused_rows_are_counted_by_gate_and_input_with_their_errors():
    known = model(domain())
    features = np.array([[78.0, 78.0], [78.0, 999.0], [999.0, 999.0], [79.0, 77.0]])
    output = known.bundle.outputs[0].value
    gated = gated_rows(known.bundle.inputs, domain(), features, served([100.0] * 4), output)
    document = document_of(gated.with_errors(np.array([1.0, 3.0, 4.0, 2.0])))
    assert (document["rows"], document["accepted_rows"], document["error_accepted"]) == (4, 1, 1.0)
    first, second, third = document["refused"]
    names = [item.name for item in known.bundle.inputs]
    assert first == {"gate": "OUTSIDE_VALIDATED_RANGE", "input": names[1], "rows": 2, "error": pytest.approx(12.5**0.5)}
    assert (second["gate"], second["rows"]) == ("OUTSIDE_DOMAIN_SPE", 1)
    assert (third["input"], third["rows"], third["error"]) == (names[0], 1, 4.0)


def test_a_block_is_refused_by_what_the_other_blocks_have_shown():
    column = np.tile(np.linspace(0, 1, 20), 20)
    column[130:160] = 5.0
    features = np.column_stack([column, np.sin(np.arange(400))])
    errors = np.where(column > 1, 9.0, 1.0)
    left_out = LeftOut(features=features, errors=errors, folds=4, gap=2)
    table = OutputTable(analyte="quality", unit="%", valid=(0, 200))
    inputs = (mean_input("temperature"), mean_input("temperature_setpoint"))
    margins = margins_of(left_out, table)
    output = value_output().value
    refusals = gated_blocks(left_out, served(np.full(400, 100.0)), inputs, margins, output).with_errors(errors)
    assert refusals.refused[0].rows == 30
    assert refusals.refused[0].input == inputs[0].name
    assert refusals.error_refused > 5 * refusals.error_accepted
