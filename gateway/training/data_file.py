"""A data file: rows of numbers in the order of time, as training reads it and the simulator plays it."""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.training.recipe_tables.data import DataTable


def read_columns(table: DataTable, path: Path) -> tuple[dict[str, NDArray[np.float64]], str]:
    """Return (the file's columns by name, its SHA-256); raises LablineError with the line that is no row of numbers."""
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = "the recipe's [data] file is relative to the recipe"
        raise LablineError(f"{path} cannot be read: {error.strerror}", hint=hint) from error
    lines = _lines(content.decode("utf-8-sig", "replace").splitlines()[table.skip_lines :], table.separator)
    rows = [(number, cells) for number, cells in enumerate(lines, start=table.skip_lines + 1) if cells]
    names = [name.strip() for name in rows.pop(0)[1]] if table.header and rows else table.columns
    numbers = np.empty((len(rows), len(names)))
    for at, (number, cells) in enumerate(rows):
        try:
            numbers[at] = [float(cell) for cell in cells]
        except ValueError as error:
            raise LablineError(
                f"{path}, line {number}: not {len(names)} numbers: {error}", hint="set skip_lines, separator or columns"
            ) from error
    if not rows:
        raise LablineError(f"{path} has no rows of numbers", hint="set skip_lines, separator or columns")
    return dict(zip(names, numbers.T, strict=True)), hashlib.sha256(content).hexdigest()


def _lines(lines: list[str], separator: str) -> Iterator[list[str]]:
    if separator == "whitespace":
        yield from (line.split() for line in lines)
    else:
        yield from csv.reader(lines, delimiter="\t" if separator == "tab" else separator)
