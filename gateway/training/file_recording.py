"""What a recipe's files record: the plant's values row by row, and the laboratory's results, each at its own instant.

Training plays it through the gateway's rings; ``labline play`` plays it to a whole gateway.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.training.data_file import DataFile, read_data_file
from gateway.training.file_production import FileProduction
from gateway.training.files.cells import NumberColumn
from gateway.training.files.instants import BEGIN_NS, NEVER, Instants, instants_of, times_of
from gateway.training.recipe_tables.data import DataTable, LaboratoryTable

_BEYOND = ("<", ">", "\u2264", "\u2265")
_ODD_PERIOD = 1.5  # times the median distance of rows: what is further from it, is likely a mistake


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What there is a value of the analyte of, in the order of time, shape (n,) each.

    ``rows``: its number; ``arrives_ns``: when the laboratory's result is known, NEVER where it makes none.
    """

    rows: NDArray[np.int64]
    at_ns: NDArray[np.int64]
    arrives_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    names: tuple[str, ...]
    products: tuple[str | None, ...] | None = None  # what each is of, where the recipe names the column

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, kept: NDArray[np.int64]) -> "Samples":
        """Return some of them."""
        return Samples(
            rows=self.rows[kept], at_ns=self.at_ns[kept], arrives_ns=self.arrives_ns[kept], values=self.values[kept],
            names=tuple(self.names[at] for at in kept.tolist()),
            products=None if self.products is None else tuple(self.products[at] for at in kept.tolist()),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FileRecording:
    """Rows of a plant in the order of time, shape (n,), and what the laboratory measured.

    ``odd``: how often something was not as in a perfect file, by what it was.
    """

    at_ns: NDArray[np.int64]
    columns: Mapping[str, NumberColumn]
    samples: Samples
    gap_ns: int
    period_ns: int
    sha256: str
    odd: Counter[str]
    about: str
    production: FileProduction

    def __len__(self) -> int:
        return len(self.at_ns)


def read_files(
    data: DataTable,
    laboratory: LaboratoryTable,
    *,
    columns: Iterable[str] | None,
    if_there: Iterable[str] = (),
    folder: Path,
    product_column: str | None = None,
) -> FileRecording:
    """Return what the files record; raises LablineError with all cells that are wrong.

    Args:
        data: the plant's file.
        laboratory: where its results are.
        columns: the plant's columns that are wanted; None: all that are numbers.
        if_there: further ones, that the file need not have.
        folder: what the paths are relative to.
        product_column: the column that names the product, where one does.
    """
    file = read_data_file(data, (folder / data.file).resolve(), key="[data]")
    instants = _instants(data, file)
    wanted = _columns_of_numbers(data, laboratory, file) if columns is None else [*columns]
    wanted = [*dict.fromkeys([*wanted, *(name for name in if_there if name in file.names)])]
    measured = [] if laboratory.file is not None else [laboratory.column]
    file.must_have([*wanted, *measured])
    numbers = {name: _in_order(column, instants) for name, column in file.numbers([*wanted, *measured]).items()}
    odd = file.odd + instants.odd
    _look_at_period(data, instants, odd)
    if laboratory.file is not None:
        samples, lab_odd, digest = _of_a_file(data, laboratory, folder)
        odd += lab_odd
        sha256 = hashlib.sha256((file.sha256 + digest).encode()).hexdigest()
    else:
        samples, sha256 = _of_a_column(data, laboratory, file, instants, numbers[laboratory.column]), file.sha256
    for name, column in numbers.items():
        if name in wanted:
            odd.update({f'"{text}" in {name}': count for text, count in column.texts.items()})
        elif laboratory.file is None:  # results beyond a limit; blanks are rows that were not measured
            beyond = {text: count for text, count in column.texts.items() if text[:1] in _BEYOND}
            odd.update({f'results "{text}", which are no numbers, left out': count for text, count in beyond.items()})
    return FileRecording(
        at_ns=instants.at_ns, columns={name: numbers[name] for name in wanted}, samples=samples,
        gap_ns=seconds_to_ns(data.gap_seconds), period_ns=seconds_to_ns(data.period_seconds), sha256=sha256, odd=odd,
        about=_about(data, laboratory), production=_production(data, file, instants, product_column),
    )  # fmt: skip


def _instants(table: DataTable, file: DataFile) -> Instants:
    if table.time_column is not None:
        column = table.time_column
        return instants_of(
            file.texts(column), time_format=table.time_format, zone=ZoneInfo(table.time_zone),
            where=lambda row: file.where(row, column), key=file.key,
        )  # fmt: skip
    rows = np.arange(len(file), dtype=np.int64)
    at_ns = BEGIN_NS + rows * seconds_to_ns(table.period_seconds)
    return Instants(rows=rows, at_ns=at_ns, odd=Counter())


def _production(data: DataTable, file: DataFile, instants: Instants, product_column: str | None) -> FileProduction:
    def texts(column: str | None) -> list[str] | None:
        if column is None:
            return None
        cells = file.texts(column)
        return [cells[row] for row in instants.rows.tolist()]

    return FileProduction(
        instants.at_ns, batches=texts(data.batch_column), phases=texts(data.phase_column),
        products=texts(product_column),
    )  # fmt: skip


def _in_order(column: NumberColumn, instants: Instants) -> NumberColumn:
    return replace(column, values=column.values[instants.rows], bad=column.bad[instants.rows])


def _columns_of_numbers(data: DataTable, laboratory: LaboratoryTable, file: DataFile) -> list[str]:
    """Return the columns that hold nothing but numbers, without that of the analyte."""
    named = {
        data.time_column,
        laboratory.arrival_column,
        laboratory.product_column,
        None if laboratory.file else laboratory.column,
    }
    columns = []
    for name in file.names:
        if name in named or file.names.count(name) > 1:
            continue
        try:
            file.numbers([name])
        except LablineError:
            continue  # texts: no tag that could be played
        columns.append(name)
    return columns


def _look_at_period(data: DataTable, instants: Instants, odd: Counter[str]) -> None:
    """Count what is odd about the distances of rows."""
    distances = np.diff(instants.at_ns)
    if data.time_column is None or not len(distances):
        return
    median, period = float(np.median(distances)), seconds_to_ns(data.period_seconds)
    if not 1 / _ODD_PERIOD <= median / period <= _ODD_PERIOD:
        what = f"rows are {median / SECOND_NS:g} s apart in the median, period_seconds is {data.period_seconds:g}"
        odd[what] = 1
    holes = int(np.sum(distances > seconds_to_ns(data.gap_seconds)))
    if holes:
        odd[f"holes of more than {data.gap_seconds:g} s between rows"] = holes


def _of_a_column(
    data: DataTable, laboratory: LaboratoryTable, file: DataFile, instants: Instants, column: NumberColumn
) -> Samples:
    """Return the rows with a value of the analyte; where all rows have one, which of them the laboratory measures."""
    every, number = laboratory.every_rows, np.arange(len(instants.rows), dtype=np.int64)
    rows = np.flatnonzero(np.isfinite(column.values))
    measured = np.ones(len(rows), np.bool_) if every is None else number[rows] % every == 0
    at_ns = instants.at_ns[rows]
    if laboratory.arrival_column is not None:
        arrives_ns = _arrivals(laboratory, file, at_ns, instants.rows[rows])
    else:
        arrives_ns = at_ns + _delay_ns(data, laboratory)
    names = [rfc3339(int(at)) for at in at_ns] if data.time_column is not None else [f"row {row}" for row in rows]
    arrives_ns = np.where(measured, np.maximum(arrives_ns, at_ns + 1), NEVER)  # not as its sample is drawn
    return Samples(
        rows=rows, at_ns=at_ns, arrives_ns=arrives_ns, values=column.values[rows], names=tuple(names),
        products=_products(laboratory, file, instants.rows[rows]),
    )  # fmt: skip


def _products(laboratory: LaboratoryTable, file: DataFile, rows: NDArray[np.int64]) -> tuple[str | None, ...] | None:
    """Return what rows of a file are of, None where that is blank; None where no column says it."""
    if laboratory.product_column is None:
        return None
    texts = file.texts(laboratory.product_column)
    return tuple(texts[row] or None for row in rows.tolist())


def _delay_ns(data: DataTable, laboratory: LaboratoryTable) -> int:
    if laboratory.delay_seconds is not None:
        return seconds_to_ns(laboratory.delay_seconds)
    return (laboratory.delay_rows or 0) * seconds_to_ns(data.period_seconds)


def _arrivals(
    laboratory: LaboratoryTable, file: DataFile, at_ns: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return when the results of some rows were known, NEVER where that is blank.

    Raises LablineError where that is before their samples were drawn.
    """
    column = laboratory.arrival_column or ""
    known = times_of(
        file.texts(column), time_format=laboratory.time_format, zone=ZoneInfo(laboratory.time_zone),
        where=lambda row: file.where(row, column), key=file.key,
    )  # fmt: skip
    arrivals = np.full(len(file), NEVER, np.int64)
    arrivals[known.rows] = known.at_ns
    early = rows[arrivals[rows] < at_ns]
    if len(early):
        hint = "are the two columns of times swapped, or of different zones?"
        where = file.where(int(early[0]), column)
        raise LablineError(f"{where}: results known before their samples were drawn: {len(early)}", hint=hint)
    return arrivals[rows]


def _of_a_file(data: DataTable, laboratory: LaboratoryTable, folder: Path) -> tuple[Samples, Counter[str], str]:
    """Return the results of a file of their own, what was odd in it, its SHA-256."""
    path = (folder / (laboratory.file or data.file)).resolve()
    file, column = read_data_file(laboratory, path, key="[laboratory]"), laboratory.time_column or ""
    values = file.numbers([laboratory.column])[laboratory.column].values
    times = times_of(
        file.texts(column), time_format=laboratory.time_format, zone=ZoneInfo(laboratory.time_zone),
        where=lambda row: file.where(row, column), key=file.key,
    )  # fmt: skip
    known = np.isfinite(values[times.rows])
    rows, at_ns = times.rows[known], times.at_ns[known]
    if laboratory.arrival_column is not None:
        arrives_ns = _arrivals(laboratory, file, at_ns, rows)
    else:
        arrives_ns = at_ns + _delay_ns(data, laboratory)
    odd = Counter({f"laboratory: {what}": count for what, count in (file.odd + times.odd).items()})
    if not known.all():
        odd["laboratory: results without a number"] = int(np.sum(~known))
    samples = _by_sample(at_ns, arrives_ns, values[rows])
    _instants_of, first = np.unique(at_ns, return_index=True)
    samples = replace(samples, products=_products(laboratory, file, rows[first]))
    if len(samples) < len(rows):
        odd["laboratory: further results of a sample's instant, of which the mean is taken"] = len(rows) - len(samples)
    return samples, odd, file.sha256


def _by_sample(at_ns: NDArray[np.int64], arrives_ns: NDArray[np.int64], values: NDArray[np.float64]) -> Samples:
    """Return one for each drawn instant: the mean of its determinations, known once the last of them is."""
    instants, of = np.unique(at_ns, return_inverse=True)
    last_ns = np.zeros(len(instants), np.int64)
    np.maximum.at(last_ns, of, np.maximum(arrives_ns, at_ns + 1))  # no result is known as its sample is drawn
    return Samples(
        rows=np.arange(len(instants), dtype=np.int64), at_ns=instants, arrives_ns=last_ns,
        values=np.bincount(of, weights=values, minlength=len(instants)) / np.bincount(of, minlength=len(instants)),
        names=tuple(rfc3339(int(at)) for at in instants),
    )  # fmt: skip


def _about(data: DataTable, laboratory: LaboratoryTable) -> str:
    late = (
        f"{laboratory.delay_rows} rows late" if laboratory.delay_rows is not None
        else f"{laboratory.delay_seconds:g} s late" if laboratory.delay_seconds is not None
        else "when the file says"
    )  # fmt: skip
    if laboratory.every_rows is not None:
        return (
            f"A row is {data.period_seconds:g} s. Every {laboratory.every_rows}th row has a laboratory value, which "
            f"arrives {late}"
        )
    where = "a row with a laboratory result" if laboratory.file is None else "a laboratory result of its own file"
    return f"A row is {where}, which arrives {late}; what is counted in rows is of {data.period_seconds:g} s"
