"""What a deviation's document says, in words and rows: Markdown and HTML show the same. Pure.

Every figure of a sentence comes by the same function as that of its table. Instants are by the plant's clock, with its
offset from UTC.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.advice.deviation_headline import is_mended, results_of, title_of, value_of
from gateway.advice.deviation_process_text import cause_row, cause_text, comparison_text, tag_row
from gateway.advice.document_rows import Row, counted, listed
from gateway.advice.plant_times import instant, zone_of
from gateway.lab.deviations import (
    Deviation,
    DeviationScope,
    FailedResult,
    TimelineEntry,
)
from gateway.records.guidance import GuidanceKind
from gateway.records.laboratory import ResultStatus
from gateway.records.production import ContextKind

MOST_TAGS = 12  # in the table
_FIRST_HAPPENINGS, _LAST_HAPPENINGS = 10, 40  # of a timeline, where there are more
_MOST_LOTS, _MOST_RESULTS = 40, 15

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
        result_columns=_RESULT_COLUMNS if deviation.scope is DeviationScope.LOT else ("lot", *_RESULT_COLUMNS),
        results=tuple(_result_row(each, deviation, zone) for each in shown),
        results_left_out=deviation.result_count - len(shown),
        timeline_name=f"Timeline of lot {lot}" if (lot := deviation.result.material_lot_id) else "Timeline",
        timeline=_timeline(deviation, zone),
        comparison=comparison_text(deviation),
        causes=tuple(cause_text(each, deviation) for each in deviation.causes),
        cause_rows=tuple(cause_row(place, each) for place, each in enumerate(deviation.causes, start=1)),
        compared=compared,
        tag_rows=tuple(tag_row(each, compared=compared) for each in deviation.process[:MOST_TAGS]),
        tags_left_out=max(0, len(deviation.process) - MOST_TAGS),
        similar=_similar(deviation, zone),
        affected_lots=_affected_lots(deviation),
        gaps=_gaps(deviation),
    )


# --- times ----------------------------------------------------------------------------------------------


# --- what failed ----------------------------------------------------------------------------------------


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
        told.append(f"{counted(corrected, 'result')} of them no longer count: corrected or withdrawn since.")
    if deviation.scope is DeviationScope.LOT:
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
    parts = (
        [lot]
        if deviation.scope is DeviationScope.LOT or deviation.result_count == 1
        else [f"Series of {result.test_id}"]
    )
    if result.material_definition_id:
        parts.append(f"of product {result.material_definition_id}")
    if deviation.equipment_id:
        parts.append(f"on {deviation.equipment_id}")
    return " ".join(parts)


def _facts(deviation: Deviation, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    result = deviation.result
    known = (
        ("Deviation", deviation.deviation_id),
        ("Lot" if deviation.scope is DeviationScope.LOT else "Newest lot", result.material_lot_id),
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
    verdict += f" ({counted(more, 'more reason')})" if more > 0 else ""
    drawn = "not known" if result.sampled_ns is None else instant(result.sampled_ns, zone)
    cells = (result.sample_id, drawn, result.test_id, value_of(result) + was, result.limits or "-", verdict)
    return Row(
        cells=cells if deviation.scope is DeviationScope.LOT else (result.material_lot_id or "-", *cells),
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
    return f"By the genealogy on record: {listed(deviation.affected_lots, _MOST_LOTS)}."


def _gaps(deviation: Deviation) -> str:
    if not deviation.gaps:
        return ""
    count = len(deviation.gaps)
    return f"{counted(count, 'known hole')} in the process data of this time: {listed(deviation.gaps)}."
