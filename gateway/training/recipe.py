"""The recipe of a model: where its rows come from, what its inputs are, how it is chosen, what it must reach.

The reference of its keys, docs/recipes.md, is made from the descriptions here (``gateway.training.reference``).
"""

import difflib
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.contract.model_names import ModelName, PlainName
from gateway.definitions import FINEST_STEP, Aggregate
from gateway.errors import LablineError

LEVELS = frozenset({Aggregate.MEAN, Aggregate.LAST, Aggregate.MIN, Aggregate.MAX})  # in the tag's own scale


LONGEST_PERIOD_SECONDS = 366 * 86_400.0  # one row a year


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class DataTable(_Table):
    """``[data]``: a file of numbers, one row per period, in the order of time."""

    file: Path = Field(description="the file, relative to the recipe")
    separator: Literal[",", ";", "tab", "whitespace"] = Field(default=",", description="what stands between two cells")
    skip_lines: int = Field(default=0, ge=0, description="lines before the header or the first row that are no data")
    header: bool = Field(default=True, description="whether the first line that is read has the columns' names")
    columns: list[str] = Field(default=[], description="the columns' names, where the file has no header")
    period_seconds: float = Field(gt=0, le=LONGEST_PERIOD_SECONDS, description="s, from one row to the next")


class LaboratoryTable(_Table):
    """``[laboratory]``: which column is the analyte, how often it is measured, how late results arrive.

    Training knows every row's value; in service, and wherever a figure says "as served", only each
    ``every_rows``-th one is known, ``delay_rows`` later.
    """

    column: str = Field(description="the column of the analyte")
    every_rows: int = Field(gt=0, description="rows, from one laboratory result to the next")
    delay_rows: int = Field(ge=0, description="rows, from a sample to its result")


class HistoryTable(_Table):
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


class SplitTable(_Table):
    """``[split]``: what the model is made from, and what only tests it."""

    train: float = Field(
        gt=0, lt=1, description="share of the rows, first in time, that the model is made from; the rest only tests it"
    )


class TagTable(_Table):
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


class OutputTable(_Table):
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


class BiasTable(_Table):
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


class CandidatesTable(_Table):
    """``[candidates]``: the models to choose from, by the error in blocked cross-validation."""

    kinds: list[Literal["ridge", "pls", "gradient_boosting", "extra_trees", "neural_network", "linear_and_trees"]] = (
        Field(min_length=1, description="which kinds of models are compared")
    )
    folds: int = Field(default=4, ge=2, description="in how many blocks of time the rows are left out, one at a time")


class AcceptanceTable(_Table):
    """``[acceptance]``: what the test part must reach, agreed beforehand. Exit code 1 where it does not."""

    minimum_r2: float | None = Field(default=None, description="least R2 on the test rows, as served; 1 is perfect")
    coverage: tuple[float, float] | None = Field(
        default=None, description="[least, most] share of the test rows inside their interval"
    )
    minimum_accepted_share: float | None = Field(
        default=None, ge=0, le=1, description="least share of the test rows that the gates accept"
    )


class InterlockTable(_Table):
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


class Recipe(_Table):
    """The recipe itself: its own keys, which stand before the first table."""

    name: ModelName = Field(description="the model's name, under which the gateway knows it")
    version: PlainName = Field(description="the bundle's version; raise it for each training that is kept")
    intended_use: str = Field(description="what the model is for, and what not, for who signs it")
    seed: int = Field(default=0, description="of what is random in training; the same seed gives the same bytes")
    data: DataTable | None = Field(default=None, description="a file of numbers")
    laboratory: LaboratoryTable | None = Field(default=None, description="the analyte in that file")
    history: HistoryTable | None = Field(default=None, description="a line's own store, in the place of both")
    split: SplitTable = Field(description="what tests the model")
    inputs: list[InputsTable] = Field(min_length=1, description="what the model sees")
    output: OutputTable = Field(description="what it says")
    candidates: CandidatesTable = Field(description="the kinds of models to choose from")
    bias: BiasTable | None = Field(default=None, description="how laboratory results may correct it")
    acceptance: AcceptanceTable = Field(default=AcceptanceTable(), description="what it must reach")
    manipulated: list[ManipulatedTable] = Field(default=[], description="setpoints that it may suggest to move")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        tables = (self.data is not None, self.laboratory is not None, self.history is not None)
        if tables not in {(True, True, False), (False, False, True)}:
            raise ValueError("give [data] and [laboratory], or [history]")
        if self.history is not None and any(item.column is not None for item in (*self.inputs, *self.manipulated)):
            raise ValueError("a column is of a file; with [history] an input or setpoint is of a tag")
        return self

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = Counter(input_name(table, lag) for table in self.inputs for lag in table.lags_rows)
        tags = Counter(table.tag for table in self.manipulated)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(f"two inputs are called {twice[0]}: a tag and aggregate at a lag has one window")
        if tags and max(tags.values()) > 1:
            raise ValueError(f"setpoint {tags.most_common(1)[0][0]} has two [[manipulated]] tables")
        return self

    @model_validator(mode="after")
    def _looks_at_no_result_before_it_is_known(self) -> Self:
        if self.laboratory is None:
            return self
        delay = max(self.laboratory.delay_rows, 1)
        early = [table.tag for table in self.inputs
                 if (table.column or table.tag) == self.laboratory.column and min(table.lags_rows) < delay]  # fmt: skip
        if early:
            raise ValueError(
                f"input {early[0]} is the laboratory's column, which is known {delay} rows late at the soonest: "
                f"leave it out, or begin its lags_rows at {delay}"
            )
        return self

    @model_validator(mode="after")
    def _setpoints_fit_the_inputs(self) -> Self:
        for table in self.manipulated:
            levels = {item.tag for item in self.inputs if item.aggregate in LEVELS}
            names = {input_name(item, lag) for item in self.inputs for lag in item.lags_rows}
            unknown = sorted((table.gains.keys() - levels - names) | (set(table.follows) - levels))
            if unknown:
                near = difflib.get_close_matches(unknown[0], levels | names, n=1)
                hint = f"did you mean {near[0]}?" if near else f"inputs are of {', '.join(sorted(levels))}"
                raise ValueError(f"manipulated {table.tag} names {unknown[0]}, which is no input's tag; {hint}")
            own = [item for item in self.inputs if item.tag == table.tag]
            if any((item.unit, item.column) != (table.unit, table.column or item.column) for item in own):
                raise ValueError(f"manipulated {table.tag} has another unit or column than its [[inputs]]")
        return self

    @property
    def period_seconds(self) -> float:
        """Return how long one of the rows is in which lags, windows and ages are counted."""
        period = self.data or self.history
        if period is None:
            raise LookupError("a recipe has one of them")  # the validator has seen to it
        return period.period_seconds


def input_name(table: InputsTable, lag: float) -> str:
    """Return the name of the input that a lag makes."""
    return f"{table.tag}.{table.aggregate}.{lag:g}"


def _must_ascend(name: str, limits: tuple[float, float]) -> None:
    if not limits[0] < limits[1]:
        raise ValueError(f"{name} {list(limits)} has no room between lower and upper")


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a file; raises LablineError with everything that is wrong with it."""
    try:
        recipe = Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise LablineError(f"{path} cannot be read: {error.strerror}", hint="name the recipe's file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LablineError(f"{path} is not TOML: {error}", hint="see models/recipes for recipes that work") from error
    except ValidationError as error:
        told = "; ".join(_problem(each) for each in error.errors())
        raise LablineError(f"{path}: {told}", hint="docs/recipes.md lists every key") from error
    return recipe


def _problem(error: Any) -> str:
    """Return one of pydantic's errors as a sentence: the key, what is wrong, and for an unknown key what was meant."""
    where, message = error["loc"], error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(where[-1]), sorted(_keys_beside(where)), n=1)
        message = "is no key here" + (f"; did you mean {near[0]}?" if near else "")
    return f"{'.'.join(str(part) for part in where) or 'the recipe'}: {message}"


def _keys_beside(where: tuple[str | int, ...]) -> set[str]:
    """Return the keys that the table at a place has."""
    tables: dict[str, type[_Table]] = {
        "data": DataTable, "laboratory": LaboratoryTable, "history": HistoryTable, "split": SplitTable,
        "inputs": InputsTable, "output": OutputTable, "bias": BiasTable, "candidates": CandidatesTable,
        "acceptance": AcceptanceTable, "manipulated": ManipulatedTable, "interlocks": InterlockTable,
    }  # fmt: skip
    names = [part for part in where[:-1] if isinstance(part, str)]
    return set((tables[names[-1]] if names else Recipe).model_fields)
