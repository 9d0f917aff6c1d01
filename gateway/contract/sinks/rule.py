"""Which messages a sink is told of, and as which request. Pure; it runs in the transaction of the cause.

A release is told only where a person has decided it with a signature and the decision stands: the gateway's own
recommendation releases nothing in another system.
"""

import json
from collections.abc import Mapping
from typing import Any

from gateway.contract.identity import identity_of
from gateway.contract.publications import CERTIFICATE, CONTROL, DEAD_LETTER, DEVIATION, DISPOSITION, SAMPLE_REQUEST
from gateway.contract.sinks.request import LONGEST_BODY_BYTES, SinkRequest, UnfitError
from gateway.contract.sinks.table import TEMPLATES
from gateway.line.sinks import Sink, SinkMessage
from gateway.records.lot_parts import RELEASE_TAKEN_BACK
from gateway.records.outgoing import OutgoingMessage
from gateway.records.sink_deliveries import Delivery

_OF_PUBLICATION = {
    DISPOSITION.name: SinkMessage.DISPOSITION,
    DEVIATION.name: SinkMessage.DEVIATION,
    SAMPLE_REQUEST.name: SinkMessage.SAMPLE_REQUEST,
    CERTIFICATE.name: SinkMessage.CERTIFICATE,
    CONTROL.name: SinkMessage.CONTROL,
    DEAD_LETTER.name: SinkMessage.DEAD_LETTER,
}
_OF_A_LOTS_STATE = frozenset({SinkMessage.HOLD, SinkMessage.RELEASE, SinkMessage.DISPOSITION})
_UNASSIGNED = "unassigned"
AWAITS_CERTIFICATE = "AWAITS_CERTIFICATE"
CERTIFICATE_WITHDRAWN = "CERTIFICATE_WITHDRAWN"
"""Flags of a disposition: a person's release does not count yet, or does not count any more."""


def deliveries_of(message: OutgoingMessage, sinks: tuple[Sink, ...], *, topic_root: str) -> tuple[Delivery, ...]:
    """Return what the sinks are told of a message: at most one delivery each."""
    if not sinks or not message.payload:
        return ()
    publication = message.topic.removeprefix(f"{topic_root}/").split("/", 1)[0]
    general = _OF_PUBLICATION.get(publication)
    if general is None:
        return ()
    document = json.loads(message.payload)
    meant = messages_of(general, document)
    told = ((sink, next((item for item in meant if item in sink.messages), None)) for sink in sinks)
    made = (_delivery(sink, kind, document, message.message_id) for sink, kind in told if kind is not None)
    return tuple(delivery for delivery in made if delivery is not None)


def messages_of(general: SinkMessage, document: Mapping[str, Any]) -> tuple[SinkMessage, ...]:
    """Return what a payload is for sinks, the most special first."""
    if general is not SinkMessage.DISPOSITION:
        return _of_a_document(general, document.get("state"))
    flags = document.get("flags") or ()
    if AWAITS_CERTIFICATE in flags:  # a release that does not count yet is none; one that counts no more is taken back
        return (SinkMessage.HOLD, general) if CERTIFICATE_WITHDRAWN in flags else (general,)
    if RELEASE_TAKEN_BACK in flags:
        return (SinkMessage.HOLD, general)
    stated = document.get("decision")
    decision = stated if isinstance(stated, Mapping) else {}
    decided = decision.get("decision") if decision.get("stands") is True else None
    if decided == "release":
        return (SinkMessage.RELEASE, general)
    held = document.get("recommendation") == "hold"
    # a hold is told once; again where a person's decision has lapsed, as the system may have been told of a release
    news = document.get("previous") != "hold" or bool(stated)
    return (SinkMessage.HOLD, general) if decided is not None or (held and news) else (general,)


def _of_a_document(general: SinkMessage, state: object) -> tuple[SinkMessage, ...]:
    """Return what a document is told as: a draft of a certificate is not, a closing makes no second deviation."""
    if general is SinkMessage.CERTIFICATE and state == "draft":
        return ()
    return (SinkMessage.DEVIATION_CLOSED,) if general is SinkMessage.DEVIATION and state == "closed" else (general,)


def _delivery(sink: Sink, kind: SinkMessage, document: Mapping[str, Any], message_id: str) -> Delivery | None:
    unfit, request = "", None
    try:
        request = TEMPLATES[sink.template].render(kind, document, sink.options)
        if request is None:
            return None
    except UnfitError as error:
        unfit = str(error)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        unfit = (
            f"it cannot be put into the form {sink.template} ({type(error).__name__})"  # it must not stop a decision
        )
    if request is not None and len(request.body) > LONGEST_BODY_BYTES:
        unfit, request = f"it has {len(request.body)} bytes, more than {LONGEST_BODY_BYTES}", None
    made = request or SinkRequest(body=b"")
    lot = lot_of(document)
    return Delivery(
        delivery_id=identity_of("delivery", sink.name, message_id),
        sink=sink.name,
        message_id=message_id,
        kind=kind.value,
        material_lot_id=lot,
        ordered_by=made.ordered_by or _order(kind, lot, document),
        path=made.path,
        body=made.body,
        unfit=unfit,
    )


def _order(kind: SinkMessage, lot: str | None, document: Mapping[str, Any]) -> str:
    """Return what the order is kept for: what is said of a lot's state, apart from documents, which must not delay."""
    if kind in _OF_A_LOTS_STATE:
        return f"lot {lot or _UNASSIGNED}"
    return f"{kind.value} {lot or document.get('id')}"


def lot_of(document: Mapping[str, Any]) -> str | None:
    """Return the lot that a payload is about, None where it names none."""
    body = document.get("body")
    lot = document.get("material_lot_id") or (body.get("material_lot") if isinstance(body, Mapping) else None)
    return lot if isinstance(lot, str) else None
