"""Quality settles the exceptions of a lot's record and signs the list of what was looked at; something new ends it."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.advice.signed_documents import documents_of
from gateway.lab.review.codes import ReviewCode, ReviewSeverity
from gateway.line.review_rules import ReviewRules
from gateway.people.signing import SIGNABLE
from gateway.records.act_kinds import ActKind
from gateway.records.acts import ActOutcome, SettleException, SignPending, SignReview
from gateway.records.lot_decisions import Verdict
from gateway.records.reviews import ReviewState
from gateway.records.signatures import SignaturePolicy
from gateway.records.user_acts import AddUser
from gateway.records.users import CredentialKind, Role
from gateway.store.database import open_state
from gateway.store.queries.reviews import review_on_record, signed_review_of
from gateway.store.queries.signatures import signed_record_of
from gateway.store.queries.tracing import trace
from gateway.time_units import SECOND_NS
from tests.fixtures.deciding import DRUMS, LOT, Deciding, by
from tests.fixtures.store_bench import viscosity


class Reviewing(Deciding):
    def __init__(self, directory):
        super().__init__(directory)
        self.act(AddUser(user_id="sven", full_name="Sven S.", roles=(Role.SUPERVISOR,)))
        self.result(viscosity(100.0))

    def shown(self, lot=LOT):
        return review_on_record(self.connection, self.line, lot, at_ns=self.now_ns)

    def settle(self, item, user_id="anna", *, comment_only=False, lot=LOT, reason="looked at"):
        self.now_ns += SECOND_NS
        act = SettleException(material_lot_id=lot, exception_id=item, comment_only=comment_only)
        return self.act(act, credential=by(user_id), reason=reason)

    def settle_all(self, lot=LOT):
        for item in self.shown(lot).open:
            assert self.settle(item.exception_id, lot=lot).outcome is ActOutcome.DONE

    def sign(self, user_id="anna", *, sha256=None, credential=None, lot=LOT):
        self.now_ns += SECOND_NS
        act = SignReview(material_lot_id=lot, review_sha256=sha256 or self.shown(lot).sha256)
        return self.act(act, credential=credential or by(user_id), reason="reviewed")


@pytest.fixture
def bench(tmp_path):
    bench = Reviewing(tmp_path)
    with closing(bench.connection):
        yield bench


def test_a_lot_with_open_exceptions_is_not_signed_and_with_all_settled_it_is(bench):
    refusal = bench.sign()
    assert (refusal.outcome, refusal.code) == (ActOutcome.REFUSED, "EXCEPTIONS_OPEN")
    assert bench.shown().signed is None
    bench.settle_all()
    answer = bench.sign()
    shown = bench.shown()
    assert answer.outcome is ActOutcome.DONE, answer.why
    assert (shown.signed.printed_name, shown.signed.role, shown.lapsed) == ("Anna Q.", Role.QUALITY, False)
    assert shown.signed.meaning == "decision: review of the record of lot LOT/1"
    assert bench.sign().code == "REVIEW_SIGNED_ALREADY"


def test_what_is_signed_is_the_list_of_what_was_looked_at_with_every_settlement(bench):
    bench.settle_all()
    before = bench.shown()
    bench.sign()
    record = signed_record_of(bench.connection, bench.shown().signed.record_id)
    signed = json.loads(record.record.body)["rests_on"]
    assert (record.holds, signed["review_sha256"]) == (True, before.sha256)
    assert signed["review"] == before.document
    comments = [item["answers"][0]["comment"] for item in signed["review"]["exceptions"] if item["settled"]]
    assert comments == ["looked at"] * len(before.review.exceptions)
    assert signed["review"]["looked_at"]["RESULT_OUTSIDE"] == 1


def test_a_review_is_not_signed_where_the_record_has_changed_since_it_was_shown(bench):
    bench.settle_all()
    shown = bench.shown().sha256
    bench.result(viscosity(100.1, sample_id="S-2"))
    assert bench.sign(sha256=shown).code == "REVIEW_CHANGED"
    assert bench.sign().outcome is ActOutcome.DONE


@pytest.mark.parametrize(
    "new",
    [
        lambda bench: bench.result(viscosity(100.2, sample_id="S-9")),
        lambda bench: bench.result(viscosity(120.0, sample_id="S-9")),
        lambda bench: bench.context("material_consumed", material_lot_id=LOT, consumed_lot_id="RM", supplier="Böhm"),
    ],
    ids=["a good result", "a result that fails", "material that went into it"],
)
def test_something_new_after_the_signature_makes_the_review_lapse(bench, new):
    bench.settle_all()
    bench.sign()
    bench.now_ns += SECOND_NS
    new(bench)
    assert bench.shown().lapsed is True


def test_a_new_result_puts_the_lapse_on_record_once(bench):
    bench.settle_all()
    bench.sign()
    lapsed = "SELECT count(*) FROM audit WHERE kind = 'lot_review_lapsed'"
    assert bench.rows(lapsed) == [(0,)]
    for sample in ("S-7", "S-8"):
        bench.now_ns += SECOND_NS
        bench.result(viscosity(100.2, sample_id=sample))
    assert bench.rows(lapsed) == [(1,)]
    signed, damaged = signed_review_of(bench.connection, LOT)
    assert (signed.state, damaged) == (ReviewState.LAPSED, ())
    bench.settle_all()
    assert bench.sign().outcome is ActOutcome.DONE
    assert bench.shown().lapsed is False


def test_the_export_of_a_signed_review_has_it_as_a_page_for_people(bench):
    bench.settle_all()
    bench.sign()
    record = signed_record_of(bench.connection, bench.shown().signed.record_id)
    (page,) = documents_of(record, line="acme").values()
    text = page.decode()
    assert all(word in text for word in ("Review by exception", "LOT/1", "Anna Q. (quality)", "looked at"))
    assert bench.shown().signed.sha256 in text
    assert documents_of(replace(record, record=replace(record.record, kind="decide_lot")), line="acme") == {}


def test_a_release_by_quality_does_not_make_its_review_lapse(bench):
    bench.line = replace(bench.line, review=ReviewRules(required_for_release=True))
    assert bench.decide(Verdict.RELEASE).code == "REVIEW_NOT_SIGNED"
    bench.settle_all()
    bench.sign()
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE
    assert bench.shown().lapsed is False


def test_a_part_needs_the_review_of_its_lot_and_one_of_its_own_once_something_is_reported_for_it(bench):
    bench.line = replace(bench.line, review=ReviewRules(required_for_release=True))
    bench.divide()
    assert bench.decide_part(Verdict.RELEASE).code == "REVIEW_NOT_SIGNED"
    bench.settle_all()
    bench.sign()
    assert bench.decide_part(Verdict.RELEASE).outcome is ActOutcome.DONE
    bench.result(viscosity(100.2, sample_id="S-P", material_lot_id=f"{LOT}/{DRUMS}"))
    assert bench.shown().lapsed is False
    assert bench.decide_part(Verdict.RELEASE).code == "REVIEW_NOT_SIGNED"
    bench.settle_all(f"{LOT}/{DRUMS}")
    bench.sign(lot=f"{LOT}/{DRUMS}")
    assert bench.decide_part(Verdict.RELEASE).outcome is ActOutcome.DONE


def test_a_lapsed_review_releases_nothing_where_one_is_required_and_a_hold_needs_none(bench):
    bench.line = replace(bench.line, review=ReviewRules(required_for_release=True))
    bench.settle_all()
    bench.sign()
    bench.now_ns += SECOND_NS
    bench.result(viscosity(100.3, sample_id="S-2"))
    assert bench.decide(Verdict.RELEASE).code == "REVIEW_NOT_SIGNED"
    assert bench.decide(Verdict.HOLD).outcome is ActOutcome.DONE


def test_a_signed_review_weakens_no_rule_of_a_release(bench):
    bench.line = replace(bench.line, review=ReviewRules(required_for_release=True))
    bench.result(viscosity(120.0, sample_id="S-2"))
    bench.settle_all()
    assert bench.sign().outcome is ActOutcome.DONE
    assert bench.decide(Verdict.RELEASE).code == "LOT_HELD"


def test_critical_and_major_exceptions_are_for_quality_and_a_supervisor_settles_minor_ones(bench):
    bench.result(viscosity(95.2, sample_id="S-2"))  # near a limit
    by_severity = {item.severity: item for item in bench.shown().open}
    minor, major = by_severity[ReviewSeverity.MINOR], by_severity[ReviewSeverity.MAJOR]
    assert bench.settle(major.exception_id, "sven").code == "EXCEPTION_FOR_QUALITY"
    assert bench.settle(major.exception_id, "sven", comment_only=True).outcome is ActOutcome.DONE
    assert bench.shown().is_settled(major) is False
    assert bench.settle(minor.exception_id, "sven").outcome is ActOutcome.DONE
    assert bench.settle(minor.exception_id).code == "EXCEPTION_SETTLED_ALREADY"
    assert bench.settle(minor.exception_id, "olga").code == "ROLE_NOT_ENTITLED"
    assert [answer.person for answer in bench.shown().answers[major.exception_id]] == ["Sven S."]


def test_nobody_settles_without_a_reason_what_is_not_there_or_of_a_lot_that_is_not_known(bench):
    item = bench.shown().open[0].exception_id
    assert bench.settle(item, reason=" ").code == "REASON_NEEDED"
    assert bench.settle("nothing").code == "NO_SUCH_EXCEPTION"
    assert bench.settle(item, lot="NOBODY").code == "NOTHING_TO_REVIEW"
    assert bench.rows("SELECT count(*) FROM review_answer") == [(0,)]


def test_a_review_is_signed_with_user_and_password_by_quality_only(bench):
    bench.settle_all()
    assert bench.sign(credential=by("anna", CredentialKind.SESSION)).code == "BOTH_COMPONENTS_NEEDED"
    assert bench.sign("sven").code == "ROLE_NOT_ENTITLED"
    assert SIGNABLE[ActKind.SIGN_REVIEW].least == 1


def test_a_plant_may_have_reviews_signed_by_two_and_new_facts_end_what_waits(bench):
    bench.line = replace(bench.line, signatures={ActKind.SIGN_REVIEW: SignaturePolicy(roles=(Role.QUALITY,), count=2)})
    bench.settle_all()
    waits = bench.sign()
    assert waits.outcome is ActOutcome.PENDING
    pending = SignPending(record_id=waits.details["record_id"], sha256=waits.details["sha256"])
    bench.now_ns += SECOND_NS
    assert bench.act(pending, credential=by("bert")).outcome is ActOutcome.DONE
    assert bench.shown().signed.signed_by == ("Anna Q.", "Bert Q.")
    bench.now_ns += SECOND_NS
    bench.result(viscosity(100.4, sample_id="S-2"))
    waits = bench.sign()
    bench.result(viscosity(100.5, sample_id="S-3"))
    pending = SignPending(record_id=waits.details["record_id"], sha256=waits.details["sha256"])
    bench.now_ns += SECOND_NS
    assert bench.act(pending, credential=by("bert")).outcome is ActOutcome.REFUSED


def test_a_review_or_a_settlement_that_was_changed_by_another_hand_counts_no_more(bench):
    bench.settle_all()
    bench.sign()
    bench.connection.execute("UPDATE lot_review SET state = 'signed', body = replace(body, 'Anna', 'Bert')")
    signed, damaged = signed_review_of(bench.connection, LOT)
    assert (signed, len(damaged)) == (None, 1)
    bench.connection.execute("UPDATE review_answer SET settled = 0")
    assert len(bench.shown().open) == len(bench.shown().review.exceptions) > 0
    assert bench.sign().code == "LOT_RECORDS_IN_DOUBT"


FORGED_SETTLEMENTS = """
INSERT INTO review_answer (event_id, exception_id, material_lot_id, code, settled, person, role, comment, at_ns)
VALUES ('forged ' || :exception, :exception, :lot, :code, 1, 'Anna Q.', 'quality', 'looked at', 1)
"""


def test_a_settlement_that_nobody_gave_settles_nothing_and_nothing_is_signed_over_it(bench):
    left = bench.shown().open
    with closing(open_state(bench.directory, vouching=False)) as by_hand:  # its triggers give the rows right hashes
        for item in left:
            given = {"exception": item.exception_id, "lot": LOT, "code": item.code.value}
            by_hand.execute(FORGED_SETTLEMENTS, given)
    assert bench.shown().open == left
    assert bench.sign().code == "LOT_RECORDS_IN_DOUBT"
    assert signed_review_of(bench.connection, LOT)[0] is None


FORGED_REVIEW = """
INSERT INTO lot_review (record_id, material_lot_id, state, at_ns, body)
SELECT record_id, material_lot_id, 'signed', at_ns + 1, replace(body, :was, :now) FROM lot_review
"""


def test_a_signed_review_that_somebody_has_written_stands_for_nothing(bench):
    bench.settle_all()
    bench.sign()
    was = bench.shown().signed.basis_sha256
    bench.result(viscosity(120.0, sample_id="S-2"))
    with closing(open_state(bench.directory, vouching=False)) as by_hand:
        by_hand.execute(FORGED_REVIEW, {"was": was, "now": bench.shown().review.basis_sha256})
    assert bench.shown().signed is None


def test_a_settled_exception_whose_facts_have_changed_is_open_again(bench):
    bench.result(viscosity(95.2, sample_id="S-9", result_version=1))
    (near,) = [item for item in bench.shown().open if item.code is ReviewCode.RESULT_NEAR_LIMIT]
    assert bench.settle(near.exception_id).outcome is ActOutcome.DONE
    bench.settle_all()
    bench.result(viscosity(95.1, sample_id="S-9", result_version=2))
    (again,) = [item for item in bench.shown().open if item.code is ReviewCode.RESULT_NEAR_LIMIT]
    assert again.exception_id != near.exception_id
    assert bench.settle(near.exception_id).code == "NO_SUCH_EXCEPTION"
    assert bench.sign().code == "EXCEPTIONS_OPEN"


def test_each_settlement_and_signature_has_its_line_in_the_trail(bench):
    bench.settle_all()
    bench.sign()
    counted = "SELECT kind, count(*) FROM audit WHERE kind IN ('exception_settled', 'lot_reviewed') GROUP BY 1"
    kinds = dict(bench.rows(counted))
    assert kinds == {"exception_settled": len(bench.shown().review.exceptions), "lot_reviewed": 1}
    assert bench.shown().signed.state is ReviewState.SIGNED
    (lot,) = trace(bench.connection, LOT)
    assert {"review answer", "signed record"} <= {child.kind for child in lot.children}
    assert trace(bench.connection, bench.shown().review.exceptions[0].exception_id)[0].details["person"] == "Anna Q."
