"""The shortest recipe on one plant: its error beside those of plain models on the same rows, and what it accepts."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from gateway.training.recipe import read_recipe
from gateway.training.train import train
from gateway.training.trained_model import Trained
from simulator.bench.trained.plain_models import LAGS, Parts, errors_of
from simulator.bench.trained.plant import Plant


@dataclass(frozen=True, kw_only=True)
class OnPlant:
    """What came of a plant: on its last third, root mean square errors, shares of the rows."""

    error: float
    plain: Mapping[str, float]
    accepted: float
    error_accepted: float
    coverage: float
    rows: int
    inputs: int
    kind: str
    seconds: float

    @property
    def ratio(self) -> float:
        """Return the error over that of the plain model that is best after the fact."""
        return self.error / min(self.plain.values())


def tried(plant: Plant, *, lags: Sequence[int] = LAGS) -> OnPlant:
    """Return what the shortest recipe comes to; ``lags``: rows, up to which those of plain models reach."""
    begin = time.process_time()
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        trained = train(read_recipe(plant.write(Path(name))), folder=Path(name))
    seconds = time.process_time() - begin
    with threadpool_limits(limits=1):
        plain = errors_of(plant, parts_of(trained, plant), lags=lags)
    figures = trained.figures
    return OnPlant(
        error=figures["rmse_as_served"],
        plain=plain,
        accepted=figures["accepted_share"],
        error_accepted=trained.refusals.error_accepted,
        coverage=figures["coverage"],
        rows=len(trained.served.values),
        inputs=len(trained.inputs),
        kind=trained.chosen.kind,
        seconds=seconds,
    )


def parts_of(trained: Trained, plant: Plant) -> Parts:
    """Return the rows with a value before the test, those that no lag reaches among them, and those of the test."""
    test = trained.rows.at[trained.test]
    known = np.flatnonzero(np.isfinite(plant.y))
    return Parts(fitted=known[known < test[0]], test=test)
