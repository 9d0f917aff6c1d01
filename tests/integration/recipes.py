"""A recipe of our own, small enough to be trained in a test."""

from pathlib import Path

import numpy as np

RECIPE = """
name = "quality"
version = "1.0.0"
intended_use = "Tests."
seed = 1

[data]
file = "data.csv"
period_seconds = 60

[laboratory]
column = "y"
every_rows = 5
delay_rows = 3

[split]
train = 0.7

[output]
analyte = "quality"
unit = "%"
valid = [-50.0, 50.0]
range_margin = 0.5
adaptive_rates = [0.02]

[bias]
trusts = [0.3, 0.8]
half_lives_rows = [50]
max_step = 5.0
max_total = 5.0
max_age_rows = 60

[candidates]
kinds = ["ridge", "linear_and_trees"]
folds = 3

[acceptance]
minimum_r2 = 0.8

[[inputs]]
tag = "a"
unit = "degC"
lags_rows = [0, 2, 4]

[[inputs]]
tag = "b"
unit = "bar"
aggregate = "mean"
window_rows = 3
"""


def write_recipe(folder: Path) -> Path:
    """Write a recipe beside 600 rows and return it: what is made follows a, late, and slowly drifts besides."""
    chance = np.random.default_rng(3)
    a, b = np.cumsum(chance.normal(size=600)) * 0.3, chance.normal(size=600)
    drift = np.cumsum(chance.normal(size=600)) * 0.05
    y = 2 * np.concatenate([np.zeros(2), a[:-2]]) + 0.5 * b + drift
    lines = ["a,b,y", *(f"{one:.6f},{two:.6f},{value:.6f}" for one, two, value in zip(a, b, y, strict=True))]
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    path = folder / "quality.toml"
    path.write_text(RECIPE)
    return path
