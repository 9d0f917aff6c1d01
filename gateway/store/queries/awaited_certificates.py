"""Whether a release that stands waits for a certificate, by what is on record."""

import sqlite3

from pydantic import ValidationError

from gateway.contract.sinks.rule import AWAITS_CERTIFICATE
from gateway.lab.certificates.awaited import certificate_not_in_force
from gateway.records.laboratory import Disposition
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.records.lot_parts import LotDivided
from gateway.store.codec import decode
from gateway.store.queries.certificates import certificates_of_lot
from gateway.store.statements import SQL


def awaits_certificate(connection: sqlite3.Connection, decision: LotDecided | None, part: LotDivided | None) -> bool:
    """Return whether others are not told of a release yet; ``part``: of which part of a lot it is, None: of a lot.

    By what was published of it last, and by certificates on record that are not in force. What cannot be read waits.
    """
    if decision is None or decision.verdict is not Verdict.RELEASE or decision.state is not DecisionState.STANDS:
        return False
    row = connection.execute(SQL["newest_disposition_of_lot"], {"material_lot_id": decision.material_lot_id}).fetchone()
    try:
        flags = decode(Disposition, row["body"]).flags if row is not None and row["holds"] else (AWAITS_CERTIFICATE,)
    except ValidationError:
        flags = (AWAITS_CERTIFICATE,)
    if AWAITS_CERTIFICATE in flags:
        return True
    lot, name = (decision.material_lot_id, "") if part is None else (part.material_lot_id, part.name)
    on_record, _damaged = certificates_of_lot(connection, lot)
    own = (item for item in on_record if item.drafted.content.part_name == name)
    return certificate_not_in_force(own, decision) is not None
