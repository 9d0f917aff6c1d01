"""What a model sees."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.line.definition import Aggregate
from gateway.line.derived_inputs import SMALLEST_DIVISOR, Transform
from gateway.training.recipe_tables.table import TagTable


class InputsTable(TagTable):
    """``[[inputs]]``: one tag and aggregate at several lags; each lag makes an input, each of its differences another.

    An input is called ``<tag>.<aggregate>.<lag>``, such as ``u1.last.4``; a ratio or transform ``log(u1/u2).last.4``, a
    difference ``u1.last.4.change_8``. Where one tag and aggregate has several windows, the window is in the name, too:
    ``u1.mean.4.window_30``.
    """

    aggregate: Aggregate = Field(default=Aggregate.LAST, description="what is made of the window, weighted by time")
    window_rows: float = Field(default=0, ge=0, description="rows, how long the window is; 0: an instant (for last)")
    lags_rows: list[Annotated[float, Field(ge=0)]] = Field(
        default=[0.0], min_length=1, description="rows, how long before the predicted instant windows end"
    )
    differences_rows: list[Annotated[float, Field(gt=0)]] = Field(
        default=[],
        description="rows: beside each lag, by how much the input has changed since so long before; for plants that "
        "answer to changes",
    )
    levels: bool = Field(default=True, description="false: only the differences are inputs, not the levels beside them")
    over: str | None = Field(
        default=None, description="a tag that it is divided by: the same aggregate, window and lag of that one"
    )
    over_column: str | None = Field(default=None, description="its column, where that is not called like the tag")
    smallest_divisor: float = Field(
        default=SMALLEST_DIVISOR,
        gt=0,
        description="in its unit: of a divisor with a smaller size there is no ratio or reciprocal, and no prediction",
    )
    transform: Transform | None = Field(
        default=None, description="what is made of the aggregate (or ratio) then, before differences are taken"
    )
    minimum_coverage: float = Field(
        default=0.8, gt=0, le=1, description="share of the window that must be known; else there is no prediction"
    )

    @model_validator(mode="after")
    def _makes_inputs(self) -> Self:
        if not self.levels and not self.differences_rows:
            raise ValueError("levels = false leaves no input: give differences_rows")
        if self.over_column is not None and self.over is None:
            raise ValueError("over_column needs over, the tag that it is the column of")
        if self.over == self.tag:
            raise ValueError(f"{self.tag} over itself is 1: name another tag in over")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of a file that it is made of."""
        own = self.column or self.tag
        return (own,) if self.over is None else (own, self.over_column or self.over)
