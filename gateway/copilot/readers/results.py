"""Answers about results: those of a sample, and the newest of an analyte."""

from gateway.copilot.answers import Answer, number_shown, status_shown
from gateway.copilot.ground import Asking, Ground, lot_link
from gateway.records.laboratory import LabResult
from gateway.store.codec import decode

_MOST_NAMED, _MOST_VALUES = 8, 6


def results_of_sample(ground: Ground, asking: Asking) -> Answer:
    """Say the results of a sample."""
    sample = asking.slots.samples[0]
    rows = ground.reading().rows("copilot_results_of_sample", {"sample_id": sample})
    results = [
        result for result in (decode(LabResult, row["body"]) for row in rows) if ground.sees(result.scope, *result.lots)
    ]
    if not results:
        return ground.nothing(asking.intent, "NO_SAMPLE", sample=sample)
    saying = ground.saying()
    for result in results[:_MOST_NAMED]:
        lot = result.material_lot_id
        saying.say(
            "RESULT",
            test=result.test_id,
            value=number_shown(ground.language, result.value_text, result.unit),
            sample=sample,
            lot=lot or "-",
            status=status_shown(ground.language, result.status),
        )
        saying.fact(result.analyte, result.value if result.value is not None else result.value_text, result.unit)
        saying.source(
            f"lab_result {result.result_id}",
            f"{result.test_id} {result.value_text} {sample}",
            lot_link(lot) if lot else None,
        )
    if len(results) > _MOST_NAMED:
        saying.say("MORE_VALUES", count=len(results) - _MOST_NAMED)
    return saying.answered(asking.intent)


def last_results(ground: Ground, asking: Asking) -> Answer:
    """Say the newest results of an analyte."""
    analyte = asking.slots.analytes[0]
    rows = ground.reading().rows("copilot_last_results", {"analyte": analyte, "most": 200})
    results = [decode(LabResult, row["body"]) for row in rows]
    products = set(asking.slots.products)
    seen = [
        item
        for item in results
        if ground.sees(item.scope, *item.lots)
        and (not products or item.material_definition_id in products)
        and (asking.from_ns is None or (item.sampled_ns or 0) >= asking.from_ns)
    ][:_MOST_VALUES]
    if not seen:
        return ground.nothing(asking.intent, "NO_RESULTS", analyte=analyte)
    saying = ground.saying()
    for result in seen:
        lot = result.material_lot_id
        saying.say(
            "RESULT",
            test=result.test_id,
            value=number_shown(ground.language, result.value_text, result.unit),
            sample=result.sample_id,
            lot=lot or "-",
            status=status_shown(ground.language, result.status),
        )
        saying.fact(analyte, result.value if result.value is not None else result.value_text, result.unit)
        saying.source(
            f"lab_result {result.result_id}", f"{result.test_id} {result.sample_id}", lot_link(lot) if lot else None
        )
    return saying.answered(asking.intent)
