"""How soon a bad lot is found: the laboratory's queue by risk, against first-in-first-out at the same capacity.

Lots end every hour; the laboratory measures few at night, so a queue builds up and goes again. What the gateway knows
of a lot before it is measured is drawn so that it is informative and not more: a model that tells good from bad by one
and a half sigma, a supplier that is worse, tags that are unusual in half of the bad lots and in few good ones.
"""

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.lab.materials import material_risk
from gateway.lab.sampling import LotSigns, Waiting, in_order, risk_of
from gateway.time_units import SECOND_NS
from simulator.bench.measuring import Figure, Goal

RUNS, SMALL_RUNS = 200, 20
_LOTS, _BAD = 120, 0.08
_HOUR_NS = 3600 * SECOND_NS
_CAPACITY = 1.05  # lots measured an hour on average, of one that ends
_SUPPLIERS = {"north": (2, 60), "south": (9, 60)}  # failed and tested so far

Order = Callable[[Sequence[Waiting], int], list[Waiting]]


@dataclass(frozen=True, kw_only=True)
class _Lot:
    waiting: Waiting
    bad: bool


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the mean times until a bad lot's result is there, over seeded runs, and their ratio."""
    runs = SMALL_RUNS if small else RUNS
    hours_by_run = [run(seed) for seed in range(runs)]
    by_risk = statistics.fmean(hours for hours, _first_in in hours_by_run)
    first_in = statistics.fmean(hours for _by_risk, hours in hours_by_run)
    return {
        "runs": Figure(value=runs, unit="runs"),
        "hours_to_detect_a_bad_lot": Figure(value=by_risk, unit="h", floor=first_in, goal=Goal(op="<=", value=0.6)),
    }


def run(seed: int) -> tuple[float, float]:
    """Return the mean hours until bad lots are found in one run: by risk, and first-in-first-out."""
    lots = _lots(random.Random(seed))
    return _hours(lots, lambda waiting, at_ns: in_order(waiting, at_ns=at_ns)), _hours(lots, _first_in_first_out)


def _first_in_first_out(waiting: Sequence[Waiting], _at_ns: int) -> list[Waiting]:
    return sorted(waiting, key=lambda lot: lot.since_ns)


def _lots(chance: random.Random) -> list[_Lot]:
    """Return lots that end hourly, at night too, when the laboratory measures less."""
    lots = []
    for number in range(_LOTS):
        supplier = "south" if chance.random() < 0.3 else "north"
        bad = chance.random() < _BAD * (2.0 if supplier == "south" else 0.6)
        failed, tested = _SUPPLIERS[supplier]
        # a model that sees 1.5 sigma between good and bad, with noise of one
        seen = chance.gauss(1.5 if bad else 0.0, 1.0)
        likelihood = math.exp(1.5 * seen - 1.125)
        odds = _BAD / (1 - _BAD) * likelihood
        novel = abs(chance.gauss(2.5 if bad and chance.random() < 0.5 else 0.0, 1.0)) + 1.0
        signs = LotSigns(
            analyte="viscosity",
            failed=11,
            tested=120,
            predicted=odds / (1 + odds),
            novelty=novel,
            novel_tag="temperature",
            materials=(material_risk(supplier, "MONOMER-A", "viscosity", failed=failed, tested=tested),),
        )
        risk = risk_of(signs)
        waiting = Waiting(subject=f"LOT-{number:03d}", probability=risk.probability, since_ns=number * _HOUR_NS)
        lots.append(_Lot(waiting=waiting, bad=bad))
    return lots


def _hours(lots: Sequence[_Lot], order: Order) -> float:
    """Return the mean hours from the end of a bad lot to its result."""
    bad = {lot.waiting.subject for lot in lots if lot.bad}
    queue, capacity, hours, number = list[Waiting](), 0.0, dict[str, float](), 0
    while number < len(lots) or queue:
        if number < len(lots):
            queue.append(lots[number].waiting)
        at_ns = number * _HOUR_NS
        capacity += _capacity(number)
        while queue and capacity >= 1.0:
            first = order(queue, at_ns)[0]
            queue.remove(first)
            capacity -= 1.0
            hours[first.subject] = (at_ns - first.since_ns) / _HOUR_NS + 1.0  # the analysis itself takes an hour
        capacity = min(capacity, 1.0) if not queue else capacity
        number += 1
    detection_hours = [hours[subject] for subject in sorted(bad)]
    return statistics.fmean(detection_hours) if detection_hours else 1.0


def _capacity(hour: int) -> float:
    """Return how many lots the laboratory measures in an hour: all of a day's by day, few at night."""
    return _CAPACITY * (1.5 if hour % 24 < 14 else 0.3)
