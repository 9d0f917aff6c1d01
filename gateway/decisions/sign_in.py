"""What follows from a password that was given: wrong ones are counted, and whoever guesses is reported."""

from dataclasses import replace

from gateway.advice.alarm_states import after
from gateway.advice.gateway_alarms import gateway_alarm, guessing_of
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import SignInTried
from gateway.facts.acts import SignInFacts
from gateway.people.passwords import SHORTEST_PASSWORD
from gateway.people.sign_in import LOCKED_AFTER, is_to_be_reported
from gateway.records.alarms import AlarmChange, AlarmChanged
from gateway.records.record import Record
from gateway.records.users import CodeUsed, SignInCounted


def on_sign_in_tried(event: SignInTried, facts: SignInFacts) -> Decision:
    """Count wrong passwords in a row; a name that is no user's is put on record only, and not as a whole.

    It may be a password that somebody has typed into the wrong field: so much of it is kept as is none.
    """
    name = event.user_id if facts.known or len(event.user_id) < SHORTEST_PASSWORD else f"{event.user_id[:4]}..."
    kind = "sign_in" if event.succeeded else "sign_in_failed"
    tried = Decision(audit=(audit_entry(kind, name, via=event.via, origin=event.origin),))
    if not facts.known:
        return tried
    return tried + (_right(event, facts) if event.succeeded else _wrong(event, facts))


def _right(event: SignInTried, facts: SignInFacts) -> Decision:
    """Count from this address anew; it is one from where the user signs in (NIST SP 800-63B, 5.2.2)."""
    here, elsewhere = facts.here, facts.elsewhere
    records: list[Record] = []
    if here.failures or not here.known:
        records.append(replace(here, failures=0, last_failed_ns=None, known=True))
    if here.failures and not here.known:
        records.append(replace(elsewhere, failures=max(0, elsewhere.failures - here.failures)))
    if event.code_step is not None:
        records.append(CodeUsed(user_id=event.user_id, step=event.code_step))
    return Decision(records=tuple(records))


def _wrong(event: SignInTried, facts: SignInFacts) -> Decision:
    here, elsewhere = _one_more(facts.here, event), facts.elsewhere
    records: tuple[Record, ...] = (here,)
    if not here.known:
        elsewhere = _one_more(elsewhere, event)
        records = (here, elsewhere)
    counted = here if here.known else elsewhere
    decided = Decision(records=records)
    if counted.failures == LOCKED_AFTER:
        decided += Decision(audit=(audit_entry("user_locked", event.user_id, origin=here.origin if here.known else "",
                                               failures=counted.failures),))  # fmt: skip
    return decided + _reported(event, facts, here, elsewhere) if is_to_be_reported(here, elsewhere) else decided


def _one_more(counted: SignInCounted, event: SignInTried) -> SignInCounted:
    return replace(counted, failures=counted.failures + 1, last_failed_ns=event.at_ns)


def _reported(event: SignInTried, facts: SignInFacts, here: SignInCounted, elsewhere: SignInCounted) -> Decision:
    """Call people, at once (21 CFR 11.300 d): by an alarm, of which notices go out, and by a line in the trail."""
    alarm = facts.alarm or gateway_alarm(guessing_of(event.user_id), latched=False)
    raised = after(alarm, AlarmChange.RAISED, at_ns=event.at_ns)
    entry = audit_entry("password_guessed_at", event.user_id, origin=event.origin, failures=here.failures,
                        elsewhere=elsewhere.failures)  # fmt: skip
    called = () if raised is None else (AlarmChanged(alarm=raised, change=AlarmChange.RAISED),)
    return Decision(records=called, audit=(entry,))
