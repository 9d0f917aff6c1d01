"""Certificates of analysis, each in its newest version."""

import json
import sqlite3
from urllib.parse import quote

from gateway.knowledge.documents import Document, fields_of, joined
from gateway.knowledge.kinds.kind import DamagedRecordError, Kind, by_statement, of_lot_too
from gateway.records.scope import Scope
from gateway.store.queries.certificates import versions_of
from gateway.store.statements import SQL


def certificate(connection: sqlite3.Connection, key: str) -> Document | None:
    """Return a certificate as its newest version is."""
    versions = versions_of(connection, key)
    if not versions:
        return None
    newest = versions[0]
    if not newest.holds:
        raise DamagedRecordError(key)
    content, signature = newest.drafted.content, None if newest.changed is None else newest.changed.signature
    lot = content.material_lot_id
    of = lot if content.part is None else f"{lot}/{content.part.name}"  # of a part alone: nobody takes it for the lot's
    return Document(
        kind="certificate",
        key=key,
        title=joined(f"{content.customer_name} {of}", newest.state.value, f"v{newest.drafted.version}"),
        text=joined(
            "certificate of analysis", content.product_name, content.customer, content.job_order_id,
            content.requirement, newest.drafted.reason,
            *(f"{row.name} {row.reported or '-'} {row.unit or ''}" for row in content.rows),
            *(f"{item.material_lot_id} {item.supplier or ''}" for item in content.components),
            *(reason.text for reason in content.gaps),
        ),
        at_ns=newest.drafted.drafted_ns,
        scope=of_lot_too(connection, Scope(client_id=content.client_id), (lot,)),
        fields=fields_of(
            product=content.product, lot=lot, order=content.job_order_id, equipment=content.equipment_id,
            client=content.client_id, state=newest.state.value, analyte=(row.analyte for row in content.rows),
            supplier=(item.supplier for item in content.components),
            material=(item.material_lot_id for item in content.components),
            person=() if signature is None else signature.signed_by or (signature.printed_name,),
        ),
        link=f"#/certificates/{quote(key, safe='')}",
        record=f"certificate {newest.drafted.certificate_id}",
    )  # fmt: skip


def _of_state(connection: sqlite3.Connection, name: str) -> tuple[str, ...]:
    """Return the certificate of a row of its states, which is known by its version and a number."""
    try:
        version = json.loads(name)[0]
    except (ValueError, IndexError, TypeError):
        return ()
    rows = connection.execute(SQL["knowledge_certificate_of_state"], {"name": str(version)})
    return tuple(str(key) for (key,) in rows)


CERTIFICATE = Kind(
    name="certificate", table="certificate", make=certificate, kept=True,
    changed_by={"certificate": by_statement("knowledge_certificate_of_draft"),
                "certificate_state": _of_state},
)  # fmt: skip
