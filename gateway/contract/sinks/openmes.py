"""OpenMES: holds and deviations become issues, which block their work order until a person resolves them.

``POST /api/v1/issues`` as in the sources of OpenMES (IssueController). A work order is named by its number there.
"""

from gateway.contract.sinks.request import (
    Document,
    Option,
    Options,
    SinkRequest,
    Template,
    UnfitError,
    encoded,
    named,
    sentences,
)
from gateway.line.sinks import SinkMessage

_ISSUES = frozenset({SinkMessage.HOLD, SinkMessage.DEVIATION})
_LONGEST_TITLE = 255


def _render(message: SinkMessage, document: Document, options: Options) -> SinkRequest | None:
    if message not in _ISSUES or (message is SinkMessage.DEVIATION and document.get("version") != 1):
        return None
    order = named(document, "job_order_id")
    if not order.isascii() or not order.isdigit():
        raise UnfitError("the order's name is no id of a work order of OpenMES")
    lot = named(document, "material_lot_id")
    title = str(document.get("title") or f"{lot}: {message.value}")
    body = {
        "work_order_id": int(order),
        "issue_type_id": int(options["issue_type"]),
        "title": title[:_LONGEST_TITLE],
        "description": sentences(document),
    }
    return SinkRequest(path="/api/v1/issues", body=encoded(body))


OPENMES = Template(
    name="openmes",
    render=_render,
    messages=_ISSUES,
    options={"issue_type": Option(description="the id of the type of issue, a number", required=True)},
    needs_credentials=frozenset({"token"}),
    calls_per_minute=60,
)
