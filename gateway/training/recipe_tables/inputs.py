"""What a model sees."""

from typing import Annotated

from pydantic import Field

from gateway.line.definition import Aggregate
from gateway.training.recipe_tables.table import TagTable

LEVELS = frozenset({Aggregate.MEAN, Aggregate.LAST, Aggregate.MIN, Aggregate.MAX})  # in the tag's own scale


class InputsTable(TagTable):
    """``[[inputs]]``: one tag and aggregate at several lags; each lag makes an input.

    An input is called ``<tag>.<aggregate>.<lag>``, such as ``u1.last.4``.
    """

    aggregate: Aggregate = Field(default=Aggregate.LAST, description="what is made of the window, weighted by time")
    window_rows: float = Field(default=0, ge=0, description="rows, how long the window is; 0: an instant (for last)")
    lags_rows: list[Annotated[float, Field(ge=0)]] = Field(
        default=[0.0], min_length=1, description="rows, how long before the predicted instant windows end"
    )
    minimum_coverage: float = Field(
        default=0.8, gt=0, le=1, description="share of the window that must be known; else there is no prediction"
    )
