"""Whether a trained model reaches what was agreed on beforehand. Pure."""

import math
from collections.abc import Iterator
from typing import Any

from gateway.training.trained_model import Trained


def acceptance_of(trained: Trained) -> list[tuple[dict[str, Any], bool]]:
    """Return each criterion that the recipe has agreed on, with what was reached, and whether it is met.

    One stands in every recipe: a model that is no better than the last laboratory value or the running mean is of no
    use.
    """
    return [
        ({"figure": figure, "criterion": criterion, "reached": _rounded(reached)}, met)
        for figure, criterion, reached, met in _criteria(trained)
    ]


def _rounded(reached: float) -> float:
    """Return a figure as it stands in the bundle: -1 for one that there is not."""
    return round(reached, 4) if math.isfinite(reached) else -1.0


def _criteria(trained: Trained) -> Iterator[tuple[str, str, float, bool]]:
    acceptance, figures = trained.recipe.acceptance, trained.figures
    gain, least = figures["gain_over_baselines"], acceptance.minimum_gain_over_baselines
    yield ("gain over the last laboratory value and the running mean", f"> {least:g}", gain, gain > least)
    for key, name, share in (
        ("r2_as_served", "R2 on the test rows, as served", acceptance.minimum_r2),
        ("r2_laboratory", "R2 on the laboratory's test rows, as served", acceptance.minimum_r2_laboratory),
        ("accepted_share", "share of the test rows that the gates accept", acceptance.minimum_accepted_share),
    ):
        if share is not None:
            yield name, f">= {share}", figures[key], figures[key] >= share
    if acceptance.maximum_rmse is not None:
        reached, most = figures["rmse_as_served"], acceptance.maximum_rmse
        yield "root mean square error on the test rows, as served", f"<= {most}", reached, reached <= most
    if acceptance.coverage is not None:
        (low, high), reached = acceptance.coverage, figures["coverage"]
        yield "coverage of the interval on the test rows", f"{low} to {high}", reached, low <= reached <= high
