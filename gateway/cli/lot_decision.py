"""``labline lot LOT --decide``: a person decides on a lot, signed; and what has been decided on it."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.acts import show_waiting, sign_in_of
from gateway.cli.output import show_json, show_wrapped
from gateway.config.tables import Settings
from gateway.contract.lot_decisions import basis_sha256
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.facts.lot import is_of_rest
from gateway.records.acts import ActOutcome, DecideLot
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.awaited_certificates import awaits_certificate
from gateway.store.queries.lot_decisions import DecisionOnRecord, basis_of, decision_of_lot
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.lots import LotOnRecord, part_declared


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedDecision:
    """What a person decides on a lot, and why; ``over_open_points``: how many they have seen."""

    verdict: Verdict
    person: str | None
    reason: str | None
    over_open_points: int


def decide(settings: Settings, config: Path, known: LotOnRecord, asked: AskedDecision, *, as_json: bool) -> None:
    """Have a person's decision on a lot signed and done, by the facts that are on record now."""
    verdict, reason = asked.verdict, asked.reason
    if reason is None:
        raise LablineError("--decide needs a reason", hint="give --reason TEXT")
    with closing(read_state(settings.store.directory)) as connection:
        basis = basis_of(connection, known)
    shown = "" if basis is None else basis_sha256(basis)
    act = DecideLot(material_lot_id=known.material_lot_id, verdict=verdict, basis_sha256=shown,
                    over_open_points=asked.over_open_points,
                    part="" if known.part is None else known.part.name)  # fmt: skip
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(asked.person), reason=reason)
    if answer.outcome is ActOutcome.PENDING:
        show_waiting(answer, as_json=as_json)
        return
    if as_json:
        show_json({"lot": known.material_lot_id, **answer.details})
        return
    show_wrapped(f"{known.material_lot_id}: {verdict.value}, signed by {answer.details['person']}", hanging=2)
    show_wrapped(f"to export it: labline signature export {answer.details['record_id']} --to FOLDER", hanging=2)


def decision_document(connection: sqlite3.Connection, lot: str) -> dict[str, Any]:
    """Return the decision on a lot as JSON, with what is damaged of it."""
    decision = decision_of_lot(connection, lot)
    document = None if decision.decision is None else _document(decision.decision)
    if document is not None:
        document["of_rest_alone"] = is_of_rest(decision.decision, parts_of_lot(connection, lot).parts)
        part = part_declared(connection, lot).part
        document["awaits_certificate"] = awaits_certificate(connection, decision.decision, part)
    return {"decision": document, **({"decision_damaged": list(decision.damaged)} if decision.damaged else {})}


def _document(decision: LotDecided) -> dict[str, Any]:
    return {
        "decision": decision.verdict.value,
        "by": decision.printed_name,
        "signed_by": list(decision.signed_by),
        "role": decision.role.value,
        "at": rfc3339(decision.at_ns),
        "meaning": decision.meaning,
        "reason": decision.reason,
        "signature_id": decision.signature_id,
        "record_id": decision.record_id,
        "stands": decision.state is DecisionState.STANDS,
    }


def show_decision(connection: sqlite3.Connection, on_record: DecisionOnRecord) -> None:
    """Show the decision on a lot with printed name, time and meaning, and whether its parts are meant."""
    for record in on_record.damaged:
        show_wrapped(f"a decision on it does not match its hash: {record}", hanging=2, style="red")
    decision = on_record.decision
    if decision is None:
        return
    of_rest = is_of_rest(decision, parts_of_lot(connection, decision.material_lot_id).parts)
    others = [name for name in decision.signed_by if name != decision.printed_name]
    together = f", with {', '.join(others)}" if others else ""
    decided = f"{decision.verdict.value} of the rest alone," if of_rest else decision.verdict.value
    show_wrapped(
        f"decided: {decided} by {decision.printed_name} ({decision.role.value}){together}, "
        f"{rfc3339(decision.at_ns)}: {decision.reason}",
        hanging=2,
    )
    show_wrapped(f"  meaning: {decision.meaning}; signed record {decision.record_id}", hanging=4)
    if of_rest:
        show_wrapped("  the lot as a whole is not released: a part of it is not", hanging=4, style="bold")
    if awaits_certificate(connection, decision, part_declared(connection, decision.material_lot_id).part):
        show_wrapped("  nobody is told of it before its certificate is signed", hanging=4, style="bold")
    if decision.state is DecisionState.MADE:
        show_wrapped("  the lot is judged with it when a gateway starts: none runs with this store now", hanging=4)
    if decision.state is DecisionState.LAPSED:
        show_wrapped("  decided on other facts: they have changed since; decide again", hanging=4, style="bold")
