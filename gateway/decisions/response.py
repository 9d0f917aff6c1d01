"""A person at a terminal has answered a guidance; who it was, only a signed token shows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.advice.publication import outcome_message
from gateway.contract.response_tokens import LONGEST_LIFE_NS, ResponseToken, signature_holds
from gateway.decision import Decision
from gateway.decisions.answering import answered, put_on_record
from gateway.decisions.refused_responses import kept_within_limit
from gateway.decisions.setpoint_write import stopped_by_response
from gateway.events import ResponseArrived
from gateway.facts.guidance import ResponseFacts, TokenFacts
from gateway.records.people import Answerer, Outcome, Response, ResponseRecorded
from gateway.records.setpoints import ALL_WRITES
from gateway.records.users import CredentialKind, KeyChanged, User
from gateway.time_units import SECOND_NS

MOST_OF_A_KEY = 100  # answers on record within the time that a token lives
AHEAD_NS = 60 * SECOND_NS  # by which a terminal's clock may be ahead


@dataclass(frozen=True, kw_only=True, slots=True)
class _Presented:
    """A token that can be read, of a key that is enrolled, with the response that brings it."""

    response: Response
    token: ResponseToken
    key: KeyChanged
    user: User | None
    facts: TokenFacts
    line: str
    now_ns: int


# why a token identifies nobody, in this order
_GATES: tuple[tuple[Outcome, Callable[[_Presented], bool]], ...] = (
    (Outcome.TOKEN_SIGNATURE_WRONG, lambda it: not signature_holds(it.token, it.key.public_key)),
    (Outcome.TOKEN_KEY_REVOKED, lambda it: it.key.revoked),
    (Outcome.TOKEN_USER_DISABLED, lambda it: it.user is None or it.user.disabled),
    (Outcome.TOKEN_OF_OTHER_LINE, lambda it: it.token.line != it.line),
    (Outcome.TOKEN_OF_OTHER_TERMINAL,
     lambda it: not it.token.terminal == it.key.label == it.response.terminal),
    (Outcome.TOKEN_OF_OTHER_GUIDANCE, lambda it: it.token.guidance_id != it.response.guidance_id),
    (Outcome.TOKEN_OF_OTHER_ACT, lambda it: it.token.act is not it.response.act),
    (Outcome.TOKEN_FROM_THE_FUTURE, lambda it: it.token.issued_ns > it.now_ns + AHEAD_NS),
    (Outcome.TOKEN_VALID_TOO_LONG, lambda it: it.token.expires_ns - it.token.issued_ns > LONGEST_LIFE_NS),
    (Outcome.TOKEN_EXPIRED, lambda it: it.token.expires_ns <= it.now_ns),
    (Outcome.UNKNOWN_GUIDANCE, lambda it: it.facts.out_of_sight),
    (Outcome.TOKEN_USED_BEFORE, lambda it: it.facts.used),
    (Outcome.TOO_MANY_RESPONSES, lambda it: it.facts.recent >= MOST_OF_A_KEY),
)  # fmt: skip


def on_response(event: ResponseArrived, facts: ResponseFacts) -> Decision:
    """Record a person's response with its outcome, and change the guidance where the response is valid."""
    presented = _presented(event, facts)
    by, key_id, nonce = Answerer(name=event.response.person), None, None
    if isinstance(presented, _Presented) and presented.user is not None:
        by, key_id, nonce = _identified(presented.user), presented.key.key_id, presented.token.nonce
        # from here on only what is signed counts, and the name that is on record
        response = replace(event.response, person=by.name, reason=presented.token.reason)
        event = replace(event, response=response)
    refusal = presented if isinstance(presented, Outcome) else None
    if event.response.guidance_id == ALL_WRITES and refusal is None:
        changed, (outcome, stopped) = None, stopped_by_response(event, by)
    else:
        changed, outcome = (None, refusal) if refusal is not None else answered(event, facts, event.response, by)
        stopped = Decision()
    recorded = ResponseRecorded(response=event.response, outcome=outcome, by=by, key_id=key_id, nonce=nonce)
    message = outcome_message(recorded, facts.before, changed or facts.answered, line=facts.line,
                              cause=event.event_id, at_ns=event.at_ns)  # fmt: skip
    kept = put_on_record(event, facts, recorded, changed) + Decision(messages=(message,)) + stopped
    if changed is not None or by.identified:
        return kept
    return kept_within_limit(kept, facts.refused, at_ns=event.at_ns)


def _presented(event: ResponseArrived, facts: ResponseFacts) -> _Presented | Outcome | None:
    """Return the token that identifies a user, or why it identifies nobody; None where there is none."""
    known = facts.token
    if known is None:
        return None
    if known.stated is None:
        return Outcome.TOKEN_UNREADABLE
    if known.key is None:
        return Outcome.TOKEN_KEY_UNKNOWN
    presented = _Presented(
        response=event.response,
        token=known.stated,
        key=known.key,
        user=known.user,
        facts=known,
        line=facts.line.topic_root,
        now_ns=event.at_ns,
    )
    return next((outcome for outcome, refuses in _GATES if refuses(presented)), presented)


def _identified(user: User) -> Answerer:
    return Answerer(name=user.full_name, user_id=user.user_id, roles=user.roles, credential=CredentialKind.SIGNED_TOKEN)
