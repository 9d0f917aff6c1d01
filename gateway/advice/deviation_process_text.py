"""What a deviation's document says of the process before the sample: how it was compared, tags, causes. Pure."""

from gateway.advice.document_rows import Row
from gateway.advice.document_texts import DocumentText, sentence
from gateway.advice.plant_times import duration
from gateway.lab.cause_names import shown_name
from gateway.lab.cause_sentences import figure, sigmas_text
from gateway.lab.causes import FEWEST_REFERENCES, UNUSUAL, Cause, CauseKind
from gateway.lab.deviations import (
    Basis,
    Comparison,
    Deviation,
    Trace,
)
from gateway.texts.catalogue import number_in_text, unit_in_text

_BY_CHANCE = 0.0455  # of a normal distribution lies beyond two sigmas


def comparison_text(deviation: Deviation) -> tuple[str, ...]:
    """Return how the process was compared, or why it could not be."""
    known, product = deviation.comparison, deviation.result.material_definition_id
    if known is None:
        return (sentence(DocumentText.COMPARED, lots=deviation.compared_with),)
    if known.basis is Basis.NO_PROCESS_DATA:
        return (_no_process_data(deviation),)
    if known.basis is Basis.TOO_FEW_LOTS:
        return _too_few(known, product)
    if known.basis is Basis.SAME_STAGE:
        code = DocumentText.COMPARED_AT_SAME_STAGE
    elif known.begins_with_lot:
        code = DocumentText.COMPARED_WITH_WHOLE_LOTS
    else:
        code = DocumentText.COMPARED_BEGIN_UNKNOWN
    of_product = DocumentText.LOTS_OF_PRODUCT_IN_CONTROL if product else DocumentText.LOTS_IN_CONTROL
    lots = sentence(of_product, lots=known.lots, product=product)
    how = sentence(code, span=_span(known), sample=deviation.result.sample_id, lots=lots)
    return how, sentence(DocumentText.IN_CONTROL), _by_chance(deviation)


def _span(comparison: Comparison) -> str:
    return duration(comparison.until_ns - comparison.from_ns)


def _by_chance(deviation: Deviation) -> str:
    tags = sum(trace.z is not None for trace in deviation.process)
    return sentence(DocumentText.BY_CHANCE, tags=tags, expected=max(_BY_CHANCE * tags, 0.1), sigmas=UNUSUAL)


_TOO_FEW_LOTS = {  # by whether there is one at all, and whether the product is known
    (False, False): DocumentText.NO_LOT_TO_COMPARE,
    (False, True): DocumentText.NO_LOT_OF_PRODUCT_TO_COMPARE,
    (True, False): DocumentText.FEW_LOTS_TO_COMPARE,
    (True, True): DocumentText.FEW_LOTS_OF_PRODUCT_TO_COMPARE,
}


def _too_few(known: Comparison, product: str | None) -> tuple[str, ...]:
    code = _TOO_FEW_LOTS[known.lots > 0, bool(product)]
    return (
        sentence(DocumentText.NOTHING_UNUSUAL_YET),
        sentence(code, count=known.lots, product=product, needed=FEWEST_REFERENCES),
        sentence(DocumentText.PROCESS_AS_IT_WAS, span=_span(known)),
    )


def _no_process_data(deviation: Deviation) -> str:
    if deviation.equipment_id is None:
        return sentence(DocumentText.EQUIPMENT_UNKNOWN)
    return sentence(DocumentText.NO_PROCESS_VALUES, equipment=deviation.equipment_id)


def causes_heading(deviation: Deviation) -> str:
    """Return what stands before the list of causes."""
    if deviation.affected > 1:
        return sentence(DocumentText.CAUSES_OF_LOTS, lots=deviation.affected)
    return sentence(DocumentText.CAUSES)


def cause_text(cause: Cause, deviation: Deviation) -> str:
    """Return a cause as a sentence, with its effect on the analyte where a model knows it."""
    if cause.effect is None:
        return cause.text
    shown = unit_in_text(deviation.result.unit, deviation.result.analyte)
    unit = f" {shown}" if shown else ""
    effect = number_in_text(f"{cause.effect:+.3g}{unit}")
    by_model = sentence(DocumentText.EFFECT_BY_MODEL, analyte=deviation.result.analyte, effect=effect)
    return f"{cause.text} {by_model}"


def cause_row(place: int, cause: Cause) -> Row:
    """Return a cause's row: what it was, what is usual, and how many sigmas lie between."""
    own, z = (cause.affected if cause.own is None else cause.own), (cause.z if cause.own_z is None else cause.own_z)
    if cause.kind != CauseKind.TAG:
        there = sentence(DocumentText.THERE if own else DocumentText.NOT_THERE)
        usual = sentence(DocumentText.THERE_IN, share=cause.usual)
        return Row(cells=(str(place), shown_name(cause.name), there, usual, "-", "-"))
    return Row(
        cells=(
            str(place),
            cause.name,
            _with_unit(own, cause.unit),
            _with_unit(cause.usual, cause.unit),
            _range(cause.low, cause.high, cause.unit),
            sigmas_text(z),
        )
    )


def tag_row(trace: Trace, *, compared: bool) -> Row:
    """Return a tag's row: its mean, and where lots in control lay, or only its range."""
    if compared:
        usual = "-" if trace.usual is None else _with_unit(trace.usual, trace.unit)
        z = "-" if trace.z is None else sigmas_text(trace.z)
        cells = (trace.tag, _with_unit(trace.mean, trace.unit), usual, _range(trace.low, trace.high, trace.unit), z)
        return Row(cells=cells, mark=trace.z is not None and abs(trace.z) >= UNUSUAL)
    values = [value for _at_ns, value in trace.course]
    seen = _range(min(values), max(values), trace.unit) if values else "-"
    return Row(cells=(trace.tag, _with_unit(trace.mean, trace.unit), seen))


def tag_sentence(trace: Trace, comparison: Comparison | None) -> str:
    """Return what a tag's chart shows, with the figures of its row in the table."""
    mean = _with_unit(trace.mean, trace.unit)
    if comparison is None:
        return sentence(DocumentText.MEAN, mean=mean)
    span = _span(comparison)
    if trace.usual is None or trace.z is None:
        return sentence(DocumentText.MEAN_BEFORE_SAMPLE, mean=mean, span=span)
    at_stage = comparison.basis is Basis.SAME_STAGE
    return sentence(
        DocumentText.MEAN_COMPARED_AT_SAME_STAGE if at_stage else DocumentText.MEAN_COMPARED,
        mean=mean,
        span=span,
        sigmas=sigmas_text(trace.z),
        usual=_with_unit(trace.usual, trace.unit),
        lots=comparison.lots,
        range=_range(trace.low, trace.high, trace.unit),
    )


def _with_unit(value: float, unit: str) -> str:
    return f"{figure(value)} {unit_in_text(unit)}" if unit else figure(value)


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low is None or high is None:
        return "-"
    return sentence(DocumentText.RANGE, low=figure(low), high=_with_unit(high, unit))
