"""Whether an earlier event of the same cause is among the first three that are shown: failures that come again.

Lots are made through the gateway's own doors. Some have a cause, which shows in the process or in a material and in the
result, and each cause comes twice; others fail without one. The second time, what is shown is held against the first.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index
from gateway.knowledge.searching import Searched
from gateway.knowledge.similar import knowledge_of
from gateway.knowledge.synonyms import synonyms_of, usual_groups
from gateway.records.sight import EVERYTHING
from gateway.store.database import read_state
from simulator.bench.measuring import Figure, Goal
from simulator.bench.review.line import TAG_LEVELS
from simulator.bench.review.plant import Lot, Plant

FIRST = 3  # of the events that are shown
_SEEDS = (1, 2, 3, 4)
_USUAL, _BETWEEN = 24, 8  # lots in control before the first failures, and before they come again
_FEW = 4  # causes of a small run
_OUTSIDE = {("Viscosity", 1): 108.0, ("Viscosity", -1): 92.0, ("pH", 1): 7.8, ("pH", -1): 6.3, ("Water", 1): 0.9,
            ("Water", -1): 0.1}  # fmt: skip
_SIGMA = {name: max(3 * noise, 0.02 * level) for name, (level, noise) in TAG_LEVELS.items()}  # between lots
_SHAKE = 0.5  # sigmas by which a cause that comes again differs from the first time


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What makes a lot fail: tags by so many sigmas, or a supplier; and the test that then fails, above or below."""

    test: str
    side: int
    moved: Mapping[str, float] = field(default_factory=dict)
    supplier: str = "Acme"


CAUSES = (
    Cause(moved={"temperature": 4.0}, test="Viscosity", side=-1),
    Cause(moved={"temperature": -4.0}, test="Viscosity", side=1),
    Cause(moved={"pressure": 4.0}, test="Viscosity", side=1),
    Cause(moved={"agitator": -4.0}, test="Viscosity", side=1),
    Cause(moved={"feed": 4.0, "level": -3.0}, test="pH", side=1),
    Cause(moved={"jacket": 5.0}, test="pH", side=-1),
    Cause(moved={"acid": -4.0}, test="pH", side=1),
    Cause(supplier="Bolt", test="Water", side=1),
    Cause(supplier="Cyan", moved={"pressure": 3.0}, test="Water", side=1),
    Cause(moved={"temperature": 3.0, "pressure": -3.0}, test="Viscosity", side=1),
    Cause(moved={"feed": -4.0}, test="Water", side=-1),
    Cause(moved={"level": 4.0}, test="pH", side=-1),
)


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return of how many causes that came again the first time is among the first three events, and the first."""
    places = run(1, CAUSES[:_FEW]) if small else [place for seed in _SEEDS for place in run(seed)]
    return {
        "causes_that_came_again": Figure(value=len(places), unit="causes"),
        "among_the_first_three": Figure(
            value=100 * sum(place < FIRST for place in places) / len(places), unit="%", goal=Goal(op=">=", value=80)
        ),
        "the_first": Figure(value=100 * sum(place == 0 for place in places) / len(places), unit="%"),
    }


def run(seed: int, causes: Sequence[Cause] = CAUSES) -> list[int]:
    """Return for each cause at which place the event of the first time is shown; 9 where it is not.

    As many failures without a cause come with the first and with the second ones.
    """
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as folder:
        plant = Plant(Path(folder), seed=seed, results_per_test=1)
        with closing(plant.connection), open_index(Path(folder)) as index, closing(read_state(Path(folder))) as state:
            where = Searched(index=index, state=state, procedures=(), synonyms=synonyms_of(usual_groups()), zone=UTC)
            for number in range(_USUAL):
                _made(plant, f"U-{number}", None)
            first = {number: _failed(plant, f"A-{number}", cause) for number, cause in _in_any_order(plant, causes)}
            for number in range(_BETWEEN):
                _made(plant, f"V-{number}", None)
            places = []
            for number, cause in _in_any_order(plant, causes):
                key = _failed(plant, f"Z-{number}", cause)
                if number < len(causes):
                    catch_up(state, index)
                    places.append(_place(where, key, first[number]))
    return places


def _in_any_order(plant: Plant, causes: Sequence[Cause]) -> list[tuple[int, Cause]]:
    """Return each cause with its number, and as many failures without a cause, mixed."""
    sides = list(_OUTSIDE)
    without = [Cause(test=test, side=side) for test, side in plant.chance.choices(sides, k=len(causes))]
    mixed = list(enumerate((*causes, *without)))
    plant.chance.shuffle(mixed)
    return mixed


def _place(where: Searched, key: str, wanted: str) -> int:
    known = knowledge_of(where, key, EVERYTHING)
    shown = [] if known is None else [event.document.key for event in known.similar]
    return shown.index(wanted) if wanted in shown else 9


def _failed(plant: Plant, name: str, cause: Cause) -> str:
    """Make a lot that fails; return its deviation."""
    _made(plant, name, cause)
    row = plant.connection.execute("SELECT grown_from FROM deviation WHERE material_lot_id = ?", (name,)).fetchone()
    return str(row[0])


def _made(plant: Plant, name: str, cause: Cause | None) -> None:
    """Make a lot: its tags differ from lot to lot, and by what its cause has moved."""
    moved = {} if cause is None else cause.moved
    for tag, (level, noise) in TAG_LEVELS.items():
        shake = plant.chance.gauss(0.0, _SHAKE if tag in moved else 1.0)
        plant.levels[tag] = (level + (moved.get(tag, 0.0) + shake) * _SIGMA[tag], noise)
    lot = Lot(plant, name)
    lot.supplier = "Acme" if cause is None else cause.supplier
    lot.begin()
    plant.later(40)
    if cause is not None:
        lot.skipped.add(cause.test)
        plant.result(name, cause.test, _OUTSIDE[cause.test, cause.side] + plant.chance.gauss(0, 0.05), lot.sample())
    lot.measure()
    lot.end()
    plant.tidy()
