"""How many messages of terminals that change nothing are kept one by one. Pure.

Anybody who may publish to ``response/+`` could else fill the store, the audit trail and the outbox. What changes
something, and what an identified person has sent, is always kept.
"""

from gateway.contract.times import rfc3339
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.records.people import RefusedResponses
from gateway.time_units import seconds_to_ns

MOST_IN_PERIOD = 60
PERIOD_NS = seconds_to_ns(600.0)


def kept_within_limit(kept: Decision, before: RefusedResponses, *, at_ns: int) -> Decision:
    """Return what is kept of a message that changes nothing: it as a whole, or its number alone.

    The trail says from when on messages are only counted, and in the next period how many these were.
    """
    if not 0 <= at_ns - before.begun_ns < PERIOD_NS:
        begun = RefusedResponses(begun_ns=at_ns, recorded=1, counted=0)
        return kept + Decision(records=(begun,)) + _how_many(before)
    if before.recorded < MOST_IN_PERIOD:
        more = RefusedResponses(begun_ns=before.begun_ns, recorded=before.recorded + 1, counted=before.counted)
        return kept + Decision(records=(more,))
    counted = RefusedResponses(begun_ns=before.begun_ns, recorded=before.recorded, counted=before.counted + 1)
    first = () if before.counted else (
        audit_entry("responses_only_counted", "response", most=MOST_IN_PERIOD,
                    until=rfc3339(before.begun_ns + PERIOD_NS)),
    )  # fmt: skip
    return Decision(records=(counted,), audit=first)


def _how_many(before: RefusedResponses) -> Decision:
    if not before.counted:
        return Decision()
    since = rfc3339(before.begun_ns)
    return Decision(audit=(audit_entry("responses_counted", "response", since=since, number=before.counted),))
