"""What is played: a TOML file that names the data, its laboratory and, where they are known, the tags' units.

A training recipe is such a file: its other tables are passed over.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import LablineError
from gateway.training.data_file import read_columns
from gateway.training.recipe_tables.data import DataTable, LaboratoryTable

_UNKNOWN_UNIT = "1"


class _Table(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _InputTable(_Table):
    tag: str
    column: str | None = None
    unit: str = _UNKNOWN_UNIT


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

    ``[[manipulated]]``: setpoints are tags, too; an interlock's tag that the data do not have lets them move.
    """

    data: DataTable
    laboratory: LaboratoryTable
    inputs: list[_InputTable] = Field(default=[])
    output: _OutputTable | None = None
    manipulated: list[_ManipulatedTable] = Field(default=[])


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Rows of a plant: ``tags`` and ``truth`` of shape (rows,), and how the laboratory measures the truth."""

    name: str
    tags: Mapping[str, NDArray[np.float64]]
    units: Mapping[str, str]
    analyte: str
    unit: str
    truth: NDArray[np.float64]
    period_seconds: float
    every_rows: int
    delay_rows: int

    def __len__(self) -> int:
        return len(self.truth)


def read_recording(path: Path) -> Recording:
    """Return what a play file or recipe names; raises LablineError with what is wrong and what to do.

    Without ``[[inputs]]`` every column but the laboratory's is a tag.
    """
    try:
        table = _PlayTable.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise LablineError(f"{path} cannot be read: {error.strerror}", hint="name a recipe or a play file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LablineError(f"{path} is not TOML: {error}", hint="see models/recipes for files that work") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
        )
        raise LablineError(
            f"{path}: {problems}", hint="it needs [data] and [laboratory], see models/recipes"
        ) from error
    columns, _sha256 = read_columns(table.data, path.parent / table.data.file)
    measured = table.laboratory.column
    inputs = table.inputs or [_InputTable(tag=column) for column in columns if column != measured]
    inputs = [*table.manipulated, *inputs]  # an input may name the column of its setpoint
    column_of = {item.tag: item.column or item.tag for item in inputs}
    missing = sorted({*column_of.values(), measured} - columns.keys())
    if missing:
        raise LablineError(f"the data has no column {', '.join(missing)}", hint=f"it has {', '.join(columns)}")
    output = table.output or _OutputTable(analyte=measured)
    locks = {lock.tag: lock for item in table.manipulated for lock in item.interlocks if lock.tag not in column_of}
    permissive = {tag: columns.get(tag, np.full(len(columns[measured]), lock.holds_at)) for tag, lock in locks.items()}
    return Recording(
        name=path.stem,
        tags={tag: columns[column] for tag, column in column_of.items()} | permissive,
        units={item.tag: item.unit for item in inputs} | dict.fromkeys(permissive, _UNKNOWN_UNIT),
        analyte=output.analyte,
        unit=output.unit,
        truth=columns[measured],
        period_seconds=table.data.period_seconds,
        every_rows=table.laboratory.every_rows,
        delay_rows=table.laboratory.delay_rows,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Timetable:
    """When each row happens: row ``first`` at ``begin_ns``, the others at an even pace."""

    begin_ns: int
    period_ns: int
    first: int
    end: int

    def instant_ns(self, row: float) -> int:
        """Return when a row happens."""
        return self.begin_ns + round((row - self.first) * self.period_ns)

    def row_at(self, at_ns: int) -> int:
        """Return the row that holds at an instant."""
        return self.first + (at_ns - self.begin_ns) // self.period_ns
