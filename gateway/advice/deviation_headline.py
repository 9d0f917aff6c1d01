"""What failed, in a line: the number and the limit, and of what. Pure."""

from gateway.advice.document_texts import DocumentText, sentence
from gateway.lab.conformity_reasons import ConformityReason
from gateway.lab.deviations import (
    AnalyteSeries,
    Deviation,
    DeviationScope,
    FailedResult,
)
from gateway.lab.disposition import OUT_OF_LINE, OUT_OF_TREND
from gateway.lab.phrases import limits_text
from gateway.texts.catalogue import number_in_text, unit_in_text


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
    results, newest = results_of(deviation), deviation.result
    first = next((result for result in results if not is_mended(result)), results[0])
    more, product = deviation.result_count - 1, newest.material_definition_id
    if deviation.scope is DeviationScope.LOT:
        code = DocumentText.TITLE_OF_LOT_AND_MORE if more else DocumentText.TITLE_OF_LOT
        lot = newest.material_lot_id or first.material_lot_id or "-"
        return sentence(code, headline=headline(first), count=more, lot=lot)
    if more:
        code = DocumentText.TITLE_OF_SERIES if product is None else DocumentText.TITLE_OF_SERIES_OF_PRODUCT
        count = deviation.result_count
        return sentence(code, test=first.test_id, product=product, count=count, headline=headline(first))
    code = DocumentText.TITLE_OF_SAMPLE if product is None else DocumentText.TITLE_OF_SAMPLE_OF_PRODUCT
    return sentence(code, headline=headline(first), sample=first.sample_id, product=product)


def headline(result: FailedResult) -> str:
    """Return a result with the limit that it broke: ``Viscosity 110.0 mPa.s above 105 mPa.s``."""
    shown = f"{result.test_id} {value_of(result)}"
    for reason in result.reasons:
        known = reason.parameters
        if reason.code == ConformityReason.OUT_OF_SPECIFICATION.value and {"side", "limit"} <= known.keys():
            code = DocumentText.HEADLINE_ABOVE if "above" in str(known["side"]) else DocumentText.HEADLINE_BELOW
            limit = number_in_text(f"{known['limit']:g}")
            return sentence(code, result=shown, limit=f"{limit}{_unit_after(known.get('unit'), result)}")
        if reason.code == ConformityReason.OUT_OF_REVIEW_BAND.value and {"percent", "low", "high"} <= known.keys():
            band = {name: known[name] for name in ("percent", "low", "high")}
            return sentence(DocumentText.HEADLINE_OFF_TARGET, result=shown, **band)
        if reason.code in {OUT_OF_TREND, OUT_OF_LINE}:
            return sentence(DocumentText.HEADLINE_OUT_OF_TREND, result=shown)
    if result.was:
        return sentence(DocumentText.HEADLINE_CORRECTED, result=shown, values=", ".join(result.was))
    return sentence(DocumentText.HEADLINE_WITHDRAWN, result=shown)


def is_mended(result: FailedResult) -> bool:
    """Return whether a result is inside since a correction, or withdrawn."""
    return not result.failed and not any(reason.code in {OUT_OF_TREND, OUT_OF_LINE} for reason in result.reasons)


def value_of(result: FailedResult) -> str:
    """Return a result's value as the laboratory wrote it, with its unit unless that only says the test again (pH)."""
    written = result.value_text if result.value is None else number_in_text(result.value_text)
    return f"{written}{_unit_after(result.unit, result)}"


def _unit_after(unit: str | None, result: FailedResult) -> str:
    bare = (unit or "").strip()
    shown = unit_in_text(bare, result.test_id, result.analyte)
    return f" {shown}" if shown else ""
