"""Predictions in the form of the United Manufacturing Hub: two keys a topic, and nothing that must not be used."""

import json
from dataclasses import replace

import pytest

from gateway.line.definition import Stage
from tests.fixtures.store_bench import Bench

ROOT = "umh/v1/acme/lyon/polymers/line-1/R1/_historian/prediction"


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    bench.line = replace(bench.line, umh_contract="_historian")
    yield bench
    bench.connection.close()


def sent(bench):
    """Return what was sent below umh/v1, by topic."""
    rows = bench.rows("SELECT topic, payload FROM outbox WHERE topic LIKE 'umh/%'")
    return {topic: json.loads(payload) for topic, payload in rows}


def test_an_accepted_prediction_and_the_ends_of_its_interval_are_a_topic_each(bench):
    bench.model_due(78.0, setpoint=78.0)
    messages = sent(bench)
    assert set(messages) == {f"{ROOT}/viscosity", f"{ROOT}/viscosity_low", f"{ROOT}/viscosity_high"}
    assert all(set(message) == {"timestamp_ms", "value"} for message in messages.values())
    low, value, high = (messages[f"{ROOT}/viscosity{end}"]["value"] for end in ("_low", "", "_high"))
    assert low < value < high
    assert {message["timestamp_ms"] for message in messages.values()} == {bench.now_ns // 1_000_000}


def test_what_the_gates_abstain_from_and_what_a_model_says_in_shadow_is_not_sent(bench):
    bench.model_due(200.0, setpoint=78.0)
    assert sent(bench) == {}
    bench.line = replace(bench.line, models=(replace(bench.line.models[0], stage=Stage.SHADOW),))
    bench.model_due(78.0, setpoint=78.0)
    assert sent(bench) == {}


def test_a_line_without_the_table_sends_none(bench):
    bench.line = replace(bench.line, umh_contract=None)
    bench.model_due(78.0, setpoint=78.0)
    assert sent(bench) == {}
