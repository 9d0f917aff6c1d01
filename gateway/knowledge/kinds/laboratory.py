"""Results of the laboratory, each in the version that counts, and specifications that master data has stated."""

import sqlite3
from urllib.parse import quote

from gateway.knowledge.documents import Document, fields_of, joined
from gateway.knowledge.kinds.kind import Kind, itself, of_lot_too, row_that_holds
from gateway.lab.phrases import limits_text
from gateway.records.laboratory import LabResult, Specification
from gateway.records.scope import Scope
from gateway.store.codec import decode


def result(connection: sqlite3.Connection, key: str) -> Document | None:
    """Return a result; None of a version that a later one has replaced."""
    row = row_that_holds(connection, "knowledge_result", key)
    if row is None or not row["current"]:
        return None
    known = decode(LabResult, row["body"])
    value = " ".join(part for part in (known.value_text, known.unit) if part)
    lot = known.material_lot_id
    return Document(
        kind="result",
        key=key,
        title=joined(f"{known.test_id} {value}", lot, known.sample_id),
        text=joined(
            known.analyte, known.test_id, value, known.status.value, known.sample_id, *known.lots, known.job_order_id,
            known.material_definition_id, known.equipment_id, known.supplier, known.control_id, known.instrument_id,
            known.method_id, known.analyst, *known.flags, *(reason.text for reason in known.unread),
        ),
        at_ns=known.sampled_ns or known.analysed_ns or known.received_ns or known.approved_ns or 0,
        scope=of_lot_too(connection, known.scope, known.lots),
        fields=fields_of(
            product=known.material_definition_id, analyte=(known.analyte, known.test_id), equipment=known.equipment_id,
            supplier=known.supplier, person=known.analyst, lot=known.lots, order=known.job_order_id,
            sample=known.sample_id, client=known.client_id, study=known.study_id, state=known.status.value,
        ),
        link=None if lot is None else f"#/lots/{quote(lot, safe='')}",
        record=f"lab_result {key}",
    )  # fmt: skip


def specification(connection: sqlite3.Connection, key: str) -> Document | None:
    """Return a version of a specification, or its withdrawal."""
    row = row_that_holds(connection, "knowledge_specification", key)
    if row is None:
        return None
    known = decode(Specification, row["body"])
    state = "withdrawn" if row["withdrawn"] else "stated"
    return Document(
        kind="specification",
        key=key,
        title=joined(f"{row['product']} {row['analyte']} {limits_text(known)}", f"v{row['version']}"),
        text=joined(known.unit, state, *known.accepts, *known.rejects, row["client_id"], "specification"),
        at_ns=row["at_ns"],
        scope=Scope(client_id=row["client_id"] or None),
        fields=fields_of(product=row["product"], analyte=row["analyte"], client=row["client_id"], state=state),
        record=f"specification_stated {key}",
    )


RESULT = Kind(name="result", table="lab_result", make=result, changed_by={"lab_result": itself})
SPECIFICATION = Kind(
    name="specification", table="specification_stated", make=specification,
    changed_by={"specification_stated": itself}, kept=True,
)  # fmt: skip
