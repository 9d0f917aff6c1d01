"""The gateway itself: starts, timers, gaps, checks, versions of models, heads of the audit trail."""

from gateway.advice.grouping import regrouped
from gateway.advice.lifecycle import expired, moved, withdrawn
from gateway.advice.publication import (
    audit_head_message,
    board_message,
)
from gateway.advice.rationing import summarised
from gateway.contract.identity import identity_of
from gateway.decision import Decision, EpochBegun, Latched, OpenLotsQuestioned, Unlatched
from gateway.decisions.changes import audit_entry, guidance_changes
from gateway.decisions.parts_in_doubt import parts_cleared
from gateway.events import (
    AdviceWithheld,
    ConfigurationReloaded,
    Event,
    GapNoticed,
    GatewayStarted,
    GatewayStopped,
    HeadWitnessed,
    StoreChecked,
    TimerDue,
    VersionTaken,
)
from gateway.facts.audit_head import SignHeadFacts, WitnessFacts
from gateway.facts.base import Facts
from gateway.facts.guidance import OpenGuidanceFacts, StartFacts
from gateway.facts.parts_in_doubt import StoreCheckedFacts
from gateway.guardrails.standing_advice import no_longer_advised
from gateway.records.guidance import Guidance, GuidanceState
from gateway.records.outgoing import OutgoingMessage

AUDIT_BEHIND_WITNESS = "AUDIT_BEHIND_WITNESS"

STORE_DAMAGED = "STORE_DAMAGED"

STORE_UNCHECKED = "STORE_UNCHECKED"

MOST_OPEN_LOTS = 2000  # that another configuration has judged again


def on_head_witnessed(event: HeadWitnessed, facts: WitnessFacts) -> Decision:
    """Raise an alarm where the broker has a head that the audit trail does not contain."""
    if facts.head_holds or AUDIT_BEHIND_WITNESS in facts.latches:
        return Decision()
    details = {"witnessed_seq": event.head.seq, "witnessed_hash": event.head.hash}
    epoch = identity_of("epoch", event.head.hash, event.at_ns)
    return Decision(
        records=(Latched(code=AUDIT_BEHIND_WITNESS, details=details), EpochBegun(epoch=epoch)),
        audit=(audit_entry("audit_behind_witness", event.head.hash, witnessed_seq=event.head.seq),),
    )


def on_store_checked(event: StoreChecked, facts: StoreCheckedFacts) -> Decision:
    """Put the outcome of a check on record; no broker keeps what was said of a part that is in doubt."""
    return _checked(event, facts) + parts_cleared(facts.parts_in_doubt, event, facts.line)


def _checked(event: StoreChecked, facts: Facts) -> Decision:
    """Put the outcome of a full check on record; damage raises an alarm."""
    entry = audit_entry("store_checked", "ok" if not event.damaged else "damaged", rows=event.rows,
                   audit_lines=event.audit_lines, damaged=event.damaged, wrong=list(event.wrong))  # fmt: skip
    if event.damaged:
        details = {"damaged": event.damaged, "wrong": list(event.wrong)}
        return Decision(records=(Latched(code=STORE_DAMAGED, details=details),), audit=(entry,))
    passed = (Unlatched(code=STORE_UNCHECKED),) if STORE_UNCHECKED in facts.latches else ()
    return Decision(records=passed, audit=(entry,))


def on_sign_head_due(_event: TimerDue, facts: SignHeadFacts) -> Decision:
    """Publish the audit trail's head, where it has grown since."""
    if facts.signed_head is None:
        return Decision()
    return Decision(records=(facts.signed_head,), messages=(audit_head_message(facts.signed_head, line=facts.line),))


def on_board_due(event: TimerDue, facts: OpenGuidanceFacts) -> Decision:
    """Publish the board."""
    return Decision(messages=(_board(event, facts),))


def on_expiry_due(event: TimerDue, facts: OpenGuidanceFacts) -> Decision:
    """End guidance whose time is over, or that is not advised any more; make known what waits, where there is room."""
    over = _over(event, facts)
    ended = {guidance.guidance_id for guidance in over}
    made_known = summarised(
        tuple(guidance for guidance in facts.open_guidance if guidance.guidance_id not in ended),
        announced_ns=facts.announced_ns,
        silenced=facts.silenced,
        rationing=facts.line.rationing,
        at_ns=event.at_ns,
    )
    return guidance_changes(regrouped((*over, *made_known), facts.open_guidance), event, facts)


def on_gap(event: GapNoticed, _facts: Facts) -> Decision:
    """Put on record that data is missing."""
    gap = event.gap
    return Decision(
        records=(gap,),
        audit=(audit_entry("gap", gap.gap_id, kind=gap.kind.value, subject=gap.subject, from_ns=gap.from_ns,
                      until_ns=gap.until_ns, **gap.details),),
    )  # fmt: skip


def on_started(event: GatewayStarted, facts: StartFacts) -> Decision:
    """Put a start on record; lots are judged again where the configuration has changed."""
    previous = facts.previous_configuration_sha256
    changed = previous is not None and previous != event.configuration_sha256  # lots may be judged by other limits now
    over = guidance_changes(_over(event, facts), event, facts)
    started = Decision(
        audit=(audit_entry("gateway_started", event.configuration_sha256, version=event.version,
                      previous_configuration=previous, changed=previous != event.configuration_sha256,
                      bundles=dict(event.bundles), stages=dict(event.stages), language=facts.line.language),),
        records=(OpenLotsQuestioned(most=MOST_OPEN_LOTS),) if changed else (),
        messages=(_board(event, facts),),
    )  # fmt: skip
    return started + over + parts_cleared(facts.parts_in_doubt, event, facts.line)


def on_configuration_reloaded(event: ConfigurationReloaded, _facts: Facts) -> Decision:
    """Put a changed configuration on record; lots are judged again, as other limits may apply now."""
    entry = audit_entry("configuration_reloaded", event.configuration_sha256, changed=list(event.changed))
    return Decision(audit=(entry,), records=(OpenLotsQuestioned(most=MOST_OPEN_LOTS),))


def on_version_taken(event: VersionTaken, facts: OpenGuidanceFacts) -> Decision:
    """Withdraw what another version of the model has advised."""
    return Decision(
        audit=(audit_entry("version_taken", event.model, version=event.version, bundle_sha256=event.bundle_sha256,
                      stage=event.stage),),
    ) + guidance_changes(_over(event, facts), event, facts)  # fmt: skip


def on_withheld(event: AdviceWithheld, facts: OpenGuidanceFacts) -> Decision:
    """Withdraw the guidance that the second check has kept back."""
    taken_back = (withdrawn(guidance, event.refused.get(guidance.guidance_id)) for guidance in facts.open_guidance)
    refused = {guidance_id: reason.text for guidance_id, reason in event.refused.items()}
    return Decision(
        audit=(audit_entry("advice_withheld", event.event_id, refused=refused),),
    ) + guidance_changes(tuple(guidance for guidance in taken_back if guidance is not None), event, facts)


def _over(event: Event, facts: OpenGuidanceFacts) -> tuple[Guidance, ...]:
    """Return the open guidance that ends now: its time is over, or it is not advised any more."""
    changed = []
    for guidance in facts.open_guidance:
        gone = no_longer_advised(guidance, facts.line, facts.latches)
        if expired(guidance, event.at):
            changed.append(moved(guidance, GuidanceState.EXPIRED))
        elif gone is not None:
            changed.append(withdrawn(guidance, gone))
    return tuple(guidance for guidance in changed if guidance is not None)


def on_stopped(event: GatewayStopped, _facts: Facts) -> Decision:
    """Put an orderly stop on record."""
    return Decision(audit=(audit_entry("gateway_stopped", event.event_id),))


def _board(event: Event, facts: OpenGuidanceFacts) -> OutgoingMessage:
    """Return the board without the guidance that ends now."""
    over = {guidance.guidance_id for guidance in _over(event, facts)}
    standing = tuple(guidance for guidance in facts.open_guidance if guidance.guidance_id not in over)
    return board_message(standing, line=facts.line, cause=event.event_id, at=event.at)
