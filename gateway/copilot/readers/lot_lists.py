"""Answers about several lots: which are held or wait, on which people have decided, and who delivered a material."""

import sqlite3

from gateway.copilot.answers import Answer, Saying
from gateway.copilot.ground import Asking, Ground, lot_link
from gateway.copilot.readers.lot_parts import say_which_are_parts
from gateway.copilot.readers.times import shown_time
from gateway.copilot.words import means
from gateway.records.laboratory import Recommendation
from gateway.records.lot_decisions import Verdict
from gateway.records.scope import Scope
from gateway.store.queries.awaited_certificates import awaits_certificate
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lots import lot_on_record, part_declared, row_as_shown
from gateway.store.statements import SQL

_MOST_NAMED, _MOST_READ, _MOST_DECIDED = 8, 1_000, 500
_STATES = (
    (Recommendation.HOLD, ("hold", "held", "blocked", "gesperrt*")),
    (Recommendation.REVIEW, ("review", "prufung", "prufen")),
    (Recommendation.PENDING, ("judged", "beurteilt", "pending")),
)
_VERDICTS = (
    (Verdict.REJECT, ("rejected", "abgelehnt*", "verworfen*")),
    (Verdict.HOLD, ("hold", "held", "gesperrt*")),
    (Verdict.RELEASE, ("released", "approved", "freigegeben*")),
)


def lots_in_state(ground: Ground, asking: Asking) -> Answer:
    """Say which of the newest lots are held, wait for a person or are not judged yet; without a state all of these."""
    asked = [state for state, cues in _STATES if _names_one(asking, cues)] or [state for state, _ in _STATES]
    rows = ground.state.execute(SQL["copilot_newest_lots"], {"most": _MOST_READ}).fetchall()
    lots: dict[Recommendation, list[str]] = {state: [] for state in asked}
    for row in rows:
        state = row_as_shown(row)[0]
        if state in lots and ground.sees(Scope(client_id=row["client_id"] or None), row["material_lot_id"]):
            lots[state].append(str(row["material_lot_id"]))
    saying = ground.saying()
    for state, named in lots.items():
        if named:
            saying.say(f"LOTS_{state.value.upper()}", count=len(named), lots=listed(named))
            saying.fact(state.value, len(named))
            _name(saying, named)
    if not saying.sentences:
        return ground.nothing(asking.intent, "NO_LOTS_WAIT")
    say_which_are_parts(ground, [name for named in lots.values() for name in named[:_MOST_NAMED]], saying)
    if len(rows) == _MOST_READ:
        saying.say("OF_THE_NEWEST", count=_MOST_READ)
    return saying.answered(asking.intent)


def lots_decided(ground: Ground, asking: Asking) -> Answer:
    """Say which lots people have released, rejected or kept on hold in a time, by their newest decision."""
    asked = [verdict for verdict, cues in _VERDICTS if _names_one(asking, cues)] or [
        verdict for verdict, _ in _VERDICTS
    ]
    parameters = {"from_ns": asking.from_ns or 0, "until_ns": asking.until_ns or ground.now_ns, "most": _MOST_DECIDED}
    rows = ground.state.execute(SQL["copilot_lots_decided"], parameters).fetchall()
    seen = [row for row in rows if row["holds"] and ground.names.sees_lot(row["material_lot_id"])]
    saying = ground.saying()
    for verdict in asked:
        lots = [str(row["material_lot_id"]) for row in seen if row["verdict"] == verdict.value]
        if verdict is Verdict.RELEASE:
            lots = [lot for lot in lots if decision_of_lot(ground.state, lot).decision is not None]
        if lots:
            saying.say(f"LOTS_DECIDED_{verdict.value.upper()}", count=len(lots), lots=listed(lots))
            saying.fact(verdict.value, len(lots))
            _name(saying, lots)
            say_which_are_parts(ground, lots[:_MOST_NAMED], saying, released=verdict is Verdict.RELEASE)
            if verdict is Verdict.RELEASE:
                _say_which_do_not_count(ground, lots[:_MOST_NAMED], saying)
    if not saying.sentences:
        return ground.nothing(asking.intent, "NO_LOTS_DECIDED")
    if asking.from_ns is not None:
        saying.say("SINCE", at=shown_time(ground, asking.from_ns))
    if len(rows) == _MOST_DECIDED:
        saying.say("OF_THE_NEWEST", count=_MOST_DECIDED)
    return saying.answered(asking.intent)


def _say_which_do_not_count(ground: Ground, lots: list[str], saying: Saying) -> None:
    """Say of which lots nobody is told of the release yet, and of which records do not hold."""
    waiting = [
        lot
        for lot in lots
        if awaits_certificate(
            ground.state, decision_of_lot(ground.state, lot).decision, part_declared(ground.state, lot).part
        )
    ]
    if waiting:
        saying.say("AWAIT_CERTIFICATES", lots=", ".join(waiting))
        saying.fact("await_certificates", len(waiting))
    for lot in lots:
        known = lot_on_record(ground.state, lot)
        if known is not None and known.damaged:
            saying.say("RECORDS_DAMAGED", lot=lot)


def supplier_of_material(ground: Ground, asking: Asking) -> Answer:
    """Say who delivered a material's lot, as production stated where it went into lots."""
    material = (asking.slots.materials or asking.slots.lots)[0]
    rows = ground.state.execute(SQL["copilot_lots_of_material"], {"consumed_lot_id": material}).fetchall()
    seen = [row for row in rows if row["holds"] and ground.names.sees_lot(row["material_lot_id"])]
    suppliers = list(dict.fromkeys(str(row["supplier"]) for row in seen if row["supplier"]))
    if not suppliers:
        return ground.nothing(asking.intent, "NO_SUPPLIER_OF", material=material)
    saying = ground.saying()
    saying.say("SUPPLIER_OF", material=material, product=_product_of(seen), suppliers=", ".join(suppliers))
    for name in suppliers:
        saying.fact("supplier", name)
    for row in seen[:_MOST_NAMED]:
        lot = row["material_lot_id"]
        saying.source(f'material_use ["{lot}","{material}"]', f"{material} > {lot}", lot_link(lot))
    return saying.answered(asking.intent)


def listed(names: list[str]) -> str:
    """Return the first of some names, and how many there are beside them."""
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} (+ {len(names) - _MOST_NAMED})" if len(names) > _MOST_NAMED else shown


def _names_one(asking: Asking, cues: tuple[str, ...]) -> bool:
    return any(means(word, cue) for word in asking.words for cue in cues)


def _name(saying: Saying, lots: list[str]) -> None:
    for lot in lots[:_MOST_NAMED]:
        saying.fact("lot", lot)
        saying.source(f"lot {lot}", lot, lot_link(lot))


def _product_of(rows: list[sqlite3.Row]) -> str:
    return ", ".join(dict.fromkeys(str(row["consumed_definition_id"]) for row in rows if row["consumed_definition_id"]))
