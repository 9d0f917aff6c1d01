"""The recipe of a model: where its rows come from, what its inputs are, how it is chosen, what it must reach."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.definitions import Aggregate
from gateway.errors import LablineError


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class DataTable(_Table):
    """``[data]``: a file of numbers, one row per period, in the order of time."""

    file: Path
    separator: Literal[",", ";", "tab", "whitespace"] = ","
    skip_lines: int = Field(default=0, ge=0)
    header: bool = True
    columns: list[str] = []  # where the file has no header
    period_seconds: float = Field(gt=0)


class LaboratoryTable(_Table):
    """``[laboratory]``: which column is the analyte, how often it is measured, how late results arrive.

    Training knows every row's value; in service, and wherever a figure says "as served", only each
    ``every_rows``-th one is known, ``delay_rows`` later.
    """

    column: str
    every_rows: int = Field(gt=0)
    delay_rows: int = Field(ge=0)


class HistoryTable(_Table):
    """``[history]``: a line's own store, in the place of ``[data]`` and ``[laboratory]``.

    Each approved laboratory result of the analyte is a row: its inputs are what the line's history knows of its drawn
    time. ``period_seconds``: the unit of what this recipe counts in rows (lags, windows, ages).
    """

    configuration: Path
    store: Path | None = None  # another store than the configuration's, such as a backup of it
    equipment: str | None = None  # where several make the analyte
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    period_seconds: float = Field(default=1.0, gt=0)


class SplitTable(_Table):
    """``[split]``: the share of the rows, first in time, that the model is made from. The rest only tests it."""

    train: float = Field(gt=0, lt=1)


class InputsTable(_Table):
    """``[[inputs]]``: one tag and aggregate at several lags; each lag makes an input."""

    tag: str
    column: str | None = None  # the data's column, where it is not called like the tag
    unit: str
    aggregate: Aggregate = Aggregate.LAST
    window_rows: float = Field(default=0, ge=0)
    lags_rows: list[Annotated[float, Field(ge=0)]] = Field(default=[0.0], min_length=1)
    minimum_coverage: float = Field(default=0.8, gt=0, le=1)


class OutputTable(_Table):
    """``[output]``: the analyte, its valid range, and how far from what it has seen the model may be asked.

    ``logarithmic``: the model is of the values' logarithm, for values over grades of very different size.
    ``adaptive_rates``: how fast the interval may follow its misses, to choose from; without any it does not.
    ``range_margin``: how far beyond the rows it was made from each input may lie, as a share of their range.
    """

    analyte: str
    unit: str
    valid: tuple[float, float]
    logarithmic: bool = False
    coverage: float = Field(default=0.9, gt=0, lt=1)
    adaptive_rates: list[Annotated[float, Field(gt=0, lt=1)]] = []
    domain_alpha: float = Field(default=0.001, gt=0, lt=1)
    range_margin: float = Field(default=0.0, ge=0, le=1)


class BiasTable(_Table):
    """``[bias]``: trusts and half lives to choose from, and the bounds of the correction by laboratory results."""

    trusts: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1)
    half_lives_rows: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)
    max_step: float = Field(gt=0)
    max_total: float = Field(gt=0)
    max_age_rows: float = Field(gt=0)


class CandidatesTable(_Table):
    """``[candidates]``: the models to choose from, by the error in blocked cross-validation."""

    kinds: list[Literal["ridge", "pls", "gradient_boosting", "extra_trees", "neural_network", "linear_and_trees"]]
    folds: int = Field(default=4, ge=2)


class AcceptanceTable(_Table):
    """``[acceptance]``: what the test part must reach, agreed beforehand."""

    minimum_r2: float | None = None
    coverage: tuple[float, float] | None = None
    minimum_accepted_share: float | None = Field(default=None, ge=0, le=1)


class Recipe(_Table):
    """A recipe as a whole."""

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    intended_use: str
    seed: int = 0
    data: DataTable | None = None
    laboratory: LaboratoryTable | None = None
    history: HistoryTable | None = None
    split: SplitTable
    inputs: list[InputsTable] = Field(min_length=1)
    output: OutputTable
    candidates: CandidatesTable
    bias: BiasTable | None = None
    acceptance: AcceptanceTable = AcceptanceTable()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        tables = (self.data is not None, self.laboratory is not None, self.history is not None)
        if tables not in {(True, True, False), (False, False, True)}:
            raise ValueError("give [data] and [laboratory], or [history]")
        if self.history is not None and any(item.column is not None for item in self.inputs):
            raise ValueError("a column is of a file; with [history] an input is of a tag")
        return self

    @property
    def period_seconds(self) -> float:
        """Return how long one of the rows is in which lags, windows and ages are counted."""
        period = self.data or self.history
        if period is None:
            raise LookupError("a recipe has one of them")  # the validator has seen to it
        return period.period_seconds


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a file; raises LablineError with everything that is wrong with it."""
    try:
        recipe = Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise LablineError(f"{path} cannot be read: {error.strerror}", hint="name the recipe's file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LablineError(f"{path} is not TOML: {error}", hint="see models/ for recipes that work") from error
    except ValidationError as error:
        found = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'the recipe'}: {each['msg']}" for each in error.errors()
        )
        raise LablineError(
            f"{path}: {found}", hint="see gateway/training/recipe.py for what each table means"
        ) from error
    return recipe
