"""What a model says, and how sure it must be."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from gateway.contract.model_names import ModelName, PlainName
from gateway.training.recipe_tables.acceptance import AcceptanceTable
from gateway.training.recipe_tables.candidates import CandidatesTable
from gateway.training.recipe_tables.correction import BiasTable, FunctionSpaceTable
from gateway.training.recipe_tables.table import RecipeTable, must_ascend


class OutputTable(RecipeTable):
    """``[output]``: the analyte, its valid range, and how far from what it has seen the model may be asked."""

    analyte: PlainName = Field(description="our name of the analyte")
    unit: str = Field(description="its unit")
    valid: tuple[float, float] = Field(
        description="[lower, upper], in the unit: a prediction outside is refused in service"
    )
    logarithmic: bool = Field(
        default=False,
        description="whether the model is of the values' logarithm, and intervals are in proportion to the value: for "
        "grades of very different size",
    )
    coverage: float = Field(default=0.9, gt=0, lt=1, description="share of results that the interval is to hold")
    adaptive_rates: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[], description="how fast the interval may follow its misses, to choose from; beside a fixed one"
    )
    tracked_rates: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[0.1, 0.2, 0.3],
        description="how fast the interval may follow the size of errors, to choose from, beside a fixed one",
    )
    domain_alpha: float = Field(
        default=0.001, gt=0, lt=1, description="share of the rows of its own kind that each domain limit may refuse"
    )
    domain_average: int = Field(
        default=3,
        ge=1,
        le=10,
        description="most predictions over which distances from the domain may be averaged, so that one noisy row is "
        "not refused between accepted ones; a fault less than twice a limit away is refused so many less one later; 1: "
        "each by itself",
    )
    range_margin: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="least share of an input's range by which it may lie beyond what was learned, whatever errors say",
    )
    earned_margin: bool = Field(
        default=True,
        description="whether an input may lie as far outside as it did in blocks of time that were left out, while "
        "errors there stayed below 1.5 times those inside",
    )
    most_margin: float = Field(default=1.0, ge=0, le=1, description="most of its range that an input earns on a side")
    shared_margin: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="most of its range by which an input may lie outside that was hardly ever outside itself, where "
        "errors of rows outside in other inputs held so far and its own do not speak against it; 0: each input by its "
        "own rows alone",
    )
    outside_cost: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="share of the accepted rows left out that may be given up, so that nothing is predicted in between "
        "while a fault comes and goes; 0: each prediction is judged by itself",
    )

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        must_ascend("valid", self.valid)
        return self


class OutputsTable(OutputTable):
    """``[[outputs]]``: several analytes, in the place of ``[output]``. Each makes a model and a bundle of its own.

    All share inputs, data, split and seed. Beside the keys of ``[output]`` each may have tables of its own, such as
    ``[outputs.laboratory]`` and ``[outputs.bias]``; what it does not say is as for all.
    """

    column: str | None = Field(
        default=None, description="the laboratory's column, where it is not called like the analyte"
    )
    name: ModelName | None = Field(default=None, description="the bundle's name; without it NAME_ANALYTE")
    laboratory: dict[str, Any] = Field(
        default={}, description="keys of [laboratory] that are otherwise for this analyte"
    )
    bias: BiasTable | None = Field(default=None, description="its own [bias]")
    function_space: FunctionSpaceTable | None = Field(default=None, description="its own [function_space]")
    candidates: CandidatesTable | None = Field(default=None, description="its own [candidates]")
    acceptance: AcceptanceTable | None = Field(default=None, description="its own [acceptance]")
