"""What the audit trail's head stands on."""

from gateway.events import (
    HeadWitnessed,
    TimerDue,
)
from gateway.facts.audit_head import SignHeadFacts, WitnessFacts
from gateway.line.definition import SignHead
from gateway.records.outgoing import SignedHead
from gateway.store.audit.heads import contains, head_of
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL


@loader
def sign_head_facts(reading: Reading, event: TimerDue) -> SignHeadFacts:
    """Return the trail's head, signed, where it has grown."""
    signer = reading.line.head_signer
    signed = None if signer is None else _grown_head(reading, signer, event.at_ns)
    return SignHeadFacts(**reading.base(), signed_head=signed)


@loader
def witness_facts(reading: Reading, event: HeadWitnessed) -> WitnessFacts:
    """Return whether the trail contains a head."""
    return WitnessFacts(**reading.base(), head_holds=contains(reading.connection, event.head))


def _grown_head(reading: Reading, sign: SignHead, at_ns: int) -> SignedHead | None:
    head, last = head_of(reading.connection), reading.connection.execute(SQL["last_signed_head"]).fetchone()
    if head is None or (last is not None and last["seq"] == head.seq):
        return None
    return sign(head, at_ns)
