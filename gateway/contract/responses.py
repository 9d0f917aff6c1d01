"""What a person at a terminal answers to a guidance."""

from typing import Any

from gateway.contract.field_reader import FieldReader
from gateway.contract.json_documents import parse_object
from gateway.contract.lims.names import normalised
from gateway.contract.refusals import Refusal, RefusalText, refusal_text
from gateway.contract.response_tokens import LONGEST_TOKEN
from gateway.contract.topics import encode_level
from gateway.records.people import Act, Response


def response(payload: bytes, *, now_ns: int, topic_level: str | None = None) -> Response:
    """Return the response in a message; raises MessageRefusedError with every reason.

    ``topic_level``: the level of the topic that names the terminal, percent-encoded. The broker lets each terminal
    answer on its own topic only, so a message that names another one is not that terminal's.
    """
    reader = FieldReader(parse_object(payload), now_ns)
    answer = Response(
        response_id=reader.text("id", required=True) or "",
        guidance_id=reader.text("guidance_id", required=True) or "",
        act=reader.choice(Act, "act", default=None) or Act.ACKNOWLEDGE,
        terminal=reader.text("terminal", required=True) or "",
        person=_named(reader.text("person")),
        reason=reader.text("reason"),
        at_ns=reader.time("at"),
        token=_token(reader.document.get("token")),
    )
    if topic_level is not None and answer.terminal and encode_level(answer.terminal) != topic_level:
        text = refusal_text(RefusalText.TERMINAL_DIFFERS, terminal=answer.terminal, topic_level=topic_level)
        reader.refuse(Refusal.TERMINAL_DIFFERS, text, terminal=answer.terminal, topic_level=topic_level)
    reader.finish()
    return answer


def _token(value: Any) -> str | None:
    """Return a signed token as it came, an empty text where it cannot be one, None where there is none."""
    if value is None:
        return None
    return value if isinstance(value, str) and len(value) <= LONGEST_TOKEN and value.isascii() else ""


def _named(person: str | None) -> str | None:
    """Return a person's name without invisible characters, or None if nothing is left."""
    return (normalised(person) or None) if person is not None else None
