"""What a bundle says of its outputs: from the tables of ``bundle.toml`` and ``reference.json``. Pure."""

from dataclasses import replace

from gateway.errors import BundleRefusedError
from gateway.inference.correction_tables import BiasTable, CorrectionTable, DriftTable, ProportionalTable, WideningTable
from gateway.inference.manifest import Kind, OutputTable, ReferenceTable
from gateway.line.outputs import (
    AdaptiveLimits,
    BiasLimits,
    DriftLimits,
    FunctionSpaceLimits,
    ModelOutput,
    ProbabilityOutput,
    ProportionalWidth,
    TrackedLimits,
    ValueOutput,
    Widening,
)
from gateway.time_units import seconds_to_ns


def outputs_of(tables: list[OutputTable], reference: ReferenceTable, where: str) -> tuple[ModelOutput, ...]:
    """Return the outputs by analyte; columns are numbered as the tables stand."""
    outputs, residuals = dict[str, ModelOutput](), reference.residuals
    for column, table in enumerate(tables):
        known = outputs.setdefault(table.analyte, ModelOutput(analyte=table.analyte, unit=table.unit))
        if known.unit != table.unit:
            raise BundleRefusedError(
                f"{where}/bundle.toml: {table.analyte} is given in {known.unit} and in {table.unit}"
            )
        if table.interval is not None and table.kind is Kind.VALUE:
            value = ValueOutput(
                column=column,
                valid=table.valid,
                coverage=table.interval.coverage,
                half_width=table.interval.half_width,
                max_half_width=table.interval.max_half_width,
                residuals=tuple(sorted(residuals[table.analyte])) if table.analyte in residuals else None,
                sigma=None if table.drift is None else table.drift.sigma,
                bias=_bias(table.bias),
                widening=_widening(table.interval.widening),
                adaptive=None if table.adaptive is None else AdaptiveLimits(**table.adaptive.model_dump()),
                function_space=_function_space(table.correction, reference, where),
                tracked=None if table.tracked is None else TrackedLimits(**table.tracked.model_dump()),
                charts=_charts(table.drift),
                proportional=_proportional(table.interval.proportional),
            )
            if table.adaptive is not None and not residuals.get(table.analyte):
                raise BundleRefusedError(f"{where}/reference.json has no residuals of {table.analyte} to adapt by")
            outputs[table.analyte] = replace(known, value=value)
        elif table.warn_at is not None:
            probability = ProbabilityOutput(column=column, warn_at=table.warn_at)
            outputs[table.analyte] = replace(known, probability=probability)
    return tuple(outputs.values())


def _widening(table: WideningTable | None) -> Widening | None:
    if table is None:
        return None
    return Widening(
        ages_ns=tuple(seconds_to_ns(age) for age in table.age_seconds),
        factors=tuple(table.factor),
        uncorrected=table.uncorrected,
    )


def _proportional(table: ProportionalTable | None) -> ProportionalWidth | None:
    return None if table is None else ProportionalWidth(**table.model_dump())


def _bias(table: BiasTable | None) -> BiasLimits | None:
    if table is None:
        return None
    return BiasLimits(
        trust=table.trust,
        max_step=table.max_step,
        max_total=table.max_total,
        max_age_ns=seconds_to_ns(table.max_age_seconds),
        half_life_ns=None if table.half_life_seconds is None else seconds_to_ns(table.half_life_seconds),
        per_product=table.per == "product",
    )


def _function_space(table: CorrectionTable | None, reference: ReferenceTable, where: str) -> FunctionSpaceLimits | None:
    if table is None:
        return None
    inputs = reference.inputs
    if inputs is None or not len(inputs.center) == len(inputs.scale) == len(reference.domain.inputs):
        raise BundleRefusedError(f"{where}/reference.json does not say how inputs are standardised for the correction")
    return FunctionSpaceLimits(
        tau_ns=seconds_to_ns(table.tau_seconds),
        memory_ns=seconds_to_ns(table.memory_seconds),
        length=table.length,
        weight=table.weight,
        noise=table.noise,
        max_residual=table.max_residual,
        max_total=table.max_total,
        max_age_ns=seconds_to_ns(table.max_age_seconds),
        most_results=table.most_results,
        center=tuple(inputs.center),
        scale=tuple(inputs.scale),
    )


def _charts(table: DriftTable | None) -> DriftLimits:
    if table is None:
        return DriftLimits()
    return DriftLimits(winsorise=table.winsorise, ewma_width=table.ewma_limit, cusum_decision=table.cusum_limit)
