"""The setpoints of a recipe: what follows them, what the model says of a move, and whether the data confirm it. Pure.

A suggestion is a promise of an effect. A model that predicts well need not know what a move does: an input may be an
effect, or have moved together with the true cause. So what the model says of a move is held against what the data show
of the setpoint itself (``gateway.training.reaction``), and where they do not confirm it no move is suggested.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gateway.line.definition import Predict
from gateway.training.reaction import COVERAGE, Slope, slope, tracking, unexplained
from gateway.training.recipe import LEVELS, ManipulatedTable, Recipe, input_name
from gateway.training.rows import Rows

_SIZE_ROOM = 1.5  # by this factor the model's reaction may lie beyond the interval of the data's
_TRACKS = 0.8  # share of an input's moves that a setpoint explains, from which on it seems to follow
_RANGE_ROOM = 0.05  # share of the validated range by which it may exceed what the data cover without a word
_CENTRAL = (0.1, 0.9)  # between these quantiles of the setpoint the model's reaction is taken
_FEWEST_ROWS = 20


class Verdict(StrEnum):
    """What the data say of the reaction that the model has learned; the value is what the card says."""

    CONFIRMED = "the data confirm the model's reaction"
    NOTHING_FOLLOWS = "no input of the model follows the setpoint"
    NOT_MOVED = "the setpoint was moved too seldom, or the rows are too few, to tell what a move does"
    NO_REACTION = "the data show no reaction to the setpoint of its own"
    UNEXPECTED = "the reaction has another direction than the recipe says"
    OPPOSITE = "the model's reaction has the opposite sign of the data's"
    OTHER_SIZE = "the model's reaction is of another size than the data's"
    UNCONFIRMED_GAINS = "the recipe does not say which inputs follow the setpoint"


@dataclass(frozen=True, kw_only=True)
class Gain:
    """By how much the inputs of a tag follow a setpoint, how that is known, and its interval where it was estimated."""

    tag: str
    value: float
    source: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Setpoint:
    """A manipulated tag of a trained model. Reactions are in the analyte's unit for one unit of the setpoint."""

    table: ManipulatedTable
    gains: Mapping[str, float]  # by input
    followers: tuple[Gain, ...]
    verdict: Verdict
    model_reaction: float
    data_reaction: Slope | None
    rows: int
    covered: tuple[float, float] | None  # where the setpoint stood in the rows that the model is made from
    warnings: tuple[str, ...]

    @property
    def may_suggest(self) -> bool:
        """Return whether moves of it are suggested."""
        confirmed = self.verdict is Verdict.CONFIRMED
        if _against(self.table, self.model_reaction):
            return False
        return self.table.suggest == "always" or (self.table.suggest == "if_confirmed" and confirmed)


@dataclass(frozen=True, kw_only=True)
class _Study:
    """The rows that a model is made from, at which a setpoint is known."""

    recipe: Recipe
    features: NDArray[np.float64]  # (n, inputs)
    values: NDArray[np.float64]  # (n,), their logarithm where the model is of that
    stood: NDArray[np.float64]  # (n, inputs): the setpoint over each input's window
    gap: int

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
    said_of = np.log(values) if recipe.output.logarithmic else values
    study = _Study(recipe=recipe, features=features[known], values=said_of[known], stood=stood[known], gap=gap)
    scale = float(np.median(values[known])) if recipe.output.logarithmic and known.any() else 1.0
    enough = int(known.sum()) >= max(_FEWEST_ROWS, 3 * recipe.candidates.folds) + 2 * gap
    gains, followers = _gains(table, study, enough=enough)
    following = np.array([name in gains for name in _names(recipe)])
    measured = _data_reaction(study, following) if enough and following.any() else None
    model = _model_reaction(study, gains, predict) * scale if enough else 0.0
    data = None if measured is None else measured.times(scale)
    verdict = _verdict(study, table, model, data, follows=bool(following.any()) or not enough)
    covered = (float(study.stood.min()), float(study.stood.max())) if len(study.stood) else None
    setpoint = Setpoint(
        table=table, gains=gains, followers=followers, verdict=verdict, model_reaction=model, data_reaction=data,
        rows=int(known.sum()), covered=covered, warnings=(),
    )  # fmt: skip
    told = (
        *_reaction_warnings(setpoint, recipe),
        *_limit_warnings(setpoint),
        *_follower_warnings(setpoint, study, following),
        *_size_warnings(setpoint, recipe, half_width),
    )
    return replace(setpoint, warnings=told)


def _names(recipe: Recipe) -> list[str]:
    return [input_name(table, lag) for table in recipe.inputs for lag in table.lags_rows]


def _levels_of(tag: str, recipe: Recipe) -> list[int]:
    """Return which inputs are levels of a tag: these can follow a setpoint; a slope settles at 0."""
    inputs = [table for table in recipe.inputs for _lag in table.lags_rows]
    return [at for at, table in enumerate(inputs) if table.tag == tag and table.aggregate in LEVELS]


def _gains(table: ManipulatedTable, study: _Study, *, enough: bool) -> tuple[dict[str, float], tuple[Gain, ...]]:
    """Return the gain of each input that follows, and of each tag how it is known."""
    recipe, names = study.recipe, _names(study.recipe)
    own = {table.tag} if _levels_of(table.tag, recipe) else set[str]()
    declared = {tag: gain for tag, gain in table.gains.items() if _levels_of(tag, recipe)}
    followers = [Gain(tag=tag, value=gain, source="declared") for tag, gain in sorted(declared.items())]
    followers += [Gain(tag=tag, value=1.0, source="the setpoint itself") for tag in own - declared.keys()]
    wanted = set(table.follows) - declared.keys() - own
    if enough:
        if _is_assumed(table, recipe):
            wanted = {tag for tag in {each.tag for each in recipe.inputs} if _tracks(tag, study)}
        followers += [_estimated(tag, study) for tag in sorted(wanted)]
    gains = {names[at]: each.value for each in followers for at in _levels_of(each.tag, recipe)}
    gains |= {name: gain for name, gain in table.gains.items() if name in names}
    return {name: gain for name, gain in gains.items() if gain != 0}, tuple(followers)


def _is_assumed(table: ManipulatedTable, recipe: Recipe) -> bool:
    """Return whether a recipe leaves open what follows the setpoint."""
    return not table.gains and not table.follows and not _levels_of(table.tag, recipe)


def _mean_over(of: NDArray[np.float64], inputs: list[int]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = of[:, inputs].mean(axis=1)
    return mean


def _tracks(tag: str, study: _Study) -> bool:
    inputs = _levels_of(tag, study.recipe)
    return (
        bool(inputs) and study.tracking(_mean_over(study.features, inputs), _mean_over(study.stood, inputs)) >= _TRACKS
    )


def _estimated(tag: str, study: _Study) -> Gain:
    """Return the gain of a tag's inputs by the data; 0 where they show none."""
    inputs = _levels_of(tag, study.recipe)
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
    direction = np.array([gains.get(name, 0.0) for name in _names(study.recipe)])
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


def _against(table: ManipulatedTable, reaction: float) -> bool:
    """Return whether a reaction has another direction than the recipe says."""
    return reaction < 0 if table.effect == "raises" else reaction > 0 if table.effect == "lowers" else False


def _verdict(study: _Study, table: ManipulatedTable, model: float, data: Slope | None, *, follows: bool) -> Verdict:
    """Return what the data say of the model's reaction; the first of these that holds."""
    if not follows:
        return Verdict.NOTHING_FOLLOWS
    if data is None:
        return Verdict.NOT_MOVED
    nearest, farthest = sorted((abs(data.low), abs(data.high)))
    found = {
        Verdict.NO_REACTION: not data.is_certain,
        Verdict.UNEXPECTED: _against(table, model) or _against(table, data.value),
        Verdict.OPPOSITE: model * data.value < 0,
        Verdict.OTHER_SIZE: not nearest / _SIZE_ROOM <= abs(model) <= farthest * _SIZE_ROOM,
        Verdict.UNCONFIRMED_GAINS: _is_assumed(table, study.recipe),
    }
    return next((verdict for verdict, holds in found.items() if holds), Verdict.CONFIRMED)


WHAT_TO_DO = {
    Verdict.NOTHING_FOLLOWS: "name what follows it in gains or follows, or make the setpoint an input",
    Verdict.NOT_MOVED: "train on more rows, in which it was moved on purpose, at least a dozen times",
    Verdict.NO_REACTION: "move it on purpose while the other inputs stand, and train on those rows",
    Verdict.UNEXPECTED: "look for moves that answer to the analyte; train on moves that were made on purpose",
    Verdict.OPPOSITE: "look for inputs that are effects, or that stand for the setpoint",
    Verdict.OTHER_SIZE: "look for inputs that follow it without being named, or for wrong gains",
    Verdict.UNCONFIRMED_GAINS: "name what follows it in gains or follows",
}


def _reaction_warnings(setpoint: Setpoint, recipe: Recipe) -> tuple[str, ...]:
    if setpoint.verdict is Verdict.CONFIRMED:
        return ()
    suggested = "no move of it is suggested"
    if setpoint.may_suggest:
        suggested = "its moves are suggested all the same, as the recipe says (suggest)"
    shown = "" if setpoint.data_reaction is None else f" ({reaction_text(setpoint, recipe)})"
    what, act = setpoint.verdict.value, WHAT_TO_DO[setpoint.verdict]
    return (f"{setpoint.table.tag}: {what}{shown}; {suggested}. {act[0].upper()}{act[1:]}.",)


def reaction_text(setpoint: Setpoint, recipe: Recipe) -> str:
    """Return the reactions of model and data in words, in the analyte's unit for one unit of the setpoint."""
    unit = f"{recipe.output.unit} per {setpoint.table.unit}"
    data = setpoint.data_reaction
    shown = (
        "data: not measurable" if data is None
        else f"data {data.value:.3g}, {COVERAGE:.0%} interval {data.low:.3g} to {data.high:.3g}"
    )  # fmt: skip
    return f"model {setpoint.model_reaction:.3g}, {shown}, {unit}"


def _limit_warnings(setpoint: Setpoint) -> tuple[str, ...]:
    table, covered = setpoint.table, setpoint.covered
    if covered is None:
        return (f"{table.tag}: where it stood is not known at any row; does the data have it?",)
    lower, upper = table.validated
    room = _RANGE_ROOM * (upper - lower)
    if covered[0] - lower <= room and upper - covered[1] <= room:
        return ()
    return _one(
        f"{table.tag}: validated {lower:g} to {upper:g} is wider than what the data cover, {covered[0]:.4g} to "
        f"{covered[1]:.4g} {table.unit}. Beyond that nothing is known of a move's effect: narrow validated."
    )


def _follower_warnings(setpoint: Setpoint, study: _Study, following: NDArray[np.bool_]) -> tuple[str, ...]:
    """Tell of gains that the recipe does not state, and of inputs that seem to follow without being named."""
    table, told = setpoint.table, []
    for gain in setpoint.followers:
        if gain.source.startswith("estimated"):
            low, high = gain.interval or (gain.value, gain.value)
            span = f" by {gain.value:.4g} ({low:.4g} to {high:.4g})" if gain.interval else ""
            told.append(f"{table.tag}: gain of {gain.tag}{span} {gain.source}; state it in gains if it is known.")
    if not len(study.stood):
        return tuple(told)
    named = {item.tag for item in setpoint.followers}
    loose = {item.tag for item in study.recipe.inputs} - named
    told += [
        f"{table.tag}: {tag} moves together with it and is not named; if it follows, name it in gains or follows."
        for tag in sorted(loose)
        if not following[_levels_of(tag, study.recipe)].any() and _tracks(tag, study)
    ]
    return tuple(told)


def _size_warnings(setpoint: Setpoint, recipe: Recipe, half_width: float) -> tuple[str, ...]:
    effect = abs(setpoint.model_reaction) * setpoint.table.max_step
    if setpoint.verdict is not Verdict.CONFIRMED or effect >= half_width:
        return ()
    return _one(
        f"{setpoint.table.tag}: its largest step moves {recipe.output.analyte} by {effect:.3g} {recipe.output.unit}, "
        f"less than the interval's half width of {half_width:.3g}; moves will rarely be worth a suggestion."
    )


def _one(warning: str) -> tuple[str, ...]:
    return (warning,)
