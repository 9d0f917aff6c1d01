"""From assessments to what is recommended for a lot, and why. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from gateway.contract.times import rfc3339
from gateway.lab.disposition import FOR_A_PERSON, LotState, worse
from gateway.lab.lot_reasons import LotReason, lot_reason
from gateway.lab.release.assessment import Assessment, Tally
from gateway.lab.release.open_points import Point
from gateway.records.laboratory import Recommendation
from gateway.records.verdicts import Reason

MOST_REASONS = 20  # of a disposition: the worst as sentences, the others as a number
HELD_BEFORE = LotReason.HELD_BEFORE.value


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierHold:
    """An earlier recommendation of hold: when it was published last (UTC ns), and why."""

    at_ns: int
    reasons: tuple[Reason, ...]


def with_history(state: LotState, reasons: tuple[Reason, ...], earlier: EarlierHold | None) -> tuple[Reason, ...]:
    """Return the reasons, and that the lot was on hold before, where it is not any more.

    It is a note and asks for nothing: the same facts in another order would not have held the lot.
    """
    if earlier is None or state.recommendation is Recommendation.HOLD:
        return reasons
    shown = {"variant": "without_reason"}
    if earlier.reasons:
        shown = {"variant": "with_reason", "reason": earlier.reasons[0].text}
    codes = [reason.code for reason in earlier.reasons]
    note = lot_reason(LotReason.HELD_BEFORE, told_at=rfc3339(earlier.at_ns), codes=codes, shown=shown)
    return (*reasons, note)


def recommend(
    assessed: Collection[Assessment],
    rest: Tally,
    *,
    missing: tuple[str, ...] = (),
    provisional: tuple[str, ...] = (),
) -> tuple[LotState, tuple[Reason, ...]]:
    """Return what is recommended for a lot, and why.

    Args:
        assessed: the subjects that were assessed now.
        rest: the tally of all others.
        missing: required tests without an approved result; with any of them nothing is released.
        provisional: analytes that a model predicts to fail and of which the laboratory has sent no result yet.
    """
    worst = Recommendation.PENDING
    for asks in (*(item.asks for item in assessed), *(asks for asks, count in rest.asks.items() if count)):
        worst = worse(worst, asks)
    latched = rest.failed > 0 or any(item.failed for item in assessed)
    reasons = _reasons(worst, assessed, rest)
    if worst is Recommendation.RELEASE and missing:
        worst, reasons = Recommendation.PENDING, (_missing(missing),)
    if latched and worst is not Recommendation.HOLD:
        reasons = (lot_reason(LotReason.HOLD_LATCHED), *reasons)
    if provisional and worst is not Recommendation.HOLD:
        state = LotState(recommendation=Recommendation.HOLD, latched=latched, provisional=True)
        return state, (_not_final(provisional), *reasons)
    return LotState(recommendation=worst, latched=latched), reasons


def _reasons(asks: Recommendation, assessed: Collection[Assessment], rest: Tally) -> tuple[Reason, ...]:
    """Return the reasons of the most careful recommendation; of many the first, and how many more there are."""
    worst = [item for item in (*rest.worst, *assessed) if item.asks is asks]
    count = sum(item.asks is asks for item in assessed) + rest.asks.get(asks, 0)
    if asks in FOR_A_PERSON:
        reasons = [point.reason for item in worst for point in item.points if point.asks is asks]
    else:
        reasons = [reason for item in worst for reason in item.inside]
        reasons += [_settled(point) for item in (*rest.worst, *assessed) for point in item.settled]
    distinct = list({(reason.code, reason.text): reason for reason in reasons}.values())
    hidden = max(0, count - len(worst)) + max(0, len(distinct) - MOST_REASONS)
    return (*distinct[:MOST_REASONS], *((lot_reason(LotReason.AND_MORE, count=hidden),) if hidden else ()))


def _settled(point: Point) -> Reason:
    """Return the reason that names a point which a person has settled."""
    return lot_reason(
        LotReason.POINT_SETTLED, point_id=point.point_id, code=point.code, shown={"point": point.reason.text}
    )


def _missing(tests: tuple[str, ...]) -> Reason:
    return lot_reason(LotReason.TESTS_MISSING, tests=list(tests), shown={"tests": ", ".join(tests)})


def _not_final(analytes: tuple[str, ...]) -> Reason:
    return lot_reason(LotReason.PROVISIONAL_HOLD, analytes=list(analytes), shown={"analytes": ", ".join(analytes)})
