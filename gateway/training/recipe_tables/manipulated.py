"""Setpoints that a model may suggest to move."""

from typing import Literal, Self

from pydantic import Field, model_validator

from gateway.line.definition import FINEST_STEP
from gateway.training.recipe_tables.table import RecipeTable, TagTable, must_ascend


class InterlockTable(RecipeTable):
    """``interlocks`` of ``[[manipulated]]``: a tag that must say that a move is allowed; give within or states.

    A tag that is not known, too old or of bad quality allows nothing. All interlocks of a setpoint must hold.
    """

    tag: str = Field(description="a tag of the line: a mode, a permissive, a level; it need not be in the data")
    within: tuple[float, float] | None = Field(
        default=None, description="[lower, upper], in the tag's unit, both inclusive; [1, 1] for a permissive bit"
    )
    states: list[int] | None = Field(
        default=None, min_length=1, description="the values of an enumeration that allow a move, such as [2, 5]"
    )

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if (self.within is None) is (self.states is None):
            raise ValueError(f"interlock {self.tag} needs within = [lower, upper] or states = [...], one of them")
        if self.within is not None and self.within[0] > self.within[1]:
            raise ValueError(f"interlock {self.tag}: within {list(self.within)} is reversed")
        return self


class ManipulatedTable(TagTable):
    """``[[manipulated]]``: a setpoint that the model may suggest to move, within which limits, and what follows it.

    Which inputs follow it: the inputs of the setpoint's own tag by 1.0; others as ``gains`` says; those of ``follows``
    by what the data show. Training checks that the data confirm what the model says of a move.
    """

    validated: tuple[float, float] = Field(
        description="[lower, upper], in the unit: no value outside is ever suggested; what the plant has validated"
    )
    max_step: float = Field(gt=0, description="in the unit: the largest move that one suggestion may make")
    resolution: float = Field(gt=0, description="in the unit: suggested values are multiples of it")
    minimum_interval_seconds: float = Field(
        ge=0, description="s, from one move (by whomever) or suggestion to the next suggestion"
    )
    effect: Literal["raises", "lowers"] | None = Field(
        default=None,
        description="whether a higher setpoint raises or lowers the analyte, by what people know of the process; a "
        "model that says otherwise suggests no move",
    )
    gains: dict[str, float] = Field(
        default={},
        description="by tag or input: by how much it moves, once settled, for one unit of the setpoint",
    )
    follows: list[str] = Field(
        default=[], description="tags of inputs that follow the setpoint, with gains to be estimated from the data"
    )
    interlocks: list[InterlockTable] = Field(
        default=[], description='what must hold for a move, such as [{ tag = "mode", states = [2] }]; see below'
    )
    suggest: Literal["if_confirmed", "always", "never"] = Field(
        default="if_confirmed",
        description="whether moves are suggested: where the data confirm what a move does, also where they do not "
        "(a person answers for it), or never",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        must_ascend("validated", self.validated)
        if self.resolution > self.max_step:
            raise ValueError(
                f"resolution {self.resolution:g} is larger than max_step {self.max_step:g}: no move is left"
            )
        if self.resolution < FINEST_STEP * self.max_step:
            raise ValueError(f"resolution {self.resolution:g} is finer than a millionth of max_step {self.max_step:g}")
        if self.max_step > self.validated[1] - self.validated[0]:
            raise ValueError(f"max_step {self.max_step:g} is larger than all of validated {list(self.validated)}")
        if any(gain == 0 for gain in self.gains.values()):
            raise ValueError("a gain of 0 says that an input does not follow: leave it out")
        return self
