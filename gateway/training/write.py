"""A trained model as a bundle's files. The same model gives the same bytes: nothing in them says when or where."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from gateway.contract.identity import sha256_hex
from gateway.errors import LablineError
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
from gateway.inference.manifest import BundleManifest
from gateway.line.definition import Widening
from gateway.time_units import SECOND_NS
from gateway.training.figures import COVERAGE, DOMAIN, PARITY, RESIDUALS, figures_of
from gateway.training.reaction import COVERAGE as REACTION_COVERAGE
from gateway.training.recipe import Recipe
from gateway.training.setpoints import Setpoint, reaction_text
from gateway.training.train import Trained, data_sha256
from gateway.transport.onnx import runtime_version

_GOLDEN_ROWS = 25


def bundle_of(trained: Trained, *, recipe_name: str) -> dict[str, bytes]:
    """Return the files of a trained model's bundle, read back and held as the gateway will; raises LablineError."""
    recipe, names = trained.recipe, tuple(item.name for item in trained.inputs)
    rows = trained.rows.features[trained.made_from]
    chosen = rows[np.linspace(0, len(rows) - 1, _GOLDEN_ROWS).astype(int)]
    residuals = {recipe.output.analyte: list(trained.output.residuals or ())}
    files = {
        MODEL: trained.onnx,
        GOLDEN: golden_csv(names, chosen, trained.predict(chosen)),
        REFERENCE: reference_json(trained.domain, names, rows=len(rows), residuals=residuals),
        CARD: card(trained).encode(),
        **figures_of(trained),
    }
    hashes = {name: sha256_hex(content) for name, content in sorted(files.items())}
    manifest = BundleManifest.model_validate(_manifest(trained, recipe_name) | {"files": hashes})
    files[MANIFEST] = tomli_w.dumps(manifest.model_dump(mode="json", exclude_none=True)).encode()
    read_back = read_bundle(files, where=recipe.name)
    check_golden(files, read_back, trained.predict, where=recipe.name)
    return files


def write_bundle(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a bundle's files into a folder that is not there yet; raises LablineError."""
    try:
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except FileExistsError as error:
        hint = "a version is never written over: raise the recipe's version, or name another place"
        raise LablineError(f"{folder} is there already", hint=hint) from error
    except OSError as error:
        raise LablineError(f"{folder} cannot be written: {error.strerror}", hint="is there space and right?") from error


def _manifest(trained: Trained, recipe_name: str) -> dict[str, Any]:
    recipe, output = trained.recipe, trained.output
    return {
        "name": recipe.name,
        "version": recipe.version,
        "intended_use": recipe.intended_use,
        "input": [
            {
                "name": item.name,
                "tag": item.tag,
                "aggregate": item.aggregate.value,
                "window_seconds": item.window_ns / SECOND_NS,
                "lag_seconds": item.lag_ns / SECOND_NS,
                "unit": item.unit,
                "validated": item.validated,
                "minimum_coverage": item.minimum_coverage,
            }
            for item in trained.inputs
        ],
        "output": [
            {
                "analyte": recipe.output.analyte,
                "unit": recipe.output.unit,
                "valid": recipe.output.valid,
                "interval": {
                    "method": "cross_conformal",
                    "coverage": output.coverage,
                    "half_width": output.half_width,
                    "calibration_rows": len(output.residuals or ()),
                    **_widening(output.widening),
                },
                "drift": {"sigma": output.sigma},
                **_optional(trained),
            }
        ],
        "training": {
            "data_sha256": data_sha256(trained),
            "period": f"{trained.rows.names[0]} to {trained.rows.names[trained.made_from.stop - 1]}",
            "rows": trained.made_from.stop,
            "recipe": recipe_name,
            "seed": recipe.seed,
        },
        "acceptance": [each for each, _met in acceptance_of(trained)],
        "manipulated": [_manipulated(setpoint) for setpoint in trained.setpoints],
    }


def _manipulated(setpoint: Setpoint) -> dict[str, Any]:
    table, data = setpoint.table, setpoint.data_reaction
    return {
        "tag": table.tag,
        "unit": table.unit,
        "validated": table.validated,
        "max_step": table.max_step,
        "resolution": table.resolution,
        "minimum_interval_seconds": table.minimum_interval_seconds,
        "gains": dict(setpoint.gains),
        "interlocks": [lock.model_dump(exclude_none=True) for lock in table.interlocks],
        "suggest": setpoint.may_suggest,
        "reaction": {
            "verdict": setpoint.verdict.name.lower(),
            "model": setpoint.model_reaction,
            "data": None if data is None else data.value,
            "low": None if data is None else data.low,
            "high": None if data is None else data.high,
            "coverage": REACTION_COVERAGE,
            "rows": setpoint.rows,
        },
    }


def _widening(widening: Widening | None) -> dict[str, Any]:
    if widening is None:
        return {}
    ages = [age_ns / SECOND_NS for age_ns in widening.ages_ns]
    found = {"age_seconds": ages, "factor": list(widening.factors), "uncorrected": widening.uncorrected}
    return {"widening": found}


def _optional(trained: Trained) -> dict[str, Any]:
    output, found = trained.output, dict[str, Any]()
    if output.bias is not None:
        half_life_ns = output.bias.half_life_ns
        found["bias"] = {
            "trust": output.bias.trust,
            "max_step": output.bias.max_step,
            "max_total": output.bias.max_total,
            "max_age_seconds": output.bias.max_age_ns / SECOND_NS,
            "half_life_seconds": None if half_life_ns is None else half_life_ns / SECOND_NS,
        }
    if output.adaptive is not None:
        found["adaptive"] = {
            "rate": output.adaptive.rate,
            "min_coverage": output.adaptive.min_coverage,
            "max_coverage": output.adaptive.max_coverage,
        }
    return found


def acceptance_of(trained: Trained) -> list[tuple[dict[str, Any], bool]]:
    """Return each criterion that the recipe has agreed on, with what was reached, and whether it is met."""
    wanted, figures, found = trained.recipe.acceptance, trained.figures, list[tuple[dict[str, Any], bool]]()

    def add(figure: str, criterion: str, reached: float, *, met: bool) -> None:
        found.append(({"figure": figure, "criterion": criterion, "reached": round(reached, 4)}, met))

    if wanted.minimum_r2 is not None:
        reached = figures["r2_as_served"]
        add("R2 on the test rows, as served", f">= {wanted.minimum_r2}", reached, met=reached >= wanted.minimum_r2)
    if wanted.coverage is not None:
        (low, high), reached = wanted.coverage, figures["coverage"]
        add("coverage of the interval on the test rows", f"{low} to {high}", reached, met=low <= reached <= high)
    if wanted.minimum_accepted_share is not None:
        share, reached = wanted.minimum_accepted_share, figures["accepted_share"]
        add("share of the test rows that the gates accept", f">= {share}", reached, met=reached >= share)
    return found


def card(trained: Trained) -> str:
    """Return the model card."""
    recipe, figures = trained.recipe, trained.figures
    compared = "\n".join(
        f"| {each.kind} | {each.r2:.3f} | {each.r2_as_served:.3f} | {each.error_as_served:.4g} |"
        for each in trained.compared
    )
    criteria = "\n".join(
        f"| {each['figure']} | {each['criterion']} | {each['reached']} | {'met' if met else 'NOT MET'} |"
        for each, met in acceptance_of(trained)
    )
    return f"""# {recipe.name} {recipe.version}

{recipe.intended_use}

{trained.rows.about}.
"As served" means: with the correction by the values that had arrived.

## Choice, by blocked cross-validation on the rows before the test

| kind | R2 by itself | R2 as served | error as served |
|---|---|---|---|
{compared}

Chosen: {trained.chosen.kind}{_correction(recipe, trained)}.

## The test rows, which took no part in any of it

| figure | value |
|---|---|
| rows | {figures["test_rows"]:.0f} |
| R2 by itself | {figures["r2_by_itself"]:.3f} |
| R2 as served, all rows | {figures["r2_as_served"]:.3f} |
| R2 as served, accepted rows | {figures["r2_accepted"]:.3f} |
| root mean square error as served | {figures["rmse_as_served"]:.4g} {recipe.output.unit} |
| accepted by the gates | {figures["accepted_share"]:.1%} |
| inside the {trained.output.coverage:.0%} interval, all rows | {figures["coverage"]:.1%} |
| mean half width | {figures["mean_half_width"]:.4g} {recipe.output.unit} |

![said against measured]({PARITY})

![errors over time]({RESIDUALS})

![share inside the interval]({COVERAGE})

![distance from what was learned]({DOMAIN})

{_setpoints(trained)}## Acceptance

| figure | criterion | reached | |
|---|---|---|---|
{criteria}

Golden vectors are exact with onnxruntime {runtime_version()}. Not for inputs outside the ranges in `bundle.toml` or the
domain in `reference.json`.
"""


def _setpoints(trained: Trained) -> str:
    """Return the card's section about setpoints; empty where the model moves none."""
    if not trained.setpoints:
        return ""
    recipe = trained.recipe
    rows = "\n".join(
        f"| {each.table.tag} | {each.table.validated[0]:g} to {each.table.validated[1]:g} {each.table.unit} | "
        f"{_span(each.covered)} | {_followers(each)} | {reaction_text(each, recipe)} | {each.verdict.value} | "
        f"{'yes' if each.may_suggest else 'NO'} |"
        for each in trained.setpoints
    )
    open_ones = [each.table.tag for each in trained.setpoints if each.table.effect is None]
    directions = "" if not open_ones else (
        f"\nThe recipe does not say in which direction {', '.join(open_ones)} acts (`effect`): rows in which people\n"
        "moved it in answer to the analyte may show that reversed."
    )  # fmt: skip
    warnings = "".join(f"- Warning: {warning}\n" for warning in trained.warnings)
    return f"""## Setpoints that it may suggest to move

What the model says of a move is held against what the rows before the test show of the setpoint itself, beyond what the
inputs that do not follow it explain, over blocks of time that were left out. Reactions are settled ones.{directions}

| setpoint | validated | stood in the data at | follows it | reaction | verdict | suggests moves |
|---|---|---|---|---|---|---|
{rows}

{warnings}
"""


def _span(covered: tuple[float, float] | None) -> str:
    return "not known" if covered is None else f"{covered[0]:.4g} to {covered[1]:.4g}"


def _followers(setpoint: Setpoint) -> str:
    told = [f"{each.tag} by {each.value:.4g} ({each.source})" for each in setpoint.followers]
    told += [f"{name} by {gain:g} (declared)" for name, gain in setpoint.table.gains.items() if name in setpoint.gains]
    return ", ".join(told) or "nothing"


def _correction(recipe: Recipe, trained: Trained) -> str:
    bias = trained.chosen.bias
    if bias is None:
        return ", never corrected"
    rows = "" if bias.half_life_ns is None else (
        f", fading to half in {bias.half_life_ns / SECOND_NS / recipe.period_seconds:g} rows"
    )  # fmt: skip
    return f", corrected with a trust of {bias.trust:g}{rows}"
