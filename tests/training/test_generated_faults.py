"""Eighteen faults of sensors and of the process: the state of being outside has more of their time abstained on.

The figures stand in docs/measured.md; ``pytest -s`` prints them.
"""

import sys

import numpy as np
import pytest

from gateway.line.definition import Aggregate, InputDefinition
from gateway.line.outputs import ValueOutput
from gateway.training.backtest import Served
from gateway.training.learned_limits import LeftOut, margins_of, with_limits, with_ranges
from gateway.training.recipe_tables.output import OutputTable
from gateway.training.refusals import chosen_rules, gated_blocks, gated_rows

ROWS, BEFORE, FAULT = 3000, 30, 60
AT = np.arange(FAULT)
PROCESS = np.array([1, 0, 0, 1, 0, 0.7])  # how a change of the first cause reaches the six tags
OUTPUT = ValueOutput(column=0, valid=(-1e9, 1e9), coverage=0.9, half_width=1.0)


def plant(seed):
    """Return six tags that follow three causes which wander."""
    chance = np.random.default_rng(seed)
    keep, causes = np.exp(-1 / 60), np.zeros((ROWS, 3))
    for row in range(1, ROWS):
        causes[row] = keep * causes[row - 1] + np.sqrt(1 - keep**2) * chance.normal(size=3)
    first, second, third = causes.T
    tags = (first, second, third, first + 0.5 * second, second - 0.5 * third, 0.7 * first + 0.7 * third)
    return np.column_stack(tags) + 0.15 * chance.normal(size=(ROWS, 6))


def swing(size, period):
    return size * np.sin(2 * np.pi * AT / period)


def of_sensor(change):
    def fault(tags, chance):
        return np.column_stack([tags[:, :3], change(tags[:, 3], chance), tags[:, 4:]])

    return fault


FAULTS = {
    "bias 1": of_sensor(lambda tag, _chance: tag + 1),
    "bias 2": of_sensor(lambda tag, _chance: tag + 2),
    "creep to 2": of_sensor(lambda tag, _chance: tag + 2 * AT / FAULT),
    "creep to 4": of_sensor(lambda tag, _chance: tag + 4 * AT / FAULT),
    "oscillation 1, fast": of_sensor(lambda tag, _chance: tag + swing(1, 12)),
    "oscillation 1, slow": of_sensor(lambda tag, _chance: tag + swing(1, 30)),
    "oscillation 2, fast": of_sensor(lambda tag, _chance: tag + swing(2, 12)),
    "oscillation 2, slow": of_sensor(lambda tag, _chance: tag + swing(2, 30)),
    "stuck": of_sensor(lambda tag, _chance: np.full(FAULT, tag[0])),
    "dead": of_sensor(lambda _tag, _chance: np.zeros(FAULT)),
    "noise 0.5": of_sensor(lambda tag, chance: tag + 0.5 * chance.normal(size=FAULT)),
    "noise 1": of_sensor(lambda tag, chance: tag + chance.normal(size=FAULT)),
    "gain 1.5": of_sensor(lambda tag, _chance: tag * 1.5),
    "reversed": of_sensor(lambda tag, _chance: -tag),
    "process step": lambda tags, _chance: tags + 3 * PROCESS,
    "process creep": lambda tags, _chance: tags + 5 * PROCESS * (AT / FAULT)[:, None],
    "process oscillation": lambda tags, _chance: tags + PROCESS * swing(4, 20)[:, None],
    "correlation break": of_sensor(lambda tag, _chance: np.roll(tag, 30)),
}


def served(rows):
    nothing = np.full(rows, np.nan)
    return Served(values=np.zeros(rows), half_widths=np.ones(rows), ages_ns=nothing, widenings=nothing)


@pytest.fixture(scope="module")
def gates():
    """Return what judges rows, and the state that training has chosen."""
    learned = plant(1)
    names = tuple(
        InputDefinition(
            name=f"tag{at}",
            tag=f"tag{at}",
            aggregate=Aggregate.LAST,
            window_ns=0,
            lag_ns=0,
            unit="1",
            validated=(-1, 1),
        )
        for at in range(6)
    )
    left_out = LeftOut(features=learned, errors=np.random.default_rng(5).normal(size=ROWS), folds=4, gap=2)
    margins = margins_of(left_out, OutputTable(analyte="quality", unit="%", valid=(-1, 1)))
    rules = chosen_rules(gated_blocks(left_out, served(ROWS), names, margins, OUTPUT), most_cost=0.02)
    inputs, domain = with_ranges(names, learned, margins), with_limits(learned, margins, alpha=0.001)

    def abstained(rows):
        gated = gated_rows(inputs, domain, rows, served(len(rows)), OUTPUT)
        return ~gated.accepted, ~gated.with_outside(rules).accepted

    return abstained


def test_more_of_a_fault_is_abstained_on_at_little_cost_without_one(gates):
    fresh, shares = plant(2), {}
    for name, fault in FAULTS.items():
        both = []
        for start in range(200, ROWS - FAULT, 250):
            rows = fresh[start - BEFORE : start + FAULT].copy()
            rows[BEFORE:] = fault(rows[BEFORE:], np.random.default_rng(start))
            both.append([flags[BEFORE:].mean() for flags in gates(rows)])
        shares[name] = np.mean(both, axis=0)
    without = [float(flags.mean()) for flags in gates(fresh)]
    before, after = np.mean(list(shares.values()), axis=0)
    lines = [*shares.items(), ("mean of faults", (before, after)), ("no fault", without)]
    sys.stdout.writelines(f"{name:22s} {early:6.1%} {late:6.1%}\n" for name, (early, late) in lines)
    assert len(FAULTS) == 18
    assert after > before + 0.08
    assert without[1] - without[0] < 0.02
    assert all(late >= early for early, late in shares.values())
    assert shares["oscillation 2, fast"][1] > 0.9
