"""The setpoints of a recipe: what follows them, what the model says of a move, and whether the data confirm it. Pure.

A suggestion is a promise of an effect. A model that predicts well need not know what a move does: an input may be an
effect, or have moved together with the true cause. So what the model says of a move is held against what the data show
of the setpoint itself (``gateway.training.reaction``), and where they do not confirm it no move is suggested.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.line.definition import InputDefinition, Predict
from gateway.training.reaction import Slope, slope, tracking, unexplained
from gateway.training.recipe import Recipe
from gateway.training.recipe_tables.manipulated import ManipulatedTable
from gateway.training.rows import Rows
from gateway.training.setpoint_findings import Gain, Setpoint, Verdict, acts_against
from gateway.training.setpoint_warnings import limit_warnings, reaction_warnings, size_warnings

_SIZE_ROOM = 1.5  # by this factor the model's reaction may lie beyond the interval of the data's
_TRACKS = 0.8  # share of an input's moves that a setpoint explains, from which on it seems to follow
_CENTRAL = (0.1, 0.9)  # between these quantiles of the setpoint the model's reaction is taken
_FEWEST_ROWS = 20


@dataclass(frozen=True, kw_only=True)
class _Study:
    """The rows that a model is made from, at which a setpoint is known."""

    recipe: Recipe
    features: NDArray[np.float64]  # (n, inputs)
    values: NDArray[np.float64]  # (n,), their logarithm where the model is of that
    stood: NDArray[np.float64]  # (n, inputs): the setpoint over each input's window
    gap: int
    inputs: tuple[InputDefinition, ...]  # what the columns of the features are

    def slope(
        self, of: NDArray[np.float64], on: NDArray[np.float64], moves: NDArray[np.float64] | None = None
    ) -> Slope | None:
        return slope(of, on, folds=self.recipe.candidates.folds, gap=self.gap, moves=moves)

    def tracking(self, of: NDArray[np.float64], on: NDArray[np.float64]) -> float:
        return tracking(of, on, folds=self.recipe.candidates.folds, gap=self.gap)

    def unexplained(self, of: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
        return unexplained(of, others, folds=self.recipe.candidates.folds, gap=self.gap, seed=self.recipe.seed)


def studied(
    recipe: Recipe, rows: Rows, made_from: slice, *, predict: Predict, half_width: float, gap: int
) -> tuple[Setpoint, ...]:
    """Return the recipe's setpoints with what the rows before the test say of them.

    ``half_width``: of the model's interval; ``gap``: over how many rows its longest window reaches.
    """
    return tuple(
        _setpoint(table, recipe, rows, made_from, predict=predict, half_width=half_width, gap=gap)
        for table in recipe.manipulated
    )


def _setpoint(
    table: ManipulatedTable,
    recipe: Recipe,
    rows: Rows,
    made_from: slice,
    *,
    predict: Predict,
    half_width: float,
    gap: int,
) -> Setpoint:
    features, values, stood = rows.features[made_from], rows.values[made_from], rows.setpoints[table.tag][made_from]
    known = np.isfinite(stood).all(axis=1)
    target = np.log(values) if recipe.output.logarithmic else values
    study = _Study(recipe=recipe, features=features[known], values=target[known], stood=stood[known], gap=gap,
                   inputs=rows.inputs)  # fmt: skip
    scale = float(np.median(values[known])) if recipe.output.logarithmic and known.any() else 1.0
    enough = int(known.sum()) >= max(_FEWEST_ROWS, 3 * recipe.candidates.folds) + 2 * gap
    gains, followers = _gains(table, study, enough=enough)
    following = np.array([name in gains for name in _names(study)])
    measured = _data_reaction(study, following) if enough and following.any() else None
    model = _model_reaction(study, gains, predict) * scale if enough else 0.0
    data = None if measured is None else measured.times(scale)
    verdict = _verdict(study, table, model, data, follows=bool(following.any()) or not enough)
    covered = (float(study.stood.min()), float(study.stood.max())) if len(study.stood) else None
    setpoint = Setpoint(
        table=table, gains=gains, followers=followers, verdict=verdict, model_reaction=model, data_reaction=data,
        rows=int(known.sum()), covered=covered, warnings=(),
    )  # fmt: skip
    warnings = (
        *reaction_warnings(setpoint, recipe),
        *limit_warnings(setpoint),
        *_follower_warnings(setpoint, study, following),
        *size_warnings(setpoint, recipe, half_width),
    )
    return replace(setpoint, warnings=warnings)


def _names(study: _Study) -> list[str]:
    return [item.name for item in study.inputs]


def _levels_of(tag: str, study: _Study) -> list[int]:
    """Return which inputs are levels of a tag: these can follow a setpoint; a slope settles at 0."""
    return [at for at, item in enumerate(study.inputs) if item.tag == tag and item.is_level]


def _gains(table: ManipulatedTable, study: _Study, *, enough: bool) -> tuple[dict[str, float], tuple[Gain, ...]]:
    """Return the gain of each input that follows, and of each tag how it is known."""
    names = _names(study)
    own = {table.tag} if _levels_of(table.tag, study) else set[str]()
    declared = {tag: gain for tag, gain in table.gains.items() if _levels_of(tag, study)}
    followers = [Gain(tag=tag, value=gain, source="declared") for tag, gain in sorted(declared.items())]
    followers += [Gain(tag=tag, value=1.0, source="the setpoint itself") for tag in own - declared.keys()]
    following = set(table.follows) - declared.keys() - own
    if enough:
        if _is_assumed(table, study):
            following = {tag for tag in {item.tag for item in study.inputs if item.tag} if _tracks(tag, study)}
        followers += [_estimated(tag, study) for tag in sorted(following)]
    gains = {names[at]: follower.value for follower in followers for at in _levels_of(follower.tag, study)}
    gains |= {name: gain for name, gain in table.gains.items() if name in names}
    return {name: gain for name, gain in gains.items() if gain != 0}, tuple(followers)


def _is_assumed(table: ManipulatedTable, study: _Study) -> bool:
    """Return whether a recipe leaves open what follows the setpoint."""
    return not table.gains and not table.follows and not _levels_of(table.tag, study)


def _mean_over(of: NDArray[np.float64], inputs: list[int]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = of[:, inputs].mean(axis=1)
    return mean


def _tracks(tag: str, study: _Study) -> bool:
    inputs = _levels_of(tag, study)
    return (
        bool(inputs) and study.tracking(_mean_over(study.features, inputs), _mean_over(study.stood, inputs)) >= _TRACKS
    )


def _estimated(tag: str, study: _Study) -> Gain:
    """Return the gain of a tag's inputs by the data; 0 where they show none."""
    inputs = _levels_of(tag, study)
    shown = study.slope(_mean_over(study.features, inputs), _mean_over(study.stood, inputs)[:, None])
    if shown is None or not shown.is_certain:
        return Gain(tag=tag, value=0.0, source="estimated: the data do not show that it follows")
    return Gain(tag=tag, value=shown.value, source="estimated", interval=(shown.low, shown.high))


def _data_reaction(study: _Study, following: NDArray[np.bool_]) -> Slope | None:
    """Return how much the value answers to the setpoint, beyond what the inputs that do not follow it explain."""
    lags, others = np.unique(study.stood[:, following], axis=1), study.features[:, ~following]
    left = study.unexplained(np.column_stack([study.values, lags]), others)
    return study.slope(left[:, 0], left[:, 1:], moves=lags)


def _model_reaction(study: _Study, gains: Mapping[str, float], predict: Predict) -> float:
    """Return how much the model's value answers to one unit of the setpoint, from low to high of where it stood."""
    direction = np.array([gains.get(name, 0.0) for name in _names(study)])
    following = direction != 0
    if not following.any():
        return 0.0
    setpoint = study.stood[:, following].mean(axis=1)
    low, high = (float(end) for end in np.quantile(setpoint, _CENTRAL))
    if low == high:
        low, high = float(setpoint.min()), float(setpoint.max())
    if low == high:
        return 0.0
    ends = [predict(study.features + np.outer(end - setpoint, direction))[:, 0] for end in (low, high)]
    if study.recipe.output.logarithmic:
        ends = [np.log(end) for end in ends]
    return float(np.mean(ends[1] - ends[0]) / (high - low))


def _verdict(study: _Study, table: ManipulatedTable, model: float, data: Slope | None, *, follows: bool) -> Verdict:
    """Return what the data say of the model's reaction; the first of these that holds."""
    if not follows:
        return Verdict.NOTHING_FOLLOWS
    if data is None:
        return Verdict.NOT_MOVED
    nearest, farthest = sorted((abs(data.low), abs(data.high)))
    verdicts = {
        Verdict.NO_REACTION: not data.is_certain,
        Verdict.UNEXPECTED: acts_against(table, model) or acts_against(table, data.value),
        Verdict.OPPOSITE: model * data.value < 0,
        Verdict.OTHER_SIZE: not nearest / _SIZE_ROOM <= abs(model) <= farthest * _SIZE_ROOM,
        Verdict.UNCONFIRMED_GAINS: _is_assumed(table, study),
    }
    return next((verdict for verdict, holds in verdicts.items() if holds), Verdict.CONFIRMED)


def _follower_warnings(setpoint: Setpoint, study: _Study, following: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return warnings: gains that the recipe does not state, and inputs that seem to follow without being named."""
    table, warnings = setpoint.table, []
    for gain in setpoint.followers:
        if gain.source.startswith("estimated"):
            low, high = gain.interval or (gain.value, gain.value)
            span = f" by {gain.value:.4g} ({low:.4g} to {high:.4g})" if gain.interval else ""
            warnings.append(f"{table.tag}: gain of {gain.tag}{span} {gain.source}; state it in gains if it is known.")
    if not len(study.stood):
        return tuple(warnings)
    named = {item.tag for item in setpoint.followers}
    loose = {item.tag for item in study.inputs if item.tag} - named
    warnings += [
        f"{table.tag}: {tag} moves together with it and is not named; if it follows, name it in gains or follows."
        for tag in sorted(loose)
        if not following[_levels_of(tag, study)].any() and _tracks(tag, study)
    ]
    return tuple(warnings)
