"""Siemens Opcenter Execution: each message is a command of the plant's own, ``{"command": {...}}``.

The form of address, body and answer is that of Opcenter Execution Foundation's OData service; which command does what
is the plant's own, so it is configured.
"""

import json
from typing import Any

from gateway.contract.sinks.request import (
    Document,
    Option,
    Options,
    SinkRequest,
    Template,
    UnfitError,
    encoded,
    segment,
    sentences,
)
from gateway.line.sinks import SinkMessage

_COMMANDS = {
    SinkMessage.HOLD: "hold_command",
    SinkMessage.RELEASE: "release_command",
    SinkMessage.DEVIATION: "deviation_command",
    SinkMessage.SAMPLE_REQUEST: "sample_request_command",
    SinkMessage.DISPOSITION: "disposition_command",
}


def _render(message: SinkMessage, document: Document, options: Options) -> SinkRequest | None:
    option = _COMMANDS.get(message)
    if option is None:
        return None
    command = options.get(option)
    if command is None:
        raise UnfitError(f"options.{option} does not say which command it is")
    body = document.get("body")
    request = body if isinstance(body, dict) else {}
    fields = {
        "MaterialLotNId": document.get("material_lot_id") or request.get("material_lot"),
        "WorkOrderNId": document.get("job_order_id") or request.get("production_order"),
        "Reason": sentences(document) or document.get("title"),
        "MessageId": document.get("id"),
        "Message": document,
    }
    path = f"/sit-svc/application/{segment(options['application'])}/odata/{segment(command)}"
    return SinkRequest(path=path, body=encoded({"command": fields}))


def _refusal(answer: bytes) -> str | None:
    """Return why a command did not succeed: the service says so with a status of success."""
    try:
        read: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or read.get("Succeeded") is not False:
        return None
    error = read.get("Error")
    code = error.get("ErrorCode") if isinstance(error, dict) else None
    return f"the command did not succeed (error {code if isinstance(code, int) else 'unknown'})"


OPCENTER = Template(
    name="opcenter",
    render=_render,
    messages=frozenset(_COMMANDS),
    options={
        "application": Option(description="the application whose commands they are, such as AppU4DM", required=True),
        **{name: Option(description=f"the command for {message.value}") for message, name in _COMMANDS.items()},
    },
    refusal=_refusal,
)
