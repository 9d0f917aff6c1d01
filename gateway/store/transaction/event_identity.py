"""Which event this is: its stable id, or that it was decided already. Runs inside the writer's transaction."""

import sqlite3
from dataclasses import replace
from operator import itemgetter
from typing import Any

from gateway.contract.identity import delivery_identity, identity_of
from gateway.contract.refusals import Refusal, RefusalText, refusal, refusal_text
from gateway.contract.specifications import reference_to_specification
from gateway.decisions.result_assessment import RESTATED
from gateway.errors import EvidenceDamagedError
from gateway.events import (
    Arrived,
    ContextChanged,
    Event,
    FollowUpDue,
    MessageRefused,
    ResponseArrived,
    ResultArrived,
    SpecificationStated,
)
from gateway.lab.result_versions import contradictions
from gateway.records.deliveries import PULLED
from gateway.records.laboratory import LabResult, ResultReference, Specification
from gateway.store.audit.evidence import must_hold
from gateway.store.codec import decode
from gateway.store.facts.lot.own_words import own_words, with_known_lots
from gateway.store.statements import SQL, value_of
from gateway.store.transaction.records.laboratory import specification_key


def identify(connection: sqlite3.Connection, event: Event) -> Event | None:
    """Return the event with its stable id, or None where it has been decided already.

    A message that names its own identity (a result with a version, a response) but differs from what is on
    record under it is refused: nothing that was accepted is ever overwritten.
    """
    match event:
        case ResultArrived():
            result = with_known_lots(connection, event.result)
            return _identified_by_content(connection, replace(event, result=result))
        case ResponseArrived():
            return _identified_by_content(connection, event)
        case SpecificationStated():
            return _identified_specification(connection, event)
        case FollowUpDue():
            waits = value_of(connection, "follow_up_waits", event_id=event.event_id)
            return None if waits is None else event
        case ContextChanged() | MessageRefused():
            return _identified_by_delivery(connection, event)
        case _:
            return event


def _identified_by_content(connection: sqlite3.Connection, event: ResultArrived | ResponseArrived) -> Event | None:
    if isinstance(event, ResponseArrived):
        own_id = identity_of("response", event.response.terminal, event.response.response_id)
    else:
        own_id = event.result.result_id
    if not own_id:
        return _identified_by_delivery(connection, event)
    event_id = _salted(connection, own_id)
    try:
        seen = _payload_under(connection, event_id=event_id, own_id=own_id)
    except EvidenceDamagedError:  # nobody can know whether it was decided already: a person must look
        return _identified_by_delivery(connection, _conflict(event, own_id))
    if seen is None:
        return replace(event, event_id=event_id)
    if seen == event.origin.payload_sha256:
        return None
    if isinstance(event, ResultArrived):
        return _identified_message_of_version(connection, event, own_id)
    return _identified_by_delivery(connection, _conflict(event, own_id))


def _identified_message_of_version(connection: sqlite3.Connection, event: ResultArrived, own_id: str) -> Event | None:
    """Return a further message of a version that is on record: its status advances, unless the two contradict.

    Sent again, it is recognised by what it says, however many others came between.
    """
    update_id = identity_of("result-message", own_id, event.origin.payload_sha256)
    event_id = _salted(connection, update_id)
    if _payload_under(connection, event_id=event_id, own_id=update_id) is not None:
        return None
    rows = connection.execute(SQL["messages_of_version"], _version(event.result)).fetchall()
    if not rows or not all(row["holds"] for row in rows):
        return _identified_by_delivery(connection, _conflict(event, own_id))
    standing = with_known_lots(connection, own_words(rows[-1]["body"]))
    fields = contradictions(standing, event.result)
    if fields:
        return _identified_by_delivery(connection, _conflict(event, own_id, fields, standing))
    return replace(event, event_id=event_id, result=replace(event.result, result_id=update_id))


def _version(result: LabResult) -> dict[str, Any]:
    return {
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
        "result_version": result.result_version,
    }


def _identified_specification(connection: sqlite3.Connection, event: SpecificationStated) -> Event | None:
    """Master data is often retained and comes again with each connection: equal content is the same message."""
    key = specification_key(event.specification, withdrawn=event.withdrawn)
    row = connection.execute(SQL["specification_stated"], key).fetchone()
    if row is None:
        own_id = identity_of("specification", *key.values())
        return replace(event, event_id=_salted(connection, own_id))
    standing = decode(Specification, row["body"]) if row["holds"] else None
    if standing == event.specification:
        return None
    reason = refusal(
        Refusal.SPECIFICATION_VERSION_CONFLICT,
        refusal_text(RefusalText.SPECIFICATION_ON_RECORD),
        **key,
    )
    # what ends stays ended
    about = None if event.withdrawn else reference_to_specification(_since_either(event.specification, standing))
    refused = MessageRefused(at=event.at, origin=event.origin, payload=event.payload, reasons=(reason,), about=about)
    return _identified_by_delivery(connection, refused)


def _since_either(stated: Specification, standing: Specification | None) -> Specification:
    """Return a specification in force since the earlier of two instants: one version came with both."""
    instants = [stated.effective_from_ns, None if standing is None else standing.effective_from_ns]
    known = [instant for instant in instants if instant is not None]
    return replace(stated, effective_from_ns=min(known) if len(known) == len(instants) else None)


def _identified_by_delivery(connection: sqlite3.Connection, event: Arrived) -> Event | None:
    origin = event.origin
    if origin.session == RESTATED:  # the gateway's own finding: what it repeats is counted already
        return replace(event, event_id=_salted(connection, identity_of("restated", origin.payload_sha256, event.at_ns)))
    delivery = {"session": origin.session, "message_number": origin.message_number}
    if origin.redelivered and value_of(
        connection, "was_in_last_delivery", **delivery, payload_sha256=origin.payload_sha256
    ):
        return None
    ordinal = value_of(connection, "count_deliveries", payload_sha256=origin.payload_sha256, topic=origin.topic)
    if ordinal and origin.session == PULLED:
        return None  # what is fetched comes with each answer
    own_id = delivery_identity(topic=origin.topic, payload_sha256=origin.payload_sha256, ordinal=ordinal)
    return replace(event, event_id=_salted(connection, own_id))


def _salted(connection: sqlite3.Connection, own_id: str) -> str:
    """Return an event's id in this epoch of the store.

    A store that went back in time (by restore or by loss) has forgotten what it decided since, and perhaps sent: what
    it decides from then on gets other ids, so that no id ever stands for two messages.
    """
    epoch = value_of(connection, "store")
    return identity_of("epoch", epoch, own_id) if epoch else own_id


def _conflict(
    event: ResultArrived | ResponseArrived, own_id: str, fields: tuple[str, ...] = (), standing: LabResult | None = None
) -> MessageRefused:
    """Return a message as refused since something else is on record under its identity.

    Nobody can say which of the two holds: the lots of both are for a person.
    """
    code = RefusalText.RESULT_ON_RECORD_DIFFERS if fields else RefusalText.RESULT_ON_RECORD
    reason = refusal(
        Refusal.RESULT_VERSION_CONFLICT,
        refusal_text(code, fields=", ".join(fields)),
        id=own_id,
        fields=list(fields),
    )
    result = event.result if isinstance(event, ResultArrived) else None
    return MessageRefused(
        at=event.at,
        origin=event.origin,
        payload=event.payload,
        reasons=(reason,),
        about=None if result is None else reference_to(result, standing),
        contradicts=result if fields else None,
        of_terminal=isinstance(event, ResponseArrived),
    )


def reference_to(result: LabResult, standing: LabResult | None = None) -> ResultReference:
    """Return the lots, sample and test of a result, and what is on record in its place."""
    lots = result.lots if standing is None else tuple(dict.fromkeys((*result.lots, *standing.lots)))
    return ResultReference(
        source=result.source,
        lots=lots,
        sample_id=result.sample_id,
        test_id=result.test_id,
        job_order_id=result.job_order_id,
        equipment_id=result.equipment_id,
        sampled_ns=result.sampled_ns,
    )


def _payload_under(connection: sqlite3.Connection, *, event_id: str, own_id: str) -> str | None:
    """Return the hash of the payload on record under an id, of this epoch or an earlier one, or None.

    Raises EvidenceDamagedError where the record does not hold.
    """
    rows = connection.execute(SQL["payloads_under_id"], {"event_id": event_id, "own_id": own_id}).fetchall()
    if not rows:
        return None
    row = min(rows, key=itemgetter("place"))
    must_hold(row["holds"], table=row["kept_in"], key=own_id)
    return str(row["payload_sha256"])
