"""How long a training takes and how much memory: 10,000 rows of 30 tags, and all that a recipe may leave open.

The whole command runs in a process of its own on one core, as a user starts it: importing its libraries, reading the
file, comparing the kinds, writing the bundle. Seconds are those of the processor: on an idle machine what a clock says.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from gateway.errors import LablineError
from simulator.bench.measuring import Figure, Goal

ROWS, TAGS = 10_000, 30
SMALL_ROWS, SMALL_TAGS = 500, 3
_GOALS = {"seconds": Goal(op="<=", value=60), "memory": Goal(op="<=", value=500)}
_RECIPE = """name = "bench"
version = "1.0.0"
intended_use = "A measurement."
data = { file = "bench.csv", period_seconds = 60 }
laboratory = { column = "quality", every_rows = 15, delay_rows = 15 }
output = { analyte = "quality", unit = "%", valid = [-100, 100] }
"""


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the processor's seconds and the largest resident memory of one training."""
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
