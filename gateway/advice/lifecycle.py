"""The life of a guidance as a table: which state may follow which. Pure.

A guidance in an open state stands on the board; a closed one never opens again.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.deadlines import ClockReading
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState
from gateway.records.people import Act, Outcome, Response
from gateway.records.verdicts import Reason

_CLOSING = frozenset(
    {
        GuidanceState.REJECTED,
        GuidanceState.EXPIRED,
        GuidanceState.SUPERSEDED,
        GuidanceState.WITHDRAWN,
        GuidanceState.RESOLVED,
    }
)
FOLLOWS: Mapping[GuidanceState, frozenset[GuidanceState]] = {
    GuidanceState.PROPOSED: _CLOSING | {GuidanceState.ACKNOWLEDGED, GuidanceState.APPROVED, GuidanceState.APPLIED},
    GuidanceState.ACKNOWLEDGED: _CLOSING | {GuidanceState.APPROVED, GuidanceState.APPLIED},
    GuidanceState.APPROVED: _CLOSING | {GuidanceState.APPLIED},
    GuidanceState.APPLIED: frozenset(
        {GuidanceState.RESOLVED, GuidanceState.WITHDRAWN, GuidanceState.SUPERSEDED, GuidanceState.EXPIRED}
    ),
    **dict.fromkeys(_CLOSING, frozenset()),
}
OPEN = frozenset(state for state, following in FOLLOWS.items() if following)

AFTER_ACT: Mapping[Act, GuidanceState] = {
    Act.ACKNOWLEDGE: GuidanceState.ACKNOWLEDGED,
    Act.APPROVE: GuidanceState.APPROVED,
    Act.REJECT: GuidanceState.REJECTED,
}
_AFTER: Mapping[GuidanceState, Outcome] = {
    GuidanceState.ACKNOWLEDGED: Outcome.ACKNOWLEDGED,
    GuidanceState.REJECTED: Outcome.REJECTED,
}
# A hold is lifted by people in their own systems, with a signature; a plain answer from a terminal only
# acknowledges it.
_ACTS_WITHOUT_SIGNATURE: Mapping[GuidanceKind, frozenset[Act]] = {
    GuidanceKind.HOLD: frozenset({Act.ACKNOWLEDGE}),
}


def may_follow(before: GuidanceState, after: GuidanceState) -> bool:
    """Return whether a guidance may go from one state to the other."""
    return after in FOLLOWS[before]


def moved(guidance: Guidance, after: GuidanceState) -> Guidance | None:
    """Return the guidance in its new state, or None where that state may not follow."""
    return replace(guidance, state=after) if may_follow(guidance.state, after) else None


def withdrawn(guidance: Guidance, reason: Reason | None) -> Guidance | None:
    """Return the guidance as it is taken back, with the reason last; None where it is over already."""
    changed = moved(guidance, GuidanceState.WITHDRAWN)
    return changed if changed is None or reason is None else replace(changed, reasons=(*changed.reasons, reason))


def respond(
    guidance: Guidance | None, response: Response, at: ClockReading, *, no_longer_advised: Reason | None
) -> tuple[Guidance | None, Outcome]:
    """Return (the guidance after a terminal's response, or None where nothing changes; the outcome).

    ``no_longer_advised``: why the guidance may not stand any more; an answer then withdraws it.
    """
    if guidance is None:
        return None, Outcome.UNKNOWN_GUIDANCE
    if no_longer_advised is not None and guidance.state in OPEN and not expired(guidance, at):
        return withdrawn(guidance, no_longer_advised), Outcome.NO_LONGER_ADVISED
    changed, outcome = answer(guidance, response.act, at)
    if changed is not None and _requires_person(guidance, response.act) and not (response.person or "").strip():
        return None, Outcome.PERSON_REQUIRED
    return changed, outcome


def _requires_person(guidance: Guidance, act: Act) -> bool:
    """Return whether the response must name a person: for a hold always, else unless it only acknowledges."""
    return guidance.kind is GuidanceKind.HOLD or act is not Act.ACKNOWLEDGE


def answer(guidance: Guidance, act: Act, at: ClockReading) -> tuple[Guidance | None, Outcome]:
    """Return (the guidance after an act without a signature, or None where nothing changes; the outcome)."""
    if expired(guidance, at):
        return None, Outcome.EXPIRED
    if act is Act.APPROVE:  # needs a signature, which no terminal can give yet: every stage acts as advise
        advised = guidance.suggestion is not None or guidance.predicted is not None
        return None, Outcome.STAGE_TOO_LOW if advised else Outcome.SIGNATURE_REQUIRED
    if act not in _ACTS_WITHOUT_SIGNATURE.get(guidance.kind, frozenset(Act)):
        return None, Outcome.SIGNATURE_REQUIRED
    after = AFTER_ACT[act]
    if guidance.state is after:
        return None, Outcome.ALREADY_SO
    changed = moved(guidance, after)
    return (changed, _AFTER[after]) if changed else (None, Outcome[f"NOT_POSSIBLE_WHEN_{guidance.state.name}"])


def expired(guidance: Guidance, at: ClockReading) -> bool:
    """Return whether an open guidance has outlived its time."""
    return guidance.state in OPEN and guidance.expires is not None and at.is_past(guidance.expires)
