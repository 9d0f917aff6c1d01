"""What following suggestions is worth: the share of product outside its specification, in three arms over many seeds.

Nobody follows; operators follow, with a realistic delay and a fifth refused; the gateway moves the setpoints itself. In
all three the gateway runs as a whole, in virtual time (``simulator.bench.virtual``), and an operator reads what it
says. The same seed has the same disturbances in all arms, so the arms are compared in pairs. A run lasts a shift of
eight plant hours. Every value that a client wrote to the PLC is held against all limits here, by arithmetic of its own.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import fmean

from gateway.line.definition import LineDefinition
from gateway.operations.logs import configure_logs
from simulator.bench.bootstrap import interval_of_mean, interval_of_ratio
from simulator.bench.measuring import Figure, Goal
from simulator.bench.virtual.run import Stage, VirtualRun
from simulator.habits import realistic
from simulator.plant_setpoints import WRITTEN, Request
from simulator.write_tables import moves_per_hour

SEEDS, SMALL_SEEDS = 50, 2
SECONDS, SMALL_SECONDS = 120.0, 40.0
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """How far the models may go, and whether the operator follows."""

    stage: str
    follows: bool


ARMS: Mapping[str, Arm] = {
    "nobody": Arm(stage="approve", follows=False),
    "operators": Arm(stage="approve", follows=True),
    "automatic": Arm(stage="automatic", follows=False),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """What came of one run; counts of guidance, people's answers and writes, by the gateway's records and the PLC's."""

    off_share: float
    suggestions: int
    approved: int
    rejected: int
    calls: int
    most_calls: int  # in ten plant minutes
    writes: int
    outside: int  # of the writes: beyond any limit
    most_moves: int  # of one setpoint


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the arms' shares with their intervals, what people and the gateway did, and whether limits were kept."""
    seeds, seconds = (SMALL_SEEDS, SMALL_SECONDS) if small else (SEEDS, SECONDS)
    runs = [(name, seed, seconds) for seed in range(1, seeds + 1) for name in ARMS]
    if small:
        shifts = list(map(_shift, runs))
    else:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            shifts = list(pool.map(_shift, runs))
    by_arm = {arm: [shift for (name, _, _), shift in zip(runs, shifts, strict=True) if name == arm] for arm in ARMS}
    return figures(by_arm)


def _shift(run: tuple[str, int, float]) -> Shift:
    name, seed, seconds = run
    arm = ARMS[name]
    configure_logs(level="error")
    with closing(Stage(arm.stage)) as stage:
        return stage.play(seed=seed, follows=arm.follows, habits=realistic(seed), seconds=seconds, look=_look)


def _look(run: VirtualRun) -> Shift:
    counted = run.observer.summary()
    requests = run.setpoints.requests
    by_tag = [sum(request.tag == tag for request in requests) for tag in WRITTEN]
    return Shift(
        off_share=run.tally.off_share or 0.0,
        suggestions=_count(run, "SELECT count(*) FROM guidance WHERE kind = 'setpoint'"),
        approved=_count(run, "SELECT count(*) FROM guidance_state WHERE state = 'approved'"),
        rejected=_count(run, "SELECT count(*) FROM guidance_state WHERE state = 'rejected'"),
        calls=counted["operators_called"],
        most_calls=counted["most_calls_in_10_plant_minutes"],
        writes=len(requests),
        outside=sum(breaks_a_limit(request, run.line) for request in requests),
        most_moves=max(by_tag),
    )


def _count(run: VirtualRun, query: str) -> int:
    return int(run.connection.execute(query).fetchone()[0])


def breaks_a_limit(request: Request, line: LineDefinition) -> bool:
    """Return whether a written value lies outside any limit: of bundle, tag, EURange, PLC, or the largest step."""
    moved = [item for model in line.models for item in model.bundle.manipulated if item.tag == request.tag]
    limits = [item.validated for item in moved]
    limits += [WRITTEN[request.tag].eu_range, request.plc]
    of_tag = line.tags[request.tag].validated
    if of_tag is None or not moved:
        return True
    within = all(lower <= request.value <= upper for lower, upper in (*limits, of_tag))
    steps = all(abs(request.value - request.before) <= item.max_step * (1 + ROUNDING) for item in moved)
    return not (within and steps)


def figures(by_arm: Mapping[str, Sequence[Shift]]) -> dict[str, Figure]:
    """Return the table of the arms."""
    nobody = [shift.off_share for shift in by_arm["nobody"]]
    table = {"seeds": Figure(value=len(nobody), unit="runs of each arm")}
    for arm, shifts in by_arm.items():
        shares = [shift.off_share for shift in shifts]
        table |= _with_interval(f"off_share_{arm}", fmean(shares), interval_of_mean(shares), "of the product")
        if arm != "nobody":
            goal = Goal(op="<=", value=0.5) if arm == "operators" else None
            ratio = fmean(shares) / fmean(nobody) if any(nobody) else 1.0
            table |= _with_interval(f"ratio_{arm}", ratio, interval_of_ratio(shares, nobody), "of nobody's", goal)
        for name, of_shift in _COUNTS.items():
            table[f"{name}_{arm}"] = Figure(value=fmean(of_shift(shift) for shift in shifts), unit="a shift")
    return table | _limits_kept(by_arm)


_COUNTS: Mapping[str, Callable[[Shift], int]] = {
    "suggestions": lambda shift: shift.suggestions,
    "approved": lambda shift: shift.approved,
    "rejected": lambda shift: shift.rejected,
    "calls": lambda shift: shift.calls,
    "writes": lambda shift: shift.writes,
}


def _with_interval(
    name: str, value: float, interval: tuple[float, float], unit: str, goal: Goal | None = None
) -> dict[str, Figure]:
    low, high = interval
    return {
        name: Figure(value=value, unit=unit, goal=goal),
        f"{name}_low": Figure(value=low, unit=unit),
        f"{name}_high": Figure(value=high, unit=unit),
    }


def _limits_kept(by_arm: Mapping[str, Sequence[Shift]]) -> dict[str, Figure]:
    every = [shift for shifts in by_arm.values() for shift in shifts]
    return {
        "writes_of_nobody": Figure(
            value=sum(shift.writes for shift in by_arm["nobody"]), unit="writes", goal=Goal(op="==", value=0)
        ),
        "writes_outside_limits": Figure(
            value=sum(shift.outside for shift in every), unit="writes", goal=Goal(op="==", value=0)
        ),
        "most_automatic_moves_in_an_hour": Figure(
            value=max(shift.most_moves for shift in by_arm["automatic"]), unit="moves",
            goal=Goal(op="<=", value=moves_per_hour()),
        ),
        "most_calls_in_10_plant_minutes": Figure(value=max(shift.most_calls for shift in every), unit="calls"),
    }  # fmt: skip
