"""One table for the block of the PLC: its Structured Text and its twin in Python do what each row says, and no more."""

import math
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.setpoint_block import SetpointBlock
from tests.fixtures.structured_text import FunctionBlock

PLC = Path(__file__).parents[2] / "deploy" / "plc"
TEXT = (PLC / "setpoint.st").read_text()
ROWS = tomllib.loads((PLC / "setpoint_states.toml").read_text())["row"]
NAMES = {
    "Beat": "beat", "OperatorAllows": "operator_allows", "OperatorValue": "operator_value",
    "OperatorSets": "operator_sets", "Minimum": "minimum", "Maximum": "maximum", "HasApply": "has_apply",
    "Request": "request", "Apply": "apply", "Setpoint": "setpoint", "Requested": "requested", "External": "external",
}  # fmt: skip
SEEN = ("Setpoint", "Requested", "Request", "Apply", "External")
USUAL = {"Minimum": 60.0, "Maximum": 95.0, "OperatorAllows": True}
CYCLE_SECONDS = 0.5


class OfText:
    """The block as its Structured Text says."""

    def __init__(self, block=None):
        self.block = block or FunctionBlock(TEXT)
        self.block.values |= {"Setpoint": 78.0, "Request": 78.0}

    def scan(self, now, inputs):
        self.block.scan(now, **inputs)

    def __getitem__(self, name):
        return self.block.values[name]


class Twin:
    """The block as the simulator has it."""

    def __init__(self):
        self.block = SetpointBlock(setpoint=78.0, minimum=0.0, maximum=0.0)

    def scan(self, now, inputs):
        for name, value in inputs.items():
            setattr(self.block, NAMES[name], value)
        self.block.scan(now)

    def __getitem__(self, name):
        return getattr(self.block, NAMES[name])


class Cycles:
    """Brings a block into a state of the table, and lets it run."""

    def __init__(self, block):
        self.block = block
        self.now, self.beat, self.inputs = 0.0, 5, dict(USUAL)

    def cycle(self, *, beat=False, seconds=CYCLE_SECONDS, **changes):
        self.now += seconds
        self.beat += beat
        self.inputs = {**self.inputs, "OperatorSets": False, "Beat": self.beat, **changes}
        self.beat = self.inputs["Beat"]
        self.block.scan(self.now, self.inputs)
        for name in ("Request", "Apply"):
            self.inputs.pop(name, None)  # written once; the block keeps it
        return {name: self.block[name] for name in SEEN}

    def bring_to(self, state):
        self.inputs["HasApply"] = state == "requested"
        if state == "started":
            return self
        self.cycle()
        self.cycle(beat=True)
        {
            "listening": lambda: None,
            "shed": lambda: [self.cycle(), self.cycle(seconds=3.5)],
            "in_hand": lambda: self.cycle(OperatorAllows=False),
            "requested": lambda: self.cycle(beat=True, Request=80.0),
        }[state]()
        if state in {"listening", "requested"}:
            self.cycle()  # the heartbeat stands still for the first time: the watchdog runs from here
        return self


def differences(block, row):
    """What a block does otherwise than its row says."""
    cycles, wrong = Cycles(block).bring_to(row["from"]), []
    for step in (row, *([row["after"]] if "after" in row else [])):
        seen = cycles.cycle(**step["cycle"])
        wrong += [f"{name} is {seen[name]}, not {value}" for name, value in step["then"].items() if seen[name] != value]
    return wrong


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
@pytest.mark.parametrize("block", [OfText, Twin])
def test_the_block_does_what_its_row_says(block, row):
    assert {"Setpoint", "External"} <= row["then"].keys()
    assert differences(block(), row) == []


def test_every_row_is_another_and_every_state_has_one():
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    assert {row["from"] for row in ROWS} == {"started", "listening", "shed", "in_hand", "requested"}


def test_every_branch_of_the_text_is_in_the_table():
    runs = []
    for row in ROWS:
        block = FunctionBlock(TEXT)
        differences(OfText(block), row)
        runs.append(block.statements)
    for number, statement in enumerate(runs[0]):
        seen = set().union(*(statements[number].runs for statements in runs))
        wanted = {True, False} if statement.text.startswith("IF") else {True}
        assert not statement.runs or seen == wanted, statement.text


def test_no_statement_of_the_text_can_be_changed_without_a_row_that_fails():
    survivors = []
    for number, statement in enumerate(FunctionBlock(TEXT).statements):

        def changed(number=number):
            block = FunctionBlock(TEXT)
            one = block.statements[number]
            if one.text.startswith("IF"):
                one.negated = True
            else:
                one.run = lambda: None
            return OfText(block)

        if not any(differences(changed(), row) for row in ROWS):
            survivors.append((number, statement.text))
    assert survivors == []


values = st.sampled_from([50.0, 60.0, 77.0, 78.0, 80.0, 95.0, 99.0, math.nan])
cycles = st.fixed_dictionaries(
    {"beat": st.booleans(), "seconds": st.sampled_from([0.1, 0.5, 1.0, 3.0, 3.5])},
    optional={
        "Request": values, "Apply": st.booleans(), "OperatorAllows": st.booleans(), "OperatorSets": st.booleans(),
        "OperatorValue": values, "Minimum": st.sampled_from([60.0, 79.0, 90.0]),
        "Maximum": st.sampled_from([95.0, 79.0, 70.0]),
    },
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(has_apply=st.booleans(), steps=st.lists(cycles, max_size=12))
def test_text_and_twin_do_the_same_and_keep_what_the_block_promises(has_apply, steps):
    text, twin = Cycles(OfText()), Cycles(Twin())
    text.inputs["HasApply"] = twin.inputs["HasApply"] = has_apply
    before = 78.0
    for step in steps:
        seen, same = text.cycle(**step), twin.cycle(**step)
        assert seen == same
        lower, upper = text.inputs["Minimum"], text.inputs["Maximum"]
        if seen["Setpoint"] != before:
            assert lower <= seen["Setpoint"] <= upper
            assert seen["External"] or text.inputs["OperatorSets"]
        if not seen["External"]:
            assert (seen["Request"], seen["Apply"]) == (seen["Setpoint"], False)
        before = seen["Setpoint"]
