"""Guidance with what people answered to it, and drafts of deviations with what was done about earlier ones."""

import sqlite3
from urllib.parse import quote

from gateway.knowledge.documents import Document, fields_of, joined
from gateway.knowledge.kinds.kind import Kind, by_statement, itself, of_lot_too, row_that_holds, rows_that_hold
from gateway.lab.deviations import DeviationInShort
from gateway.records.guidance import Guidance
from gateway.records.people import ResponseRecorded
from gateway.records.scope import Scope
from gateway.store.codec import decode
from gateway.store.queries.deviation_states import closing_of


def guidance(connection: sqlite3.Connection, key: str) -> Document | None:
    """Return a guidance with the answers of people."""
    row = row_that_holds(connection, "knowledge_guidance", key)
    if row is None:
        return None
    known = decode(Guidance, row["body"])
    answers = [
        decode(ResponseRecorded, item["body"]) for item in rows_that_hold(connection, "knowledge_responses", key)
    ]
    lot = known.material_lot_id
    return Document(
        kind="guidance",
        key=key,
        title=joined(known.title),
        text=joined(
            known.kind.value, known.state.value, *(reason.text for reason in known.reasons),
            *(" ".join(part for part in (item.response.act.value, item.by.name, item.response.reason) if part)
              for item in answers),
            *(instruction.title for instruction in known.instructions), lot, known.equipment_id, known.analyte,
        ),
        at_ns=known.issued_ns,
        scope=of_lot_too(connection, known.scope, (lot,)),
        fields=fields_of(
            product=known.material_definition_id, analyte=known.analyte, equipment=known.equipment_id, lot=lot,
            order=known.job_order_id, client=known.scope.client_id, study=known.scope.study_id,
            state=known.state.value, failure=(reason.code for reason in known.reasons),
            person=(item.by.name for item in answers),
        ),
        link=None if lot is None else f"#/lots/{quote(lot, safe='')}",
        record=f"guidance {key}",
    )  # fmt: skip


def deviation(connection: sqlite3.Connection, key: str) -> Document | None:
    """Return the newest version of a deviation."""
    row = row_that_holds(connection, "knowledge_deviation", key)
    if row is None:
        return None
    known = decode(DeviationInShort, row["body"])
    result, closed = known.result, closing_of(connection, key)
    first = known.reasons[0].text if known.reasons else f"{result.test_id} {result.value_text}"
    return Document(
        kind="deviation",
        key=key,
        title=joined(first, result.material_lot_id),
        text=joined(
            *(reason.text for reason in known.reasons),
            *(f"{item.test_id} {item.value_text} {item.unit or ''} {item.sample_id}" for item in known.results),
            *(cause.name for cause in known.causes), *known.affected_lots,
            *(done for similar in known.similar for done in similar.done),
            result.material_definition_id, known.equipment_id, result.supplier,
            *(() if closed is None else (closed.conclusion, closed.no_action, *closed.signed_by)),
        ),
        at_ns=known.opened_ns or known.at_ns,
        scope=of_lot_too(
            connection, Scope(client_id=row["client_id"] or None, study_id=row["study_id"] or None), result.lots
        ),
        fields=fields_of(
            product=result.material_definition_id, equipment=known.equipment_id, supplier=result.supplier,
            analyte=(result.analyte, result.test_id, *(item.analyte for item in known.results),
                     *(item.test_id for item in known.results)),
            lot=(*result.lots, *known.affected_lots), sample=result.sample_id, order=result.job_order_id,
            client=row["client_id"], study=row["study_id"],
            failure=(reason.code for item in known.results for reason in item.reasons),
            state="open" if closed is None else "closed", person=() if closed is None else closed.signed_by,
        ),
        link=f"#/deviation/{quote(key, safe='')}",
        record=f"deviation {key}",
    )  # fmt: skip


GUIDANCE = Kind(
    name="guidance", table="guidance", make=guidance,
    changed_by={"guidance": itself, "response": by_statement("knowledge_guidance_of_response")},
)  # fmt: skip
DEVIATION = Kind(
    name="deviation", table="deviation", make=deviation,
    changed_by={
        "deviation": by_statement("knowledge_grown_from"),
        "deviation_state": by_statement("knowledge_deviation_of_state"),
    }, kept=True,
)  # fmt: skip
