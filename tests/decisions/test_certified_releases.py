"""Where a requirement demands a certificate, no other system learns of a release before it is signed."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.line.sinks import Sink, SinkMessage
from gateway.records.acts import ActOutcome
from gateway.records.certificates import CertificateState
from gateway.records.lot_decisions import Verdict
from gateway.store.deliveries import DueDelivery, why_not_certified, why_not_released
from gateway.time_units import SECOND_NS
from tests.fixtures.certifying import ACME, GATING, MES, Certifying, told
from tests.fixtures.deciding import LOT
from tests.fixtures.store_bench import viscosity

ERP = Sink(name="erp", template="generic", messages=frozenset({SinkMessage.CERTIFICATE}))


@pytest.fixture
def bench(tmp_path):
    bench = Certifying(tmp_path, GATING)
    bench.line = replace(bench.line, sinks=(MES, ERP))
    with closing(bench.connection):
        yield bench


def last(bench, sink="mes"):
    row = bench.rows("SELECT seq, delivery_id, kind, message_id, material_lot_id, ordered_by, path, body, attempts,"
                     " first_ns FROM delivery WHERE sink = ? ORDER BY seq DESC LIMIT 1", sink)[0]  # fmt: skip
    return DueDelivery(*row, holds=True)


def test_a_release_is_told_only_once_its_certificate_is_signed(bench):
    bench.released()
    assert told(bench) == []
    assert "AWAITS_CERTIFICATE" in bench.newest()["flags"]
    assert bench.newest()["decision"]["stands"] is True
    assert bench.sign().outcome is ActOutcome.DONE
    assert told(bench) == ["release"]
    assert "AWAITS_CERTIFICATE" not in bench.newest()["flags"]
    assert why_not_released(bench.connection, "mes", last(bench)) is None


def test_a_lot_without_such_a_requirement_is_told_as_before(bench):
    bench.requirements(ACME)
    bench.released()
    assert told(bench) == ["release"]


def test_a_lot_whose_client_only_looks_like_that_of_the_requirement_waits_for_the_certificate(bench):
    bench.context("lot_started", material_lot_id=LOT, job_order_id="WO-1", equipment_id="R1", client_id="acme")
    version = bench.released()
    assert told(bench) == []
    assert bench.newest()["decision"]["stands"] is True
    assert "AWAITS_CERTIFICATE" in bench.newest()["flags"]
    assert bench.sign(version).outcome is ActOutcome.REFUSED
    assert told(bench) == []


def test_every_customer_that_demands_one_must_have_it(bench):
    bench.requirements(GATING, replace(GATING, key="b", customer="B"))
    bench.released()
    first, second = bench.certificates()
    bench.sign(first)
    assert told(bench) == []
    bench.sign(second)
    assert told(bench) == ["release"]


def test_a_withdrawn_certificate_takes_the_release_back(bench):
    bench.released()
    bench.sign()
    bench.withdraw()
    assert told(bench) == ["release", "hold"]
    assert {"AWAITS_CERTIFICATE", "CERTIFICATE_WITHDRAWN"} <= set(bench.newest()["flags"])


def test_a_certificate_in_question_takes_the_release_back_though_the_decision_stands(bench):
    bench.released()
    bench.sign()
    bench.context("material_consumed", material_lot_id=LOT, consumed_lot_id="M-LATE")
    bench.follow_up()
    assert bench.newest_certificate().state is CertificateState.QUESTIONED
    assert bench.newest()["decision"]["stands"] is True
    assert told(bench) == ["release", "hold"]
    bench.reissue()
    assert bench.sign().outcome is ActOutcome.DONE
    assert told(bench) == ["release", "hold", "release"]


def test_a_lot_that_is_begun_again_after_its_end_is_certified_no_more_until_it_has_ended_again(bench):
    bench.released()
    bench.sign()
    bench.now_ns += 3600 * SECOND_NS
    bench.context("lot_started", material_lot_id=LOT, job_order_id="WO-1", equipment_id="R2")
    bench.follow_up()
    assert "LOT_GOES_ON" in {why.code for why in bench.newest_certificate().changed.questions}
    assert told(bench) == ["release", "hold"]
    bench.reissue()
    assert bench.sign().outcome is ActOutcome.REFUSED
    bench.now_ns += 3600 * SECOND_NS
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R2")
    bench.decide(Verdict.RELEASE)
    bench.follow_up()
    assert bench.newest_certificate().drafted.content.gaps == ()
    assert bench.sign().outcome is ActOutcome.DONE
    assert told(bench) == ["release", "hold", "release"]


def test_a_release_that_waits_to_be_sent_is_not_sent_once_its_certificate_is_in_question(bench):
    bench.released()
    bench.sign()
    waiting = last(bench)
    bench.connection.execute("UPDATE certificate_state SET state = 'withdrawn'")
    assert "certificate" in why_not_released(bench.connection, "mes", waiting)


def test_new_facts_hold_the_release_back_again(bench):
    bench.released()
    bench.sign()
    bench.result(viscosity(99.0, result_version=2))
    bench.follow_up()
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE
    bench.follow_up()
    assert told(bench) == ["release", "hold"]  # the first one is taken back; the certificate is in question
    assert "AWAITS_CERTIFICATE" in bench.newest(LOT)["flags"]
    bench.reissue()
    bench.sign()
    assert told(bench) == ["release", "hold", "release"]


def test_sinks_are_told_of_certificates_after_the_signature_only(bench):
    bench.released()
    assert told(bench, "erp") == []
    bench.sign()
    bench.printed()
    assert told(bench, "erp") == ["certificate"]
    signed = last(bench, "erp")
    assert json.loads(signed.body)["document"]["size"] == len(b"%PDF-1.7")
    assert why_not_certified(bench.connection, signed) is None
    bench.withdraw()
    assert [json.loads(row[0])["state"] for row in bench.rows("SELECT body FROM delivery WHERE sink = 'erp'")] == [
        "signed", "withdrawn"]  # fmt: skip
    assert why_not_certified(bench.connection, signed) == "the certificate is not in force any more"
