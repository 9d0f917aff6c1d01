"""The life of a guidance as a table: which state may follow which. Pure.

A guidance in an open state stands on the board; a closed one never opens again.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.deadlines import ClockReading
from gateway.line.definition import Stage
from gateway.people.answers import may_answer
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState
from gateway.records.people import Act, Answerer, Outcome, Response
from gateway.records.users import CredentialKind
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
    GuidanceState.APPROVED: Outcome.APPROVED,
    GuidanceState.REJECTED: Outcome.REJECTED,
}
# A lot on hold is decided on by a signed act; an answer to its guidance only acknowledges it.
_ACTS_WITHOUT_DECISION: Mapping[GuidanceKind, frozenset[Act]] = {
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
    guidance: Guidance | None,
    response: Response,
    at: ClockReading,
    *,
    by: Answerer,
    stage: Stage | None,
    signed: bool,
    no_longer_advised: Reason | None,
) -> tuple[Guidance | None, Outcome]:
    """Return (the guidance after a person's response, or None where nothing changes; the outcome).

    ``by``: who answers. ``stage``: how far the model may go that advises it, None where none does. ``signed``: whether
    the plant has approvals signed.
    ``no_longer_advised``: why the guidance may not stand any more; an answer then withdraws it.
    """
    if guidance is None:
        return None, Outcome.UNKNOWN_GUIDANCE
    if no_longer_advised is not None and guidance.state in OPEN and not expired(guidance, at):
        return withdrawn(guidance, no_longer_advised), Outcome.NO_LONGER_ADVISED
    changed, outcome = answer(guidance, response.act, at, stage=stage)
    if changed is None:
        return None, outcome
    refusal = _refused_to(by, guidance, response, signed=signed or guidance.signature)
    return (changed, outcome) if refusal is None else (None, refusal)


def _refused_to(by: Answerer, guidance: Guidance, response: Response, *, signed: bool) -> Outcome | None:
    """Return why this person may not give a response that is possible, None where they may."""
    act = response.act
    if not by.identified:
        if act is not Act.ACKNOWLEDGE:
            return Outcome.TOKEN_REQUIRED
        unnamed = guidance.kind is GuidanceKind.HOLD and not (by.name or "").strip()
        return Outcome.PERSON_REQUIRED if unnamed else None
    if not may_answer(guidance.kind, act, required=guidance.role, roles=by.roles):
        return Outcome.ROLE_NOT_ENTITLED
    if act is Act.REJECT and not (response.reason or "").strip():
        return Outcome.REASON_REQUIRED
    if act is Act.APPROVE and signed and by.credential is not CredentialKind.PASSWORD:
        return Outcome.SIGNATURE_REQUIRED  # both components are given for this act
    return None


def answer(guidance: Guidance, act: Act, at: ClockReading, *, stage: Stage | None) -> tuple[Guidance | None, Outcome]:
    """Return (the guidance after an act, whoever does it, or None where nothing changes; the outcome)."""
    if expired(guidance, at):
        return None, Outcome.EXPIRED
    if act not in _ACTS_WITHOUT_DECISION.get(guidance.kind, frozenset(Act)):
        return None, Outcome.SIGNATURE_REQUIRED
    if act is Act.APPROVE and (refusal := _not_to_be_approved(guidance, stage)) is not None:
        return None, refusal
    after = AFTER_ACT[act]
    if guidance.state is after:
        return None, Outcome.ALREADY_SO
    changed = moved(guidance, after)
    return (changed, _AFTER[after]) if changed else (None, Outcome[f"NOT_POSSIBLE_WHEN_{guidance.state.name}"])


def _not_to_be_approved(guidance: Guidance, stage: Stage | None) -> Outcome | None:
    if guidance.suggestion is None and guidance.predicted is None:
        return Outcome.SIGNATURE_REQUIRED  # a lot: a person decides on it
    if stage is None or stage < Stage.APPROVE:
        return Outcome.STAGE_TOO_LOW
    return None if guidance.suggestion is not None else Outcome.NOTHING_TO_APPROVE


def expired(guidance: Guidance, at: ClockReading) -> bool:
    """Return whether an open guidance has outlived its time."""
    return guidance.state in OPEN and guidance.expires is not None and at.is_past(guidance.expires)
