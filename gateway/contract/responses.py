"""What a person at a terminal answers to a guidance."""

from gateway.contract.reading import FieldReader, parse_object
from gateway.records import Act, Response


def response(payload: bytes, *, now_ns: int) -> Response:
    """Return the response in a message; raises MessageRefusedError with every reason."""
    reader = FieldReader(parse_object(payload), now_ns)
    answer = Response(
        response_id=reader.text("id", required=True) or "",
        guidance_id=reader.text("guidance_id", required=True) or "",
        act=reader.choice(Act, "act", default=None) or Act.ACKNOWLEDGE,
        terminal=reader.text("terminal", required=True) or "",
        person=reader.text("person"),
        reason=reader.text("reason"),
        at_ns=reader.time("at"),
    )
    reader.finish()
    return answer
