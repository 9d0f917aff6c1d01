"""The life of a guidance as a table: which state may follow which. Pure.

A guidance in an open state stands on the board; a closed one never opens again.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.moments import Moment
from gateway.records import Act, Guidance, GuidanceKind, GuidanceState

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
_NOTHING_TO_APPROVE = frozenset({"shadow", "advise"})
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


def answer(guidance: Guidance, act: Act, at: Moment) -> tuple[Guidance | None, str]:
    """Return (the guidance after a person's act, or None where nothing changes; what came of it)."""
    if expired(guidance, at):
        return None, "EXPIRED"
    if act is Act.APPROVE and guidance.predicted is not None and guidance.predicted.stage in _NOTHING_TO_APPROVE:
        return None, "STAGE_TOO_LOW"  # in advise the operator acts alone: there is nothing the gateway would do
    if act not in _ACTS_WITHOUT_SIGNATURE.get(guidance.kind, frozenset(Act)):
        return None, "SIGNATURE_REQUIRED"
    after = AFTER_ACT[act]
    if guidance.state is after:
        return None, "ALREADY_SO"
    changed = moved(guidance, after)
    return (changed, after.name) if changed else (None, f"NOT_POSSIBLE_WHEN_{guidance.state.name}")


def expired(guidance: Guidance, at: Moment) -> bool:
    """Return whether an open guidance has outlived its time."""
    return guidance.state in OPEN and guidance.expires is not None and at.is_past(guidance.expires)
