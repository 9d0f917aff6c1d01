"""Assessments of lots, into their tables; and which lots are to be judged again. Within the transaction.

Whatever changes what a lot is judged by marks the lot here, in the same transaction: so nothing that arrives later can
meet a lot that does not know of it.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gateway.contract.identity import identity_of
from gateway.decision import (
    LotAssessed,
    LotsInQuestion,
    LotsQuestioned,
    OpenLotsQuestioned,
    ResultAccepted,
    ResultRefused,
    ResultRestated,
)
from gateway.errors import LablineError
from gateway.events import Event, MessageRefused
from gateway.lab.release.assessment import Assessment
from gateway.lab.release.parts import is_of_whole_lot
from gateway.records.follow_ups import FollowUp, FollowUpKind
from gateway.records.laboratory import LabResult, ProductReference, Recommendation, ResultReference, Specification
from gateway.records.production import ContextChange, ContextKind
from gateway.store.audit.evidence import Cell, with_hash
from gateway.store.codec import encode
from gateway.store.statements import SQL, value_of
from gateway.store.transaction.lot_names import mark_lots_named_alike, mark_lots_of_names_with_bars, note_names

SEVERAL = "*"  # products; which ones is in the body


def assessed(connection: sqlite3.Connection, event: Event, record: LotAssessed) -> None:
    """Write a lot's assessments; where it comes into question or out of it, the lots made of it are judged again."""
    lot = {"material_lot_id": record.material_lot_id}
    if record.whole:
        connection.execute(SQL["lot_is_judged"], {**lot, "cause": event.event_id})
    if record.has_parts and (record.changed or record.removed or record.whole):  # which counts for its parts, too
        connection.execute(SQL["judge_parts_again"], lot | _because(event))
    if record.revives is not None:
        connection.execute(SQL["judge_lot_again"], {"material_lot_id": record.revives, **_because(event)})
    if not (record.changed or record.removed):
        _note_copied(connection, record)
        return
    before = value_of(connection, "in_question", **lot) if record.is_parent else None
    holding = value_of(connection, "holding_of_lot", **lot) if record.named_alike else None
    for subject in record.removed:
        connection.execute(SQL["delete_assessment"], {**lot, "subject": subject})
    for item in record.changed:
        row = with_hash("assessment", _row(item))
        of_hash = record.copied.get(item.subject, "") if is_of_whole_lot(item) else None
        connection.execute(SQL["insert_assessment"], {**row, "of_hash": of_hash})
    _note_copied(connection, record)
    other_hold = any(item.asks is Recommendation.HOLD for item in record.changed)
    if record.is_parent and (other_hold or value_of(connection, "in_question", **lot) != before):
        connection.execute(SQL["judge_lots_made_of_it_again"], lot | _because(event))
    if record.named_alike and value_of(connection, "holding_of_lot", **lot) != holding:
        mark_lots_named_alike(connection, record.material_lot_id, _because(event))


def _note_copied(connection: sqlite3.Connection, record: LotAssessed) -> None:
    """Note of what of its lot a part has copies that are as before, though what they are copied of is another row."""
    for subject in record.copied.keys() - {item.subject for item in record.changed}:
        copy = {"material_lot_id": record.material_lot_id, "subject": subject, "of_hash": record.copied[subject]}
        connection.execute(SQL["note_copied"], copy)


def _row(item: Assessment) -> dict[str, Cell]:
    return {
        "material_lot_id": item.material_lot_id,
        "subject": item.subject,
        "kind": item.kind.value,
        "source": item.source,
        "sample_id": item.sample_id,
        "analyte": item.analyte,
        "product": SEVERAL if len(item.products) > 1 else next(iter(item.products), None),
        "awaited_order_id": item.awaited_order_id,
        "at_ns": item.at_ns,
        "states_lot": int(item.states_lot),
        "retest": int(item.retest),
        "approved": int(item.approved),
        "failed": int(item.failed),
        "asks": item.asks.value,
        "body": encode(item),
    }


def _because(event: Event) -> dict[str, Any]:
    return {"cause": event.event_id, "at_ns": event.at_ns}


# --- which lots are to be judged again -------------------------------------------------------------------


def mark_lots_of_result(
    connection: sqlite3.Connection, event: Event, record: ResultAccepted, lots: LotsInQuestion
) -> None:
    """Note a result without a lot of its own, and mark the lots that it concerns, without those judged with it."""
    result, because = record.result.in_its_own_words(), _because(event)
    of_sample = {"sample_id": result.sample_id, "source": result.source}
    if record.supersedes is not None and lots.placed_by_production:
        connection.execute(SQL["judge_lots_of_subject_again"], {"subject": record.supersedes, **because})
    note_names(connection, lots.new_names, because)
    if result.lots:
        if lots.names_with_bars:
            mark_lots_of_names_with_bars(connection, result.lots, because)
        _mark_lots_of_sample(connection, of_sample, because)
        if lots.of_sample:  # else no other lot is named of its sample
            _mark_other_lots_of_sample(connection, result, of_sample | because)
        return
    note_without_lot(connection, result, at_ns=event.at_ns if result.sampled_ns is None else result.sampled_ns)
    for lot in lots.possible:
        connection.execute(SQL["judge_lot_again"], {"material_lot_id": lot, **because})


def note_without_lot(connection: sqlite3.Connection, result: LabResult, *, at_ns: int) -> None:
    """Note a result, in its own words, that names no lot; ``at_ns``: when it was drawn, else when it came."""
    if result.lots:
        return
    row = {
        "sample_id": result.sample_id,
        "source": result.source,
        "result_id": result.result_id,
        "equipment_id": result.equipment_id,
        "job_order_id": result.job_order_id,
        "at_ns": at_ns,
        "timed": result.sampled_ns is not None,
    }
    connection.execute(SQL["insert_result_without_lot"], row)


def mark_lots_of_context(connection: sqlite3.Connection, event: Event, change: ContextChange) -> None:
    """Mark the lots that a message of production touches."""
    because = _because(event)
    parameters = {
        "material_lot_id": change.material_lot_id,
        "equipment_id": change.equipment_id,
        "job_order_id": change.job_order_id,
        "from_ns": change.at_ns,
        **because,
    }
    for statement in _TOUCHED.get(change.kind, ()):
        connection.execute(SQL[statement], parameters)
    named = tuple(lot for lot in (change.material_lot_id, change.consumed_lot_id) if lot is not None)
    note_names(connection, named, because)
    mark_lots_of_names_with_bars(connection, named, because)


_DIVIDED = ("judge_divided_lot_again", "judge_parts_again")
_TOUCHED = {
    ContextKind.ORDER_STARTED: ("judge_lots_of_order_again",),
    # which may say how much the lot is
    ContextKind.LOT_STARTED: ("judge_started_lot_again", "judge_lots_on_equipment_again", *_DIVIDED),
    ContextKind.LOT_ENDED: ("judge_ended_lot_again", "judge_lots_on_equipment_again", *_DIVIDED),
    ContextKind.LOT_CLOSED: _DIVIDED,
    ContextKind.MATERIAL_CONSUMED: ("judge_lot_again", "judge_lots_made_of_it_again"),
}


def mark_lots_of_specification(connection: sqlite3.Connection, event: Event, specification: Specification) -> None:
    """Mark the lots with samples drawn since a specification is in force; the first one of all holds from the start."""
    key = {
        "product": specification.product,
        "analyte": specification.analyte,
        "client_id": specification.client_id or "",
    }
    first = value_of(connection, "count_specifications", **key) == 1
    from_ns = specification.effective_from_ns
    if from_ns is None:
        from_ns = 0 if first else event.at_ns
    parameters = {**key, "from_ns": from_ns, "required": specification.required, **_because(event)}
    connection.execute(SQL["judge_lots_of_product_again"], parameters)
    connection.execute(SQL["judge_lots_of_refused_product_again"], parameters)


def refused(connection: sqlite3.Connection, event: Event, record: ResultRefused) -> None:
    """Write a refused message for each lot and product that it concerns, and mark these lots."""
    about, because = record.about, _because(event)
    row: dict[str, Cell] = {
        "dead_letter_id": record.dead_letter_id,
        "event_id": event.event_id,
        "source": about.source,
        "sample_id": about.sample_id,
        "test_id": about.test_id,
        "at_ns": event.at_ns,
        "reasons": json.dumps([asdict(reason) for reason in record.reasons], default=str),
        "result": None if record.contradicts is None else encode(record.contradicts),
    }
    own = about.lots if record.contradicts is None else record.contradicts.lots
    for lot in about.lots if own else (*about.lots, ""):
        says = row["result"] if lot in own or not own else None  # only its own lots are judged by its content
        connection.execute(SQL["insert_refused_result"], row | {"material_lot_id": lot, "result": says})
        if lot:
            connection.execute(SQL["judge_lot_again"], {"material_lot_id": lot, **because})
    if not own or about.others_besides:
        _refused_in_place(connection, event, about, row)
    note_names(connection, about.lots, because)
    for product in about.products:
        _refused_of_product(connection, event, product, row)
    of_sample = {"sample_id": about.sample_id, "source": about.source}
    connection.execute(SQL["judge_lots_of_named_sample_again"], of_sample | because)
    _mark_lots_of_sample(connection, of_sample, because)


def _mark_lots_of_sample(
    connection: sqlite3.Connection, of_sample: Mapping[str, str | None], because: Mapping[str, Any]
) -> None:
    """Mark the lots to which results of a sample belonged, or none, before this sample's lot was known."""
    rows = connection.execute(SQL["lots_of_sample_without_lot"], of_sample).fetchall()
    for lot in dict.fromkeys(row["material_lot_id"] for row in rows):
        connection.execute(SQL["judge_lot_again"], {"material_lot_id": lot, **because})


def _mark_other_lots_of_sample(connection: sqlite3.Connection, result: LabResult, of_sample: Mapping[str, Any]) -> None:
    """Mark the lots that other results of a sample name, or an earlier version of this one."""
    for row in connection.execute(SQL["lots_naming_sample"], of_sample).fetchall():
        if row["material_lot_id"] not in result.lots:
            connection.execute(SQL["judge_lot_again"], {**of_sample, "material_lot_id": row["material_lot_id"]})


def _refused_in_place(
    connection: sqlite3.Connection, event: Event, about: ResultReference, row: Mapping[str, Cell]
) -> None:
    """Write a refused message that names an order or an equipment, and mark the lots that may be meant."""
    if about.equipment_id is None and about.job_order_id is None:
        return
    place = {
        "equipment_id": about.equipment_id,
        "job_order_id": about.job_order_id,
        "drawn_ns": event.at_ns if about.sampled_ns is None else about.sampled_ns,
        "timed": about.sampled_ns is not None,
    }
    connection.execute(SQL["insert_refused_in_place"], {**row, **place})
    connection.execute(SQL["judge_lots_in_place_again"], {**place, "arrived_ns": event.at_ns, **_because(event)})


def _refused_of_product(
    connection: sqlite3.Connection, event: Event, product: ProductReference, row: Mapping[str, Cell]
) -> None:
    """Write a refused message that names a product or an analyte, and mark the lots of it that are not closed."""
    if not isinstance(event, MessageRefused):
        raise LablineError(f"a refused message cannot follow from {type(event).__name__}")
    named = {
        **asdict(product),
        "product": product.product or "",
        "payload_sha256": event.origin.payload_sha256,
    }
    connection.execute(SQL["insert_refused_of_product"], {**row, **named})
    connection.execute(SQL["judge_lots_named_by_product_again"], {**named, **_because(event)})


def restated(connection: sqlite3.Connection, event: Event, record: ResultRestated) -> None:
    """Write that the laboratory has sent an earlier version again, or that this is over."""
    key = _key(record.of)
    if record.result_id is None:
        connection.execute(SQL["delete_restated"], key)
    else:
        connection.execute(SQL["insert_restated"], {**key, "result_id": record.result_id, "since_ns": event.at_ns})


def _key(result: LabResult) -> dict[str, Any]:
    return {
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
    }


def question_open_lots(connection: sqlite3.Connection, event: Event, record: OpenLotsQuestioned) -> None:
    """Mark the newest lots that are not closed: the configuration that they are judged by has changed."""
    connection.execute(SQL["judge_open_lots_again"], {"most": record.most, **_because(event)})


def question_lots(connection: sqlite3.Connection, event: Event, record: LotsQuestioned) -> None:
    """Mark lots whose records are in doubt."""
    for lot in record.lots:
        connection.execute(SQL["judge_lot_again"], {"material_lot_id": lot, **_because(event)})


def lots_to_judge(connection: sqlite3.Connection, *, cause: str | None, most: int) -> tuple[str, ...]:
    """Return the lots that an event has marked, or where no cause is named, the first ones of all that wait."""
    statement = "lots_to_judge" if cause is None else "lots_to_judge_by_cause"
    rows = connection.execute(SQL[statement], {"cause": cause, "most": most})
    lots = tuple(row["material_lot_id"] for row in rows)
    return lots if cause is None else tuple(sorted(lots))


def judge_later(connection: sqlite3.Connection, event: Event) -> None:
    """Leave the lots that wait to be judged again for when there is time."""
    leave_to_judge(connection, cause=event.event_id, at_ns=event.at_ns)


def judge_at_next_start(connection: sqlite3.Connection, event: Event) -> None:
    """Leave the lots that an event has marked for when a gateway runs.

    The follow-up has the event's own id, so that the lots are judged under the ids that they would have at once.
    """
    _leave_to_judge(connection, event.event_id, at_ns=event.at_ns)


def leave_to_judge(connection: sqlite3.Connection, *, cause: str, at_ns: int) -> None:
    """Leave a follow-up that has the lots judged that wait to be judged again."""
    event_id = identity_of("follow-up", cause, FollowUpKind.JUDGE_AGAIN, at_ns)
    _leave_to_judge(connection, event_id, at_ns=at_ns)


def _leave_to_judge(connection: sqlite3.Connection, event_id: str, *, at_ns: int) -> None:
    follow_up = FollowUp(kind=FollowUpKind.JUDGE_AGAIN, subject="", equipment_id=None, from_ns=0, until_ns=0)
    connection.execute(SQL["insert_follow_up"], {"event_id": event_id, "at_ns": at_ns, "body": encode(follow_up)})
