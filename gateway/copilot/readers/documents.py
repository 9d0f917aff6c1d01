"""Answers about a lot's papers: its certificates, and the review of its record."""

from urllib.parse import quote

from gateway.copilot.answers import Answer
from gateway.copilot.ground import Asking, Ground, lot_link
from gateway.copilot.readers.times import shown_time
from gateway.records.reviews import ReviewState
from gateway.records.scope import Scope
from gateway.store.queries.certificates import certificates_of_lot
from gateway.store.queries.reviews import has_lapsed, signed_review_of

_MOST_GAPS = 6


def certificate_of_lot(ground: Ground, asking: Asking) -> Answer:
    """Say the newest version of each of a lot's certificates, and what it still lacks."""
    lot = asking.slots.lots[0]
    versions, damaged = certificates_of_lot(ground.state, lot)
    newest = {item.drafted.certificate_id: item for item in versions if item.holds}
    saying = ground.saying()
    for key, item in newest.items():
        content = item.drafted.content
        if not ground.sees(Scope(client_id=content.client_id), lot):
            continue
        saying.say(f"CERTIFICATE_{item.state.value.upper()}", lot=lot, customer=content.customer_name,
                   version=item.drafted.version, at=shown_time(ground, item.drafted.drafted_ns))  # fmt: skip
        saying.fact("state", item.state.value)
        saying.fact("customer", content.customer_name)
        if content.gaps:
            saying.say("CERTIFICATE_GAPS", gaps=" ".join(reason.text for reason in content.gaps[:_MOST_GAPS]))
        for reason in content.gaps:
            saying.fact("gap", reason.code)
        saying.source(f"certificate {key}", content.customer_name, f"#/certificates/{quote(key, safe='')}")
    if damaged:
        saying.say("RECORDS_DAMAGED", lot=lot)
    if not saying.sentences:
        return ground.nothing(asking.intent, "NO_CERTIFICATE", lot=lot)
    return saying.answered(asking.intent)


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
