"""How laboratory results may correct a model."""

from typing import Annotated

from pydantic import Field

from gateway.training.recipe_tables.table import RecipeTable


class BiasTable(RecipeTable):
    """``[bias]``: trusts and half lives to choose from, and the bounds of the correction by laboratory results.

    Every key has a default, and so has the table. "No correction" is always a choice: a model is corrected only where
    this makes the error on left-out blocks smaller.
    """

    enabled: bool = Field(default=True, description="whether results may correct the model at all")
    trusts: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        default=[0.3, 0.6, 1.0], min_length=1, description="share of an error that a result corrects, to choose from"
    )
    half_lives_rows: list[Annotated[float, Field(gt=0)]] | None = Field(
        default=None,
        min_length=1,
        description="rows, after how long a correction counts half, to choose from; by itself 2, 5, 23 and 1000 times "
        "the rows from one laboratory result to the next",
    )
    max_step: float | None = Field(
        default=None,
        gt=0,
        description="in the analyte's unit: the most that one result may change; by itself the 99.5 % quantile of the "
        "errors on left-out blocks",
    )
    max_total: float | None = Field(
        default=None,
        gt=0,
        description="in the analyte's unit: the most that a value is ever corrected by; by itself twice that quantile, "
        "and no less than max_step",
    )
    max_age_rows: float | None = Field(
        default=None,
        gt=0,
        description="rows, how old a result may be that a correction stands on; by itself the delay of a result and "
        "four laboratory intervals",
    )
