"""SAP Digital Manufacturing: holds and deviations are logged as nonconformances of an SFC.

``POST /nonconformance/v1/log`` of the API ``sapdme_nonconformance``. The lot's name is taken for the SFC's.
"""

from gateway.contract.sinks.request import Document, Option, Options, SinkRequest, Template, encoded, named, sentences
from gateway.line.sinks import SinkMessage

_LOGGED = frozenset({SinkMessage.HOLD, SinkMessage.DEVIATION})
_LONGEST_COMMENT = 500


def _render(message: SinkMessage, document: Document, options: Options) -> SinkRequest | None:
    if message not in _LOGGED or (message is SinkMessage.DEVIATION and document.get("version") != 1):
        return None  # its later versions tell of the same nonconformance
    body = {
        "plant": options["plant"],
        "code": options["code"],
        "sfcs": [named(document, "material_lot_id")],
        "quantity": 1,
        "comments": (sentences(document) or str(document.get("title", "")))[:_LONGEST_COMMENT],
    }
    optional = {"workCenter": options.get("work_center"), "routingStepId": options.get("routing_step")}
    body |= {name: value for name, value in optional.items() if value is not None}
    return SinkRequest(path="/nonconformance/v1/log", body=encoded(body))


SAP = Template(
    name="sap",
    render=_render,
    messages=_LOGGED,
    options={
        "plant": Option(description="the plant", required=True),
        "code": Option(description="the nonconformance code", required=True),
        "work_center": Option(description="the work center"),
        "routing_step": Option(description="the id of the routing step"),
    },
)
