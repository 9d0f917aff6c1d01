"""What a model sees."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.inference.manifest import LONGEST_WINDOW_SECONDS
from gateway.line.definition import Aggregate
from gateway.line.derived_inputs import SMALLEST_DIVISOR, Stretch, Transform, is_event
from gateway.training.recipe_tables.table import TagTable

PRODUCT = "product"


class InputsTable(TagTable):
    """``[[inputs]]``: one tag and aggregate at several lags; each lag makes an input, each of its differences another.

    An input is called ``<tag>.<aggregate>.<lag>``, such as ``u1.last.4``; a ratio or transform ``log(u1/u2).last.4``, a
    difference ``u1.last.4.change_8``. Where one tag and aggregate has several windows, the window is in the name, too:
    ``u1.mean.4.window_30``. Of a batch: ``u1.mean.0.since_batch_start``; of a category: ``product=A``.
    ``tags`` makes the same of several tags of one unit.
    """

    tag: str = Field(
        default="", description="the tag, as the line's configuration calls it; none for a duration and the product"
    )
    tags: list[str] = Field(
        default=[], description="in the place of tag: several, as if each had a table of its own with the same keys"
    )
    unit: str = Field(default="", description="its engineering unit; it must be the tag's unit on the line")
    aggregate: Aggregate = Field(default=Aggregate.LAST, description="what is made of the window, weighted by time")
    window_rows: float = Field(default=0, ge=0, description="rows, how long the window is; 0: an instant (for last)")
    lags_rows: list[Annotated[float, Field(ge=0)]] | None = Field(
        default=None,
        min_length=1,
        description="rows, how long before the predicted instant windows end; by itself 0, and of the last value of a "
        "tag such lags (or changes) as serve best on the rows before the test",
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
    level: float | None = Field(default=None, description="in the unit: of time_above and time_below, in seconds")
    since: str | None = Field(
        default=None,
        description='in the place of window_rows: the window begins with the batch ("batch_start") or a phase of it '
        '("phase:heat", its end "phase_end:heat"), the newest of that name',
    )
    between: tuple[str, str] | None = Field(
        default=None, description='the same from one event to another, such as ["phase:heat", "phase_end:heat"]'
    )
    longest_seconds: float = Field(
        default=86_400.0,
        gt=0,
        le=LONGEST_WINDOW_SECONDS,
        description="s: how long such a window may be; in service so much of the tag is kept in memory",
    )
    category: str | None = Field(
        default=None,
        description='its name: inputs that are 1 or 0 for each level. "product" is the product that is made; else of '
        "the tag's states",
    )
    rare_rows: int = Field(
        default=10,
        gt=0,
        description="rows before the test: a level with fewer is not learned, and of it there is no prediction",
    )

    @model_validator(mode="after")
    def _makes_inputs(self) -> Self:
        if self.tags:
            raise ValueError("tags stands in the place of tag and column: give one of them")
        if not self.levels and not self.differences_rows:
            raise ValueError("levels = false leaves no input: give differences_rows")
        if self.over_column is not None and self.over is None:
            raise ValueError("over_column needs over, the tag that it is the column of")
        if self.over is not None and self.over == self.tag:
            raise ValueError(f"{self.tag} over itself is 1: name another tag in over")
        return self

    @model_validator(mode="after")
    def _of_a_tag(self) -> Self:
        of_no_tag = self.is_product or self.aggregate is Aggregate.DURATION
        if self.tag and of_no_tag:
            raise ValueError(f"{'the product' if self.is_product else 'a duration'} is of no tag: leave tag out")
        if not self.tag and not of_no_tag:
            raise ValueError("tag is missing: which tag is the input of?")
        if self.tag and not self.unit and self.category is None:
            raise ValueError(f"unit is missing: which unit has {self.tag}?")
        return self

    @model_validator(mode="after")
    def _of_a_batch(self) -> Self:
        for event in (self.since, *(self.between or ())):
            if event is not None and not is_event(event):
                raise ValueError(f'{event} is no event of a batch: "batch_start", "phase:<name>" or "phase_end:<name>"')
        if self.since is not None and self.between is not None:
            raise ValueError("since and between are two ways to say the same: give one of them")
        if self.stretch is not None and self.window_rows:
            raise ValueError("with since or between the batch says how long the window is: leave window_rows out")
        if self.aggregate is Aggregate.DURATION and (self.stretch is None or self.differences_rows):
            raise ValueError("a duration is of a batch or phase: give since or between, and no differences_rows")
        if (self.aggregate in {Aggregate.TIME_ABOVE, Aggregate.TIME_BELOW}) is (self.level is None):
            raise ValueError("level belongs to time_above and time_below, and these need it")
        return self

    @model_validator(mode="after")
    def _of_a_category(self) -> Self:
        if self.category is None:
            return self
        computed = (self.over, self.transform, self.stretch) != (None, None, None) or self.differences_rows
        if computed or self.aggregate is not Aggregate.LAST or self.window_rows:
            raise ValueError(
                f"category {self.category} is of the last value: leave aggregate, windows and formulas out"
            )
        if self.is_product and self.lags != [0.0]:
            raise ValueError("the product is of the predicted instant: leave lags_rows out")
        return self

    @property
    def lags(self) -> list[float]:
        """Return the lags in rows: the instant alone where nothing else is said."""
        return [0.0] if self.lags_rows is None else self.lags_rows

    @property
    def of_instants(self) -> bool:
        """Return whether it is the last value of a tag as it stands: no window, formula or category."""
        formulas = (self.over, self.transform, self.stretch, self.category)
        return bool(self.tag) and formulas == (None, None, None, None) and self.aggregate is Aggregate.LAST

    @property
    def is_product(self) -> bool:
        """Return whether it is the product as a category."""
        return self.category == PRODUCT

    @property
    def stretch(self) -> Stretch | None:
        """Return the stretch of a batch that is its window."""
        if self.between is not None:
            return Stretch(since=self.between[0], until=self.between[1])
        return None if self.since is None else Stretch(since=self.since)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of a file that it is made of."""
        own = self.column or self.tag or (PRODUCT if self.is_product else "")
        return tuple(name for name in (own, self.over_column or self.over) if name)
