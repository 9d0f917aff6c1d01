"""Ways in which a part of a lot, or its lot, could be told or certified as released though it must not be."""

from contextlib import closing

import pytest

from gateway.contract.lot_decisions import basis_sha256
from gateway.events import FollowUpDue, GatewayStarted, StoreChecked
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, DecideLot
from gateway.records.follow_ups import FollowUp
from gateway.records.lot_decisions import Verdict
from gateway.store.codec import decode
from gateway.store.database import open_state
from gateway.time_units import SECOND_NS
from tests.fixtures.building import moment
from tests.fixtures.certifying import Certifying
from tests.fixtures.deciding import DRUMS, LOT, REST, by
from tests.fixtures.store_bench import viscosity

PART = f"{LOT}/{DRUMS}"
RELEASE, REJECT = Verdict.RELEASE, Verdict.REJECT


@pytest.fixture
def bench(tmp_path):
    bench = Certifying(tmp_path)
    with closing(bench.connection):
        yield bench


def of_lot(value, lot, **changes):
    return viscosity(value, **{"sample_id": f"S-{lot}", "material_lot_id": lot, **changes})


def part_released(bench):
    bench.made()
    bench.divide()
    assert bench.decide_part(RELEASE).outcome is ActOutcome.DONE


def part_stands(bench):
    told = bench.newest_part()["part_decision"]
    return told is not None and told["decision"] == "release" and told["stands"]


def part_certified(bench):
    bench.draft(part=DRUMS)
    (own,) = (item for item in bench.certificates() if item.drafted.content.part_name)
    assert bench.sign(own).outcome is ActOutcome.DONE


def signed(bench, part=""):
    return [item for item in bench.certificates()
            if item.state.value == "signed" and item.drafted.content.part_name == part]  # fmt: skip


def by_hand(bench, statement):
    with closing(open_state(bench.directory, vouching=False)) as connection:
        connection.execute(statement)


# --- materials of the part itself ----------------------------------------------------------------------------------


def test_a_material_in_question_that_went_into_the_part_ends_its_release(bench):
    bench.result(of_lot(120.0, "BAD"))
    part_released(bench)
    part_certified(bench)
    bench.context("material_consumed", material_lot_id=PART, consumed_lot_id="BAD")
    bench.follow_up()
    assert not part_stands(bench)
    assert not signed(bench, DRUMS)


def test_a_material_that_went_into_the_part_and_fails_later_ends_its_release(bench):
    part_released(bench)
    bench.context("material_consumed", material_lot_id=PART, consumed_lot_id="BAD")
    bench.decide_part(RELEASE)
    assert part_stands(bench)
    bench.result(of_lot(120.0, "BAD"))
    assert not part_stands(bench)


def test_a_part_that_a_rejected_part_went_into_is_not_recommended(bench):
    part_released(bench)
    bench.divide(REST, quantity="1000 kg")
    bench.decide_part(REJECT, REST)
    bench.context("material_consumed", material_lot_id=PART, consumed_lot_id=f"{LOT}/{REST}")
    assert not part_stands(bench)


# --- papers of the whole lot ------------------------------------------------------------------------------------


def test_no_certificate_is_of_the_whole_lot_while_a_part_is_rejected(bench):
    bench.made()
    bench.divide()
    bench.decide_part(REJECT)
    bench.decide(RELEASE)
    bench.follow_up()
    assert bench.sign().code == "CERTIFICATE_HAS_GAPS"
    assert "PART_NOT_RELEASED" in [item.code for item in bench.newest_certificate().drafted.content.gaps]


def test_no_certificate_is_of_the_whole_lot_while_a_result_of_a_part_fails(bench):
    bench.made()
    bench.divide()
    bench.result(of_lot(120.0, PART))
    bench.decide(RELEASE)
    bench.follow_up()
    bench.sign()
    assert not signed(bench)


def test_a_certificate_of_the_whole_lot_is_in_question_once_a_part_is_set_apart_and_rejected(bench):
    bench.sign(bench.released())
    bench.divide()
    bench.decide_part(REJECT)
    bench.follow_up()
    assert not signed(bench)


# --- names that were those of lots ----------------------------------------------------------------------------


def test_a_name_on_which_people_have_decided_as_on_a_lot_becomes_no_part(bench):
    bench.result(of_lot(100.0, PART, product="FG-100"))
    bench.made()
    bench.now_ns += SECOND_NS
    act = DecideLot(material_lot_id=PART, verdict=RELEASE, basis_sha256=basis_sha256(bench.basis(PART)),
                    over_open_points=0, part="")  # fmt: skip
    assert bench.act(act, credential=by("anna"), reason="as a lot").outcome is ActOutcome.DONE
    assert bench.divide().code is ActRefusal.PART_DECIDED_AS_LOT


def test_what_was_recommended_for_a_name_as_of_a_lot_is_taken_from_the_broker_once_it_is_a_part(bench):
    bench.result(of_lot(100.0, PART))
    bench.made()
    bench.divide()
    bench.divide(quantity="1999 kg")
    newest = "SELECT payload FROM outbox WHERE topic LIKE '%/disposition/%drums%' ORDER BY seq DESC LIMIT 1"
    ((payload,),) = bench.rows(newest)
    assert not payload


# --- declarations that were altered by hand -------------------------------------------------------------------------


def kept_by_broker(bench):
    newest = "SELECT payload FROM outbox WHERE topic LIKE '%/lot-part/%' AND retain ORDER BY seq DESC LIMIT 1"
    ((payload,),) = bench.rows(newest)
    return payload


def started(bench):
    return GatewayStarted(event_id="start", at=moment(bench.now_ns), version="1", configuration_sha256="c", bundles={},
                          stages={})  # fmt: skip


def checked(bench):
    return StoreChecked(event_id="check", at=moment(bench.now_ns), rows=9, audit_lines=9, damaged=1, wrong=("a part",))


@pytest.mark.parametrize("noticed", [started, checked])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM lot_part", "UPDATE lot_part SET material_lot_id = 'OTHER', body = replace(body, 2, 3)"]
)
def test_a_part_whose_declaration_was_altered_by_hand_is_not_told_as_released_any_more(bench, statement, noticed):
    part_released(bench)
    bench.decide(RELEASE)
    assert bench.newest()["decision"]["stands"] is True
    assert b'"stands":true' in bytes(kept_by_broker(bench)).replace(b" ", b"")
    by_hand(bench, statement)
    bench.commit(noticed(bench))
    for event_id, body in bench.rows("SELECT event_id, body FROM follow_up ORDER BY rowid"):
        bench.commit(FollowUpDue(event_id=event_id, at=moment(bench.now_ns), follow_up=decode(FollowUp, body)))
    assert not kept_by_broker(bench)
    newest = bench.newest()
    assert newest["decision"] is None or newest["decision"]["stands"] is False
    assert bench.lines("lot_part_in_doubt") == 1


def test_where_every_declaration_holds_nothing_is_cleared(bench):
    part_released(bench)
    bench.commit(checked(bench))
    bench.commit(started(bench))
    assert part_stands(bench)
    assert kept_by_broker(bench)


# --- certificates of parts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement", ["DELETE FROM lot_part", "UPDATE lot_part SET body = replace(body, '2000', '2001')"]
)
def test_a_certificate_of_a_part_whose_declaration_was_altered_by_hand_is_in_question(bench, statement):
    part_released(bench)
    part_certified(bench)
    by_hand(bench, statement)
    bench.result(viscosity(120.0, sample_id="S-9"))
    bench.follow_up()
    assert not signed(bench, DRUMS)


def test_a_certificate_of_a_part_of_another_quantity_is_in_question_though_the_part_is_released_again(bench):
    part_released(bench)
    part_certified(bench)
    bench.divide(quantity="5 kg")
    bench.decide_part(RELEASE)
    bench.follow_up()
    assert not signed(bench, DRUMS)
