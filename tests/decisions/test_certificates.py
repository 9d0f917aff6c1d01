"""Certificates on record: drafted when a lot is complete, signed over what was shown, in question once facts change."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.certificates import number_of
from gateway.events import FollowUpDue
from gateway.line.certificates import Reported
from gateway.records.act_kinds import ActKind
from gateway.records.acts import ActOutcome, CloseDeviation, SignPending
from gateway.records.certificate_acts import SignCertificate
from gateway.records.certificates import CertificateState
from gateway.records.follow_ups import FollowUp
from gateway.records.lot_decisions import Verdict
from gateway.records.signatures import SignaturePolicy
from gateway.records.users import CredentialKind, Role
from gateway.store.codec import decode
from gateway.store.queries.reviews import review_on_record
from gateway.time_units import SECOND_NS
from tests.fixtures.building import moment
from tests.fixtures.certifying import ACME, Certifying
from tests.fixtures.deciding import DRUMS, LOT, REST, by
from tests.fixtures.store_bench import viscosity


@pytest.fixture
def bench(tmp_path):
    bench = Certifying(tmp_path)
    with closing(bench.connection):
        yield bench


def codes(version):
    return [item.code for item in version.drafted.content.gaps]


def test_a_complete_lot_has_a_draft_that_names_its_gaps(bench):
    bench.made()
    (version,) = bench.certificates()
    assert (version.state, version.holds, version.drafted.version, version.drafted.draft) == (
        CertificateState.DRAFT, True, 1, 1)  # fmt: skip
    assert codes(version) == ["NOT_RELEASED"]
    content = version.drafted.content
    assert (content.job_order_id, content.equipment_id, content.product) == ("WO-1", "R1", "FG-100")
    assert content.rows[0].reported == "101.3"
    (message,) = bench.sent("certificate")
    assert (message["state"], message["complete"], message["sha256"]) == ("draft", False, version.drafted.sha256)
    assert (message["data"]["rows"][0]["reported"], message["document"]) == ("101.3", None)
    assert bench.lines("certificate_drafted") == 1


def test_a_lot_that_runs_has_no_draft_and_one_without_requirement_is_noted(bench):
    bench.result(viscosity(100.0))
    assert bench.follow_up() == 0
    assert bench.certificates() == ()
    bench.requirements(replace(ACME, product="FG-999"))
    bench.made()
    assert bench.certificates() == ()
    assert bench.lines("certificate_not_required") == 1


def test_a_lot_of_a_client_is_drafted_for_this_client_only(bench):
    bench.requirements(ACME, replace(ACME, key="other", customer="OTHER"))
    bench.context("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1",
                  client_id="OTHER")  # fmt: skip
    bench.made()
    assert [item.drafted.content.customer for item in bench.certificates()] == ["OTHER"]
    assert "belongs to client OTHER" in bench.draft("ACME").why


def test_a_deviation_that_is_not_closed_is_a_gap_and_closing_it_has_the_certificate_drafted_again(bench):
    bench.result(viscosity(130.0, sample_id="S-9"))
    rows = bench.rows("SELECT event_id, body FROM follow_up WHERE json_extract(body, '$.kind') = 'deviation'")
    for event_id, body in rows:
        bench.commit(FollowUpDue(event_id=event_id, at=moment(bench.now_ns), follow_up=decode(FollowUp, body)))
    bench.made()
    assert "DEVIATION_OPEN" in codes(bench.newest_certificate())
    ((key,),) = bench.rows("SELECT deviation_id FROM deviation")
    closing_it = CloseDeviation(deviation_id=key, version=1, no_action="sample mixed up")
    assert bench.act(closing_it, credential=by("anna")).outcome is ActOutcome.DONE
    assert bench.follow_up() == 1
    assert "DEVIATION_OPEN" not in codes(bench.newest_certificate())


def test_a_draft_follows_results_and_decisions_and_says_nothing_twice(bench):
    bench.made()
    bench.decide(Verdict.RELEASE)
    assert bench.follow_up() == 1
    version = bench.newest_certificate()
    assert (version.drafted.version, version.drafted.draft, codes(version)) == (1, 2, [])
    bench.result(viscosity(101.26))  # the same again
    bench.context("material_consumed", material_lot_id="ANOTHER", consumed_lot_id="M-9")
    bench.follow_up()
    assert bench.newest_certificate().drafted.draft == 2
    bench.result(viscosity(90.0, result_version=2))
    bench.follow_up()
    assert set(codes(bench.newest_certificate())) >= {"OUT_OF_LIMITS", "DECISION_LAPSED"}


def test_many_results_leave_one_follow_up(bench):
    bench.made()
    for number in range(4):
        bench.result(viscosity(100.0 + number, sample_id=f"S-{number + 2}"))
    assert bench.follow_up() == 1
    assert codes(bench.newest_certificate())[0] == "SEVERAL_RESULTS"


def test_materials_and_their_suppliers_are_on_it(bench):
    bench.context("material_consumed", material_lot_id=LOT, consumed_lot_id="M-1",
                  consumed_definition_id="RM-1", supplier="Supply Ltd")  # fmt: skip
    bench.made()
    (component,) = bench.newest_certificate().drafted.content.components
    assert (component.material_lot_id, component.supplier) == ("M-1", "Supply Ltd")


# --- signing -----------------------------------------------------------------------------------------------------


def test_quality_signs_what_was_shown_and_it_is_issued(bench):
    version = bench.released()
    answer = bench.sign()
    assert answer.outcome is ActOutcome.DONE, answer.why
    issued = bench.newest_certificate()
    assert (issued.state, issued.holds) == (CertificateState.SIGNED, True)
    signature = issued.changed.signature
    assert (signature.printed_name, signature.role) == ("Anna Q.", "quality")
    number = number_of(version.drafted.certificate_id, 1)
    assert signature.meaning == f"decision: certificate of analysis {number} is issued"
    assert "signed already, by Anna Q." in bench.sign(version).why
    assert bench.lines("certificate_signed") == 1


@pytest.mark.parametrize("user_id", ["olga"])
def test_who_is_not_quality_signs_nothing(bench, user_id):
    bench.released()
    assert bench.sign(user_id=user_id).outcome is ActOutcome.REFUSED
    assert bench.newest_certificate().state is CertificateState.DRAFT


def test_a_session_alone_is_no_signature(bench):
    drafted = bench.released().drafted
    act = SignCertificate(certificate_id=drafted.certificate_id, version=1, sha256=drafted.sha256)
    answer = bench.act(act, credential=by("anna", CredentialKind.OS_USER), reason="")
    assert answer.outcome is ActOutcome.REFUSED


def test_nothing_with_gaps_is_signed(bench):
    bench.made()
    answer = bench.sign()
    assert "has gaps: Nobody has released it" in answer.why
    assert bench.newest_certificate().state is CertificateState.DRAFT


def test_other_data_than_those_shown_are_not_signed(bench):
    bench.released()
    assert "has changed since" in bench.sign(sha256="0" * 64).why
    shown = bench.newest_certificate()
    bench.result(viscosity(101.0, result_version=2))  # its draft does not know of it yet
    assert bench.sign(shown).outcome is ActOutcome.REFUSED
    assert bench.newest_certificate().state is CertificateState.DRAFT


def test_a_changed_requirement_is_drafted_before_it_is_signed_and_changes_no_issued_paper(bench):
    bench.released()
    stricter = replace(ACME, tests=(replace(ACME.tests[0], upper=101.0),))
    bench.requirements(stricter)
    assert "has changed since" in bench.sign().why
    bench.requirements(ACME)
    assert bench.sign().outcome is ActOutcome.DONE
    issued = bench.newest_certificate()
    bench.requirements(stricter)
    bench.context("lot_closed", material_lot_id=LOT)
    bench.follow_up()
    assert bench.newest_certificate() == issued


def test_a_second_person_may_be_needed(bench):
    policy = SignaturePolicy(roles=(Role.QUALITY,), count=2)
    bench.line = replace(bench.line, signatures={ActKind.SIGN_CERTIFICATE: policy})
    bench.released()
    asked = bench.sign()
    assert asked.outcome is ActOutcome.PENDING
    assert bench.newest_certificate().state is CertificateState.DRAFT
    pending = SignPending(record_id=asked.details["record_id"], sha256=asked.details["sha256"])
    bench.now_ns += SECOND_NS
    assert bench.act(pending, credential=by("bert")).outcome is ActOutcome.DONE
    issued = bench.newest_certificate()
    assert (issued.state, issued.holds) == (CertificateState.SIGNED, True)
    assert issued.changed.signature.signed_by == ("Anna Q.", "Bert Q.")


# --- asked for by hand -------------------------------------------------------------------------------------------


def test_asking_twice_gives_the_same_answer_and_no_second_version(bench):
    bench.made()
    first, second = bench.draft(), bench.draft()
    assert first.details == second.details
    assert (len(bench.certificates()), bench.newest_certificate().drafted.draft) == (1, 1)
    bench.decide(Verdict.RELEASE)
    bench.follow_up()
    bench.sign()
    again = bench.draft()
    assert (again.details["state"], again.details["version"]) == ("signed", 1)
    assert len(bench.certificates()) == 1


def test_a_customer_without_requirement_and_an_unknown_lot_get_nothing(bench):
    bench.made()
    answer = bench.draft("NOBODY")
    assert "no requirement says what customer NOBODY wants of product FG-100" in answer.why
    assert "[certificates] requirements" in answer.hint
    assert "nothing is known" in bench.draft(lot="LOT-NONE").why
    assert bench.draft(user_id="olga").outcome is ActOutcome.REFUSED


# --- once it is out ----------------------------------------------------------------------------------------------


def test_a_corrected_result_questions_the_certificate_and_names_the_customers_copy(bench):
    bench.released()
    bench.sign()
    bench.result(viscosity(99.0, result_version=2))
    bench.follow_up()
    version = bench.newest_certificate()
    assert version.state is CertificateState.QUESTIONED
    assert {item.code for item in version.changed.questions} == {"RESULT_CORRECTED", "RESULT_ADDED", "RELEASE_OVER"}
    message = bench.sent("certificate")[-1]
    assert (message["state"], message["customer"]) == ("questioned", "ACME")
    ((code, body),) = bench.rows("SELECT code, body FROM latch WHERE code LIKE 'CERTIFICATE_QUESTIONED%'")
    assert code.endswith("_ACME")
    assert "qa@acme.example" in body
    assert bench.newest(LOT)["recommendation"] == "release"  # it puts no other record in doubt
    bench.follow_up()
    assert bench.lines("certificate_questioned") == 1


def test_a_certificate_is_issued_again_with_its_reason_and_the_first_is_replaced(bench):
    bench.released()
    bench.sign()
    bench.result(viscosity(99.0, result_version=2))
    bench.follow_up()
    answer = bench.reissue()
    assert (answer.details["version"], answer.details["state"]) == (2, "draft")
    assert bench.reissue(bench.certificates()[0]).details == answer.details  # asked twice
    assert bench.sign().outcome is ActOutcome.REFUSED  # the lot is not released again yet
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE
    bench.follow_up()
    assert bench.sign().outcome is ActOutcome.DONE, codes(bench.newest_certificate())
    first, second = bench.certificates()
    assert (first.state, second.state) == (CertificateState.REPLACED, CertificateState.SIGNED)
    assert (second.drafted.reason, first.changed.why) == ("corrected result", "corrected result")
    assert first.drafted.content.rows[0].reported == "101.3"
    assert bench.rows("SELECT count(*) FROM latch WHERE code LIKE 'CERTIFICATE_QUESTIONED%'") == [(0,)]


def test_a_withdrawal_names_its_reason_and_is_signed(bench):
    bench.released()
    assert "is not in force: draft" in bench.withdraw().why
    bench.sign()
    assert bench.withdraw(reason="").outcome is ActOutcome.REFUSED
    assert bench.withdraw(user_id="olga").outcome is ActOutcome.REFUSED
    assert bench.withdraw().outcome is ActOutcome.DONE
    version = bench.newest_certificate()
    assert (version.state, version.holds, version.changed.why) == (CertificateState.WITHDRAWN, True, "a mix-up")
    assert "is not in force: withdrawn" in bench.withdraw().why
    assert bench.draft().details["state"] == "withdrawn"
    assert bench.sent("certificate")[-1]["why"] == "a mix-up"
    assert bench.reissue().details["version"] == 2


# --- damage ------------------------------------------------------------------------------------------------------


def test_a_changed_row_is_noticed_and_nothing_is_signed_over_it(bench):
    bench.released()
    bench.connection.execute("UPDATE certificate SET body = replace(body, '101.3', '99.9')")
    assert bench.newest_certificate().holds is False
    assert bench.sign().outcome is ActOutcome.REFUSED


def test_a_state_that_somebody_has_written_makes_no_certificate_valid(bench):
    bench.released()
    bench.sign()
    bench.withdraw()
    bench.connection.execute("DELETE FROM certificate_state WHERE state = 'withdrawn'")
    assert bench.newest_certificate().holds is False  # the signed one before it is not revived
    bench.connection.execute("DELETE FROM certificate_state")
    assert bench.newest_certificate().holds is False


# --- documents and mail ------------------------------------------------------------------------------------------


def test_the_document_is_kept_as_it_was_issued_and_told_with_its_hash(bench):
    bench.released()
    bench.sign()
    bench.printed()
    message = bench.sent("certificate")[-1]
    assert (message["state"], message["signature"]["printed_name"]) == ("signed", "Anna Q.")
    assert message["document"]["path"].endswith("/1/document.pdf")
    assert message["document"]["sha256"] == bench.rows("SELECT sha256 FROM certificate_document")[0][0]
    bench.mailed()
    assert bench.lines("certificate_mailed") == 1


def test_without_a_document_the_signed_data_are_told_and_an_alarm_stands(bench):
    bench.released()
    bench.sign()
    bench.printed(content=b"", problem="PDF needs Pango")
    message = bench.sent("certificate")[-1]
    assert (message["document"], message["problem"]) == (None, "PDF needs Pango")
    assert bench.rows("SELECT count(*) FROM latch WHERE code LIKE 'CERTIFICATE_NOT_PRINTED%'") == [(1,)]


# --- refusals ----------------------------------------------------------------------------------------------------


def test_each_act_on_a_version_that_is_not_there_or_not_the_newest_is_refused(bench):
    bench.released()
    bench.sign()
    first = bench.newest_certificate()
    unknown = replace(first, drafted=replace(first.drafted, version=9))
    assert {answer.code for answer in (bench.sign(unknown), bench.withdraw(unknown), bench.reissue(unknown))} == {
        "NO_SUCH_CERTIFICATE"}  # fmt: skip
    bench.withdraw()
    assert bench.sign(first).code == "CERTIFICATE_NO_DRAFT"
    bench.reissue()
    bench.sign()
    assert bench.reissue(first).code == "CERTIFICATE_NOT_NEWEST"
    assert bench.draft(quantity="2000 kg").code == "PART_NEEDS_BOTH"


def of_part(bench):
    return max(
        (item for item in bench.certificates() if item.drafted.content.part), key=lambda item: item.drafted.version
    )


def test_a_part_of_a_lot_has_a_certificate_that_rests_on_the_decision_on_the_part(bench):
    bench.released()
    assert bench.draft(part=DRUMS).code == "NO_SUCH_PART"
    bench.divide()
    assert bench.draft(part=DRUMS, quantity="2001 kg").code == "PART_QUANTITY_OTHER"
    assert bench.draft(part=DRUMS, quantity="2000.0 kg").outcome is ActOutcome.DONE
    part = of_part(bench)
    assert part.drafted.content.part.quantity == "2000 kg"
    assert [item.code for item in part.drafted.content.gaps] == ["NOT_RELEASED"]
    assert bench.sign(part).code == "CERTIFICATE_HAS_GAPS"
    bench.decide_part(Verdict.RELEASE)
    bench.follow_up()
    assert bench.sign(of_part(bench)).outcome is ActOutcome.DONE
    of_part_told = {document["material_lot_id"] for document in bench.sent("certificate") if document["data"]["part"]}
    assert of_part_told == {f"{LOT}/{DRUMS}"}
    whole = next(item for item in bench.certificates() if item.drafted.content.part is None)
    assert (whole.state, whole.drafted.certificate_id == part.drafted.certificate_id) == (CertificateState.DRAFT, False)


def test_a_certificate_of_a_part_names_its_own_results_and_is_in_question_once_the_part_is_not_released(bench):
    test = replace(ACME.tests[0], reported=Reported.WORST)
    bench.requirements(replace(ACME, tests=(test,)))
    bench.made()
    bench.divide()
    bench.result(viscosity(99.5, sample_id="S-P", material_lot_id=f"{LOT}/{DRUMS}"))
    bench.decide_part(Verdict.RELEASE)
    bench.draft(part=DRUMS)
    bench.sign(of_part(bench))
    (row,) = of_part(bench).drafted.content.rows
    assert {result.sample_id for result in row.results} == {"S-1", "S-P"}
    bench.decide_part(Verdict.HOLD)
    bench.follow_up()
    part, certificate = f"{LOT}/{DRUMS}", of_part(bench)
    assert certificate.state is CertificateState.QUESTIONED
    facts = review_on_record(bench.connection, bench.line, part, at_ns=bench.now_ns).facts
    assert [row.state for row in facts.certificates] == ["questioned"]
    assert [row.kind for row in facts.signed if row.kind == "sign_certificate"] == ["sign_certificate"]
    bench.divide(REST)
    other = review_on_record(bench.connection, bench.line, f"{LOT}/{REST}", at_ns=bench.now_ns).facts
    assert (other.certificates, other.signed) == ((), ())


def test_others_learn_of_the_release_of_a_part_once_its_own_certificate_is_signed(bench):
    bench.requirements(replace(ACME, release_needs_certificate=True))
    bench.made()
    bench.divide()
    bench.decide_part(Verdict.RELEASE)
    assert "AWAITS_CERTIFICATE" in bench.newest_part()["flags"]
    bench.draft(part=DRUMS)
    bench.sign(of_part(bench))
    assert "AWAITS_CERTIFICATE" not in bench.newest_part()["flags"]
    bench.withdraw(of_part(bench))
    assert "AWAITS_CERTIFICATE" in bench.newest_part()["flags"]
