"""From the tables: what signing an act that waits stands on. Runs inside the writer's transaction."""

from dataclasses import replace
from typing import cast

from gateway.contract.signed_records import request_in
from gateway.decisions.table import row_of
from gateway.events import ActRequested
from gateway.facts.acts import ActFacts
from gateway.facts.signatures import PendingFacts
from gateway.records.acts import SignPending, WithdrawPending
from gateway.records.signatures import SignedOnRecord
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import LOADERS, loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.signatures import signed_record_of
from gateway.store.queries.users import users_of_all


@loader
def pending_facts(reading: Reading, event: ActRequested) -> PendingFacts:
    """Return the act that waits, with what deciding the act itself stands on now."""
    if not isinstance(event.act, SignPending | WithdrawPending):
        raise TypeError(f"{event.act.kind} is about no act that waits")
    pending = signed_record_of(reading.connection, event.act.record_id)
    return PendingFacts(
        **act_base(reading, event),
        pending=pending,
        of_act=_of_act(reading, event, pending),
        users=users_of_all(reading.connection),
    )


def _of_act(reading: Reading, event: ActRequested, pending: SignedOnRecord | None) -> ActFacts | None:
    if pending is None or not pending.holds:
        return None
    asked = replace(event, act=request_in(pending.record).act)
    return cast("ActFacts", LOADERS[row_of(asked).facts](reading, asked))
