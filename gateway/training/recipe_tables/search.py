"""Whether lags and windows are searched for, among which."""

from typing import Annotated

from pydantic import Field

from gateway.line.definition import Aggregate
from gateway.training.recipe_tables.table import RecipeTable

Rows = Annotated[float, Field(ge=0)]
PositiveRows = Annotated[float, Field(gt=0)]


class SearchTable(RecipeTable):
    """``[search]``: lags and windows to choose from for the tags of ``[[inputs]]``, before any model is made.

    Inputs are taken one after the other, while they make the error of a linear model smaller, as served, on blocks of
    time that were left out. The test part takes no part. The whole search is repeated without one block after another;
    where what it takes is no better on these than the recipe as it is written, the recipe stays as it is. The card
    shows the path. Without the table nothing is searched.
    """

    lags_rows: list[Rows] = Field(
        default=[0, 1, 2, 4, 8, 16, 32], min_length=1, description="rows: lags to choose from, of each tag"
    )
    windows_rows: list[PositiveRows] = Field(
        default=[], description="rows: windows to choose from, at each of the lags"
    )
    aggregates: list[Aggregate] = Field(
        default=[Aggregate.MEAN], min_length=1, description="what may be made of these windows"
    )
    differences_rows: list[PositiveRows] = Field(
        default=[], description="rows: changes to choose from, of the value now since so long before"
    )
    most_groups: int = Field(default=20, gt=0, description="the most that is taken")
    most_trials: int = Field(default=600, gt=0, description="the most sets of inputs that are tried, in each search")
    least_gain: float = Field(
        default=0.005,
        ge=0,
        lt=1,
        description="share by which the error must become smaller for another input to be taken",
    )
