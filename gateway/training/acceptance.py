"""Whether a trained model reaches what was agreed on beforehand, and in words why not. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.training.trained_model import Baseline, Trained

GAIN_OVER_MEANS = "gain over the last laboratory value and the running mean"
GAIN_OVER_MODELS = "gain over the best of ridge, PLS and boosting, with and without bias"


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """A figure, what was agreed of it, what was reached; ``why``: in a sentence, what not to have met it means."""

    figure: str
    agreed: str
    reached: float
    met: bool
    why: str


def acceptance_of(trained: Trained) -> list[tuple[dict[str, Any], bool]]:
    """Return each criterion that the recipe has agreed on, with what was reached, and whether it is met.

    Two stand in every recipe: a model that is no better than the last laboratory value or the running mean is of no
    use, and one that a plain model surpasses clearly has been chosen wrongly.
    """
    return [
        ({"figure": item.figure, "criterion": item.agreed, "reached": _rounded(item.reached)}, item.met)
        for item in criteria_of(trained)
    ]


def missed_in_words(trained: Trained) -> tuple[str, ...]:
    """Return a sentence for each criterion that is not met, with what to do."""
    return tuple(item.why for item in criteria_of(trained) if not item.met)


def _rounded(reached: float) -> float:
    """Return a figure as it stands in the bundle: -1 for one that there is not."""
    return round(reached, 4) if math.isfinite(reached) else -1.0


def criteria_of(trained: Trained) -> Iterator[Criterion]:
    """Yield the recipe's criteria, those that stand in every recipe first."""
    yield from _beside_baselines(trained)
    yield from _shares(trained)
    acceptance, figures, unit = trained.recipe.acceptance, trained.figures, _unit(trained)
    if acceptance.maximum_rmse is not None:
        reached, most = figures["rmse_as_served"], acceptance.maximum_rmse
        yield Criterion(
            figure="root mean square error on the test rows, as served", agreed=f"<= {most}", reached=reached,
            met=reached <= most, why=f"The typical error is {reached:.3g}{unit}; at most {most:g} was agreed.",
        )  # fmt: skip
    if acceptance.coverage is not None:
        (low, high), reached = acceptance.coverage, figures["coverage"]
        how = "too narrow: the last rows err more than those before" if reached < low else "wider than it need be"
        yield Criterion(
            figure="coverage of the interval on the test rows", agreed=f"{low} to {high}", reached=reached,
            met=low <= reached <= high,
            why=f"The interval holds {reached:.1%} of the last rows; {low:.0%} to {high:.0%} was agreed. It is {how}.",
        )  # fmt: skip


def _beside_baselines(trained: Trained) -> Iterator[Criterion]:
    acceptance, figures = trained.recipe.acceptance, trained.figures
    gain, least = figures["gain_over_baselines"], acceptance.minimum_gain_over_baselines
    yield Criterion(
        figure=GAIN_OVER_MEANS, agreed=f"> {least:g}", reached=gain, met=gain > least,
        why=_beside(trained, least, model=False),
    )  # fmt: skip
    gain, least = figures["gain_over_plain_models"], acceptance.minimum_gain_over_plain_models
    if math.isfinite(gain):
        yield Criterion(
            figure=GAIN_OVER_MODELS, agreed=f">= {least:g}", reached=gain, met=gain >= least,
            why=_beside(trained, least, model=True),
        )  # fmt: skip


def _beside(trained: Trained, least: float, *, model: bool) -> str:
    """Return in words how the model compares with the best of the baselines that are models, or that are none."""
    known = [item for item in trained.baselines if item.model is model and math.isfinite(item.error)]
    error, unit = trained.figures["rmse_as_served"], _unit(trained)
    if not known:
        return "There is no laboratory result before the test rows to compare with."
    best = min(known, key=lambda item: item.error)
    size = "no smaller" if error >= best.error else f"only {1 - error / best.error:.0%} smaller"
    agreed = f" ({least:.0%} was agreed)" if least > 0 else ""
    return (
        f"The typical error, {error:.3g}{unit}, is {size} than that of {_named(best)}, {best.error:.3g}{unit}{agreed}. "
        f"{_advice(best, model=model)}"
    )


def _named(baseline: Baseline) -> str:
    return f"a plain {baseline.name}" if baseline.model else f"the {baseline.name}"


def _advice(best: Baseline, *, model: bool) -> str:
    if model:
        kind = best.name.partition(" ")[0]
        return f'Train with kinds = ["{kind}"] or with more rows; the table "Beside plain means" has the blocks before.'
    return (
        "On these rows the inputs tell nothing that the laboratory has not told already. Are tags missing that move "
        "before the analyte does, do lags reach far enough back, was the plant run otherwise than before?"
    )


def _shares(trained: Trained) -> Iterator[Criterion]:
    acceptance, figures = trained.recipe.acceptance, trained.figures
    for key, name, share, what in (
        ("r2_as_served", "R2 on the test rows, as served", acceptance.minimum_r2, "on the last rows"),
        ("r2_laboratory", "R2 on the laboratory's test rows, as served", acceptance.minimum_r2_laboratory,
         "on the last rows with a laboratory result"),
    ):  # fmt: skip
        if share is not None:
            reached = figures[key]
            explained = f"explains {reached:.0%} of how the analyte varies" if reached > 0 else "errs more than a mean"
            why = f"The model {explained} {what}; {share:.0%} was agreed."
            yield Criterion(figure=name, agreed=f">= {share}", reached=reached, met=reached >= share, why=why)
    share, reached = acceptance.minimum_accepted_share, figures["accepted_share"]
    if share is not None:
        why = (
            f"The gates refuse {1 - reached:.1%} of the last rows; at most {1 - share:.1%} was agreed. The card lists "
            "by which gate and input, and whether refused rows are predicted worse."
        )
        name = "share of the test rows that the gates accept"
        yield Criterion(figure=name, agreed=f">= {share}", reached=reached, met=reached >= share, why=why)


def _unit(trained: Trained) -> str:
    """Return the unit behind a number; nothing for a number without one."""
    return "" if trained.recipe.output.unit == "1" else f" {trained.recipe.output.unit}"
