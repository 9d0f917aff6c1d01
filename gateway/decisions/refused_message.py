"""A message that was not understood: it is kept, and a person decides on the lots that it names."""

from gateway.advice.publication import (
    dead_letter_message,
)
from gateway.contract.identity import identity_of
from gateway.decision import Decision, ResultRefused
from gateway.decisions.changes import audit_entry
from gateway.decisions.refused_responses import kept_within_limit
from gateway.events import Arrived, MessageRefused
from gateway.facts.base import Facts
from gateway.facts.guidance import RefusedMessageFacts
from gateway.records.outgoing import DeadLetter
from gateway.records.verdicts import Reason


def on_message_refused(event: MessageRefused, facts: Facts) -> Decision:
    """Keep and report a message that was not understood; the lots that it names are for a person to decide on."""
    decision = dead_letter(event, event.reasons, facts)
    about = event.about
    if about is None or not about.says_something:
        return decision
    refused = ResultRefused(
        dead_letter_id=_dead_letter_id(event),
        about=about,
        reasons=event.reasons,
        contradicts=event.contradicts,
    )
    return decision + Decision(records=(refused,))


def on_terminals_message_refused(event: MessageRefused, facts: RefusedMessageFacts) -> Decision:
    """Keep and report a message that was meant as a response and is none; very many of them are only counted."""
    return kept_within_limit(dead_letter(event, event.reasons, facts), facts.refused, at_ns=event.at_ns)


def _dead_letter_id(event: Arrived) -> str:
    return identity_of("dead-letter", event.event_id)


def dead_letter(event: Arrived, reasons: tuple[Reason, ...], facts: Facts) -> Decision:
    """Return a message that was not understood as a dead letter."""
    letter = DeadLetter(
        dead_letter_id=_dead_letter_id(event),
        topic=event.origin.topic,
        payload=event.payload,
        reasons=reasons,
    )
    return Decision(
        records=(letter,),
        audit=(audit_entry("dead_letter", letter.dead_letter_id, topic=letter.topic,
                      sha256=event.origin.payload_sha256, reasons=[reason.code for reason in letter.reasons]),),
        messages=(dead_letter_message(letter, line=facts.line, cause=event.event_id, at_ns=event.at_ns),),
    )  # fmt: skip
