"""Corrective and preventive actions, with whether each has helped."""

import sqlite3
from urllib.parse import quote

from gateway.knowledge.documents import Document, fields_of, joined
from gateway.knowledge.kinds.kind import DamagedRecordError, Kind, itself, of_lot_too, row_that_holds
from gateway.store.queries.corrective_actions import action_on_record


def action(connection: sqlite3.Connection, key: str) -> Document | None:
    """Return an action; how it did is as of now."""
    if row_that_holds(connection, "corrective_action", key) is None:
        return None
    known = action_on_record(connection, key)
    if known is None:
        raise DamagedRecordError(key)
    item = known.action
    return Document(
        kind="action",
        key=key,
        title=joined(item.action, item.material_lot_id),
        text=joined(
            item.kind.value, known.effect.effectiveness.value, item.owner, item.person, item.analyte, item.product,
            item.equipment_id, *item.failures, known.done_by, known.note, "CAPA",
        ),
        at_ns=item.at_ns,
        scope=of_lot_too(connection, item.scope, (item.material_lot_id,)),
        fields=fields_of(
            product=item.product, analyte=item.analyte, equipment=item.equipment_id, lot=item.material_lot_id,
            failure=item.failures, client=item.client_id, study=item.study_id, state=known.effect.effectiveness.value,
            person=(item.owner, item.person, known.done_by),
        ),
        link=f"#/deviation/{quote(item.deviation_id, safe='')}",
        record=f"corrective_action {key}",
    )  # fmt: skip


ACTION = Kind(
    name="action", table="corrective_action", make=action,
    changed_by={"corrective_action": itself, "corrective_action_done": itself}, kept=True,
)  # fmt: skip
