"""A setpoint of a trained model: what follows it, and what the data say of a move. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.training.reaction import COVERAGE, Slope
from gateway.training.recipe import Recipe
from gateway.training.recipe_tables.manipulated import ManipulatedTable


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
        if acts_against(self.table, self.model_reaction):
            return False
        return self.table.suggest == "always" or (self.table.suggest == "if_confirmed" and confirmed)


def reaction_text(setpoint: Setpoint, recipe: Recipe) -> str:
    """Return the reactions of model and data in words, in the analyte's unit for one unit of the setpoint."""
    unit = f"{recipe.output.unit} per {setpoint.table.unit}"
    data = setpoint.data_reaction
    shown = (
        "data: not measurable" if data is None
        else f"data {data.value:.3g}, {COVERAGE:.0%} interval {data.low:.3g} to {data.high:.3g}"
    )  # fmt: skip
    return f"model {setpoint.model_reaction:.3g}, {shown}, {unit}"


def acts_against(table: ManipulatedTable, reaction: float) -> bool:
    """Return whether a reaction has another direction than the recipe says."""
    return reaction < 0 if table.effect == "raises" else reaction > 0 if table.effect == "lowers" else False
