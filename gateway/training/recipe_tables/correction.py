"""How laboratory results may correct a model."""

from typing import Annotated

from pydantic import Field

from gateway.training.recipe_tables.table import RecipeTable


class BiasTable(RecipeTable):
    """``[bias]``: trusts and half lives to choose from, and the bounds of the correction by laboratory results.

    Without the table results never correct the model.
    """

    trusts: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        min_length=1, description="share of an error that a result corrects, to choose from"
    )
    half_lives_rows: list[Annotated[float, Field(gt=0)]] = Field(
        min_length=1, description="rows, after how long a correction counts half, to choose from"
    )
    max_step: float = Field(gt=0, description="in the analyte's unit: the most that one result may change")
    max_total: float = Field(gt=0, description="in the analyte's unit: the most that a value is ever corrected by")
    max_age_rows: float = Field(gt=0, description="rows, how old a result may be that a correction stands on")
