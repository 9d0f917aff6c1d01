"""What a deviation's document says, in words and rows: Markdown and HTML show the same. Pure.

Every figure of a sentence comes by the same function as that of its table. Instants are by the plant's clock, with its
offset from UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.lab.causes import FEWEST_REFERENCES, UNUSUAL, Cause, CauseKind, figure, sigmas_text
from gateway.lab.conformity_reasons import ConformityReason
from gateway.lab.deviations import (
    AnalyteSeries,
    Basis,
    Comparison,
    Deviation,
    FailedResult,
    Scope,
    TimelineEntry,
    Trace,
)
from gateway.lab.disposition import OUT_OF_LINE, OUT_OF_TREND
from gateway.lab.specifications import limits_text
from gateway.records.guidance import GuidanceKind
from gateway.records.laboratory import ResultStatus
from gateway.records.production import ContextKind
from gateway.time_units import SECOND_NS

MOST_TAGS = 12  # in the table
_FIRST_HAPPENINGS, _LAST_HAPPENINGS = 10, 40  # of a timeline, where there are more
_MOST_LOTS, _MOST_RESULTS = 40, 15
_BY_CHANCE = 0.0455  # of a normal distribution lies beyond two sigmas
_MINUTE, _HOUR = 60, 3600

_RESULT_COLUMNS = ("sample", "drawn", "test", "result", "limits", "judgement")
_HAPPENINGS = {
    **{f"result_{each.value}": f"Result {each.value}" for each in ResultStatus},
    **{f"guidance_{each.value}": f"Guidance: {each.value}" for each in GuidanceKind},
    ContextKind.ORDER_STARTED.value: "Order started",
    ContextKind.ORDER_ENDED.value: "Order ended",
    ContextKind.LOT_STARTED.value: "Lot started",
    ContextKind.LOT_ENDED.value: "Lot ended",
    ContextKind.LOT_CLOSED.value: "Lot closed",
    ContextKind.MATERIAL_CONSUMED.value: "Material used",
    ContextKind.EQUIPMENT_STATE.value: "Equipment state",
    "sample_drawn": "Sample drawn",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Cells of a table; ``mark``: whether the row is what the document is about."""

    cells: tuple[str, ...]
    mark: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationText:
    """The document's words, section by section."""

    title: str
    status: str
    summary: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    result_columns: tuple[str, ...]
    results: tuple[Row, ...]
    results_left_out: int
    timeline_name: str
    timeline: tuple[Row, ...]
    comparison: tuple[str, ...]
    causes: tuple[str, ...]
    cause_rows: tuple[Row, ...]
    compared: bool
    tag_rows: tuple[Row, ...]
    tags_left_out: int
    similar: tuple[Row, ...]
    affected_lots: str
    gaps: str


def text_of(deviation: Deviation) -> DeviationText:
    """Return what the document of a deviation says."""
    zone = zone_of(deviation)
    compared = any(trace.z is not None for trace in deviation.process)
    results = results_of(deviation)
    shown = (results[0], *results[1:][-(_MOST_RESULTS - 1) :])
    return DeviationText(
        title=title_of(deviation),
        status=_status(deviation, zone),
        summary=_summary(deviation, zone),
        facts=_facts(deviation, zone),
        result_columns=_RESULT_COLUMNS if deviation.scope is Scope.LOT else ("lot", *_RESULT_COLUMNS),
        results=tuple(_result_row(each, deviation, zone) for each in shown),
        results_left_out=deviation.result_count - len(shown),
        timeline_name=f"Timeline of lot {lot}" if (lot := deviation.result.material_lot_id) else "Timeline",
        timeline=_timeline(deviation, zone),
        comparison=_comparison(deviation),
        causes=tuple(_cause_text(each, deviation) for each in deviation.causes),
        cause_rows=tuple(_cause_row(place, each) for place, each in enumerate(deviation.causes, start=1)),
        compared=compared,
        tag_rows=tuple(_tag_row(each, compared=compared) for each in deviation.process[:MOST_TAGS]),
        tags_left_out=max(0, len(deviation.process) - MOST_TAGS),
        similar=_similar(deviation, zone),
        affected_lots=_affected_lots(deviation),
        gaps=_gaps(deviation),
    )


# --- times ----------------------------------------------------------------------------------------------


def zone_of(deviation: Deviation) -> ZoneInfo:
    """Return the plant's time zone; UTC where this machine does not know it."""
    try:
        return ZoneInfo(deviation.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def instant(at_ns: int, zone: ZoneInfo) -> str:
    """Return ``2026-03-02 09:14:07 +01:00``: the plant's clock with its offset."""
    local = datetime.fromtimestamp(at_ns // SECOND_NS, zone).isoformat(sep=" ")
    return f"{local[:19]} {local[19:]}"


def duration(length_ns: int) -> str:
    """Return a length of time as people say it: ``45 s``, ``52 min``, ``7.5 h``."""
    seconds = length_ns / SECOND_NS
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


# --- what failed ----------------------------------------------------------------------------------------


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
    if deviation.scope is Scope.LOT:
        others = f" and {_counted(more, 'more result')}" if more else ""
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
        if reason.code == ConformityReason.OUT_OF_SPECIFICATION.name and {"side", "limit"} <= known.keys():
            side = "above" if "above" in str(known["side"]) else "below"
            return f"{shown} {side} {known['limit']:g}{_unit_after(known.get('unit'), result)}"
        if reason.code == ConformityReason.OUT_OF_REVIEW_BAND.name and {"percent", "low", "high"} <= known.keys():
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


def _status(deviation: Deviation, zone: ZoneInfo) -> str:
    opened_ns = deviation.at_ns if deviation.opened_ns is None else deviation.opened_ns
    told = f"Draft, version {deviation.version}. Opened {instant(opened_ns, zone)}"
    if deviation.version > 1:
        told += f", last result {instant(deviation.at_ns, zone)}"
    return f"{told}. Made from what is on record: the cause is for people to find."


def _summary(deviation: Deviation, zone: ZoneInfo) -> tuple[str, ...]:
    results = results_of(deviation)
    subject, failed = _subject(deviation), sum(each.failed for each in results)
    corrected = sum(is_mended(each) for each in results)
    if deviation.result_count == 1:
        told = [f"{subject}: {_what_failed(results[0], zone)}"]
    else:
        standing = len(results) - corrected
        kind = "out of specification" if failed == standing else "out of trend"
        kind = "out of specification or of trend" if 0 < failed < standing else kind
        kind += ", or were" if corrected else ""
        told = [
            f"{subject}: {deviation.result_count} results are {kind}.",
            f"The first: {_what_failed(results[0], zone)}",
            f"The newest: {_what_failed(_newest(deviation), zone)}",
        ]
    if corrected:
        told.append(f"{_counted(corrected, 'result')} of them no longer count: corrected or withdrawn since.")
    if deviation.scope is Scope.LOT:
        told.append("A lot with a result that was out of specification stays with a person until that one decides.")
    return tuple(told)


def _newest(deviation: Deviation) -> FailedResult:
    results = results_of(deviation)
    return next((each for each in results if each.result_id == deviation.result.result_id), results[-1])


def _what_failed(result: FailedResult, zone: ZoneInfo) -> str:
    reasons = " ".join(reason.text for reason in result.reasons[:2])
    drawn = "at an unknown time" if result.sampled_ns is None else instant(result.sampled_ns, zone)
    return f"{reasons} Sample {result.sample_id}, drawn {drawn}."


def _subject(deviation: Deviation) -> str:
    result = deviation.result
    lot = f"Lot {result.material_lot_id}" if result.material_lot_id else f"Sample {result.sample_id}, of no known lot,"
    parts = [lot] if deviation.scope is Scope.LOT or deviation.result_count == 1 else [f"Series of {result.test_id}"]
    if result.material_definition_id:
        parts.append(f"of product {result.material_definition_id}")
    if deviation.equipment_id:
        parts.append(f"on {deviation.equipment_id}")
    return " ".join(parts)


def _facts(deviation: Deviation, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    result = deviation.result
    known = (
        ("Deviation", deviation.deviation_id),
        ("Lot" if deviation.scope is Scope.LOT else "Newest lot", result.material_lot_id),
        ("Product", result.material_definition_id),
        ("Order", result.job_order_id),
        ("Client", result.client_id),
        ("Equipment", deviation.equipment_id),
        ("Instrument", result.instrument_id),
        ("Method", result.method_id),
        ("Times", f"of the plant ({zone.key}), with their offset from UTC"),
    )
    return tuple((name, value) for name, value in known if value)


def _result_row(result: FailedResult, deviation: Deviation, zone: ZoneInfo) -> Row:
    was = f" (was {', '.join(result.was)})" if result.was else ""
    more = len(result.reasons) - 1
    verdict = result.reasons[0].text if result.reasons else "-"
    verdict += f" ({_counted(more, 'more reason')})" if more > 0 else ""
    drawn = "not known" if result.sampled_ns is None else instant(result.sampled_ns, zone)
    cells = (result.sample_id, drawn, result.test_id, value_of(result) + was, result.limits or "-", verdict)
    return Row(
        cells=cells if deviation.scope is Scope.LOT else (result.material_lot_id or "-", *cells),
        mark=result.result_id == deviation.result.result_id,
    )


def _timeline(deviation: Deviation, zone: ZoneInfo) -> tuple[Row, ...]:
    """Return what happened: all of it, or how it began and the newest."""
    rows = [_happening_row(each, deviation, zone) for each in deviation.timeline]
    left_out = len(rows) - _FIRST_HAPPENINGS - _LAST_HAPPENINGS
    if left_out <= 0:
        return tuple(rows)
    between = Row(cells=("...", f"{left_out} more", "labline audit trace shows them"))
    return (*rows[:_FIRST_HAPPENINGS], between, *rows[-_LAST_HAPPENINGS:])


def _happening_row(happening: TimelineEntry, deviation: Deviation, zone: ZoneInfo) -> Row:
    what = _HAPPENINGS.get(happening.what, happening.what.replace("_", " ").capitalize())
    failed = {each.sample_id for each in results_of(deviation)}
    drawn = happening.what == "sample_drawn" and happening.subject in failed
    return Row(cells=(instant(happening.at_ns, zone), what, happening.subject), mark=drawn)


# --- the process ----------------------------------------------------------------------------------------


def _comparison(deviation: Deviation) -> tuple[str, ...]:
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


def _cause_text(cause: Cause, deviation: Deviation) -> str:
    if cause.effect is None:
        return cause.text
    unit = f" {deviation.result.unit}" if deviation.result.unit else ""
    return f"{cause.text} By the model's word that changes {deviation.result.analyte} by {cause.effect:+.3g}{unit}."


def _cause_row(place: int, cause: Cause) -> Row:
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


def _tag_row(trace: Trace, *, compared: bool) -> Row:
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


# --- other cases ----------------------------------------------------------------------------------------


def _similar(deviation: Deviation, zone: ZoneInfo) -> tuple[Row, ...]:
    return tuple(
        Row(
            cells=(
                instant(each.at_ns, zone),
                each.material_lot_id or "-",
                f"{100 * each.nearness:.0f} %",
                "; ".join(each.done) or "nothing on record",
                {None: "-", True: "yes", False: "no"}[each.helped],
                each.deviation_id,
            )
        )
        for each in deviation.similar
    )


def _affected_lots(deviation: Deviation) -> str:
    if not deviation.affected_lots:
        return "None by the genealogy that is on record."
    return f"By the genealogy on record: {_listed(deviation.affected_lots, _MOST_LOTS)}."


def _gaps(deviation: Deviation) -> str:
    if not deviation.gaps:
        return ""
    count = len(deviation.gaps)
    return f"{_counted(count, 'known hole')} in the process data of this time: {_listed(deviation.gaps)}."


def _listed(texts: Sequence[str], most: int = 5) -> str:
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
