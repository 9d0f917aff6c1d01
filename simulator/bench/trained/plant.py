"""A plant that is made up: what its historian and its laboratory would have recorded, and the shortest recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
PERIOD_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Plant:
    """By tag its values, shape (n,), the analyte (NaN where it is not measured), and columns of text.

    ``every_rows``: from one laboratory result to the next, where the analyte is known in every row. ``product``: the
    column of text that says what was made.
    """

    tags: Mapping[str, Numbers]
    y: Numbers
    delay_rows: int = 10
    every_rows: int | None = None
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    product: str | None = None

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Return in which rows, shape (n,), the laboratory takes a sample."""
        if self.every_rows is None:
            return np.isfinite(self.y)
        measured: NDArray[np.bool_] = np.arange(len(self.y)) % self.every_rows == 0
        return measured

    def write(self, folder: Path) -> Path:
        """Write plant.csv and plant.toml into the folder; return the recipe's path."""
        numbers = [[f"{value:.7g}" for value in column] for column in self.tags.values()]
        measured = ["" if np.isnan(value) else f"{value:.7g}" for value in self.y]
        lines = [",".join([*self.tags, *self.texts, "y"])]
        lines += [",".join(row) for row in zip(*numbers, *self.texts.values(), measured, strict=True)]
        (folder / "plant.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        path = folder / "plant.toml"
        path.write_text(self.recipe(), encoding="utf-8")
        return path

    def recipe(self) -> str:
        """Return the shortest recipe: tags, the laboratory, and the product, where there is one."""
        low, high = float(np.nanmin(self.y)), float(np.nanmax(self.y))
        room = high - low
        every = "" if self.every_rows is None else f"every_rows = {self.every_rows}\n"
        product = "" if self.product is None else f'product_column = "{self.product}"\n'
        tags = ", ".join(f'"{tag}"' for tag in self.tags)
        of_product = (
            ""
            if self.product is None
            else f'\n[[inputs]]\ncategory = "product"\ncolumn = "{self.product}"\n\n[bias]\nper = "product"\n'
        )
        return (
            'name = "plant"\nversion = "1.0.0"\nintended_use = "A measurement."\n\n'
            f'[data]\nfile = "plant.csv"\nperiod_seconds = {PERIOD_SECONDS}\n\n'
            f'[laboratory]\ncolumn = "y"\ndelay_rows = {self.delay_rows}\n{every}{product}\n'
            f'[output]\nanalyte = "quality"\nunit = "%"\nvalid = [{low - room:.4g}, {high + room:.4g}]\n\n'
            f'[[inputs]]\ntags = [{tags}]\nunit = "1"\n{of_product}'
        )


def wander(chance: np.random.Generator, rows: int, memory: float) -> Numbers:
    """Return a first-order autoregressive series of unit variance that forgets within so many rows."""
    keep = np.exp(-1 / memory)
    shocks = chance.normal(size=rows) * np.sqrt(1 - keep * keep)
    series = np.empty(rows)
    series[0] = chance.normal()
    for row in range(1, rows):
        series[row] = keep * series[row - 1] + shocks[row]
    return series


def later(series: Numbers, rows: int) -> Numbers:
    """Return the series so many rows later; its first value stands before it."""
    return np.concatenate([np.full(rows, series[0]), series[: len(series) - rows]])


def smoothed(series: Numbers, rows: float) -> Numbers:
    """Return the answer of a first-order lag of so many rows."""
    share, answer = 1 - np.exp(-1 / rows), np.empty(len(series))
    answer[0] = series[0]
    for row in range(1, len(series)):
        answer[row] = answer[row - 1] + share * (series[row] - answer[row - 1])
    return answer


def sampled(y: Numbers, every: int, chance: np.random.Generator, *, uneven: int = 0) -> Numbers:
    """Return the analyte at every so many rows alone, NaN between; ``uneven``: by so many rows earlier or later."""
    at = np.arange(0, len(y), every)
    if uneven:
        at = np.unique(np.clip(at + chance.integers(-uneven, uneven + 1, len(at)), 0, len(y) - 1))
    known = np.full(len(y), np.nan)
    known[at] = y[at]
    return known


def numbered(series: Sequence[Numbers]) -> dict[str, Numbers]:
    """Return the series by tag: T0, T1 ..."""
    return {f"T{number}": values for number, values in enumerate(series)}
