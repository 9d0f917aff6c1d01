"""``labline lot LOT --divide NAME``: a person sets a part of a lot apart; and how the parts of a lot stand."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.acts import sign_in_of
from gateway.cli.output import show_json, show_wrapped
from gateway.config.tables import Settings
from gateway.contract.lims.names import normalised
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.facts.lot import PartOnRecord
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.records.lot_parts import DivideLot, UndoDivision
from gateway.runtime.act_requests import perform
from gateway.store.queries.lot_parts import Remainder, parts_of_lot, remainder_of
from gateway.store.queries.lots import LotOnRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedPart:
    """Which part of a lot a person sets apart, how much it is, and why."""

    name: str
    quantity: str | None
    person: str | None
    reason: str | None


def divide(settings: Settings, config: Path, known: LotOnRecord, asked: AskedPart, *, as_json: bool) -> None:
    """Have a part of a lot set apart."""
    if asked.reason is None or asked.quantity is None:
        raise LablineError("--divide needs a quantity and a reason", hint='give --quantity "2000 kg" and --reason TEXT')
    act = DivideLot(
        material_lot_id=known.material_lot_id, part=normalised(asked.name) or asked.name, quantity=asked.quantity
    )
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(asked.person), reason=asked.reason)
    if as_json:
        show_json({"lot": known.material_lot_id, **answer.details})
        return
    part_id, quantity = answer.details["part_id"], answer.details["quantity"]
    show_wrapped(f"{part_id}: {quantity}, a part of lot {known.material_lot_id}", hanging=2)
    show_wrapped("  its samples are of this name; it is judged and decided on by itself", hanging=4)
    of_whole = "a release of the lot is one of the rest alone now, and a certificate of the whole lot is in question"
    show_wrapped(f"  {of_whole}", hanging=4)


def put_back(settings: Settings, config: Path, known: LotOnRecord, asked: AskedPart, *, as_json: bool) -> None:
    """Have a part put back into its lot."""
    if asked.reason is None:
        raise LablineError("--undo-division needs a reason", hint="give --reason TEXT")
    act = UndoDivision(material_lot_id=known.material_lot_id, part=normalised(asked.name) or asked.name)
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(asked.person), reason=asked.reason)
    if as_json:
        show_json({"lot": known.material_lot_id, "put_back": True, **answer.details})
        return
    show_wrapped(f"{answer.details['part_id']}: put back into lot {known.material_lot_id}", hanging=2)
    show_wrapped("  its name is not used again; what is still reported for it makes it a part once more", hanging=4)


def parts_document(connection: sqlite3.Connection, known: LotOnRecord) -> dict[str, Any]:
    """Return the parts of a lot, or of which lot it is one, as JSON; nothing of a lot that is not divided."""
    part = known.part
    if part is not None:
        return {"part_of": {"lot": part.material_lot_id, "part": part.name, "quantity": part.quantity,
                            "unit": part.unit, "put_back": part.undone}}  # fmt: skip
    of_lot = parts_of_lot(connection, known.material_lot_id)
    if not of_lot.parts and not of_lot.damaged:
        return {}
    left = remainder_of(connection, known.material_lot_id, (item.part for item in of_lot.parts))
    return {
        "parts": [_part(item) for item in of_lot.parts],
        "rest": {
            "quantity": left.rest,
            "of": left.total,
            "unit": left.unit,
            "parts_exceed_lot": left.exceeded,
            "not_comparable": left.not_comparable,
        },
        **({"parts_damaged": list(of_lot.damaged)} if of_lot.damaged else {}),
    }


def _part(item: PartOnRecord) -> dict[str, Any]:
    part, decision = item.part, item.decision
    return {
        "part_id": part.part_id,
        "part": part.name,
        "quantity": part.quantity,
        "unit": part.unit,
        "recommendation": item.recommendation.value,
        "decision": None if decision is None else decision.verdict.value,
        "stands": None if decision is None else decision.state is DecisionState.STANDS,
        "awaits_certificate": item.awaits_certificate,
        "reported_after_undoing": part.undone,
        "set_apart_by": part.person,
        "set_apart_at": rfc3339(part.at_ns),
        "reason": part.reason,
    }


def show_parts(connection: sqlite3.Connection, known: LotOnRecord) -> None:
    """Show of which lot it is a part, or the parts of it, each with its state, and what is left."""
    part = known.part
    if part is not None:
        again = ", put back into the lot" if part.undone else ""
        show_wrapped(f"part {part.name} of lot {part.material_lot_id}{again}: {part.amount}, {part.reason}", hanging=2)
        return
    of_lot = parts_of_lot(connection, known.material_lot_id)
    for record in of_lot.damaged:
        show_wrapped(f"a record of a part does not match its hash: {record}", hanging=2, style="red")
    if not of_lot.parts:
        return
    for item in of_lot.parts:
        show_wrapped(f"part {item.part.name}: {item.part.amount}, {in_words(item)}", hanging=2)
    show_wrapped(
        _left(remainder_of(connection, known.material_lot_id, (item.part for item in of_lot.parts))), hanging=2
    )


def in_words(item: PartOnRecord) -> str:
    """Return what is decided on a part and recommended for it."""
    awaits = ", awaits its certificate" if item.awaits_certificate else ""
    awaits += ", reported for again after it was put back" if item.part.undone else ""
    return f"{_decided(item.decision)}{awaits} (recommended: {item.recommendation.value})"


def _decided(decision: LotDecided | None) -> str:
    if decision is None:
        return "not decided"
    lapsed = ", on other facts: decide again" if decision.state is DecisionState.LAPSED else ""
    return f"{decision.verdict.value} by {decision.printed_name}{lapsed}"


def _left(left: Remainder) -> str:
    """Return how much is left, of which the lot's own recommendation and decision speak."""
    if left.damaged:
        return "the rest: not known, as a message on the lot's quantity does not match its hash"
    if left.not_comparable is not None:
        return (
            f"the rest: not known, as the parts cannot be compared with what production states: {left.not_comparable}"
        )
    if left.total is None:
        return "the rest: production has not said how much the lot is"
    more = "; the parts are more than the lot" if left.exceeded else ""
    return f"the rest: {left.rest} {left.unit} of {left.total} {left.unit}{more}"
