"""Lots are made, faults are planted in most of them, and each lot is reviewed: what is missed, and what is read."""

import statistics
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gateway.lab.review.review import Review
from simulator.bench.measuring import Figure, Goal
from simulator.bench.review.fault import Fault
from simulator.bench.review.faults import FAULTS
from simulator.bench.review.plant import Lot, Plant

LOTS, SMALL_LOTS = 200, len(FAULTS) + 6  # of each plant
LARGE, SMALL_LARGE = 2000, 50  # results of one lot
_SEEDS = (1, 2, 3)  # plants
_CLEAN = 5  # one lot in so many has no fault
_BASELINE = 3  # lots without a fault before the first
_RESULTS_PER_TEST, _SMALL_RESULTS_PER_TEST = 8, 3


@dataclass(slots=True)
class Outcome:
    """What came of the lots: planted and missed faults by kind, exceptions of clean lots, and what is read."""

    planted: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[str, str]] = field(default_factory=list)  # (kind, lot)
    in_clean_lots: list[Review] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def take(self, other: "Outcome") -> None:
        """Add what came of the lots of another plant."""
        self.planted.update(other.planted)
        self.missed += other.missed
        self.in_clean_lots += other.in_clean_lots
        self.reviews += other.reviews
        self.seconds += other.seconds


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return how many planted faults were missed, and how much less there is to read."""
    outcome = Outcome()
    for seed in _SEEDS[:1] if small else _SEEDS:
        outcome.take(run(lots=SMALL_LOTS if small else LOTS, seed=seed,
                         results_per_test=_SMALL_RESULTS_PER_TEST if small else _RESULTS_PER_TEST))  # fmt: skip
    read = sum(review.lines_to_read for review in outcome.reviews)
    points = sum(review.data_points for review in outcome.reviews)
    clean = [len(review.exceptions) for review in outcome.in_clean_lots]
    return {
        "lots": Figure(value=len(outcome.reviews), unit="lots"),
        "kinds_of_faults": Figure(value=len(outcome.planted), unit="kinds", goal=Goal(op=">=", value=30)),
        "faults_planted": Figure(value=sum(outcome.planted.values()), unit="faults"),
        "faults_missed": Figure(value=len(outcome.missed), unit="faults", goal=Goal(op="==", value=0)),
        "data_points_per_lot": Figure(value=points / len(outcome.reviews), unit="points"),
        "lines_to_read_per_lot": Figure(value=read / len(outcome.reviews), unit="lines"),
        "less_to_read": Figure(value=100 * (1 - read / points), unit="%", goal=Goal(op=">=", value=60)),
        "exceptions_per_clean_lot": Figure(value=statistics.fmean(clean), unit="exceptions"),
        "review_of_a_lot": Figure(value=1000 * statistics.median(outcome.seconds), unit="ms"),
        "review_of_a_large_lot": Figure(
            value=1000 * large(SMALL_LARGE if small else LARGE), unit="ms", goal=Goal(op="<=", value=500)
        ),
    }


def large(results: int) -> float:
    """Return the seconds of computing that the review of a lot with many results takes; the middle of three."""
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as folder:
        plant = Plant(Path(folder), seed=1, results_per_test=1)
        with closing(plant.connection):
            lot = Lot(plant, "L-LARGE")
            lot.begin()
            plant.later(10)
            for number in range(results):
                plant.result(lot.name, "Viscosity", lot.value("Viscosity"), lot.sample(number))
            lot.end()
            return statistics.median(_seconds(plant, lot.name) for _time in range(3))


def _seconds(plant: Plant, lot: str) -> float:
    begun = time.process_time()
    plant.review(lot)
    return time.process_time() - begun


def run(*, lots: int, seed: int, results_per_test: int) -> Outcome:
    """Make lots, review each once, and return what came of it."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as folder:
        plant = Plant(Path(folder), seed=seed, results_per_test=results_per_test)
        with closing(plant.connection):
            for number in range(_BASELINE):
                _made(plant, f"B-{number:03}", None)
            faults = 0
            for number in range(lots):
                clean = number % _CLEAN == _CLEAN - 1 and faults + lots - number > len(FAULTS)
                fault = None if clean else FAULTS[faults % len(FAULTS)]
                faults += not clean
                _take(outcome, plant, f"L-{number:03}", fault)
    return outcome


def _take(outcome: Outcome, plant: Plant, name: str, fault: Fault | None) -> None:
    _made(plant, name, fault)
    begun = time.perf_counter()
    review = plant.review(name)
    outcome.seconds.append(time.perf_counter() - begun)
    plant.tidy()
    outcome.reviews.append(review)
    if fault is None:
        outcome.in_clean_lots.append(review)
        return
    outcome.planted[fault.kind] += 1
    if fault.code not in {item.code for item in review.exceptions}:
        outcome.missed.append((fault.kind, name))


def _made(plant: Plant, name: str, fault: Fault | None) -> None:
    """Make a lot with a fault, or without one."""
    lot = Lot(plant, name)
    if fault is not None:
        fault.before(lot)
    lot.begin()
    lot.run()
    if fault is not None:
        fault.running(lot)
    lot.measure()
    if fault is not None:
        fault.measured(lot)
    lot.end()
    if fault is not None:
        fault.ended(lot)
    plant.sent()
    plant.later(30)
