"""Every table of the store: one row each, in an order in which no table needs one that comes later.

The audit trail, the full check, salvage and the tests take theirs from here; a table without a row fails a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """How a table's rows are protected, and what salvage does with them.

    ``salvaged``: put back from a damaged store, row by row, where its hash holds. ``hash_leaves_out``: columns that
    change without the row becoming another one. ``left_behind``: which rows salvage counts and leaves, as no hash
    protects them. ``merged_by``: the key by which two stores' rows are merged. ``not_vouched_for``: why the audit trail
    names none of its rows; ``vouched_where``: which it names, where not all. ``may_leave``: whether rows leave without
    a line in the trail. ``authorises``: whether its rows give
    somebody or something a right, and count only where the trail vouches for them (``audit/authority.py``);
    ``newest_counts``: of each owner the newest does; ``named_by``: owner and number, by which the trail names a row,
    where not by the key. ``written_by``: who writes it, where no kind of record does (``records/table.py``).
    """

    name: str
    salvaged: bool = False
    hash_leaves_out: frozenset[str] = frozenset()
    left_behind: str | None = None
    merged_by: str | None = None
    blobs: frozenset[str] = frozenset()
    hashed_by_statement: bool = False
    not_vouched_for: str | None = None
    vouched_where: str | None = None
    may_leave: bool = False
    authorises: bool = False
    newest_counts: bool = False
    named_by: tuple[str, ...] = ()
    written_by: str | None = None


def _newest(name: str, owner: str) -> Table:
    """Return a table with a row for each change of what an owner has, of which the newest holds."""
    return Table(name=name, salvaged=True, authorises=True, newest_counts=True, named_by=(owner, "seq"))


_SCOPE = frozenset({"client_id", "study_id"})  # columns that are taken from the body
_ROWS = (
    Table(name="event", salvaged=True, written_by="each event that came from outside"),
    Table(name="job_order", salvaged=True, merged_by="job_order_id"),
    Table(name="lot", salvaged=True, merged_by="material_lot_id"),
    Table(name="lot_name"),  # noted again from what names lots
    Table(name="context_change", salvaged=True),
    Table(name="lab_result", salvaged=True, hash_leaves_out=_SCOPE, blobs=frozenset({"payload"})),
    # the other predictions are figures, and go by age
    Table(name="prediction", salvaged=True, hash_leaves_out=frozenset({"after_event"}),
          vouched_where="{row}.sample_result_id IS NOT NULL"),
    Table(name="disposition", salvaged=True),
    Table(name="guidance", salvaged=True, hash_leaves_out=_SCOPE),
    Table(name="guidance_state", salvaged=True),
    Table(name="setpoint_intent", salvaged=True, authorises=True),
    Table(name="setpoint_intent_state", salvaged=True),
    Table(name="setpoint_stop", salvaged=True, authorises=True, newest_counts=True),
    Table(name="setpoint_outcome", salvaged=True),
    Table(name="response", salvaged=True),
    Table(name="refused_responses", not_vouched_for="a count, which begins again in each period"),
    Table(name="dead_letter_payload", salvaged=True, blobs=frozenset({"payload"})),
    Table(name="dead_letter", salvaged=True, blobs=frozenset({"payload"})),
    # figures, the board and heads follow from what is vouched for, and come from events without a line in the trail;
    # a message leaves when the broker acknowledges it
    Table(name="outbox", salvaged=True, hash_leaves_out=frozenset({"parked", "seq", "acknowledged"}),
          blobs=frozenset({"payload"}), hashed_by_statement=True, may_leave=True,
          vouched_where="{row}.lane < 2 AND {row}.topic NOT LIKE '%/board' AND {row}.topic NOT LIKE '%/audit/head'"),
    Table(name="phrasing", salvaged=True, may_leave=True),  # by age; the line of the question has the hashes
    Table(name="gap", salvaged=True),
    Table(name="feedback", salvaged=True),
    _newest("version_change", "model"),
    Table(name="signed_bias", salvaged=True),
    Table(name="specification_stated", salvaged=True),
    Table(name="provisional_hold", salvaged=True),
    Table(name="control_point", salvaged=True),
    Table(name="material_use", salvaged=True),
    Table(name="lot_fingerprint", salvaged=True),
    Table(name="lot_process", salvaged=True),
    Table(name="incoming_result", salvaged=True),
    Table(name="deviation", salvaged=True,
          hash_leaves_out=frozenset({"grown_from", "version", "scope"}) | _SCOPE),
    Table(name="corrective_action", salvaged=True, hash_leaves_out=_SCOPE),
    Table(name="corrective_action_done", salvaged=True),
    _newest("deviation_state", "deviation_id"),
    Table(name="assessment", salvaged=True, hash_leaves_out=frozenset({"of_hash"})),
    Table(name="settlement", salvaged=True, authorises=True),
    _newest("user_version", "user_id"),
    _newest("user_password", "user_id"),
    _newest("user_key", "key_id"),
    Table(name="signed_record", salvaged=True, authorises=True),
    Table(name="signature", salvaged=True, authorises=True),
    _newest("signing_state", "record_id"),
    _newest("lot_decision", "material_lot_id"),
    _newest("lot_part", "part_id"),
    Table(name="review_answer", salvaged=True, authorises=True),
    _newest("lot_review", "material_lot_id"),
    _newest("stage_change", "model"),
    Table(name="laboratory_plan", salvaged=True),
    Table(name="laboratory_plan_approval", salvaged=True),
    Table(name="certificate", salvaged=True),
    _newest("certificate_state", "version_id"),
    Table(name="certificate_document", salvaged=True, blobs=frozenset({"content"})),
    Table(name="certificate_sent", salvaged=True),
    Table(name="sign_in", not_vouched_for="a count; each failure has a line of its own"),
    Table(name="code_used", not_vouched_for="a code is over after a minute and a half"),
    Table(name="refused_result", salvaged=True),
    Table(name="refused_in_place", salvaged=True),
    Table(name="refused_of_product", salvaged=True),
    Table(name="series", salvaged=True),
    Table(name="series_sample", salvaged=True),
    Table(name="analytes_together", salvaged=True),
    Table(name="model_learned"),  # it is learned again from the feedback
    Table(name="follow_up", left_behind="1", written_by="the follow-ups of a decision"),
    Table(name="sample_request", left_behind="done = 0"),
    Table(name="lot_to_judge"),  # salvage marks the lots itself
    Table(name="result_without_lot"),  # noted again from the results
    Table(name="restated_result"),
    Table(name="latch"),
    Table(name="alarm"),  # one that is shelved by hand would call nobody
    Table(name="rejected_advice", not_vouched_for="it names guidance, whose state and answer have lines of their own"),
    Table(name="alarm_suppression", not_vouched_for="conditions of the plant; a line says when one begins and ends"),
    Table(name="alarm_event", not_vouched_for="it follows from guidance, conditions and acts, and goes by age"),
    Table(name="notify_target", not_vouched_for="how far notices have come", written_by="the loop that sends notices"),
    Table(name="notify_put_off", not_vouched_for="notices that wait for the end of quiet hours",
          written_by="the loop that sends notices"),
    Table(name="notify_parked", not_vouched_for="notices that were refused", written_by="the loop that sends notices"),
    # put back they would be sent again; how often they were tried, and what was answered, changes with each attempt
    Table(name="delivery", left_behind="state = 'waiting'", may_leave=True, blobs=frozenset({"body"}),
          hash_leaves_out=frozenset({"seq", "state", "attempts", "first_ns", "due_ns", "answer", "answered_ns"})),
    Table(name="sparkplug_report", not_vouched_for="values for a host; what they follow from has lines of its own",
          written_by="the messages of a decision"),
    Table(name="sparkplug_session", not_vouched_for="a count of connections", written_by="the edge node's loop"),
    Table(name="departure", written_by="what leaves the outbox"),
    Table(name="console_session", hash_leaves_out=frozenset({"used_ns"}), authorises=True),
    Table(name="retry", not_vouched_for="what a person has asked for; the line about it says so"),
    Table(name="audit", not_vouched_for="it is the chain"),
    Table(name="audit_archive", not_vouched_for="the line about an archive says what its row says"),
    Table(name="signed_head", not_vouched_for="each is signed"),
    Table(name="dead_letter_payloads", not_vouched_for="one row, a sum that triggers keep",
          written_by="triggers of dead_letter_payload"),
    Table(name="store", not_vouched_for="one row that is written with every start, stop and tick"),
)  # fmt: skip
TABLES: Mapping[str, Table] = {row.name: row for row in _ROWS}
