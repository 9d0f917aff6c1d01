"""The facts of lots, put together: of a lot whole, or of a result's own versions with a tally of all others."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import NamedTuple, TypedDict

from gateway.events import ResultArrived
from gateway.facts.lot import LotFacts, PartOnRecord
from gateway.lab.certificates.awaited import awaited
from gateway.lab.disposition import LotState
from gateway.lab.refused_specifications import RefusedOfProduct
from gateway.lab.release.assessment import Tally
from gateway.lab.release.lot_knowledge import LotContext, LotKnowledge, Relation, ResultOnRecord
from gateway.records.certificates import CertificateOnRecord
from gateway.records.laboratory import Disposition
from gateway.records.lot_decisions import LotDecided, Verdict
from gateway.records.lot_parts import OF_REST_ALONE, LotDivided
from gateway.records.production import Context
from gateway.store.codec import decode
from gateway.store.facts.lot.at_a_glance import Arrival, LotAtAGlance, is_read_whole, lot_at_a_glance, products_of_lot
from gateway.store.facts.lot.begun_again import begun_again_ns
from gateway.store.facts.lot.holds import earlier_hold, final_results, provisional_holds
from gateway.store.facts.lot.named_by_results import named_with, with_names
from gateway.store.facts.lot.other_lots import lots_parted_by_bars, lots_that_look_alike, parents_in_question
from gateway.store.facts.lot.part_copies import PartCopies, part_copies
from gateway.store.facts.lot.refused import refused_of_lot, refused_of_product
from gateway.store.facts.lot.relation import lots_of
from gateway.store.facts.lot.results import NEVER, as_of_lot, results_of_lot, versions_of
from gateway.store.facts.lot.samples import samples_of_several_lots
from gateway.store.facts.lot.whole_lot import misfit_of
from gateway.store.facts.reading import Reading
from gateway.store.facts.standing import Standing, all_standing, standing_and_others
from gateway.store.queries.certificates import certificates_of_lot
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.lots import recommendation_in
from gateway.store.queries.reviews import signed_review_of
from gateway.store.statements import SQL, value_of

_CONTEXT = tuple(field.name for field in fields(Context))


class _Known(NamedTuple):
    """What is assessed of a lot now, how its subjects stand until now, and what is not assessed now."""

    knowledge: LotKnowledge
    standing: Standing
    rest: Tally


def facts_of_result(
    reading: Reading, event: ResultArrived, lots: tuple[str, ...], relation: Relation, *, first: bool
) -> tuple[LotFacts, ...]:
    """Return the facts of each lot that an arriving result, or an earlier version of it, concerns.

    Of a result of no lot: one without a name, which nothing but this result is known of.

    Args:
        reading: what reads the records.
        event: the arriving result.
        lots: the lots that it speaks of itself.
        relation: how that is known.
        first: whether no version of it is on record yet.
    """
    versions = () if first else versions_of(reading, event.result)
    certain = lots if relation is not Relation.POSSIBLE else ()
    for record in versions:
        earlier, how = lots_of(reading, record.result, record.arrived_ns)
        certain += earlier if how is not Relation.POSSIBLE else ()
    named = tuple(dict.fromkeys(certain))
    if not named:
        own = tuple(replace(record, relation=Relation.FOUND) for record in versions)
        return (_of_no_lot(own),)
    arrival = Arrival(result=event.result, versions=versions, lots=lots)
    return tuple(_facts(reading, lot, arrival, at_ns=event.at_ns) for lot in named)


def _of_no_lot(results: tuple[ResultOnRecord, ...]) -> LotFacts:
    return LotFacts(
        knowledge=LotKnowledge(context=LotContext(material_lot_id=""), results=results),
        whole=False,
        part=None,
        whole_lot=(),
        copied={},
        begun_again_ns=None,
        misfit=None,
        divided=False,
        parts=(),
        told_of_rest=False,
    )


def facts_of_lots(reading: Reading, lots: Iterable[str], *, at_ns: int) -> tuple[LotFacts, ...]:
    """Return all that is known of lots."""
    return tuple(_facts(reading, lot, None, at_ns=at_ns) for lot in lots)


def _facts(reading: Reading, lot: str, arrival: Arrival | None, *, at_ns: int) -> LotFacts:
    glance = lot_at_a_glance(reading, lot, arrival, at_ns=at_ns)
    if glance.part is not None:
        return _facts_of_part(reading, glance, glance.part, at_ns=at_ns)
    whole = is_read_whole(reading, glance)
    decision = _decision(reading, lot) if glance.there_is["decided"] or _decision_is_missing(reading, lot) else None
    known = _known_whole(reading, glance, decision) if whole else _known_of_versions(reading, glance)
    production, there_is = glance.production, glance.there_is
    parts, told_of_rest = _set_apart(reading, glance, decision) if there_is["divided"] else ((), False)
    provisional = provisional_holds(reading, lot) if there_is["provisional"] else ()
    started_ns = None if production is None else production["started_ns"]
    at_equipment = Context(equipment_id=known.knowledge.context.equipment_id, material_lot_id=lot)
    return LotFacts(
        knowledge=known.knowledge,
        whole=whole,
        production=_production(reading, lot, production),
        on_record=production is not None,
        is_parent=bool(there_is["is_parent"]),
        standing=known.standing,
        rest=known.rest,
        before=_before(reading, lot, production),
        closed=glance.closed_ns is not None,
        names_with_bars=bool(there_is["names_with_bars"]),
        name_known=glance.name_known,
        named_alike=glance.named_alike,
        earlier_hold=earlier_hold(reading, lot) if there_is["held"] else None,
        started_ns=started_ns,
        ended_ns=None if production is None else production["ended_ns"],
        made_known_until_ns=there_is["made_known_until_ns"],
        provisional=provisional,
        final_results=final_results(reading, provisional),
        gaps=reading.gaps(at_equipment, reading.line, started_ns, at_ns) if there_is["gap"] else (),
        open_guidance=reading.guidance("open_guidance_of_lot", material_lot_id=lot) if there_is["guided"] else (),
        decision=decision,
        review=signed_review_of(reading.connection, lot)[0] if there_is["reviewed"] else None,
        certified=bool(there_is["certified"]),
        certificates=_certificates(reading, lot, decision) if there_is["certified"] else (),
        part=None,
        whole_lot=(),
        copied={},
        begun_again_ns=begun_again_ns(reading, lot, decision, known.standing) if whole else None,
        misfit=misfit_of(reading, lot) if whole and there_is["divided"] else None,
        divided=bool(there_is["divided"]),
        parts=parts,
        told_of_rest=told_of_rest,
    )


def _facts_of_part(reading: Reading, glance: LotAtAGlance, part: LotDivided, *, at_ns: int) -> LotFacts:
    """Return the facts of a part: all that is known of its lot, and what names the part itself."""
    lot, there_is = part.material_lot_id, glance.there_is
    decision = _decision(reading, glance.lot)
    copies = part_copies(reading, glance, part)
    known = _known_whole(reading, glance, decision, copies)
    production = reading.row("lot_with_order", material_lot_id=lot)
    provisional = (*provisional_holds(reading, lot), *provisional_holds(reading, glance.lot))
    started_ns = None if production is None else production["started_ns"]
    return LotFacts(
        knowledge=replace(known.knowledge, is_part=True),  # what went into its lot is known with the lot
        whole=True,
        production=_production(reading, lot, production),
        on_record=glance.production is not None,
        is_parent=bool(there_is["is_parent"]),
        standing=known.standing,
        rest=known.rest,
        before=_before(reading, glance.lot, glance.production),
        closed=glance.closed_ns is not None or (production is not None and production["closed_ns"] is not None),
        names_with_bars=bool(there_is["names_with_bars"]),
        name_known=glance.name_known,
        named_alike=glance.named_alike,
        earlier_hold=earlier_hold(reading, glance.lot) if there_is["held"] else None,
        started_ns=started_ns,
        ended_ns=None if production is None else production["ended_ns"],
        made_known_until_ns=NEVER,  # how it was made is on record of its lot
        provisional=provisional,
        final_results=final_results(reading, provisional),
        gaps=reading.gaps(_at_equipment(production, lot), reading.line, started_ns, at_ns),
        open_guidance=reading.guidance("open_guidance_of_lot", material_lot_id=glance.lot)
        if there_is["guided"]
        else (),
        decision=decision,
        review=signed_review_of(reading.connection, glance.lot)[0] if there_is["reviewed"] else None,
        **_certified(reading, part, decision),
        part=part,
        begun_again_ns=None,
        misfit=None,
        whole_lot=copies.whole_lot,
        copied=copies.copied,
        divided=False,
        parts=(),
        told_of_rest=False,
    )


class _Certified(TypedDict):
    certified: bool
    certificates: tuple[CertificateOnRecord, ...]


def _certified(reading: Reading, part: LotDivided, decision: LotDecided | None) -> _Certified:
    """Return the certificates of a part, which are of its lot and name the part."""
    known, damaged = certificates_of_lot(reading.connection, part.material_lot_id)
    own = tuple(item for item in known if item.drafted.content.part_name == part.name)
    if own:
        reading.note_damaged(damaged)
    return {"certified": bool(own), "certificates": own if decision is not None else ()}


def _at_equipment(production: sqlite3.Row | None, lot: str) -> Context:
    return Context(equipment_id=None if production is None else production["equipment_id"], material_lot_id=lot)


def _set_apart(
    reading: Reading, glance: LotAtAGlance, decision: LotDecided | None
) -> tuple[tuple[PartOnRecord, ...], bool]:
    """Return the parts of a lot, and whether it was published last that its release is of the rest alone."""
    on_record = parts_of_lot(reading.connection, glance.lot)
    reading.note_damaged(on_record.damaged)
    row = reading.row("newest_disposition_of_lot", material_lot_id=glance.lot)
    flags = () if row is None else decode(Disposition, row["body"]).flags
    parts = on_record.parts
    if decision is not None and decision.verdict is Verdict.RELEASE:  # else nobody is told of a release anyway
        parts = tuple(_with_certificate(reading, glance, item) for item in parts)
    return parts, OF_REST_ALONE in flags


def _with_certificate(reading: Reading, glance: LotAtAGlance, item: PartOnRecord) -> PartOnRecord:
    """Return a part with whether a certificate of its own is awaited by the requirements that hold now, too."""
    if not item.released:
        return item
    known = certificates_of_lot(reading.connection, glance.lot)[0] if glance.there_is["certified"] else ()
    own = tuple(version for version in known if version.drafted.content.part_name == item.part.name)
    context = with_names(glance.context, glance.now_named)
    return replace(item, awaits_certificate=awaited(reading.line.certificates, context, own, item.decision))


def _certificates(reading: Reading, lot: str, decision: LotDecided | None) -> tuple[CertificateOnRecord, ...]:
    """Return the lot's certificates, where a person has decided on it, so that a release may wait for one."""
    if decision is None:
        return ()
    known, damaged = certificates_of_lot(reading.connection, lot)
    reading.note_damaged(damaged)
    return tuple(item for item in known if not item.drafted.content.part_name)


def _decision_is_missing(reading: Reading, lot: str) -> bool:
    """Return whether the trail knows of a decision on a lot of which nothing is there: it was taken out by hand."""
    return bool(value_of(reading.connection, "decision_of_lot_is_missing", material_lot_id=lot))


def _decision(reading: Reading, lot: str) -> LotDecided | None:
    """Return the newest decision on a lot; one that does not hold, or whose signature does not, is noted as damaged."""
    on_record = decision_of_lot(reading.connection, lot)
    reading.note_damaged(on_record.damaged)
    return on_record.decision


def _known_whole(
    reading: Reading, glance: LotAtAGlance, decision: LotDecided | None, copies: PartCopies | None = None
) -> _Known:
    """Return all that is known of a lot; ``copies``: of a part, what it takes over from its lot."""
    lot, production, sample, arriving = glance.lot, glance.production, glance.sample, glance.arriving
    named_with_it = () if glance.arrival is None else glance.arrival.lots
    named_alike = lots_that_look_alike(reading, lot, named_with_it) if glance.named_alike else None
    settled = _settled(reading, glance, () if named_alike is None else named_alike.names)
    results, left_out = results_of_lot(reading, glance.context, production, sample)
    refused = refused_of_lot(reading, glance.context, production, results, sample=sample, arriving=arriving)
    contradicting = (message.result for message in refused if message.result is not None)
    naming = (*(record.result for record in results), *contradicting, *glance.speaking)
    context = with_names(glance.context, named_with({}, naming))
    products = (*context.products, *(product for record in results for product in _products(record)))
    knowledge = LotKnowledge(
        context=context,
        results=results,
        refused=refused,
        of_product=_refused_of_product(reading, glance, products) if glance.there_is["product_refused"] else (),
        alike=lots_parted_by_bars(reading, lot) if glance.there_is["names_with_bars"] else (),
        named_alike=named_alike,
        samples=samples_of_several_lots(reading, lot, arriving),
        parents=parents_in_question(reading, lot),
        settled=settled,
        decision=decision,
        left_out=left_out,
    )
    if copies is not None:
        return _Known(knowledge, copies.standing, copies.rest)
    return _Known(knowledge, all_standing(reading, lot), Tally())


def _products(record: ResultOnRecord) -> tuple[str, ...]:
    """Return the products that a result and its order name."""
    own = record.result.material_definition_id
    return (*(() if own is None else (own,)), *record.order_products)


def _refused_of_product(
    reading: Reading, glance: LotAtAGlance, products: tuple[str, ...]
) -> tuple[RefusedOfProduct, ...]:
    """Return the refused messages about a lot's products; ``products``: that its results name."""
    return refused_of_product(reading, {*products_of_lot(reading, glance), *products}, closed_ns=glance.closed_ns)


def _known_of_versions(reading: Reading, glance: LotAtAGlance) -> _Known:
    """Return what is known of the arriving result's own versions, and a tally of the lot's other assessments."""
    settled = _settled(reading, glance)
    versions = () if glance.arrival is None else glance.arrival.versions
    of_lot = (as_of_lot(reading, record, glance.lot, glance.sample) for record in versions)
    results = tuple(record for record in of_lot if record is not None)
    context = with_names(glance.context, glance.now_named)
    subjects = [record.result.result_id for record in results]
    standing, rest = standing_and_others(
        reading.connection, reading, glance.lot, subjects, count=glance.there_is["assessments"]
    )
    return _Known(LotKnowledge(context=context, results=results, settled=settled), standing, rest)


def _settled(reading: Reading, glance: LotAtAGlance, named_alike: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the points that people have settled for a lot, and for those with a name that only looks alike."""
    rows = []
    if glance.there_is["settled"]:
        rows += reading.rows("settled_of_lot", {"material_lot_id": glance.lot})
    if named_alike:
        rows += reading.rows("settled_of_lots", {"lots": json.dumps(named_alike)})
    return frozenset(row["point_id"] for row in rows)


def _production(reading: Reading, lot: str, row: sqlite3.Row | None) -> Context | None:
    """Return production's record of a lot, with its order; None where one of the two is damaged."""
    if row is None or not row["order_holds"]:  # read once more, so that what does not hold is noted
        return reading.context("context_of_lot", material_lot_id=lot)
    return Context(**{name: row[name] for name in _CONTEXT})


def _before(reading: Reading, lot: str, production: sqlite3.Row | None) -> LotState:
    """Return a lot's state until now; of a row that does not hold, what the audit trail last said."""
    if production is None:
        if not reading.damaged:
            return LotState()
        line = reading.connection.execute(SQL["newest_line_about_lot"], {"material_lot_id": lot}).fetchone()
        return LotState() if line is None else LotState(recommendation=recommendation_in(line["recommendation"]))
    return LotState(recommendation=recommendation_in(production["recommendation"]), latched=bool(production["latched"]))
