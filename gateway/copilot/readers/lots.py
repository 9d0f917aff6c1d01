"""Answers about lots: a value, the state and why, what is missing, what they are made of, who decided."""

from gateway.contract.times import rfc3339
from gateway.copilot.answers import Answer, Saying, limits_shown, number_shown, status_shown
from gateway.copilot.ground import Asking, Ground, lot_link
from gateway.copilot.readers.lot_lists import listed
from gateway.copilot.readers.lot_parts import say_parts
from gateway.copilot.readers.reasons import reason_text, shown_points, shown_reasons, whole_lot_is_decided
from gateway.copilot.readers.times import shown_time
from gateway.copilot.slots import equipment_of
from gateway.facts.lot import is_of_rest
from gateway.lab.in_force import in_force, in_unit
from gateway.records.laboratory import LabResult, Recommendation, Specification
from gateway.records.lot_decisions import DecisionState
from gateway.store.codec import decode
from gateway.store.queries.awaited_certificates import awaits_certificate
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.lots import LotOnRecord, lot_on_record, part_declared
from gateway.store.queries.reviews import reviews_stand
from gateway.store.statements import SQL
from gateway.texts.translating import in_language_of_group

_MOST_NAMED, _MOST_VALUES = 8, 6
_WORST_FIRST = ("OUTSIDE", "FOR_A_PERSON", "NOT_JUDGED", "INSIDE")
_VERDICT = {Recommendation.RELEASE: "INSIDE", Recommendation.HOLD: "OUTSIDE", Recommendation.REVIEW: "FOR_A_PERSON"}


def value_of_lot(ground: Ground, asking: Asking) -> Answer:
    """Say the values of an analyte of a lot, each with its limits and whether it lies inside."""
    lot, analyte = asking.slots.lots[0], asking.slots.analytes[0]
    known = lot_on_record(ground.state, lot)
    rows = ground.reading().rows("console_results_of_lot", {"material_lot_id": lot, "most": 300})
    current = [(row, decode(LabResult, row["body"])) for row in rows if row["current"] and row["analyte"] == analyte]
    seen = [(row, result) for row, result in current if ground.sees(result.scope, *result.lots)]
    if not seen:
        return ground.nothing(asking.intent, "NO_VALUE", lot=lot, analyte=analyte)
    saying = ground.saying()
    judged = [(_verdict(ground, lot, result.result_id), row, result) for row, result in reversed(seen)]
    judged.sort(key=lambda item: _WORST_FIRST.index(item[0]))
    for verdict, row, result in judged[:_MOST_VALUES]:
        limits = _limits(ground, result, known, arrived_ns=row["at_ns"])
        saying.say(
            f"VALUE_{verdict}",
            test=result.test_id,
            lot=lot,
            value=number_shown(ground.language, result.value_text, result.unit),
            limits=limits_shown(ground.language, limits),
            sample=result.sample_id,
            at=shown_time(ground, result.sampled_ns or row["at_ns"]),
            status=status_shown(ground.language, result.status),
        )
        saying.fact(analyte, result.value if result.value is not None else result.value_text, result.unit)
        saying.fact("verdict", verdict.lower())
        if limits is not None:
            saying.fact("lower", limits.lower, limits.unit)
            saying.fact("upper", limits.upper, limits.unit)
        saying.source(
            f"lab_result {result.result_id}", f"{result.test_id} {result.value_text} {result.sample_id}", lot_link(lot)
        )
    if len(judged) > _MOST_VALUES:
        saying.say("MORE_VALUES", count=len(judged) - _MOST_VALUES)
    if known is not None and known.damaged:
        saying.say("RECORDS_DAMAGED", lot=lot)
    return saying.answered(asking.intent)


def _verdict(ground: Ground, lot: str, result_id: str) -> str:
    row = ground.state.execute(SQL["copilot_assessment"], {"material_lot_id": lot, "subject": result_id}).fetchone()
    if row is None or not row["holds"]:
        return "NOT_JUDGED"
    if row["failed"]:
        return "OUTSIDE"
    return _VERDICT.get(Recommendation(row["asks"]), "NOT_JUDGED")


def _limits(ground: Ground, result: LabResult, lot: LotOnRecord | None, *, arrived_ns: int) -> Specification | None:
    if result.specification is not None:
        return result.specification
    product = result.material_definition_id or (lot.products[0] if lot is not None and len(lot.products) == 1 else None)
    known = ground.reading().specifications(product)
    found = in_force(
        (*known.configured, *known.stated),
        product=product,
        analyte=result.analyte,
        client_id=result.client_id,
        at_ns=result.sampled_ns or arrived_ns,
    )
    return None if found is None else in_unit(found, result.unit)


def status_of_lot(ground: Ground, asking: Asking) -> Answer:
    """Say what is recommended for a lot, why, and what a person has decided."""
    lot = asking.slots.lots[0]
    known = lot_on_record(ground.state, lot)
    if known is None:
        return ground.nothing(asking.intent, "UNKNOWN_LOT", lot=lot)
    saying = ground.saying()
    saying.say(f"LOT_{known.recommendation.value.upper()}", lot=lot)
    saying.fact("recommendation", known.recommendation.value)
    saying.source(f"lot {lot}", lot, lot_link(lot))
    reasons = known.disposition.reasons if known.disposition is not None else ()
    against = [item.point.reason for item in known.against_release]
    texts = shown_reasons(ground, against or reasons)
    if texts:
        saying.say("BECAUSE", reasons=" ".join(texts[:_MOST_NAMED]))
    for text in texts[:_MOST_NAMED]:
        saying.fact("reason", text)
    if known.disposition is not None:
        saying.source(f"disposition {known.disposition.disposition_id}", lot, lot_link(lot))
    _decided(ground, lot, saying)
    _decided_on_whole_lot(ground, known, saying)
    say_parts(ground, known, saying)
    _made(ground, known, saying)
    if known.waits_to_be_judged:
        saying.say("WAITS_TO_BE_JUDGED", lot=lot)
    if known.damaged:
        saying.say("RECORDS_DAMAGED", lot=lot)
    return saying.answered(asking.intent)


def _made(ground: Ground, known: LotOnRecord, saying: Saying) -> None:
    """Say of which product a lot is, and where and when it was made."""
    if known.started_ns is None:
        return
    ended = known.ended_ns or known.closed_ns
    saying.say(
        "LOT_IS_MADE" if ended is None else "LOT_WAS_MADE",
        product=", ".join(known.products) or "-",
        order=known.job_order_id or "-",
        equipment=known.equipment_id or "-",
        since=shown_time(ground, known.started_ns),
        until=shown_time(ground, ended or ground.now_ns),
    )
    for name, value in (("product", ", ".join(known.products)), ("job_order_id", known.job_order_id),
                        ("equipment_id", known.equipment_id), ("started", rfc3339(known.started_ns)),
                        ("ended", None if ended is None else rfc3339(ended))):  # fmt: skip
        if value:
            saying.fact(name, value)


def _decided(ground: Ground, lot: str, saying: Saying) -> None:
    """Say what a person has decided on a lot; who, and why, only to who has shown who they are."""
    decision = decision_of_lot(ground.state, lot).decision
    if decision is None:
        saying.say("NOBODY_DECIDED", lot=lot)
        return
    lapsed, at = decision.state is DecisionState.LAPSED, shown_time(ground, decision.at_ns)
    of_rest = is_of_rest(decision, parts_of_lot(ground.state, lot).parts)
    code = "LAPSED" if lapsed else "RELEASE_OF_REST" if of_rest else decision.verdict.value.upper()
    saying.fact("decision", "lapsed" if lapsed else decision.verdict.value)
    if of_rest:
        saying.fact("decision_of", "rest")
    saying.fact("decided_at", rfc3339(decision.at_ns))
    if ground.asker.known:
        saying.say(f"DECIDED_{code}", person=decision.printed_name, at=at, reason=decision.reason)
        saying.fact("decided_by", decision.printed_name)
    else:
        saying.say(f"DECIDED_{code}_ALREADY", at=at)
    if awaits_certificate(ground.state, decision, part_declared(ground.state, lot).part):
        saying.say("AWAITS_CERTIFICATE", lot=lot)
        saying.fact("awaits_certificate", lot)
    saying.source(f"signed_record {decision.record_id}", lot, lot_link(lot))


def _decided_on_whole_lot(ground: Ground, known: LotOnRecord, saying: Saying) -> None:
    """Say to a guest that the whole lot of a part is decided on, as its reason names a person and is left out."""
    if known.part is not None and not ground.asker.known and whole_lot_is_decided(known):
        saying.say("ABOUT_LOT", lot=known.part.material_lot_id)
        _decided(ground, known.part.material_lot_id, saying)


def missing_for_release(ground: Ground, asking: Asking) -> Answer:
    """Say what speaks against a release, and what a person does about each point."""
    lot = asking.slots.lots[0]
    known = lot_on_record(ground.state, lot)
    if known is None:
        return ground.nothing(asking.intent, "UNKNOWN_LOT", lot=lot)
    saying = ground.saying()
    saying.source(f"lot {lot}", lot, lot_link(lot))
    saying.say("ABOUT_LOT", lot=lot)
    points = shown_points(ground, known)
    missing = known.disposition.missing_tests if known.disposition is not None else ()
    saying.fact("open_points", len(points))
    if missing:
        saying.say("TESTS_MISSING", tests=", ".join(missing))
        for test in missing:
            saying.fact("missing_test", test)
    for item in points[:_MOST_NAMED]:
        how = in_language_of_group(ground.language, "how_to_settle", item.point.how)
        saying.say("OPEN_POINT", text=reason_text(ground, item.point.reason), how=how)
        saying.fact("open_point", item.point.code)
    if len(points) > _MOST_NAMED:
        saying.say("MORE_POINTS", count=len(points) - _MOST_NAMED)
    before = _before_a_release(ground, known)
    for code in before:
        saying.say(code, lot=lot)
        saying.fact("missing", code)
    decided = decision_of_lot(ground.state, lot).decision is not None
    if decided:
        _decided(ground, lot, saying)
    _decided_on_whole_lot(ground, known, saying)
    if not known.against_release and not missing and not before and not decided:
        saying.say("NOTHING_MISSING" if known.recommendation is Recommendation.RELEASE else "NOT_JUDGED_YET", lot=lot)
    if known.damaged:
        saying.say("RECORDS_DAMAGED", lot=lot)
    return saying.answered(asking.intent)


def _before_a_release(ground: Ground, known: LotOnRecord) -> list[str]:
    """Return what is to come first, besides points: the lot's judgement, and a signed review.

    That a release waits for its certificate is said with the release.
    """
    needs_review = ground.line.review.required_for_release
    steps = {
        "WAITS_TO_BE_JUDGED": known.waits_to_be_judged,
        "REVIEW_IS_MISSING": needs_review
        and not reviews_stand(ground.state, ground.line, known.material_lot_id, known.part, at_ns=ground.now_ns),
    }
    return [code for code, needed in steps.items() if needed]


def used_material(ground: Ground, asking: Asking) -> Answer:
    """Say which lots were made with a material's lot."""
    material = (asking.slots.materials or asking.slots.lots)[0]
    rows = ground.state.execute(SQL["copilot_lots_of_material"], {"consumed_lot_id": material}).fetchall()
    lots = [row for row in rows if row["holds"] and ground.names.sees_lot(row["material_lot_id"])]
    if not lots:
        return ground.nothing(asking.intent, "MATERIAL_NOT_USED", material=material)
    saying = ground.saying()
    named = [str(row["material_lot_id"]) for row in lots]
    saying.say("USED_IN", material=material, count=len(named), lots=listed(named))
    for row in lots:
        saying.fact("lot", row["material_lot_id"])
    for row in lots[:_MOST_NAMED]:
        lot = row["material_lot_id"]
        saying.source(f'material_use ["{lot}","{material}"]', f"{material} > {lot}", lot_link(lot))
    return saying.answered(asking.intent)


def made_of(ground: Ground, asking: Asking) -> Answer:
    """Say which materials went into a lot."""
    lot = asking.slots.lots[0]
    uses = [row for row in ground.state.execute(SQL["uses_of_lot"], {"material_lot_id": lot}) if row["holds"]]
    if not uses:
        return ground.nothing(asking.intent, "MADE_OF_NOTHING", lot=lot)
    saying = ground.saying()
    parts = []
    for row in uses:
        about = ", ".join(str(row[name]) for name in ("consumed_definition_id", "supplier") if row[name])
        parts.append(f"{row['consumed_lot_id']} ({about})" if about else str(row["consumed_lot_id"]))
        saying.fact("material", row["consumed_lot_id"])
        if row["supplier"]:
            saying.fact("supplier", row["supplier"])
        saying.source(
            f'material_use ["{lot}","{row["consumed_lot_id"]}"]', f"{row['consumed_lot_id']} > {lot}", lot_link(lot)
        )
    saying.say("MADE_OF", lot=lot, materials=listed(parts))
    return saying.answered(asking.intent)


def who_decided(ground: Ground, asking: Asking) -> Answer:
    """Say who has decided on a lot, with signature, and who settled points."""
    lot = asking.slots.lots[0]
    known = lot_on_record(ground.state, lot)
    if known is None:
        return ground.nothing(asking.intent, "UNKNOWN_LOT", lot=lot)
    saying = ground.saying()
    saying.say("ABOUT_LOT", lot=lot)
    _decided(ground, lot, saying)
    decision = decision_of_lot(ground.state, lot).decision
    for name in () if decision is None else decision.signed_by or (decision.printed_name,):
        saying.fact("signed_by", name)
    for item in known.settled:
        if item.settlement is not None:
            saying.say(
                "SETTLED_BY",
                person=item.settlement.person,
                at=shown_time(ground, item.settlement.at_ns),
                reason=item.settlement.reason,
            )
            saying.fact("settled_by", item.settlement.person)
            saying.source(f"settlement {item.settlement.point_id}", lot, lot_link(lot))
    saying.source(f"lot {lot}", lot, lot_link(lot))
    return saying.answered(asking.intent)


def running_lot(ground: Ground, asking: Asking) -> Answer:
    """Say which lot is being made on an equipment, or on each."""
    equipment = asking.slots.equipment or equipment_of(ground.line)
    saying, reading = ground.saying(), ground.reading()
    for name in equipment[:_MOST_NAMED]:
        context = reading.context_of_equipment(name, ground.now_ns)
        lot = context.material_lot_id
        if lot is None or not ground.names.sees_lot(lot):
            saying.say("NOTHING_RUNS", equipment=name)
            continue
        saying.say(
            "RUNS",
            equipment=name,
            lot=lot,
            product=context.material_definition_id or "-",
            order=context.job_order_id or "-",
        )
        saying.fact("lot", lot)
        saying.source(f"lot {lot}", lot, lot_link(lot))
    if not equipment:
        return ground.nothing(asking.intent, "NO_EQUIPMENT")
    return saying.answered(asking.intent)
