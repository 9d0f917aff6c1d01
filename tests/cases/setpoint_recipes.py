"""A dryer that answers to its setpoint, or does not, as rows of a file beside the example recipe."""

from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from gateway.inference.bundle import MODEL, read_bundle
from gateway.training import write
from gateway.training.recipe import Recipe, read_recipe
from gateway.training.rows import Rows
from gateway.training.service import Timing
from gateway.training.setpoint import Setpoint
from gateway.training.setpoints import studied
from gateway.training.train import train
from gateway.training.trained import Trained
from gateway.training.write import bundle_of
from gateway.transport.onnx import load_model
from tests.once import once

EXAMPLE = Path(__file__).parents[2] / "models" / "recipes" / "continuous_setpoint.toml"
REACTION = -0.12  # % of moisture for one degree
_ROWS = 720


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of a recipe, its bundle's files, and the bundle as the gateway reads it."""

    trained: Trained
    files: dict

    @property
    def bundle(self):
        return read_bundle(self.files, where="here")

    @property
    def predict(self):
        return load_model(self.files[MODEL], inputs=len(self.bundle.inputs), columns=1, where="here")

    @property
    def setpoint(self):
        (setpoint,) = self.trained.setpoints
        return setpoint

    @property
    def card(self):
        return self.files["card.md"].decode()


def late(values, rows):
    return np.concatenate([np.repeat(values[:1], rows), values[:-rows]])


def slow(chance):
    """A disturbance of unit size that changes within some forty rows."""
    value, values = 0.0, []
    for push in chance.normal(size=_ROWS):
        value = 0.975 * value + 0.22 * push
        values.append(value)
    return np.array(values)


def dryer(*, reaction=REACTION, seed=5, moved=True, with_the_feed=False):
    """The columns of the dryer. ``with_the_feed``: the setpoint only ever follows the feed's moisture."""
    chance = np.random.default_rng(seed)
    feed, wet = 400 + 8 * slow(chance), 30 + slow(chance)
    setpoint = np.repeat(chance.uniform(155, 185, _ROWS // 30), 30) if moved else np.full(_ROWS, 170.0)
    if with_the_feed:
        setpoint = 170 + 4 * (wet - 30)
    air = setpoint + chance.normal(size=_ROWS) * 0.4
    moisture = 4 + reaction * (late(air, 7) - 170) + 0.01 * (late(feed, 7) - 400) + 0.2 * (late(wet, 10) - 30)
    moisture += chance.normal(size=_ROWS) * 0.08
    return {
        "inlet_air_setpoint": setpoint, "inlet_air_temperature": air, "feed_flow": feed, "feed_moisture": wet,
        "moisture": moisture,
    }  # fmt: skip


def recipe(**changes) -> Recipe:
    """The example as it stands, with one quick kind of model and fewer folds; ``changes``: of its setpoint."""
    example = read_recipe(EXAMPLE)
    (setpoint,) = example.manipulated
    return example.model_copy(
        update={
            "candidates": example.candidates.model_copy(update={"kinds": ["ridge"], "folds": 3}),
            "bias": None,
            "manipulated": [setpoint.model_copy(update=changes)],
        }
    )


def write_columns(folder: Path, columns) -> None:
    """Write the columns as the example recipe's data file."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(f"{value:.6f}" for value in row) for row in rows)]
    (folder / "dryer.csv").write_text("\n".join(lines) + "\n")


def made(folder: Path, columns, of: Recipe | None = None) -> Made:
    write_columns(folder, columns)
    trained = train(of or recipe(), folder=folder)
    with patch.object(write, "figures_of", return_value={}):  # nobody looks at them here, and they take as long again
        return Made(trained=trained, files=bundle_of(trained, recipe_name="dryer.toml"))


def kept(tmp_path_factory, name: str, columns) -> Made:
    """As ``made``, once for all test processes; a model's function is made anew from its bytes."""

    def make(folder):
        one = made(folder, columns)
        return Made(trained=replace(one.trained, predict=None), files=one.files)

    one = once(tmp_path_factory, name, make)
    return Made(trained=replace(one.trained, predict=one.predict), files=one.files)


def rows_of(columns, of: Recipe) -> Rows:
    """The columns as rows, without the gateway's windows: of each input what its column was at its lag."""
    lags = [(table.tag, int(lag)) for table in of.inputs for lag in table.lags_rows]
    at = np.arange(20, _ROWS)
    return Rows(
        at=at, names=tuple(map(str, at)), timing=Timing(at_ns=at * 60, arrives_ns=at * 60 + 1), data_sha256="",
        about="",
        features=np.column_stack([columns[tag][at - lag] for tag, lag in lags]),
        values=columns["moisture"][at],
        setpoints={
            table.tag: np.column_stack([columns[table.tag][at - lag] for _tag, lag in lags]) for table in of.manipulated
        },
    )  # fmt: skip


def setpoint_of(columns, of: Recipe, *, model) -> Setpoint:
    """What the study of the rows says of a model that is a function of its inputs: no training."""
    rows = rows_of(columns, of)
    (setpoint,) = studied(of, rows, slice(0, len(rows)), predict=model, half_width=0.3, gap=16)
    return setpoint
