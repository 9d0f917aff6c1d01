"""What is played: a TOML file that names the data, its laboratory and, where they are known, the tags' units.

A training recipe is such a file: its other tables are passed over.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import LablineError
from gateway.time_units import seconds_to_ns
from gateway.training.file_production import FileBatch
from gateway.training.file_recording import FileRecording, read_files
from gateway.training.files.instants import NEVER
from gateway.training.recipe_tables.data import DataTable, LaboratoryTable
from gateway.training.several_outputs import recipe_of_each

_UNKNOWN_UNIT = "1"
_PRODUCT = "product"  # the category that is what is made


class _Table(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _InputTable(_Table):
    tag: str = ""
    tags: list[str] = Field(default=[])
    column: str | None = None
    unit: str = _UNKNOWN_UNIT
    over: str | None = None
    over_column: str | None = None
    category: str | None = None

    def of_each_tag(self) -> "tuple[_InputTable, ...]":
        """Return a table for each of its tags."""
        return tuple(self.model_copy(update={"tag": tag, "tags": []}) for tag in self.tags) or (self,)

    def divisor(self) -> "tuple[_InputTable, ...]":
        """Return the tag that it is divided by, where there is one; its unit is known where it is an input itself."""
        return () if self.over is None else (_InputTable(tag=self.over, column=self.over_column),)


class _InterlockTable(_Table):
    tag: str
    within: tuple[float, float] | None = None
    states: list[int] | None = None

    @property
    def holds_at(self) -> float:
        return self.within[0] if self.within is not None else float((self.states or [0])[0])


class _ManipulatedTable(_InputTable):
    interlocks: list[_InterlockTable] = Field(default=[])


class _OutputTable(_Table):
    analyte: str
    unit: str = _UNKNOWN_UNIT


class _PlayTable(_Table):
    """``[data]`` and ``[laboratory]`` as in a recipe; ``[[inputs]]`` and ``[output]`` give names and units.

    Of several ``[[outputs]]`` those that the models predict are played, or all.

    ``[[manipulated]]``: setpoints are tags, too; an interlock's tag that the data do not have lets them move.
    """

    data: DataTable
    laboratory: LaboratoryTable
    inputs: list[_InputTable] = Field(default=[])
    output: _OutputTable | None = None
    manipulated: list[_ManipulatedTable] = Field(default=[])


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A sample of the laboratory: its row (the newest when it was drawn), and times in ns since the first row."""

    number: int
    row: int
    at_ns: int
    arrives_ns: int
    value: float


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Rows of a plant: ``tags`` and ``truth`` of shape (rows,), NaN where nothing is, and what the laboratory measured.

    ``at_ns``: when rows are, in ns since the first one; None: one period apart. ``results``: None: every so many rows.
    ``bad``: of which readings their source itself says that they are bad. ``gap_seconds``: how long a value holds.
    Where products have no batches, each stretch of one product is one. ``others``: the same rows with other analytes.
    """

    name: str
    tags: Mapping[str, NDArray[np.float64]]
    units: Mapping[str, str]
    analyte: str
    unit: str
    truth: NDArray[np.float64]
    period_seconds: float
    every_rows: int = 1
    delay_rows: int = 0
    at_ns: NDArray[np.int64] | None = None
    results: tuple[Measured, ...] | None = None
    bad: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    gap_seconds: float | None = None
    batches: tuple[FileBatch, ...] = ()  # with their instants as the file has them
    begin_ns: int = 0  # of its first row there
    others: tuple["Recording", ...] = ()

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def since_first_ns(self) -> NDArray[np.int64]:
        """Return when each row is, in ns since the first one."""
        if self.at_ns is not None:
            return self.at_ns
        return np.arange(len(self), dtype=np.int64) * seconds_to_ns(self.period_seconds)

    @cached_property
    def measured(self) -> tuple[Measured, ...]:
        """Return what the laboratory measures, in the order of its samples."""
        if self.results is not None:
            return self.results
        at_ns, late_ns = self.since_first_ns.tolist(), self.delay_rows * seconds_to_ns(self.period_seconds)
        return tuple(
            Measured(
                number=row, row=row, at_ns=at_ns[row], arrives_ns=at_ns[row] + late_ns, value=float(self.truth[row])
            )
            for row in range(0, len(self), self.every_rows)
            if np.isfinite(self.truth[row])
        )

    def measured_in(self, first: int, end: int) -> tuple[Measured, ...]:
        """Return the results of samples of these rows that are known before the last of them has passed."""
        until_ns = int(self.since_first_ns[end - 1]) + seconds_to_ns(self.period_seconds)
        return tuple(item for item in self.measured if first <= item.row < end and item.arrives_ns < until_ns)


def read_recording(path: Path, *, analytes: Collection[str] = ()) -> Recording:
    """Return what a play file or recipe names; raises LablineError with what is wrong and what to do.

    Without ``[[inputs]]`` every column but the laboratory's is a tag. ``analytes``: what the tried models predict;
    without any all are played.
    """
    try:
        documents = [own for _below, own in recipe_of_each(tomllib.loads(path.read_text(encoding="utf-8")))]
        wanted = [own for own in documents if own.get("output", {}).get("analyte") in analytes]
        tables = [_PlayTable.model_validate(document) for document in wanted or documents]
    except OSError as error:
        raise LablineError(f"{path} cannot be read: {error.strerror}", hint="name a recipe or a play file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LablineError(f"{path} is not TOML: {error}", hint="see models/recipes for files that work") from error
    except ValueError as error:
        if not isinstance(error, ValidationError):
            raise LablineError(f"{path}: {error}", hint="see docs/recipes.md") from error
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
        )
        raise LablineError(
            f"{path}: {problems}", hint="it needs [data] and [laboratory], see models/recipes"
        ) from error
    first, *others = (_recording(table, path) for table in tables)
    return replace(first, others=tuple(others))


def _recording(table: _PlayTable, path: Path) -> Recording:
    analyte = table.laboratory.column
    of_inputs = [of_tag for item in table.inputs for of_tag in item.of_each_tag()]
    divisors = [divisor for item in of_inputs for divisor in item.divisor()]
    of_tags = [item for item in of_inputs if item.tag]
    named = [*divisors, *table.manipulated, *of_tags]  # an input may name the column of its setpoint
    wanted = dict.fromkeys(item.column or item.tag for item in named) if table.inputs else None
    product = next((item.column or _PRODUCT for item in table.inputs if item.category == _PRODUCT), None)
    if product is None and table.laboratory.file is None:
        product = table.laboratory.product_column
    lock_tags = [lock.tag for item in table.manipulated for lock in item.interlocks]
    file = read_files(table.data, table.laboratory, columns=wanted, if_there=lock_tags, folder=path.parent,
                      product_column=product)  # fmt: skip
    inputs = named if table.inputs else [*table.manipulated, *(_InputTable(tag=column) for column in file.columns)]
    column_of = {item.tag: item.column or item.tag for item in inputs}
    output = table.output or _OutputTable(analyte=analyte)
    locks = {lock.tag: lock for item in table.manipulated for lock in item.interlocks if lock.tag not in column_of}
    permissive = {
        tag: file.columns[tag].values if tag in file.columns else np.full(len(file), lock.holds_at)
        for tag, lock in locks.items()
    }
    begin_ns = int(file.at_ns[0])
    return Recording(
        name=path.stem,
        tags={tag: file.columns[column].values for tag, column in column_of.items()} | permissive,
        bad={tag: file.columns[column].bad for tag, column in column_of.items()},
        units={item.tag: item.unit for item in inputs} | dict.fromkeys(permissive, _UNKNOWN_UNIT),
        analyte=output.analyte,
        unit=output.unit,
        truth=_truth(file),
        period_seconds=table.data.period_seconds,
        at_ns=file.at_ns - begin_ns,
        results=_results(file, begin_ns),
        gap_seconds=table.data.gap_seconds,
        batches=file.production.stretches,
        begin_ns=begin_ns,
    )


def _truth(file: FileRecording) -> NDArray[np.float64]:
    """Return the value of the analyte at each row, NaN where none is known."""
    truth = np.full(len(file), np.nan)
    rows = _newest_row(file)
    truth[rows[rows >= 0]] = file.samples.values[rows >= 0]
    return truth


def _newest_row(file: FileRecording) -> NDArray[np.int64]:
    """Return for each sample the newest row when it was drawn, -1 before the first."""
    return np.searchsorted(file.at_ns, file.samples.at_ns, side="right") - 1


def _results(file: FileRecording, begin_ns: int) -> tuple[Measured, ...]:
    samples, rows = file.samples, _newest_row(file)
    return tuple(
        Measured(number=int(samples.rows[at]), row=int(rows[at]), at_ns=int(samples.at_ns[at]) - begin_ns,
                 arrives_ns=int(samples.arrives_ns[at]) - begin_ns, value=float(samples.values[at]))
        for at in np.flatnonzero((samples.arrives_ns != NEVER) & (rows >= 0))
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Timetable:
    """When each row happens: row ``first`` at ``begin_ns``, the others after it as in the recording, but faster."""

    begin_ns: int
    first: int
    end: int
    since_first_ns: NDArray[np.int64]  # of all rows of the recording
    speed: float = 1.0

    def at_ns(self, since_first_ns: int) -> int:
        """Return when something happens that is so long after the recording's first row."""
        return self.begin_ns + round((since_first_ns - int(self.since_first_ns[self.first])) / self.speed)

    def instant_ns(self, row: int) -> int:
        """Return when a row happens."""
        return self.at_ns(int(self.since_first_ns[row]))

    def row_at(self, at_ns: int) -> int:
        """Return the row that holds at an instant, one less than the first where none does."""
        since = int(self.since_first_ns[self.first]) + (at_ns - self.begin_ns) * self.speed
        return max(int(np.searchsorted(self.since_first_ns, since, side="right")) - 1, self.first - 1)
