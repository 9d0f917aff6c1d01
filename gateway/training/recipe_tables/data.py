"""Where rows come from: a file with its laboratory column, or a line's own store; and how they are split."""

from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field

from gateway.training.recipe_tables.table import RecipeTable

LONGEST_PERIOD_SECONDS = 366 * 86_400.0  # one row a year


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
        default=0.667,
        gt=0,
        lt=1,
        description="share of the rows, first in time, that the model is made from; the rest only tests it",
    )
