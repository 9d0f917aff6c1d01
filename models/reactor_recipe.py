"""The recipe of the demo reactor's models (viscosity, pH): run ``make models`` to make them again.

1. Simulate the reactor while its setpoints are moved at random within their validated ranges (an experiment
   design: without such moves a model could not tell cause from coincidence).
2. Feed the sensors' values, dead bands and noise included, into the gateway's own rings, and align every sample
   through the gateway's own windows and feature code.
3. Split by time: the first 60 % train, the next 20 % calibrate the interval, the last 20 % test. Never at random.
4. Fit a polynomial ridge regression, export it to ONNX, check that both agree, write the bundle.

Inputs are causes only (temperatures, flows, feed analysers). The agitator's power would predict viscosity well,
but it is an effect: a what-if on the temperature setpoint would then be wrong.
"""

import argparse
import hashlib
import random
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from gateway.history.memory.rings import Rings
from gateway.inference.bundle import (
    CARD,
    GOLDEN,
    MANIFEST,
    MODEL,
    REFERENCE,
    check_golden,
    golden_csv,
    read_bundle,
    reference_json,
)
from gateway.inference.features import feature_vector, read_inputs, window_request
from gateway.inference.interval import split_conformal_half_width
from gateway.line.definition import Aggregate, InputDefinition, TagDefinition
from gateway.records.process import TagSample
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.training.applicability_domain import fit_domain
from gateway.transport.onnx import load_model, runtime_version
from simulator.plant import TAGS, Plant

COVERAGE = 0.9
DOMAIN_ALPHA = 0.001  # a prediction each half second: one in a thousand refused for nothing
SAMPLING_SECONDS = 0.25
FIRST_SAMPLE_SECONDS = 15.0
LABORATORY_ERROR = {"viscosity": 0.5, "ph": 0.02}  # standard deviations
# setpoint: middle, standard deviation and limits of its random moves
EXPERIMENT = {
    "reactor_temperature_setpoint": (78.0, 1.0, 75.0, 81.0),
    "neutraliser_flow_setpoint": (50.0, 9.0, 28.0, 72.0),
}
BEGIN_NS = 1_767_225_600 * SECOND_NS  # 2026-01-01, the simulated period's beginning


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One model of this reactor."""

    name: str
    version: str
    unit: str
    intended_use: str
    causes: tuple[tuple[str, tuple[float, float]], ...]  # tag, validated range
    degree: int
    output_valid: tuple[float, float]
    criterion_r2: float
    setpoint: str
    follows: str
    setpoint_valid: tuple[float, float]
    max_step: float
    resolution: float


WINDOWS = ((0.0, 1.0), (1.0, 1.5), (2.5, 2.0))  # lag and length in seconds: the residence time is 2 s
RECIPES = (
    Recipe(
        name="viscosity",
        version="1.0.0",
        unit="mPa.s",
        intended_use="Predict the product viscosity of reactor R1 (FG-100) from causes, and advise on its temperature.",
        causes=(
            ("reactor_temperature", (74.0, 82.0)),
            ("feed_purity", (91.0, 101.0)),
            ("initiator_flow", (54.0, 66.0)),
        ),
        degree=3,
        output_valid=(50.0, 190.0),
        criterion_r2=0.97,
        setpoint="reactor_temperature_setpoint",
        follows="reactor_temperature",
        setpoint_valid=(75.0, 81.0),
        max_step=1.5,
        resolution=0.05,
    ),
    Recipe(
        name="ph",
        version="1.0.0",
        unit="pH",
        intended_use="Predict the product pH of reactor R1 (FG-100) from causes, and advise on the neutraliser flow.",
        causes=(("neutraliser_flow", (20.0, 80.0)), ("feed_conductivity", (2.0, 8.0))),
        degree=3,
        output_valid=(6.0, 8.0),
        criterion_r2=0.97,
        setpoint="neutraliser_flow_setpoint",
        follows="neutraliser_flow",
        setpoint_valid=(28.0, 72.0),
        max_step=15.0,
        resolution=0.5,
    ),
)


def inputs_of(recipe: Recipe) -> tuple[InputDefinition, ...]:
    """Return the recipe's inputs: the mean of each cause over each window."""
    return tuple(
        InputDefinition(
            name=f"{tag}.mean.{lag:g}s-{lag + length:g}s",
            tag=tag,
            aggregate=Aggregate.MEAN,
            window_ns=seconds_to_ns(length),
            lag_ns=seconds_to_ns(lag),
            unit=TAGS[tag].unit,
            validated=validated,
            minimum_coverage=0.5,
        )
        for tag, validated in recipe.causes
        for lag, length in WINDOWS
    )


def tag_definitions() -> dict[str, TagDefinition]:
    """Return the plant's tags as the gateway sees them."""
    return {
        name: TagDefinition(
            name=name, source="plc1", node=f"nsu=urn:labline:simulator;s={name}", equipment_id="R1",
            unit=info.unit, validated=None, max_age_ns=seconds_to_ns(5.0),
        )
        for name, info in TAGS.items()
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Aligned rows of all models, in time order: features per model, laboratory values per analyte."""

    features: dict[str, NDArray[np.float64]]
    values: dict[str, NDArray[np.float64]]


def simulate(*, seed: int, minutes: float, sample_every_seconds: float) -> Rows:
    """Run the plant through an experiment and return the aligned rows."""
    plant, moves = Plant(seed), random.Random(f"{seed}/experiment")
    laboratory = random.Random(f"{seed}/laboratory")
    tags = tag_definitions()
    rings = Rings(dict.fromkeys(tags, "plc1"), capacity=400)
    features: dict[str, list[tuple[float, ...]]] = {recipe.name: [] for recipe in RECIPES}
    values: dict[str, list[float]] = {recipe.name: [] for recipe in RECIPES}
    next_move, next_sample = 10.0, FIRST_SAMPLE_SECONDS
    ticks = int(minutes * 60 / SAMPLING_SECONDS)
    for tick in track(range(1, ticks + 1), description="simulating"):
        now_seconds = tick * SAMPLING_SECONDS
        plant.advance(now_seconds)
        now_ns = BEGIN_NS + seconds_to_ns(now_seconds)
        samples = [
            TagSample(tag=tag, value=value, status=0, source_ns=now_ns, server_ns=now_ns)
            for tag, value in plant.measure().items()
        ]
        rings.add_notification("plc1", samples, confirmed_ns=now_ns)
        if now_seconds >= next_move:
            for setpoint, (middle, spread, low, high) in EXPERIMENT.items():
                plant.setpoints[setpoint] = min(high, max(low, moves.gauss(middle, spread)))
            next_move = now_seconds + moves.uniform(4.0, 20.0)
        if now_seconds >= next_sample:
            truth = plant.truth()
            for recipe in RECIPES:
                definitions = inputs_of(recipe)
                windows = rings.windows(window_request(item, now_ns) for item in definitions)
                vector = feature_vector(definitions, read_inputs(definitions, tags, windows, now_ns), now_ns)
                if vector is None:
                    raise SystemExit(f"a feature of {recipe.name} has no value at {now_seconds} s")
                error = laboratory.gauss(0.0, LABORATORY_ERROR[recipe.name])
                features[recipe.name].append(vector.values)
                values[recipe.name].append(float(getattr(truth, recipe.name)) + error)
            next_sample = now_seconds + sample_every_seconds
    return Rows(
        features={name: np.array(rows) for name, rows in features.items()},
        values={name: np.array(column) for name, column in values.items()},
    )


def learned_ranges(
    definitions: tuple[InputDefinition, ...], learned: NDArray[np.float64]
) -> tuple[InputDefinition, ...]:
    """Return the inputs with the ranges that the model has seen: it is valid nowhere else."""
    return tuple(
        replace(item, validated=(float(np.floor(low * 1000) / 1000), float(np.ceil(high * 1000) / 1000)))
        for item, low, high in zip(definitions, learned.min(axis=0), learned.max(axis=0), strict=True)
    )


def r_squared(values: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the coefficient of determination."""
    return float(1 - np.sum((values - predicted) ** 2) / np.sum((values - values.mean()) ** 2))


def make(recipe: Recipe, rows: Rows, *, seed: int, folder: Path) -> dict[str, float]:
    """Fit one model, write its bundle below ``folder`` and return its figures on the test part."""
    definitions = inputs_of(recipe)
    x, y = rows.features[recipe.name], rows.values[recipe.name]
    lower = np.array([item.validated[0] for item in definitions])
    upper = np.array([item.validated[1] for item in definitions])
    valid = ((x >= lower) & (x <= upper)).all(axis=1) & (y > recipe.output_valid[0]) & (y < recipe.output_valid[1])
    x, y = x[valid], y[valid]
    train, calibrate = int(0.6 * len(x)), int(0.8 * len(x))
    definitions = learned_ranges(definitions, x[:train])
    model: Pipeline = make_pipeline(
        StandardScaler(), PolynomialFeatures(recipe.degree, include_bias=False), Ridge(alpha=1.0)
    )
    model.fit(x[:train], y[:train])
    onnx = to_onnx(
        model, initial_types=[("features", DoubleTensorType([None, len(definitions)]))], target_opset=17
    ).SerializeToString()
    predict = load_model(onnx, inputs=len(definitions), columns=1, where=recipe.name)
    disagreement = float(np.max(np.abs(predict(x)[:, 0] - model.predict(x))))
    if disagreement > 1e-6:
        raise SystemExit(f"{recipe.name}: ONNX and the fitted model differ by {disagreement:g}")
    half_width = split_conformal_half_width(y[train:calibrate] - predict(x[train:calibrate])[:, 0], coverage=COVERAGE)
    if half_width is None:
        raise SystemExit(f"{recipe.name}: too few rows to calibrate an interval")
    tested, truth = predict(x[calibrate:])[:, 0], y[calibrate:]
    figures = {
        "r2": r_squared(truth, tested),
        "rmse": float(np.sqrt(np.mean((truth - tested) ** 2))),
        "coverage": float(np.mean(np.abs(truth - tested) <= half_width)),
        "half_width": half_width,
        "rows": float(len(x)),
    }
    residuals = np.abs(y[train:calibrate] - predict(x[train:calibrate])[:, 0])
    reference = reference_json(
        fit_domain(x[:train], alpha=DOMAIN_ALPHA),
        [item.name for item in definitions],
        rows=train,
        residuals={recipe.name: residuals.tolist()},
    )
    write(recipe, definitions, onnx, reference, x, predict, figures, seed=seed, folder=folder,
          calibration_rows=calibrate - train, data=np.column_stack([x, y]))  # fmt: skip
    return figures


def write(recipe, definitions, onnx, reference, x, predict, figures, *, seed, folder, calibration_rows, data) -> None:  # noqa: ANN001
    """Write the bundle's files and read them back as the gateway will."""
    where = folder / recipe.name / recipe.version
    where.mkdir(parents=True, exist_ok=True)
    chosen = np.linspace(0, len(x) - 1, 25).astype(int)
    golden = golden_csv(tuple(item.name for item in definitions), x[chosen], predict(x[chosen]))
    files = {MODEL: onnx, GOLDEN: golden, CARD: card(recipe, figures, seed).encode(), REFERENCE: reference}
    manifest = manifest_text(recipe, definitions, figures, files, seed=seed, calibration_rows=calibration_rows,
                             data_sha256=hashlib.sha256(data.tobytes()).hexdigest())  # fmt: skip
    files[MANIFEST] = manifest.encode()
    for name, content in files.items():
        (where / name).write_bytes(content)
    bundle = read_bundle(files, where=str(where))
    check_golden(files, bundle, predict, where=str(where))


def manifest_text(recipe, definitions, figures, files, *, seed, calibration_rows, data_sha256) -> str:  # noqa: ANN001
    """Return ``bundle.toml``."""

    def pair(limits: tuple[float, float]) -> str:
        return f"[{limits[0]!r}, {limits[1]!r}]"

    inputs = "\n".join(
        f'[[input]]\nname = "{item.name}"\ntag = "{item.tag}"\naggregate = "{item.aggregate}"\n'
        f"window_seconds = {item.window_ns / SECOND_NS!r}\nlag_seconds = {item.lag_ns / SECOND_NS!r}\n"
        f'unit = "{item.unit}"\nvalidated = {pair(item.validated)}\nminimum_coverage = {item.minimum_coverage!r}\n'
        for item in definitions
    )
    gains = ", ".join(f'"{item.name}" = 1.0' for item in definitions if item.tag == recipe.follows)
    hashes = "\n".join(f'"{name}" = "{hashlib.sha256(files[name]).hexdigest()}"' for name in sorted(files))
    return f"""name = "{recipe.name}"
version = "{recipe.version}"
intended_use = "{recipe.intended_use}"

{inputs}
[[output]]
analyte = "{recipe.name}"
unit = "{recipe.unit}"
valid = {pair(recipe.output_valid)}

[output.interval]
method = "split_conformal"
coverage = {COVERAGE}
half_width = {figures["half_width"]!r}
calibration_rows = {calibration_rows}

[training]
data_sha256 = "{data_sha256}"
period = "simulated, with the setpoints moved at random"
rows = {int(figures["rows"])}
recipe = "models/reactor_recipe.py"
seed = {seed}

[[acceptance]]
figure = "R2 on the last fifth"
criterion = ">= {recipe.criterion_r2}"
reached = {round(figures["r2"], 4)}

[[acceptance]]
figure = "coverage of the 90 % interval on the last fifth"
criterion = "0.87 to 0.93"
reached = {round(figures["coverage"], 4)}

[[manipulated]]
tag = "{recipe.setpoint}"
unit = "{TAGS[recipe.setpoint].unit}"
validated = {pair(recipe.setpoint_valid)}
max_step = {recipe.max_step!r}
resolution = {recipe.resolution!r}
minimum_interval_seconds = 6.0
gains = {{ {gains} }}

[files]
{hashes}
"""


def card(recipe: Recipe, figures: dict[str, float], seed: int) -> str:
    """Return the model card."""
    return f"""# {recipe.name} {recipe.version}

{recipe.intended_use}

- Made by `models/reactor_recipe.py`, seed {seed}, {int(figures["rows"])} rows of the simulated reactor.
- Polynomial ridge regression (degree {recipe.degree}) on time-weighted means of
  {", ".join(tag for tag, _ in recipe.causes)}.
- Last fifth of the period, not used for fitting or calibration: R2 {figures["r2"]:.3f},
  root mean square error {figures["rmse"]:.3f} {recipe.unit} (laboratory error included),
  {figures["coverage"]:.1%} of the values inside the 90 % interval of +-{figures["half_width"]:.3f} {recipe.unit}.
- Golden vectors are exact with onnxruntime {runtime_version()}.
- Not for other reactors, products or ranges than stated in `bundle.toml`.
"""


def main() -> None:
    """Make both bundles."""
    parser = argparse.ArgumentParser(description="make the demo reactor's model bundles")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--minutes", type=float, default=150.0)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    rows = simulate(seed=arguments.seed, minutes=arguments.minutes, sample_every_seconds=1.5)
    missed = 0
    for recipe in RECIPES:
        figures = make(recipe, rows, seed=arguments.seed, folder=arguments.folder)
        print(recipe.name, {name: round(value, 4) for name, value in figures.items()})
        missed += figures["r2"] < recipe.criterion_r2
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
