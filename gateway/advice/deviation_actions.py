"""What was done against a deviation, and how it was closed, as rows of its document. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.advice.document_rows import Row
from gateway.advice.document_texts import DocumentText, Heading, heading, sentence
from gateway.advice.plant_times import instant
from gateway.lab.effectiveness import ActionOnRecord, Effect, Effectiveness
from gateway.records.deviation_states import DeviationClosed
from gateway.texts.catalogue import number_in_text

_EFFECTS = {
    Effectiveness.NOT_DONE: DocumentText.EFFECT_NOT_DONE,
    Effectiveness.TOO_EARLY: DocumentText.EFFECT_TOO_EARLY,
    Effectiveness.EFFECTIVE: DocumentText.EFFECT_EFFECTIVE,
    Effectiveness.REDUCED: DocumentText.EFFECT_REDUCED,
    Effectiveness.NOT_EFFECTIVE: DocumentText.EFFECT_NOT_EFFECTIVE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Actions:
    """The actions against a deviation, and its closing, which has no rows while it is open."""

    rows: tuple[Row, ...]
    closing: tuple[tuple[str, str], ...]


def actions_text(actions: Sequence[ActionOnRecord], closed: DeviationClosed | None, zone: ZoneInfo) -> Actions:
    """Return both as rows of texts."""
    return Actions(
        rows=tuple(_row(item, zone) for item in actions), closing=() if closed is None else _closing(closed, zone)
    )


def effect_sentence(effect: Effect) -> str:
    """Return whether an action has helped, with the lots that say so, as ``0 of 12 lots since, before 3 of 40``."""
    word, since, before = sentence(_EFFECTS[effect.effectiveness]), effect.since, effect.before
    if effect.effectiveness is Effectiveness.NOT_DONE:
        return word
    low, high = (number_in_text(f"{100 * end:.1f}") for end in since.interval)
    return sentence(DocumentText.EFFECT_COUNTS, effect=word, failed=since.failed_lots, lots=since.lots, low=low,
                    high=high, failed_before=before.failed_lots, lots_before=before.lots)  # fmt: skip


def _row(item: ActionOnRecord, zone: ZoneInfo) -> Row:
    action = item.action
    done = "" if item.done_ns is None else f"{item.done_by}, {instant(item.done_ns, zone)}"
    return Row(cells=(action.action, action.owner, action.due or "", done, effect_sentence(item.effect)))


def _closing(closed: DeviationClosed, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    rows = (
        (Heading.CONCLUSION, closed.conclusion),
        (Heading.NO_ACTION, closed.no_action),
        (Heading.CHECK_BY, closed.check_by or ""),
        (Heading.CLOSED_BY, f"{', '.join(closed.signed_by)}, {instant(closed.at_ns, zone)}"),
    )
    return tuple((heading(name), value) for name, value in rows if value)
