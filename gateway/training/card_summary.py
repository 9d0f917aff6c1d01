"""The head of a model's card: what it is for, how good, beside what, where not to use it, in a few lines."""

import math

from gateway.training.acceptance import missed_in_words
from gateway.training.trained_model import Trained


def summary(trained: Trained) -> str:
    """Return the head, in Markdown."""
    return f"""{trained.recipe.intended_use}

| | |
|---|---|
| **how good** | {_how_good(trained)} |
| **beside what** | {_beside_what(trained)} |
| **how sure** | {_how_sure(trained)} |
| **where not** | {_where_not(trained)} |
| **acceptance** | {_acceptance(trained)} |
"""


def _how_good(trained: Trained) -> str:
    figures = trained.figures
    return (
        f"R2 {figures['r2_as_served']:.2f} on the last {figures['test_rows']:.0f} rows, which took no part "
        f"({figures['r2_laboratory']:.2f} on the {figures['laboratory_rows']:.0f} of them with a laboratory result); "
        f"typical error {figures['rmse_as_served']:.3g}{_unit(trained)}, "
        f"where the analyte spreads by {figures['spread']:.3g}"
    )


def _unit(trained: Trained) -> str:
    """Return the unit behind a number; nothing for a number without one."""
    return "" if trained.recipe.output.unit == "1" else f" {trained.recipe.output.unit}"


def _beside_what(trained: Trained) -> str:
    known = [baseline for baseline in trained.baselines if math.isfinite(baseline.error)]
    models = sorted((baseline for baseline in known if baseline.model), key=lambda baseline: baseline.error)
    named = [*(baseline for baseline in known if not baseline.model), *models[:1]]
    errors = ", ".join(f"{baseline.name} {baseline.error:.3g}" for baseline in named)
    gain = trained.figures["gain_over_plain_models"]
    compared = "" if not math.isfinite(gain) else (
        f"; the error is {abs(gain):.0%} {'smaller' if gain > 0 else 'LARGER'} than the best plain model's"
    )  # fmt: skip
    return f"typical errors: {errors}{compared}"


def _how_sure(trained: Trained) -> str:
    figures = trained.figures
    blocks = [block.coverage for block in trained.blocks]
    before = f"; on left-out blocks before {min(blocks):.0%} to {max(blocks):.0%}" if blocks else ""
    return (
        f"the {trained.output.coverage:.0%} interval, {figures['mean_half_width']:.3g}{_unit(trained)} to either "
        f"side in the mean, holds {figures['coverage']:.1%}{before}"
    )


def _where_not(trained: Trained) -> str:
    return (
        "not for inputs outside the ranges in `bundle.toml` or the domain in `reference.json`: there it does not "
        f"predict; the gates accept {trained.figures['accepted_share']:.1%} of the last rows"
    )


def _acceptance(trained: Trained) -> str:
    missed = missed_in_words(trained)
    return f"**NOT MET**: {' '.join(missed)}" if missed else "met"
