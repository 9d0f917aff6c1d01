"""Titles of guidance: what is wrong, where, and what to do, in at most 60 characters where names allow. Pure."""

from enum import StrEnum

from gateway.advice.phrases import Phrase, beyond_in_title, from_and_to, shown_text, with_unit, words_of
from gateway.lab.conformity_reasons import ConformityReason
from gateway.lab.disposition import OUT_OF_LINE
from gateway.lab.lot_reasons import LotReason
from gateway.lab.release.open_points import OpenPoint
from gateway.records.guidance import GuidanceKind, SetpointSuggestion
from gateway.records.laboratory import Specification
from gateway.records.prediction import Prediction
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text, title, wordings

REASONS_WITH_NAMES = frozenset(
    {*(code.value for codes in (ConformityReason, LotReason, OpenPoint) for code in codes), OUT_OF_LINE}
)


class Title(StrEnum):
    """Titles of guidance, each in several wordings."""

    PREDICTED = "PREDICTED"
    PREDICTED_OF_LOT = "PREDICTED_OF_LOT"
    HEADING_OUT = "HEADING_OUT"
    HEADING_OUT_OF_LOT = "HEADING_OUT_OF_LOT"
    HOLD_UNTIL_TESTED = "HOLD_UNTIL_TESTED"
    LIKELY = "LIKELY"
    LIKELY_OF_LOT = "LIKELY_OF_LOT"
    WITH_REASON = "WITH_REASON"
    WITH_REASON_OF_ANALYTE = "WITH_REASON_OF_ANALYTE"
    RAISE_SETPOINT = "RAISE_SETPOINT"
    LOWER_SETPOINT = "LOWER_SETPOINT"


class Abbreviation(StrEnum):
    """Words of a reason's sentence that a title may shorten: (the words, what takes their place)."""

    ABOVE_UPPER_LIMIT = "ABOVE_UPPER_LIMIT"
    BELOW_LOWER_LIMIT = "BELOW_LOWER_LIMIT"
    OUTSIDE_RELEASE_BAND = "OUTSIDE_RELEASE_BAND"
    OUTSIDE_REVIEW_BAND = "OUTSIDE_REVIEW_BAND"


def predicted_title(prediction: Prediction, limits: Specification, *, outside: bool) -> str:
    """Return the title of a warning: lot, analyte, value, and the limit that is, or may be, crossed."""
    lot, shown = prediction.material_lot_id, shown_text(prediction.value, limits)
    return title(
        "guidance_title",
        Title.PREDICTED_OF_LOT if lot else Title.PREDICTED,
        lot=lot,
        analyte=prediction.analyte,
        value=shown,
        value_with_unit=with_unit(shown, prediction),
        beyond=beyond_in_title(prediction, limits, outside=outside),
    )


def heading_title(prediction: Prediction, ahead: Prediction, limits: Specification) -> str:
    """Return the title of a warning about a value that is inside now: beyond which limit it heads (``ahead``)."""
    lot, shown = prediction.material_lot_id, shown_text(prediction.value, limits)
    return title(
        "guidance_title",
        Title.HEADING_OUT_OF_LOT if lot else Title.HEADING_OUT,
        lot=lot,
        analyte=prediction.analyte,
        value=shown,
        value_with_unit=with_unit(shown, prediction),
        beyond=beyond_in_title(ahead, limits, outside=True),
    )


def provisional_title(prediction: Prediction, limits: Specification) -> str:
    """Return the title of a hold before the laboratory's result: lot, and on which side of which limit all lies."""
    return title(
        "guidance_title",
        Title.HOLD_UNTIL_TESTED,
        lot=prediction.material_lot_id,
        analyte=prediction.analyte,
        value=with_unit(shown_text(prediction.value, limits), prediction),
        beyond=beyond_in_title(prediction, limits, outside=True),
    )


def likely_title(prediction: Prediction) -> str:
    """Return the title of a warning by probability."""
    lot = prediction.material_lot_id
    code = Title.LIKELY_OF_LOT if lot else Title.LIKELY
    probability = prediction.probability or 0.0
    return title("guidance_title", code, lot=lot, analyte=prediction.analyte, probability=probability)


_HEADS = {
    (GuidanceKind.HOLD, True): Phrase.HOLD_LOT,
    (GuidanceKind.HOLD, False): Phrase.HOLD_SAMPLE,
    (GuidanceKind.REVIEW, True): Phrase.REVIEW_LOT,
    (GuidanceKind.REVIEW, False): Phrase.REVIEW_SAMPLE,
}


def lot_title(kind: GuidanceKind, *, lot: str | None, sample: str, reason: Reason) -> str:
    """Return the title of a hold or review: of which lot, or sample, and the reason as far as it fits."""
    analyte, sentence = reason.parameters.get("analyte"), reason.text.rstrip(".")
    return title(
        "guidance_title",
        Title.WITH_REASON_OF_ANALYTE if analyte else Title.WITH_REASON,
        head=text("advice_phrase", _HEADS[kind, bool(lot)], name=lot or sample),
        sentence=sentence,
        short_sentence=_abbreviated(sentence),
        analyte=analyte,
        name=_name_of(reason.code),
    )


def _name_of(code: str) -> str:
    """Return a reason in few words; a code of an earlier version of the gateway has only its own."""
    return text("reason_name", code) if code in REASONS_WITH_NAMES else code.replace("_", " ").lower()


def _abbreviated(sentence: str) -> str:
    for abbreviation in Abbreviation:
        words, short_words = wordings("title_abbreviation", abbreviation)
        sentence = sentence.replace(words, short_words)
    return sentence


def move_title(suggestion: SetpointSuggestion) -> str:
    """Return the title of a suggestion: from where to where, so that two people who follow it move it once."""
    code = Title.RAISE_SETPOINT if suggestion.proposed > suggestion.current else Title.LOWER_SETPOINT
    from_text, to_text = from_and_to(suggestion)
    words, unit = words_of(suggestion), suggestion.unit
    return title("guidance_title", code, words=words, from_text=from_text, to_text=to_text, unit=unit)
