"""What guidance stands on that is answered, or that may end."""

from gateway.advice.publication import BOARD_LONGEST
from gateway.advice.rationing import KEPT_BACK
from gateway.contract.response_tokens import LONGEST_LIFE_NS, read_token
from gateway.events import (
    ActRequested,
    AdviceWithheld,
    GatewayStarted,
    MessageRefused,
    ResponseArrived,
    TimerDue,
    VersionTaken,
)
from gateway.facts.guidance import (
    AnswerFacts,
    OpenGuidanceFacts,
    RefusedMessageFacts,
    ResponseFacts,
    StartFacts,
    TokenFacts,
)
from gateway.records.acts import AnswerGuidance
from gateway.records.guidance import Guidance
from gateway.records.people import RefusedResponses
from gateway.records.setpoints import ALL_WRITES
from gateway.records.timers import Timer
from gateway.records.users import Credential, CredentialKind
from gateway.store.codec import decode
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.parts_in_doubt import parts_in_doubt
from gateway.store.facts.reading import Reading
from gateway.store.facts.suppression import silenced
from gateway.store.queries.guidance import answer_that_changed
from gateway.store.queries.seen import Seen
from gateway.store.queries.users import keys_of_all, user_of
from gateway.store.statements import SQL, value_of


@loader
def open_guidance_facts(reading: Reading, event: TimerDue | VersionTaken | AdviceWithheld) -> OpenGuidanceFacts:
    """Return the open guidance that an event is about."""
    open_guidance = _open_guidance(reading, event)
    return OpenGuidanceFacts(
        **reading.base(),
        open_guidance=open_guidance,
        announced_ns=_announced_ns(reading, event, open_guidance),
        silenced=silenced(reading),
    )


def _announced_ns(
    reading: Reading, event: TimerDue | VersionTaken | AdviceWithheld, open_guidance: tuple[Guidance, ...]
) -> dict[str | None, tuple[int, ...]]:
    """Return, of equipment of which guidance waits, when operators were called to some within the period."""
    waiting = {item.equipment_id for item in open_guidance if item.attention in KEPT_BACK}
    return {
        equipment_id: announced_within(reading, equipment_id, event.at_ns)
        for equipment_id in waiting
        if equipment_id is not None
    }


def announced_within(reading: Reading, equipment_id: str, at_ns: int) -> tuple[int, ...]:
    """Return when operators were called to an equipment's guidance within the period; at most as often as they may."""
    rationing = reading.line.rationing
    parameters = {"equipment_id": equipment_id, "after_ns": at_ns - rationing.period_ns, "most": rationing.most}
    rows = reading.connection.execute(SQL["announced_of_equipment"], parameters)
    return tuple(row["announced_ns"] for row in rows)


def _open_guidance(reading: Reading, event: TimerDue | VersionTaken | AdviceWithheld) -> tuple[Guidance, ...]:
    match event:
        case VersionTaken():
            return reading.guidance("open_guidance_of_model", model=event.model)
        case AdviceWithheld():
            refused = (reading.guidance("guidance_by_id", guidance_id=guidance_id) for guidance_id in event.refused)
            return tuple(guidance for rows in refused for guidance in rows)
        case _:
            return (
                _board(reading)
                if event.timer is Timer.REFRESH_BOARD
                else reading.guidance("open_guidance_that_expires")
            )


@loader
def response_facts(reading: Reading, event: ResponseArrived) -> ResponseFacts:
    """Return the guidance that was answered, and what is on record of the token by which it was."""
    response = event.response
    guidance = _guidance(reading, response.guidance_id)
    return ResponseFacts(
        **reading.base(),
        refused=_refused_responses(reading),
        answered=guidance,
        write_under_way=_write_under_way(reading, guidance),
        before=answer_that_changed(reading.connection, response.guidance_id),
        token=None if response.token is None else _token(reading, response.token, at_ns=event.at_ns),
    )


@loader
def answer_facts(reading: Reading, event: ActRequested) -> AnswerFacts:
    """Return the guidance that a user answers."""
    guidance_id = event.act.guidance_id if isinstance(event.act, AnswerGuidance) else ""
    guidance = _guidance(reading, guidance_id)
    return AnswerFacts(
        **act_base(reading, event),
        answered=guidance,
        write_under_way=_write_under_way(reading, guidance),
        before=answer_that_changed(reading.connection, guidance_id),
    )


@loader
def refused_message_facts(reading: Reading, _event: MessageRefused) -> RefusedMessageFacts:
    """Return how many messages of terminals have changed nothing."""
    return RefusedMessageFacts(**reading.base(), refused=_refused_responses(reading))


def _guidance(reading: Reading, guidance_id: str) -> Guidance | None:
    row = reading.row("guidance_by_id", guidance_id=guidance_id)
    return None if row is None else decode(Guidance, row["body"])


def _write_under_way(reading: Reading, guidance: Guidance | None) -> bool:
    if guidance is None or guidance.suggestion is None:
        return False
    return value_of(reading.connection, "open_intent_of_tag", tag=guidance.suggestion.tag) is not None


def _token(reading: Reading, text: str, *, at_ns: int) -> TokenFacts:
    """Return what is on record of a token's key at this instant; of a key that is not enrolled nothing is."""
    stated = read_token(text)
    key = None if stated is None else next(
        (item for item in keys_of_all(reading.connection) if item.key_id == stated.key_id), None
    )  # fmt: skip
    if stated is None or key is None:
        return TokenFacts(stated=stated, key=None, user=None, used=False, recent=0, out_of_sight=False)
    of_key = {"key_id": key.key_id}
    return TokenFacts(
        stated=stated,
        key=key,
        user=user_of(reading.connection, Credential(kind=CredentialKind.SIGNED_TOKEN, subject=key.user_id)),
        used=value_of(reading.connection, "nonce_used", **of_key, nonce=stated.nonce) is not None,
        recent=value_of(reading.connection, "answers_of_key", **of_key, since_ns=at_ns - LONGEST_LIFE_NS),
        out_of_sight=_is_out_of_sight(reading, key.user_id, stated.guidance_id),
    )


def _is_out_of_sight(reading: Reading, user_id: str, guidance_id: str) -> bool:
    """Return whether a guidance is hidden from a user, as is one that is not there; to stop all writing never is."""
    seen = Seen(reading.connection, reading.line.sights.of_user(user_id))
    return seen.limited and guidance_id != ALL_WRITES and not seen.guidance_named(guidance_id)


def _refused_responses(reading: Reading) -> RefusedResponses:
    row = reading.connection.execute(SQL["refused_responses"]).fetchone()
    return RefusedResponses(begun_ns=0, recorded=0, counted=0) if row is None else RefusedResponses(**dict(row))


@loader
def start_facts(reading: Reading, _event: GatewayStarted) -> StartFacts:
    """Return what a start stands on."""
    return StartFacts(
        **reading.base(),
        previous_configuration_sha256=value_of(reading.connection, "last_configuration"),
        open_guidance=_board_and_advice(reading),
        announced_ns={},
        silenced=frozenset(),
        parts_in_doubt=parts_in_doubt(reading),
    )


def _board(reading: Reading) -> tuple[Guidance, ...]:
    return reading.guidance("newest_open_guidance", most=BOARD_LONGEST)


def _board_and_advice(reading: Reading) -> tuple[Guidance, ...]:
    """Return what the board shows, and all advice that expires, on the board or not: it is judged again."""
    both = (*_board(reading), *reading.guidance("open_guidance_that_expires"))
    return tuple({guidance.guidance_id: guidance for guidance in both}.values())
