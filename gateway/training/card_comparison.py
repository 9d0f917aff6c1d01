"""Tables of a model's card: the test rows beside plain baselines, and each left-out block beside the best of them."""

import math

import numpy as np

from gateway.training.trained_model import Baseline, Trained


def comparison(trained: Trained) -> str:
    """Return the section about the test rows beside the baselines, in Markdown; best first."""
    figures = trained.figures
    own = Baseline(
        name=f"**{trained.recipe.name}**", model=True, error=figures["rmse_as_served"], r2=figures["r2_as_served"],
        error_laboratory=figures["rmse_laboratory"], error_of_blocks=tuple(block.error for block in trained.blocks),
    )  # fmt: skip
    lines = sorted((own, *trained.baselines), key=lambda line: line.error if math.isfinite(line.error) else math.inf)
    rows = "\n".join(
        f"| {line.name} | {_number(line.error)} | {line.r2:.3f} | {_number(line.error_laboratory)} | "
        f"{_number(_mean(line.error_of_blocks))} |"
        for line in lines
    )
    return f"""## Beside plain means

Root mean square errors in {trained.recipe.output.unit}. All know what the model knows: results that had arrived,
the same inputs, the rows before the test. "With bias": with the scalar correction that does best on left-out blocks.

| | test rows | R2 | test rows with a result | left-out blocks |
|---|---|---|---|---|
{rows}
"""


def blocks_left_out(trained: Trained) -> str:
    """Return the section about the left-out blocks, in Markdown; empty where there are none."""
    if not trained.blocks:
        return ""
    plain = [baseline for baseline in trained.baselines if len(baseline.error_of_blocks) == len(trained.blocks)]
    rows = "\n".join(
        f"| {block.first} to {block.last} | {block.error:.4g} | {_best(plain, number)} | {block.coverage:.1%} | "
        f"{block.half_width:.4g} |"
        for number, block in enumerate(trained.blocks)
    )
    return f"""## Blocks before the test, left out one at a time

| block | error as served | best plain one | inside the {trained.output.coverage:.0%} interval | mean half width |
|---|---|---|---|---|
{rows}
"""


def _best(plain: list[Baseline], number: int) -> str:
    known = [line for line in plain if math.isfinite(line.error_of_blocks[number])]
    if not known:
        return "-"
    best = min(known, key=lambda line: line.error_of_blocks[number])
    return f"{best.error_of_blocks[number]:.4g} ({best.name})"


def _mean(errors: tuple[float, ...]) -> float:
    known = [error for error in errors if math.isfinite(error)]
    return float(np.sqrt(np.mean(np.square(known)))) if known else math.nan


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "-"
