"""How good the shortest recipe is beside plain models, on plants of many kinds; how long a training takes, in how much.

Error and accepted share: of the last third of each plant, which took no part in anything. The plain models are fitted
on the same rows; the ratio is to the one of six that turns out to be best there.

Time and memory: 10,000 rows of 30 tags. The whole command runs in a process of its own on one core, as a user starts
it: importing its libraries, reading the file, comparing the kinds, writing the bundle. Seconds are those of the
processor: on an idle machine what a clock says.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from gateway.errors import LablineError
from simulator.bench.measuring import Figure, Goal
from simulator.bench.trained.on_plants import OnPlant, tried
from simulator.bench.trained.plain_models import FEW_LAGS, LAGS
from simulator.bench.trained.plants import PLANTS, plant

ROWS, TAGS = 10_000, 30
SMALL_ROWS, SMALL_TAGS = 500, 3
SMALL_PLANTS = ("few_results", "constant")
SPEED = "speed"  # the name of what is no plant
SEED = 11
_GOALS = {
    "ratio_mean": Goal(op="<=", value=0.9),
    "ratio_largest": Goal(op="<=", value=1.05),
    "accepted_median": Goal(op=">=", value=0.9),
    "accepted_least": Goal(op=">=", value=0.75),
    "seconds": Goal(op="<=", value=60),
    "memory": Goal(op="<=", value=500),
}
_AS_GOOD = 1.0
Progress = Callable[[str], None]
_RECIPE = """name = "bench"
version = "1.0.0"
intended_use = "A measurement."
data = { file = "bench.csv", period_seconds = 60 }
laboratory = { column = "quality", every_rows = 15, delay_rows = 15 }
output = { analyte = "quality", unit = "%", valid = [-100, 100] }
"""


def measure(
    small: bool,  # noqa: FBT001 - every bench takes it
    *,
    seed: int = SEED,
    only: Sequence[str] = (),
    on_progress: Progress = lambda _line: None,
) -> dict[str, Figure]:
    """Return the figures of each plant and of all; the processor's seconds and largest memory of one large training.

    ``only``: names of plants, or ``speed``; raises LablineError where one is unknown. ``small``: a few, shorter.
    """
    unknown = [name for name in only if name not in {*PLANTS, SPEED}]
    if unknown:
        hint = f"plants are: {', '.join(PLANTS)}; without one: {SPEED}"
        raise LablineError(f"there is no plant {unknown[0]}", hint=hint)
    names = [*only] or [*(SMALL_PLANTS if small else PLANTS), SPEED]
    reached = dict[str, OnPlant]()
    for name in names:
        if name != SPEED:
            reached[name] = tried(plant(name, seed=seed), lags=FEW_LAGS if small else LAGS)
            on_progress(told(name, reached[name]))
    figures = _of_all(reached) if reached else {}
    figures |= _speed(small=small) if SPEED in names else {}
    return figures | {f"{name}.{what}": figure for name, of in reached.items() for what, figure in _of_one(of).items()}


def told(name: str, reached: OnPlant) -> str:
    """Return what came of a plant in a line."""
    plain = ", ".join(f"{model} {reached.error / error:.2f}" for model, error in reached.plain.items())
    return (
        f"{name}: error {reached.error:.4g}, {reached.ratio:.3f} of the best plain model's ({plain}); accepted "
        f"{reached.accepted:.0%}, error there {reached.error_accepted:.4g}; inside the interval "
        f"{reached.coverage:.0%}; {reached.kind}, {reached.inputs} inputs, {reached.seconds:.0f} s"
    )


def _of_all(reached: Mapping[str, OnPlant]) -> dict[str, Figure]:
    ratios = np.array([one.ratio for one in reached.values()])
    accepted = np.array([one.accepted for one in reached.values()])
    values = {
        "ratio_mean": (float(np.exp(np.log(ratios).mean())), "of the best plain model's error"),
        "ratio_largest": (float(ratios.max()), "of the best plain model's error"),
        "plants_no_worse": (float((ratios <= _AS_GOOD).sum()), "plants"),
        "plants": (float(len(ratios)), "plants"),
        "accepted_median": (float(np.median(accepted)), "of the rows"),
        "accepted_least": (float(accepted.min()), "of the rows"),
        "coverage_median": (float(np.median([one.coverage for one in reached.values()])), "of the rows"),
    }
    return {name: Figure(value=value, unit=unit, goal=_GOALS.get(name)) for name, (value, unit) in values.items()}


def _of_one(reached: OnPlant) -> dict[str, Figure]:
    figures = {
        "ratio": Figure(value=reached.ratio, unit="of the best plain model's error"),
        "accepted": Figure(value=reached.accepted, unit="of the rows"),
        "coverage": Figure(value=reached.coverage, unit="of the rows"),
        "error": Figure(value=reached.error, unit="of the analyte"),
        "error_accepted": Figure(value=reached.error_accepted, unit="of the analyte"),
        "seconds": Figure(value=reached.seconds, unit="s"),
    }
    return figures | {
        f"error_{model.replace(' ', '_')}": Figure(value=error, unit="of the analyte")
        for model, error in reached.plain.items()
    }


def _speed(*, small: bool) -> dict[str, Figure]:
    rows, tags = (SMALL_ROWS, SMALL_TAGS) if small else (ROWS, TAGS)
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        folder = Path(name)
        write_plant(folder, rows=rows, tags=tags)
        seconds, elapsed, mib = _trained(folder)
    return {
        "seconds": Figure(value=seconds, unit="s", goal=_GOALS["seconds"]),
        "elapsed": Figure(value=elapsed, unit="s"),
        "memory": Figure(value=mib, unit="MiB", goal=_GOALS["memory"]),
        "rows": Figure(value=rows, unit="rows"),
        "tags": Figure(value=tags, unit="tags"),
    }


def write_plant(folder: Path, *, rows: int, tags: int) -> None:
    """Write a recipe with its file: tags that wander, an analyte that a few of them make, with an error that lasts."""
    chance = np.random.default_rng(19)
    shocks = chance.normal(size=(rows, tags + 1))
    columns = np.zeros((rows, tags + 1))
    for row in range(1, rows):
        columns[row] = 0.97 * columns[row - 1] + 0.24 * shocks[row]
    quality = 5 + 2 * columns[:, 0] + np.tanh(columns[:, 1]) - columns[:, 2] * columns[:, 0] / 3 + 0.5 * columns[:, -1]
    names = [f"tag{number:02d}" for number in range(tags)]
    lines = [",".join([*names, "quality"])]
    lines += [",".join(f"{value:.5f}" for value in [*row[:-1], y]) for row, y in zip(columns, quality, strict=True)]
    (folder / "bench.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    inputs = "".join(f'\n[[inputs]]\ntag = "{name}"\nunit = "1"\nlags_rows = [0, 4, 8]\n' for name in names)
    (folder / "bench.toml").write_text(_RECIPE + inputs, encoding="utf-8")


def _trained(folder: Path) -> tuple[float, float, float]:
    """Return (the processor's seconds, the clock's, the most resident MiB) of the command; raises LablineError."""
    arguments = ["labline", "model", "train", str(folder / "bench.toml"), "--to", str(folder / "models")]
    pinned = f"import os; os.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}})"
    command = f"{pinned}; import sys; sys.argv = {arguments}; from gateway.cli import main; main()"
    begin = time.monotonic()
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen([sys.executable, "-c", command], stdout=said, stderr=said)
        _pid, status, used = os.wait4(process.pid, 0)
    elapsed = time.monotonic() - begin
    if os.waitstatus_to_exitcode(status) not in {0, 1}:  # 1: a criterion is not met
        raise LablineError(f"training failed: {(folder / 'said.txt').read_text(encoding='utf-8')[-500:]}")
    return used.ru_utime + used.ru_stime, elapsed, used.ru_maxrss / 1024
