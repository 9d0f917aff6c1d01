"""Every parser that strangers can reach takes odd input: refused or read, and nothing else.

The inputs are the same each time, and as many as a few seconds of the processor take; ``labline bench fuzz`` goes on.
"""

import random
import time
from contextlib import nullcontext

import pytest

from simulator.bench.fuzz.measure import measure
from simulator.bench.fuzz.mutation import LONGEST_INPUT_BYTES, mutated
from simulator.bench.fuzz.parsers import PARSERS
from simulator.bench.fuzz.running import HangError, Parser, fuzzed, input_of

INPUTS = 300  # of each parser
MOST_GROWTH_BYTES = 48 * 2**20


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_refuses_what_it_does_not_understand_and_costs_little(parser):
    outcome = fuzzed(parser, seed=20, numbers=range(INPUTS))
    assert [(finding.number, finding.what) for finding in (*outcome.crashes, *outcome.hangs)] == []
    assert outcome.executions >= INPUTS
    assert outcome.growth_bytes < MOST_GROWTH_BYTES


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_understands_its_examples(parser):
    with parser.make() as run:
        for example in parser.examples():
            run(example)


def parser_that(run, refuses=()):
    return Parser(
        name="p", reached_by="a test", examples=lambda: [b'{"a": 1}'], make=lambda: nullcontext(run), refuses=refuses
    )


def test_a_crash_is_found_and_its_number_gives_the_input_again():
    def run(content):
        if b"NaN" in content:
            raise KeyError("NaN")

    outcome = fuzzed(parser_that(run), seed=1, numbers=range(400))
    assert outcome.crashes
    finding = outcome.crashes[0]
    assert finding.content == input_of(parser_that(run), 1, finding.number, [b'{"a": 1}'])
    assert finding.what == "KeyError: 'NaN'"


def test_an_input_that_keeps_the_processor_is_found_and_ended():
    def run(content):
        while not content:  # no input does this to a parser that catches everything
            try:
                time.sleep(0)
            except Exception:  # noqa: BLE001, S112 - as a careless parser would
                continue

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("simulator.bench.fuzz.running._INTERRUPTED_AFTER_SECONDS", 0.05)
        patched.setattr("simulator.bench.fuzz.running.LONGEST_SECONDS", 0.01)
        empty = Parser(name="p", reached_by="a test", examples=lambda: [b""], make=lambda: nullcontext(run), refuses=())
        outcome = fuzzed(empty, seed=1, numbers=range(0))
    assert [finding.what for finding in outcome.hangs] == ["interrupted"]
    assert issubclass(HangError, BaseException)


def test_inputs_are_the_same_everywhere_and_bounded():
    examples = [b'{"a": [1, {"b": "c"}]}', b"abc"]
    first, second = ([mutated(random.Random(number), examples) for number in range(300)] for _time in range(2))
    assert first == second
    assert len(set(first)) > 200
    assert max(map(len, first)) <= LONGEST_INPUT_BYTES


def test_the_bench_counts_what_it_finds():
    figures = measure(small=True, seconds=0.5, only=["json", "protobuf"])
    assert figures["executions"].value > 10
    assert figures["crashes"].holds
    assert figures["hangs"].holds
    assert {"executions.json", "executions.protobuf"} <= figures.keys()
