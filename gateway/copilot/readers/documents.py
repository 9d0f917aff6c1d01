"""Answers about a lot's papers: its certificates, and the review of its record."""

from collections.abc import Mapping
from urllib.parse import quote

from gateway.copilot.answers import Answer, Saying
from gateway.copilot.ground import Asking, Ground, lot_link
from gateway.copilot.readers.lot_lists import listed
from gateway.copilot.readers.reasons import reason_text
from gateway.copilot.readers.times import shown_time
from gateway.records.certificates import CertificateOnRecord
from gateway.records.reviews import ReviewState
from gateway.records.scope import Scope
from gateway.store.queries.certificates import certificates_of_lot
from gateway.store.queries.lots import part_declared
from gateway.store.queries.reviews import has_lapsed, signed_review_of

_MOST_GAPS = 6


def certificate_of_lot(ground: Ground, asking: Asking) -> Answer:
    """Say the newest version of each certificate of a lot, or of a part of one, and what it still lacks.

    A certificate of a part is never said of its lot, nor that of the lot of a part.
    """
    lot = asking.slots.lots[0]
    part, damaged_part = part_declared(ground.state, lot)
    whole, name = (lot, "") if part is None else (part.material_lot_id, part.name)
    versions, damaged = certificates_of_lot(ground.state, whole)
    newest = {item.drafted.certificate_id: item for item in versions if item.holds and _may_be_seen(ground, item)}
    saying = ground.saying()
    for key, item in newest.items():
        content = item.drafted.content
        if content.part_name != name:
            continue
        saying.say(f"CERTIFICATE_{item.state.value.upper()}", lot=lot, customer=content.customer_name,
                   version=item.drafted.version, at=shown_time(ground, item.drafted.drafted_ns))  # fmt: skip
        saying.fact("state", item.state.value)
        saying.fact("customer", content.customer_name)
        if content.gaps:
            saying.say(
                "CERTIFICATE_GAPS", gaps=" ".join(reason_text(ground, reason) for reason in content.gaps[:_MOST_GAPS])
            )
        for reason in content.gaps:
            saying.fact("gap", reason.code)
        saying.source(f"certificate {key}", content.customer_name, f"#/certificates/{quote(key, safe='')}")
    if part is None:
        _of_parts(lot, newest, saying)
    elif saying.sentences:
        saying.say("IS_PART", part=part.name, lot=whole, quantity=part.amount)
    if damaged or damaged_part:
        saying.say("RECORDS_DAMAGED", lot=lot)
    if not saying.sentences:
        return ground.nothing(asking.intent, "NO_CERTIFICATE", lot=lot)
    return saying.answered(asking.intent)


def _may_be_seen(ground: Ground, item: CertificateOnRecord) -> bool:
    content = item.drafted.content
    return ground.sees(Scope(client_id=content.client_id), content.material_lot_id)


def _of_parts(lot: str, newest: Mapping[str, CertificateOnRecord], saying: Saying) -> None:
    """Say which parts of a lot have certificates of their own, and where there is none that the lot has none."""
    of_parts = {key: item.drafted.content.part_name for key, item in newest.items() if item.drafted.content.part}
    if not of_parts:
        return
    if not saying.sentences:
        saying.say("NO_CERTIFICATE", lot=lot)
    parts = list(dict.fromkeys(of_parts.values()))
    saying.say("CERTIFICATES_OF_PARTS", parts=listed(parts))
    for key, name in of_parts.items():
        saying.fact("certificate_of_part", name)
        saying.source(f"certificate {key}", f"{lot}/{name}", f"#/certificates/{quote(key, safe='')}")


def review_of_lot(ground: Ground, asking: Asking) -> Answer:
    """Say whether a lot's record was reviewed, by whom, and whether that still stands."""
    lot = asking.slots.lots[0]
    signed, damaged = signed_review_of(ground.state, lot)
    if damaged:
        return ground.nothing(asking.intent, "RECORDS_DAMAGED", lot=lot)
    if signed is None:
        return ground.nothing(asking.intent, "NO_REVIEW", lot=lot)
    saying = ground.saying()
    lapsed = signed.state is ReviewState.LAPSED or has_lapsed(ground.state, ground.line, signed, at_ns=ground.now_ns)
    saying.say("REVIEW_LAPSED" if lapsed else "REVIEW_SIGNED", lot=lot, person=signed.printed_name,
               at=shown_time(ground, signed.at_ns), exceptions=len(signed.exceptions))  # fmt: skip
    saying.fact("signed_by", signed.printed_name)
    saying.fact("lapsed", lapsed)
    saying.source(f"signed_record {signed.record_id}", lot, lot_link(lot))
    return saying.answered(asking.intent)
