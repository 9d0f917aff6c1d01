"""A trained model's manifest: the contents of bundle.toml."""

from dataclasses import asdict
from typing import Any

from gateway.line.definition import InputDefinition
from gateway.line.outputs import FunctionSpaceLimits, Widening
from gateway.time_units import SECOND_NS
from gateway.training.acceptance import acceptance_of
from gateway.training.reaction import COVERAGE as REACTION_COVERAGE
from gateway.training.setpoint_findings import Setpoint
from gateway.training.trained_model import Trained, data_sha256


def manifest_of(trained: Trained, recipe_name: str) -> dict[str, Any]:
    """Return the manifest without the hashes of the files, by the keys of ``BundleManifest``."""
    recipe = trained.recipe
    return {
        "name": recipe.name,
        "version": recipe.version,
        "intended_use": recipe.intended_use,
        "input": [_input(item) for item in trained.inputs],
        "output": [_output(trained)],
        "training": {
            "data_sha256": data_sha256(trained),
            "period": f"{trained.rows.names[0]} to {trained.rows.names[trained.made_from.stop - 1]}",
            "rows": trained.made_from.stop,
            "recipe": recipe_name,
            "seed": recipe.seed,
        },
        "acceptance": [criterion for criterion, _met in acceptance_of(trained)],
        "manipulated": [_manipulated(setpoint) for setpoint in trained.setpoints],
        **({} if trained.outside is None else {"outside": asdict(trained.outside)}),
    }


def _input(item: InputDefinition) -> dict[str, Any]:
    return {
        "name": item.name,
        "tag": item.tag,
        "aggregate": item.aggregate.value,
        "window_seconds": item.window_ns / SECOND_NS,
        "lag_seconds": item.lag_ns / SECOND_NS,
        "unit": item.unit,
        "validated": item.validated,
        **({} if item.learned is None else {"learned": item.learned}),
        "minimum_coverage": item.minimum_coverage,
        "time_unit_seconds": item.time_unit_seconds,
        **_computed(item),
    }


def _computed(item: InputDefinition) -> dict[str, Any]:
    """Return the keys of an input that is more than an aggregate of one tag over one window; that has none of them."""
    keys = {
        "over": item.over,
        "transform": None if item.transform is None else item.transform.value,
        "smallest_divisor": None if item.over is None and item.transform is None else item.smallest_divisor,
        "difference_seconds": None if item.difference_ns is None else item.difference_ns / SECOND_NS,
        "level": item.level,
        "since": None if item.stretch is None else item.stretch.since,
        "until": None if item.stretch is None else item.stretch.until,
        "category": None if item.category is None else asdict(item.category) | {"levels": list(item.category.levels)},
    }
    return {key: value for key, value in keys.items() if value is not None}


def _output(trained: Trained) -> dict[str, Any]:
    table, output = trained.recipe.output, trained.output
    return {
        "analyte": table.analyte,
        "unit": table.unit,
        "valid": table.valid,
        "interval": {
            "method": "cross_conformal",
            "coverage": output.coverage,
            "half_width": output.half_width,
            "calibration_rows": len(output.residuals or ()),
            **_widening(output.widening),
            **({} if output.proportional is None else {"proportional": asdict(output.proportional)}),
        },
        "drift": {
            "sigma": output.sigma,
            "winsorise": output.charts.winsorise,
            "ewma_limit": output.charts.ewma_width,
            "cusum_limit": output.charts.cusum_decision,
        },
        **_optional(trained),
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
    return {
        "widening": {"age_seconds": ages, "factor": list(widening.factors), "uncorrected": widening.uncorrected},
    }


def _optional(trained: Trained) -> dict[str, Any]:
    output, tables = trained.output, dict[str, Any]()
    if output.bias is not None:
        half_life_ns = output.bias.half_life_ns
        tables["bias"] = {
            "trust": output.bias.trust,
            "max_step": output.bias.max_step,
            "max_total": output.bias.max_total,
            "max_age_seconds": output.bias.max_age_ns / SECOND_NS,
            "half_life_seconds": None if half_life_ns is None else half_life_ns / SECOND_NS,
            "per": "product" if output.bias.per_product else None,
        }
    if output.function_space is not None:
        tables["correction"] = _function_space(output.function_space)
    if output.tracked is not None:
        tables["tracked"] = asdict(output.tracked)
    if output.adaptive is not None:
        tables["adaptive"] = {
            "rate": output.adaptive.rate,
            "min_coverage": output.adaptive.min_coverage,
            "max_coverage": output.adaptive.max_coverage,
        }
    return tables


def _function_space(limits: FunctionSpaceLimits) -> dict[str, Any]:
    return {
        "kind": "function_space",
        "tau_seconds": limits.tau_ns / SECOND_NS,
        "memory_seconds": limits.memory_ns / SECOND_NS,
        "length": limits.length,
        "weight": limits.weight,
        "noise": limits.noise,
        "max_residual": limits.max_residual,
        "max_total": limits.max_total,
        "max_age_seconds": limits.max_age_ns / SECOND_NS,
        "most_results": limits.most_results,
    }
