"""What failed, in a line: the number and the limit, and of what. Pure."""

from gateway.advice.document_rows import counted
from gateway.lab.conformity_reasons import ConformityReason
from gateway.lab.deviations import (
    AnalyteSeries,
    Deviation,
    DeviationScope,
    FailedResult,
)
from gateway.lab.disposition import OUT_OF_LINE, OUT_OF_TREND
from gateway.lab.phrases import limits_text


def results_of(deviation: Deviation) -> tuple[FailedResult, ...]:
    """Return the results that belong to a deviation; of one of an earlier version of the gateway its only one."""
    if deviation.results:
        return deviation.results
    result, specification = deviation.result, deviation.specification
    return (
        FailedResult(
            result_id=result.result_id,
            sample_id=result.sample_id,
            test_id=result.test_id,
            analyte=result.analyte,
            replicate=result.replicate,
            value_text=result.value_text,
            value=result.value,
            unit=result.unit,
            material_lot_id=result.material_lot_id,
            sampled_ns=result.sampled_ns,
            joined_ns=deviation.at_ns,
            limits="" if specification is None else limits_text(specification),
            reasons=deviation.reasons,
            failed=True,
        ),
    )


def series_of(deviation: Deviation) -> tuple[AnalyteSeries, ...]:
    """Return the series of the analytes that failed; of a draft of an earlier version of the gateway its only one."""
    if deviation.series or not deviation.history:
        return deviation.series
    result, limits = deviation.result, deviation.specification
    only = AnalyteSeries(
        analyte=result.analyte,
        test_id=result.test_id,
        unit=result.unit,
        lower=None if limits is None else limits.lower,
        upper=None if limits is None else limits.upper,
        limits="" if limits is None else limits_text(limits),
        points=deviation.history,
    )
    return (only,)


def title_of(deviation: Deviation) -> str:
    """Return what it is about in a line: the number and the limit, and of what."""
    results = results_of(deviation)
    first = next((each for each in results if not is_mended(each)), results[0])
    more = deviation.result_count - 1
    result = deviation.result
    if deviation.scope is DeviationScope.LOT:
        others = f" and {counted(more, 'more result')}" if more else ""
        return f"{headline(first)}{others}, lot {result.material_lot_id or first.material_lot_id or '-'}"
    of_product = "" if result.material_definition_id is None else f" of {result.material_definition_id}"
    if more:
        return f"{first.test_id}{of_product}: {deviation.result_count} results, first {headline(first)}"
    return f"{headline(first)}, sample {first.sample_id}{of_product}"


def headline(result: FailedResult) -> str:
    """Return a result with the limit that it broke: ``Viscosity 110.0 mPa.s above 105 mPa.s``."""
    shown = f"{result.test_id} {value_of(result)}"
    for reason in result.reasons:
        known = reason.parameters
        if reason.code == ConformityReason.OUT_OF_SPECIFICATION.value and {"side", "limit"} <= known.keys():
            side = "above" if "above" in str(known["side"]) else "below"
            return f"{shown} {side} {known['limit']:g}{_unit_after(known.get('unit'), result)}"
        if reason.code == ConformityReason.OUT_OF_REVIEW_BAND.value and {"percent", "low", "high"} <= known.keys():
            return f"{shown}, {known['percent']:.1f} % of target, allowed {known['low']:g} to {known['high']:g} %"
        if reason.code in {OUT_OF_TREND, OUT_OF_LINE}:
            return f"{shown} out of trend"
    return f"{shown}, corrected from {', '.join(result.was)}" if result.was else f"{shown}, withdrawn"


def is_mended(result: FailedResult) -> bool:
    """Return whether a result is inside since a correction, or withdrawn."""
    return not result.failed and not any(reason.code in {OUT_OF_TREND, OUT_OF_LINE} for reason in result.reasons)


def value_of(result: FailedResult) -> str:
    """Return a result's value as the laboratory wrote it, with its unit unless that only says the test again (pH)."""
    return f"{result.value_text}{_unit_after(result.unit, result)}"


def _unit_after(unit: str | None, result: FailedResult) -> str:
    bare = (unit or "").strip()
    return "" if not bare or bare.casefold() == result.test_id.casefold() else f" {bare}"
