"""The reasons that an answer names: a person's words on a lot are only for who has shown who they are."""

from collections.abc import Iterable

from gateway.copilot.ground import Ground
from gateway.facts.acts import PointOnRecord
from gateway.lab.lot_reasons import LotReason
from gateway.lab.release.open_points import OpenPoint
from gateway.records.verdicts import Reason
from gateway.store.queries.lots import LotOnRecord
from gateway.texts.translating import in_language

_OF_A_PERSON = OpenPoint.DECIDED_BY_QUALITY.value


def shown_reasons(ground: Ground, reasons: Iterable[Reason]) -> list[str]:
    """Return the texts of reasons, each once: a guest hears of no person, and of nothing that quotes one."""
    seen = ground.seen.reasons(tuple(reasons))
    return list(
        dict.fromkeys(reason_text(ground, item) for item in seen if ground.asker.known or not _quotes_a_person(item))
    )


def reason_text(ground: Ground, reason: Reason) -> str:
    """Return the sentence of a reason in the language of who asks."""
    return in_language(ground.language, reason.code, reason.parameters, reason.text)


def shown_points(ground: Ground, known: LotOnRecord) -> tuple[PointOnRecord, ...]:
    """Return the points against a release that who asks may hear."""
    seen = ground.seen
    points = [item for item in known.against_release if seen.names_nobody_hidden(item.point.reason.parameters)]
    return tuple(item for item in points if ground.asker.known or not _quotes_a_person(item.point.reason))


def whole_lot_is_decided(known: LotOnRecord) -> bool:
    """Return whether a decision on the whole lot speaks against a release of this part."""
    return any(item.point.code == _OF_A_PERSON for item in known.against_release)


def _quotes_a_person(reason: Reason) -> bool:
    """Return whether a reason names a person: a decision, a note on an earlier one, or that it is settled."""
    if reason.code == LotReason.HELD_BEFORE.value:
        return _OF_A_PERSON in reason.parameters.get("codes", ())
    return _OF_A_PERSON in {reason.code, reason.parameters.get("code")}
