"""What is on record of a lot, as JSON, and what speaks against it besides its points."""

from dataclasses import asdict
from typing import Any

from gateway.contract.times import rfc3339
from gateway.facts.acts import PointOnRecord
from gateway.lab.release.assessment import Assessment, Subject
from gateway.lab.release.lot_knowledge import Parent
from gateway.lab.release.parts import about_of
from gateway.lab.release.recommendation import HELD_BEFORE
from gateway.records.verdicts import Reason
from gateway.store.queries.lots import LotOnRecord

_MISSING = "TESTS_MISSING"
BESIDES = {  # reasons of a recommendation that are no points, and what to do
    _MISSING: "have the laboratory send a result of each whose status is approved; validated is not enough",
    "PROVISIONAL_HOLD": "have the laboratory measure it: its result confirms or lifts the hold",
    HELD_BEFORE: "nothing has to be settled for this: look at why it is judged otherwise now (labline audit trace LOT)",
    "HOLD_LATCHED": "decide on the points that say what was out",
    "EVIDENCE_DAMAGED": "labline audit verify says what is damaged",
    "RECORDS_IN_DOUBT": "look at the alarm that stands (labline buffer status)",
}


def document_of(known: LotOnRecord) -> dict[str, Any]:
    """Return everything that is on record of a lot, as JSON."""
    missing = known.disposition.missing_tests if known.disposition is not None else ()
    return {
        "lot": known.material_lot_id,
        "recommendation": known.recommendation.value,
        "since": _instant(known.since_ns),
        "latched": known.latched,
        "waits_to_be_judged": known.waits_to_be_judged,
        "products": list(known.products),
        "client_id": known.client_id,
        "job_order_id": known.job_order_id,
        "equipment_id": known.equipment_id,
        "started_at": _instant(known.started_ns),
        "ended_at": _instant(known.ended_ns),
        "closed_at": _instant(known.closed_ns),
        "open_points": [point_document(item) for item in known.open_points],
        "missing_tests": list(missing),
        "besides": [{"code": item.code, "text": item.text, "how": BESIDES[item.code]} for item in other_reasons(known)],
        "settled": [
            *(point_document(item) for item in known.settled),
            *({**asdict(item), "at_ns": None, "at": rfc3339(item.at_ns)} for item in known.settled_otherwise),
        ],
        "parents_in_question": [_lot_document(item) for item in known.parents],
        "children_in_question": [_lot_document(item) for item in known.children],
        "damaged": list(known.damaged),
    }


def point_document(item: PointOnRecord) -> dict[str, Any]:
    """Return a point with what it is about, and its settlement where there is one."""
    about = {name: value for name, value in evidence_of(item.about).items() if value is not None}
    settlement = item.settlement
    return {
        "point_id": item.point.point_id,
        "code": item.point.code,
        "asks": item.point.asks.value,
        "text": item.point.reason.text,
        "parameters": dict(item.point.reason.parameters),
        "about": {"kind": item.about.kind.value, **about},
        "how": item.point.how,
        "can_be_settled": item.can_be_settled,
        **(
            {}
            if settlement is None
            else {"person": settlement.person, "reason": settlement.reason, "at": rfc3339(settlement.at_ns)}
        ),
    }


def _lot_document(item: Parent) -> dict[str, str]:
    return {"lot": item.material_lot_id, "recommendation": item.asks.value}


def _instant(at_ns: int | None) -> str | None:
    return None if at_ns is None else rfc3339(at_ns)


def evidence_of(about: Assessment) -> dict[str, Any]:
    """Return the ids by which a person looks up what a point is about."""
    about = about_of(about)
    if about.kind is Subject.PARENT:
        return {"lot": about.subject.removeprefix(f"{Subject.PARENT} ")}
    if about.kind is Subject.SAMPLE:
        return {"sample": about.sample_id}
    result = {"sample": about.sample_id, "test": about.test_id}
    if about.kind in {Subject.REFUSED, Subject.SPECIFICATION}:
        return {"dead letter": about.subject.removeprefix(f"{about.kind} "), **result}
    if about.kind is Subject.RESULT:
        return {**result, "version": about.result_version, "result": about.subject}
    return {}


def other_reasons(known: LotOnRecord) -> tuple[Reason, ...]:
    """Return the reasons against a lot's release that are no points, from its newest disposition."""
    if known.disposition is None:
        return ()
    reasons = tuple(item for item in known.disposition.reasons if item.code in BESIDES)
    missing = known.disposition.missing_tests
    if not missing or any(item.code == _MISSING for item in reasons):
        return reasons
    text = f"There is no approved result of {', '.join(missing)} yet."
    return (*reasons, Reason(code=_MISSING, parameters={"tests": list(missing)}, text=text))
