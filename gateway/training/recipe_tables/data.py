"""Where rows come from: a file with its laboratory column, or a line's own store; and how they are split."""

from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field, field_validator, model_validator

from gateway.training.recipe_tables.table import RecipeTable

LONGEST_PERIOD_SECONDS = 366 * 86_400.0  # one row a year


class FileTable(RecipeTable):
    """How a file of rows is written."""

    separator: Literal[",", ";", "tab", "whitespace"] = Field(default=",", description="what stands between two cells")
    skip_lines: int = Field(default=0, ge=0, description="lines before the header or the first row that are no data")
    header: bool = Field(default=True, description="whether the first line that is read has the columns' names")
    lines_after_header: int = Field(default=0, ge=0, description="lines after it that are no data, such as units")
    columns: list[str] = Field(default=[], description="the columns' names, where the file has no header")
    encoding: Literal["utf-8", "cp1252", "latin-1", "utf-16"] = Field(
        default="utf-8", description="how its letters are written; a byte order mark is understood"
    )
    decimal: Literal[".", ","] = Field(default=".", description="what stands before the decimals of a number")
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        default=None, description="what stands between groups of three digits, where something does"
    )
    no_value: list[str] = Field(
        default=[],
        description="further texts that say that there is no value, such as -9999; blank, nan, NULL, -, Bad, #N/A and "
        "the usual ones of historians are known",
    )
    time_column: str | None = Field(default=None, description="the column that says when a row (or sample) is")
    time_format: str | None = Field(
        default=None,
        description='how times are written, such as "%d.%m.%Y %H:%M:%S", or epoch_seconds, epoch_milliseconds, '
        "elapsed_seconds, excel_days, iso; without it ISO 8601, seconds since 1970 and usual dates are understood",
    )
    time_zone: str = Field(
        default="UTC", description="zone of times that do not name theirs, such as Europe/Paris; daylight saving counts"
    )

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name} is no time zone, such as Europe/Paris or UTC") from error
        return name

    @model_validator(mode="after")
    def _different_marks(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal}")
        return self


class DataTable(FileTable):
    """``[data]``: a file of the plant's numbers, a row for each instant.

    With ``time_column`` rows are when they say, in whatever order and at whatever distances; without it they are one
    period apart, in the order of time. Also Parquet, with the extra ``labline[parquet]``.
    """

    file: Path = Field(description="the file, relative to the recipe")
    period_seconds: float = Field(
        gt=0,
        le=LONGEST_PERIOD_SECONDS,
        description="s, from one row to the next; with time_column: the unit of what the recipe counts in rows",
    )
    batch_column: str | None = Field(
        default=None,
        description="the column that names the batch a row is of, blank between batches: for windows of batches. In "
        "service production says when they begin and end",
    )
    phase_column: str | None = Field(
        default=None, description="the column that names the batch's phase, where it has any"
    )
    longest_gap_seconds: float | None = Field(
        default=None,
        gt=0,
        description="s: without a new value for so long, a tag has none until its next one; by default 5 periods",
    )

    @model_validator(mode="after")
    def _phases_of_batches(self) -> Self:
        if self.phase_column is not None and self.batch_column is None:
            raise ValueError("phase_column needs batch_column: phases are of a batch")
        return self

    @property
    def gap_seconds(self) -> float:
        """Return for how long a value holds without a new one."""
        return 5 * self.period_seconds if self.longest_gap_seconds is None else self.longest_gap_seconds


class LaboratoryTable(FileTable):
    """``[laboratory]``: where the results of the analyte are, and how late they arrive.

    Three ways. 1. A column of the data with a value in every row: ``every_rows``. Training knows every row's value; in
    service, and wherever a figure says "as served", only each ``every_rows``-th one is known, later. 2. A column of the
    data with blanks where there is no result: without ``every_rows`` each value is a result. 3. A ``file`` of its own,
    a line for each result, with ``time_column``; the keys that say how it is written are as in ``[data]``.

    Results arrive ``delay_rows`` or ``delay_seconds`` after their sample, or when ``arrival_column`` says.
    """

    column: str = Field(description="the column of the analyte")
    every_rows: int | None = Field(default=None, gt=0, description="rows, from one laboratory result to the next")
    delay_rows: int | None = Field(default=None, ge=0, description="rows, from a sample to its result")
    delay_seconds: float | None = Field(default=None, ge=0, description="s, from a sample to its result")
    arrival_column: str | None = Field(default=None, description="the column that says when a result was known")
    file: Path | None = Field(default=None, description="a file of results, relative to the recipe; see above")
    product_column: str | None = Field(
        default=None, description='the column that says what was made, for [bias] per = "product"'
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [self.delay_rows, self.delay_seconds, self.arrival_column]
        if sum(item is not None for item in given) != 1:
            raise ValueError("say how late results are: delay_rows, delay_seconds or arrival_column, one of them")
        if self.file is not None and self.time_column is None:
            raise ValueError("with a file of results, time_column must name the column of the sample's time")
        if self.file is not None and self.every_rows is not None:
            raise ValueError("every_rows is of a column of the data; in a file of results each line is one")
        if self.file is None and self.time_column is not None:
            raise ValueError("time_column is of a file of results; the data's own is [data] time_column")
        return self


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
