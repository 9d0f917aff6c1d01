"""What a deviation's document says of the process before the sample: how it was compared, tags, causes. Pure."""

from gateway.advice.document_rows import Row
from gateway.advice.plant_times import duration
from gateway.lab.cause_sentences import figure, sigmas_text
from gateway.lab.causes import FEWEST_REFERENCES, UNUSUAL, Cause, CauseKind
from gateway.lab.deviations import (
    Basis,
    Comparison,
    Deviation,
    Trace,
)

_BY_CHANCE = 0.0455  # of a normal distribution lies beyond two sigmas


def comparison_text(deviation: Deviation) -> tuple[str, ...]:
    """Return how the process was compared, or why it could not be."""
    known, product = deviation.comparison, deviation.result.material_definition_id
    if known is None:
        return (f"Compared with {deviation.compared_with} lots in control.",)
    of_product = f" of {product}" if product else ""
    if known.basis is Basis.NO_PROCESS_DATA:
        return (_no_process_data(deviation),)
    if known.basis is Basis.TOO_FEW_LOTS:
        return _too_few(known, of_product)
    span = duration(known.until_ns - known.from_ns)
    lots, sample = f"{known.lots} lots{of_product} in control", f"sample {deviation.result.sample_id}"
    if known.basis is Basis.SAME_STAGE:
        how = f"The first {span} of the lot, up to {sample}, are compared with the first {span} of {lots}."
    elif known.begins_with_lot:
        how = f"The first {span} of the lot are compared with {lots} as wholes: how they began is not on record."
    else:
        how = f"The {span} up to {sample} are compared with {lots} as wholes: when this lot began is not on record."
    return how, _IN_CONTROL, _by_chance(deviation)


_IN_CONTROL = "In control is a lot that no result has put on review or on hold."


def _by_chance(deviation: Deviation) -> str:
    tags = sum(trace.z is not None for trace in deviation.process)
    return f"Of {tags} tags about {max(_BY_CHANCE * tags, 0.1):.1f} lie beyond {UNUSUAL:g} sigma by chance alone."


def _too_few(known: Comparison, of_product: str) -> tuple[str, ...]:
    span = duration(known.until_ns - known.from_ns)
    have = {0: "No lot", 1: "Only 1 lot"}.get(known.lots, f"Only {known.lots} lots")
    verb = "is" if known.lots in {0, 1} else "are"
    return (
        "Nothing can be called unusual yet.",
        f"{have}{of_product} in control {verb} on record to compare with; it takes {FEWEST_REFERENCES}.",
        f"What follows is the process of the {span} up to the sample as it was; the order says nothing of the cause.",
    )


def _no_process_data(deviation: Deviation) -> str:
    if deviation.equipment_id is None:
        return "On which equipment it was made is not known, so no process values can be shown."
    return f"No process values of {deviation.equipment_id} are on record for the time before the sample."


def cause_text(cause: Cause, deviation: Deviation) -> str:
    """Return a cause as a sentence, with its effect on the analyte where a model knows it."""
    if cause.effect is None:
        return cause.text
    unit = f" {deviation.result.unit}" if deviation.result.unit else ""
    return f"{cause.text} By the model's word that changes {deviation.result.analyte} by {cause.effect:+.3g}{unit}."


def cause_row(place: int, cause: Cause) -> Row:
    """Return a cause's row: what it was, what is usual, and how many sigmas lie between."""
    own, z = (cause.affected if cause.own is None else cause.own), (cause.z if cause.own_z is None else cause.own_z)
    if cause.kind != CauseKind.TAG:
        there = ("there" if own else "not there", f"there in {cause.usual:.0%}", "-")
        return Row(cells=(str(place), cause.name, *there, "-"))
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
    span = (
        "" if comparison is None else f" of the {duration(comparison.until_ns - comparison.from_ns)} up to the sample"
    )
    told = f"Mean{span}: {_with_unit(trace.mean, trace.unit)}"
    if trace.usual is None or trace.z is None or comparison is None:
        return f"{told}."
    stage = " at the same stage" if comparison.basis is Basis.SAME_STAGE else ""
    return (
        f"{told}, {sigmas_text(trace.z)} sigma from the usual {_with_unit(trace.usual, trace.unit)}"
        f" (the means of {comparison.lots} lots{stage}: {_range(trace.low, trace.high, trace.unit)})."
    )


def _with_unit(value: float, unit: str) -> str:
    return f"{figure(value)} {unit}" if unit else figure(value)


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low is None or high is None:
        return "-"
    return f"{figure(low)} to {_with_unit(high, unit)}"
