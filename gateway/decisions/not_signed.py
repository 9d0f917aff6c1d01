"""Why an act that needs signatures is not put on record, not signed, or not done any more. Pure."""

from gateway.contract.signed_records import RequestOfAct
from gateway.contract.times import rfc3339
from gateway.events import ActRequested
from gateway.facts.acts import ActFacts
from gateway.people.rights import RIGHTS
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, SignPending, refused
from gateway.records.signatures import SignedOnRecord, SignedRecord, SigningState
from gateway.records.users import User


def asked_already(facts: ActFacts) -> Answer | None:
    """Return why an act is not put on record a second time, as where the answer to the first never came."""
    if not facts.asked_already:
        return None
    return refused(ActRefusal.ASKED_ALREADY)


def not_waiting(pending: SignedOnRecord | None, record_id: str, event: ActRequested) -> Answer | None:
    """Return why an act cannot be signed or ended, None where it waits."""
    if pending is None:
        return refused(ActRefusal.NOT_WAITING, record=record_id)
    if not pending.holds:
        return refused(ActRefusal.SIGNED_RECORD_DAMAGED, record=record_id)
    if pending.state is not SigningState.WAITING:
        return _ended_already(pending)
    if event.at.is_past(pending.record.expires):
        return refused(ActRefusal.ACT_EXPIRED, since=rfc3339(pending.record.expires.wall_ns))
    return None


def _ended_already(pending: SignedOnRecord) -> Answer:
    if pending.why:
        return refused(ActRefusal.ACT_ENDED_BECAUSE, signing_state=pending.state.value, because=pending.why)
    return refused(ActRefusal.ACT_ENDED_ALREADY, signing_state=pending.state.value)


def another_record(act: SignPending, record: SignedRecord) -> Answer | None:
    """Return why a signature does not count whose signer was shown something else."""
    if act.sha256 == record.sha256:
        return None
    return refused(ActRefusal.NOT_WHAT_WAITS)


def no_longer(
    pending: SignedOnRecord, now: SignedRecord, request: RequestOfAct, users: tuple[User, ...]
) -> Answer | None:
    """Return why an act that waits is not done any more, whoever signs."""
    if now.sha256 != pending.record.sha256:
        return refused(ActRefusal.SUBJECT_CHANGED)
    by_id = {user.user_id: user for user in users if not user.disabled}
    author = by_id.get(request.author.user_id)
    if author is None or RIGHTS[request.act.kind].isdisjoint(author.roles):
        return refused(ActRefusal.AUTHOR_MAY_NOT, user=request.author.user_id)
    gone = next((item.user_id for item in pending.signatures if item.user_id not in by_id), None)
    if gone is not None:
        return refused(ActRefusal.SIGNER_DISABLED, user=gone)
    without = next((item for item in pending.signatures if item.role not in by_id[item.user_id].roles), None)
    if without is not None:
        return refused(ActRefusal.SIGNER_WITHOUT_ROLE, user=without.user_id, role=without.role.value)
    return None
