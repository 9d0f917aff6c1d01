"""What decisions on answered or ending guidance stand on."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.contract.response_tokens import ResponseToken
from gateway.facts.acts import ActFacts
from gateway.facts.base import Facts
from gateway.records.guidance import Guidance
from gateway.records.people import AnswerOnRecord, RefusedResponses
from gateway.records.users import KeyChanged, User


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenGuidanceFacts(Facts):
    """The open guidance that an event is about; for the board, the guidance that it shows.

    ``announced_ns``: by equipment of which guidance waits, when operators were called to some within the period.
    ``silenced``: the alarms that call nobody now: shelved, out of service, or suppressed by design.
    """

    open_guidance: tuple[Guidance, ...]
    announced_ns: Mapping[str | None, tuple[int, ...]]
    silenced: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenFacts:
    """A response's token as it reads, and what is on record of its key at this instant.

    ``stated``: None where the token is not readable; ``key``: None where none of that id is enrolled; ``user``: whose
    key it is. ``used``: whether an answer with the token's nonce is on record. ``recent``: how many answers of the key
    are, of the time that a token lives. ``out_of_sight``: whether the guidance is hidden from the user.
    """

    stated: ResponseToken | None
    key: KeyChanged | None
    user: User | None
    used: bool
    recent: int
    out_of_sight: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedMessageFacts(Facts):
    """How many refused messages of terminals are on record and only counted in the present period."""

    refused: RefusedResponses


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseFacts(RefusedMessageFacts):
    """The guidance that a person has answered, where it is on record, and the answer that changed it before.

    ``write_under_way``: whether another move of its setpoint is being written. ``token``: None where the response has
    none.
    """

    answered: Guidance | None
    before: AnswerOnRecord | None
    write_under_way: bool
    token: TokenFacts | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerFacts(ActFacts):
    """The guidance that a user answers, where it is on record, and the answer that changed it before.

    ``write_under_way``: whether another move of its setpoint is being written.
    """

    answered: Guidance | None
    before: AnswerOnRecord | None
    write_under_way: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StartFacts(OpenGuidanceFacts):
    """What a start stands on; ``previous_configuration_sha256``: None before the first start.

    ``parts_in_doubt``: of lots, whose declaration is missing or altered.
    """

    previous_configuration_sha256: str | None
    parts_in_doubt: tuple[str, ...]
