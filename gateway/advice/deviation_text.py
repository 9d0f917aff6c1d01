"""What a deviation's document says, in words and rows: Markdown and HTML show the same. Pure.

Every figure of a sentence comes by the same function as that of its table. Instants are by the plant's clock, with its
offset from UTC.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.advice.deviation_headline import is_mended, results_of, title_of, value_of
from gateway.advice.deviation_process_text import cause_row, cause_text, causes_heading, comparison_text, tag_row
from gateway.advice.document_rows import Row, listed
from gateway.advice.document_texts import DocumentText, Heading, TimelineText, heading, sentence
from gateway.advice.plant_times import instant, zone_of
from gateway.lab.deviations import (
    Deviation,
    DeviationScope,
    FailedResult,
    TimelineEntry,
)
from gateway.texts.catalogue import text

MOST_TAGS = 12  # in the table
_FIRST_ENTRIES, _LAST_ENTRIES = 10, 40  # of a timeline, where there are more
_MOST_LOTS, _MOST_RESULTS = 40, 15

_RESULT_COLUMNS = (Heading.SAMPLE, Heading.DRAWN, Heading.TEST, Heading.RESULT, Heading.LIMITS, Heading.JUDGEMENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationText:
    """The document's words, section by section."""

    title: str
    status: str
    summary: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    result_columns: tuple[str, ...]
    results: tuple[Row, ...]
    results_left_out: str
    timeline_name: str
    timeline: tuple[Row, ...]
    comparison: tuple[str, ...]
    causes_heading: str
    causes: tuple[str, ...]
    cause_rows: tuple[Row, ...]
    compared: bool
    tag_rows: tuple[Row, ...]
    tags_left_out: str
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
        result_columns=_result_columns(deviation),
        results=tuple(_result_row(result, deviation, zone) for result in shown),
        results_left_out=_results_left_out(deviation, len(shown)),
        timeline_name=_timeline_name(deviation),
        timeline=_timeline(deviation, zone),
        comparison=comparison_text(deviation),
        causes_heading=causes_heading(deviation),
        causes=tuple(cause_text(cause, deviation) for cause in deviation.causes),
        cause_rows=tuple(cause_row(place, cause) for place, cause in enumerate(deviation.causes, start=1)),
        compared=compared,
        tag_rows=tuple(tag_row(trace, compared=compared) for trace in deviation.process[:MOST_TAGS]),
        tags_left_out=_tags_left_out(deviation),
        similar=_similar(deviation, zone),
        affected_lots=_affected_lots(deviation),
        gaps=_gaps(deviation),
    )


# --- what failed ----------------------------------------------------------------------------------------


def _status(deviation: Deviation, zone: ZoneInfo) -> str:
    opened = instant(deviation.at_ns if deviation.opened_ns is None else deviation.opened_ns, zone)
    code = DocumentText.STATUS_GROWN if deviation.version > 1 else DocumentText.STATUS_NEW
    return sentence(code, version=deviation.version, opened=opened, last=instant(deviation.at_ns, zone))


_SEVERAL_FAILED = {  # by whether all, or some, are out of specification, and whether some are corrected
    ("all", False): DocumentText.OUT_OF_SPECIFICATION,
    ("some", False): DocumentText.OUT_OF_EITHER,
    ("none", False): DocumentText.OUT_OF_TREND,
    ("all", True): DocumentText.OUT_OF_SPECIFICATION_OR_WERE,
    ("some", True): DocumentText.OUT_OF_EITHER_OR_WERE,
    ("none", True): DocumentText.OUT_OF_TREND_OR_WERE,
}


def _summary(deviation: Deviation, zone: ZoneInfo) -> tuple[str, ...]:
    results, subject = results_of(deviation), _subject(deviation)
    corrected = sum(is_mended(result) for result in results)
    first = _failure(results[0], zone)
    if deviation.result_count == 1:
        sentences = [sentence(DocumentText.ONE_FAILED, subject=subject, failure=first)]
    else:
        failed, standing = sum(result.failed for result in results), len(results) - corrected
        how_many = "all" if failed == standing else "some" if 0 < failed < standing else "none"
        sentences = [
            sentence(_SEVERAL_FAILED[how_many, corrected > 0], subject=subject, count=deviation.result_count),
            sentence(DocumentText.FIRST_FAILED, failure=first),
            sentence(DocumentText.NEWEST_FAILED, failure=_failure(_newest(deviation), zone)),
        ]
    if corrected:
        sentences.append(sentence(DocumentText.NO_LONGER_COUNT, count=corrected))
    if deviation.scope is DeviationScope.LOT:
        sentences.append(sentence(DocumentText.STAYS_WITH_PERSON))
    return tuple(sentences)


def _newest(deviation: Deviation) -> FailedResult:
    results = results_of(deviation)
    return next((result for result in results if result.result_id == deviation.result.result_id), results[-1])


def _failure(result: FailedResult, zone: ZoneInfo) -> str:
    reasons = " ".join(reason.text for reason in result.reasons[:2])
    if result.sampled_ns is None:
        drawn = sentence(DocumentText.SAMPLE_DRAWN_UNKNOWN, sample=result.sample_id)
    else:
        drawn = sentence(DocumentText.SAMPLE_DRAWN, sample=result.sample_id, at=instant(result.sampled_ns, zone))
    return f"{reasons} {drawn}"


def _subject(deviation: Deviation) -> str:
    """Return what the deviation is about: a lot, a sample or a series, of which product, on which equipment."""
    result = deviation.result
    if deviation.scope is not DeviationScope.LOT and deviation.result_count != 1:
        subject = sentence(DocumentText.SUBJECT_SERIES, test=result.test_id)
    elif result.material_lot_id:
        subject = sentence(DocumentText.SUBJECT_LOT, lot=result.material_lot_id)
    else:
        subject = sentence(DocumentText.SUBJECT_SAMPLE, sample=result.sample_id)
    if result.material_definition_id:
        product = result.material_definition_id
        subject = sentence(DocumentText.SUBJECT_OF_PRODUCT, subject=subject, product=product)
    if deviation.equipment_id:
        subject = sentence(DocumentText.SUBJECT_ON_EQUIPMENT, subject=subject, equipment=deviation.equipment_id)
    return subject


def _facts(deviation: Deviation, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    result = deviation.result
    of_lot = deviation.scope is DeviationScope.LOT
    fields = (
        (Heading.DEVIATION, deviation.deviation_id),
        (Heading.LOT_FIELD if of_lot else Heading.NEWEST_LOT_FIELD, result.material_lot_id),
        (Heading.PRODUCT_FIELD, result.material_definition_id),
        (Heading.ORDER_FIELD, result.job_order_id),
        (Heading.CLIENT_FIELD, result.client_id),
        (Heading.EQUIPMENT_FIELD, deviation.equipment_id),
        (Heading.INSTRUMENT_FIELD, result.instrument_id),
        (Heading.METHOD_FIELD, result.method_id),
        (Heading.TIMES_FIELD, sentence(DocumentText.PLANT_TIMES, zone=zone.key)),
    )
    return tuple((heading(name), value) for name, value in fields if value)


def _result_columns(deviation: Deviation) -> tuple[str, ...]:
    of_lot = deviation.scope is DeviationScope.LOT
    return tuple(heading(column) for column in (_RESULT_COLUMNS if of_lot else (Heading.LOT, *_RESULT_COLUMNS)))


def _results_left_out(deviation: Deviation, shown: int) -> str:
    if deviation.result_count == shown:
        return ""
    return sentence(DocumentText.RESULTS_LEFT_OUT, count=deviation.result_count)


def _result_row(result: FailedResult, deviation: Deviation, zone: ZoneInfo) -> Row:
    value = value_of(result)
    if result.was:
        value = sentence(DocumentText.VALUE_CORRECTED, value=value, values=", ".join(result.was))
    drawn = sentence(DocumentText.NOT_KNOWN) if result.sampled_ns is None else instant(result.sampled_ns, zone)
    cells = (result.sample_id, drawn, result.test_id, value, result.limits or "-", _verdict(result))
    return Row(
        cells=cells if deviation.scope is DeviationScope.LOT else (result.material_lot_id or "-", *cells),
        mark=result.result_id == deviation.result.result_id,
    )


def _verdict(result: FailedResult) -> str:
    if not result.reasons:
        return "-"
    first, more = result.reasons[0].text, len(result.reasons) - 1
    return sentence(DocumentText.REASON_AND_MORE, reason=first, count=more) if more else first


# --- the timeline ---------------------------------------------------------------------------------------


def _timeline_name(deviation: Deviation) -> str:
    lot = deviation.result.material_lot_id
    return heading(Heading.TIMELINE_OF_LOT, lot=lot) if lot else heading(Heading.TIMELINE)


def _timeline(deviation: Deviation, zone: ZoneInfo) -> tuple[Row, ...]:
    """Return what happened: all of it, or how it began and the newest."""
    rows = [_timeline_row(entry, deviation, zone) for entry in deviation.timeline]
    left_out = len(rows) - _FIRST_ENTRIES - _LAST_ENTRIES
    if left_out <= 0:
        return tuple(rows)
    more, where = sentence(DocumentText.TIMELINE_MORE, count=left_out), sentence(DocumentText.TIMELINE_WHERE)
    between = Row(cells=("...", more, where))
    return (*rows[:_FIRST_ENTRIES], between, *rows[-_LAST_ENTRIES:])


def _timeline_row(entry: TimelineEntry, deviation: Deviation, zone: ZoneInfo) -> Row:
    code = entry.what.upper()
    known = code in TimelineText.__members__
    happening = text("deviation_timeline", code) if known else entry.what.replace("_", " ").capitalize()
    failed = {result.sample_id for result in results_of(deviation)}
    drawn = code == TimelineText.SAMPLE_DRAWN and entry.subject in failed
    return Row(cells=(instant(entry.at_ns, zone), happening, entry.subject), mark=drawn)


# --- the process ----------------------------------------------------------------------------------------


def _tags_left_out(deviation: Deviation) -> str:
    more = len(deviation.process) - MOST_TAGS
    return sentence(DocumentText.TAGS_LEFT_OUT, tags=more) if more > 0 else ""


# --- other cases ----------------------------------------------------------------------------------------


_HELPED = {True: DocumentText.YES, False: DocumentText.NO}


def _similar(deviation: Deviation, zone: ZoneInfo) -> tuple[Row, ...]:
    return tuple(
        Row(
            cells=(
                instant(case.at_ns, zone),
                case.material_lot_id or "-",
                f"{100 * case.nearness:.0f} %",
                "; ".join(case.done) or sentence(DocumentText.NOTHING_DONE),
                "-" if case.helped is None else sentence(_HELPED[case.helped]),
                case.deviation_id,
            )
        )
        for case in deviation.similar
    )


def _affected_lots(deviation: Deviation) -> str:
    if not deviation.affected_lots:
        return sentence(DocumentText.NO_LOTS_AFFECTED)
    return sentence(DocumentText.LOTS_AFFECTED, lots=listed(deviation.affected_lots, _MOST_LOTS))


def _gaps(deviation: Deviation) -> str:
    if not deviation.gaps:
        return ""
    return sentence(DocumentText.HOLES, count=len(deviation.gaps), holes=listed(deviation.gaps))
