"""The tables of a recipe, each with its keys, their units and what they mean."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from gateway.contract.model_names import PlainName
from gateway.line.definition import FINEST_STEP, Aggregate

LEVELS = frozenset({Aggregate.MEAN, Aggregate.LAST, Aggregate.MIN, Aggregate.MAX})  # in the tag's own scale
LONGEST_PERIOD_SECONDS = 366 * 86_400.0  # one row a year


class RecipeTable(BaseModel):
    """A table of a recipe: a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class DataTable(RecipeTable):
    """``[data]``: a file of numbers, one row per period, in the order of time."""

    file: Path = Field(description="the file, relative to the recipe")
    separator: Literal[",", ";", "tab", "whitespace"] = Field(default=",", description="what stands between two cells")
    skip_lines: int = Field(default=0, ge=0, description="lines before the header or the first row that are no data")
    header: bool = Field(default=True, description="whether the first line that is read has the columns' names")
    columns: list[str] = Field(default=[], description="the columns' names, where the file has no header")
    period_seconds: float = Field(gt=0, le=LONGEST_PERIOD_SECONDS, description="s, from one row to the next")


class LaboratoryTable(RecipeTable):
    """``[laboratory]``: which column is the analyte, how often it is measured, how late results arrive.

    Training knows every row's value; in service, and wherever a figure says "as served", only each
    ``every_rows``-th one is known, ``delay_rows`` later.
    """

    column: str = Field(description="the column of the analyte")
    every_rows: int = Field(gt=0, description="rows, from one laboratory result to the next")
    delay_rows: int = Field(ge=0, description="rows, from a sample to its result")


class HistoryTable(RecipeTable):
    """``[history]``: a line's own store, in the place of ``[data]`` and ``[laboratory]``.

    Each approved laboratory result of the analyte is a row: its inputs are what the line's history knows of its drawn
    time.
    """

    configuration: Path = Field(description="the line's configuration, relative to the recipe")
    store: Path | None = Field(
        default=None, description="another store than the configuration's, such as a restored backup of it"
    )
    equipment: str | None = Field(default=None, description="whose results count, where several make the analyte")
    since: AwareDatetime | None = Field(default=None, description="samples drawn from then on (RFC 3339 with a zone)")
    until: AwareDatetime | None = Field(default=None, description="samples drawn before then (RFC 3339 with a zone)")
    period_seconds: float = Field(
        default=1.0,
        gt=0,
        le=LONGEST_PERIOD_SECONDS,
        description="s: the unit of what this recipe counts in rows (lags, windows, ages)",
    )


class SplitTable(RecipeTable):
    """``[split]``: what the model is made from, and what only tests it."""

    train: float = Field(
        gt=0, lt=1, description="share of the rows, first in time, that the model is made from; the rest only tests it"
    )


class TagTable(RecipeTable):
    """What an input or a setpoint is of: a tag of the line, a column of the file."""

    tag: str = Field(description="the tag, as the line's configuration calls it")
    column: str | None = Field(default=None, description="the file's column, where it is not called like the tag")
    unit: str = Field(description="its engineering unit; it must be the tag's unit on the line")


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


class OutputTable(RecipeTable):
    """``[output]``: the analyte, its valid range, and how far from what it has seen the model may be asked."""

    analyte: PlainName = Field(description="our name of the analyte")
    unit: str = Field(description="its unit")
    valid: tuple[float, float] = Field(
        description="[lower, upper], in the unit: a prediction outside is refused in service"
    )
    logarithmic: bool = Field(
        default=False, description="whether the model is of the values' logarithm: for grades of very different size"
    )
    coverage: float = Field(default=0.9, gt=0, lt=1, description="share of results that the interval is to hold")
    adaptive_rates: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[], description="how fast the interval may follow its misses, to choose from; without any it does not"
    )
    domain_alpha: float = Field(
        default=0.001, gt=0, lt=1, description="share of the rows of its own kind that each domain limit may refuse"
    )
    range_margin: float = Field(
        default=0.0, ge=0, le=1, description="share of an input's range by which it may lie beyond what was learned"
    )

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        _must_ascend("valid", self.valid)
        return self


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


class CandidatesTable(RecipeTable):
    """``[candidates]``: the models to choose from, by the error in blocked cross-validation."""

    kinds: list[Literal["ridge", "pls", "gradient_boosting", "extra_trees", "neural_network", "linear_and_trees"]] = (
        Field(min_length=1, description="which kinds of models are compared")
    )
    folds: int = Field(default=4, ge=2, description="in how many blocks of time the rows are left out, one at a time")


class AcceptanceTable(RecipeTable):
    """``[acceptance]``: what the test part must reach, agreed beforehand. Exit code 1 where it does not."""

    minimum_r2: float | None = Field(default=None, description="least R2 on the test rows, as served; 1 is perfect")
    coverage: tuple[float, float] | None = Field(
        default=None, description="[least, most] share of the test rows inside their interval"
    )
    minimum_accepted_share: float | None = Field(
        default=None, ge=0, le=1, description="least share of the test rows that the gates accept"
    )


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
        _must_ascend("validated", self.validated)
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


def _must_ascend(name: str, limits: tuple[float, float]) -> None:
    if not limits[0] < limits[1]:
        raise ValueError(f"{name} {list(limits)} has no room between lower and upper")
