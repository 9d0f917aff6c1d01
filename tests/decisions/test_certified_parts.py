"""Where a requirement demands a certificate, a divided lot counts as released only once each part has its own, too."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.console.views.lot_parts import parts_view
from gateway.contract.sinks.rule import AWAITS_CERTIFICATE
from gateway.records.acts import ActOutcome
from gateway.records.lot_decisions import Verdict
from gateway.records.lot_parts import OF_REST_ALONE, RELEASE_TAKEN_BACK
from gateway.store.database import open_state
from gateway.store.deliveries import DueDelivery, why_not_released
from gateway.store.queries.lot_parts import parts_of_lot
from tests.fixtures.certifying import ACME, GATING, MES, Certifying, told
from tests.fixtures.deciding import DRUMS, LOT, REST
from tests.fixtures.store_bench import viscosity

PART = f"{LOT}/{DRUMS}"
RELEASE = Verdict.RELEASE


@pytest.fixture
def bench(tmp_path):
    bench = Certifying(tmp_path, GATING)
    bench.line = replace(bench.line, sinks=(MES,))
    with closing(bench.connection):
        yield bench


def last(bench):
    row = bench.rows("SELECT seq, delivery_id, kind, message_id, material_lot_id, ordered_by, path, body, attempts,"
                     " first_ns FROM delivery ORDER BY seq DESC LIMIT 1")[0]  # fmt: skip
    return DueDelivery(*row, holds=True)


def certificate(bench, part=""):
    return max((item for item in bench.certificates() if item.drafted.content.part_name == part),
               key=lambda item: item.drafted.version)  # fmt: skip


def sign(bench, part=""):
    if part:
        bench.draft(part=part)
    assert bench.sign(certificate(bench, part)).outcome is ActOutcome.DONE


def lot_certified(bench, *parts):
    """Have a lot with parts released with them, and its own certificate signed."""
    bench.made()
    for part in parts or (DRUMS,):
        bench.divide(part, "100 kg")
        assert bench.decide_part(RELEASE, part).outcome is ActOutcome.DONE
    assert bench.decide(RELEASE).outcome is ActOutcome.DONE
    bench.follow_up()
    sign(bench)


def is_told_of_rest(bench):
    newest = bench.newest()
    return newest["decision"] is None and OF_REST_ALONE in newest["flags"]


def test_a_lot_with_its_own_certificate_is_not_released_while_a_part_waits_for_one(bench):
    lot_certified(bench)
    assert AWAITS_CERTIFICATE in bench.newest_part()["flags"]
    assert is_told_of_rest(bench)
    assert told(bench) == []
    sign(bench, DRUMS)
    assert AWAITS_CERTIFICATE not in bench.newest_part()["flags"]
    assert bench.newest()["decision"]["stands"] is True
    assert OF_REST_ALONE not in bench.newest()["flags"]
    assert told(bench) == ["release"]
    assert why_not_released(bench.connection, "mes", last(bench)) is None


def test_every_part_needs_its_own(bench):
    lot_certified(bench, DRUMS, REST)
    sign(bench, DRUMS)
    assert is_told_of_rest(bench)
    sign(bench, REST)
    assert told(bench) == ["release"]


def test_in_the_other_order_the_lot_waits_for_its_own_certificate(bench):
    bench.made()
    bench.divide()
    bench.decide_part(RELEASE)
    sign(bench, DRUMS)
    bench.decide(RELEASE)
    bench.follow_up()
    assert AWAITS_CERTIFICATE in bench.newest()["flags"]
    assert told(bench) == []
    sign(bench)
    assert told(bench) == ["release"]


def test_a_release_is_taken_back_as_the_certificate_of_a_part_is_withdrawn(bench):
    lot_certified(bench)
    sign(bench, DRUMS)
    assert told(bench) == ["release"]
    bench.withdraw(certificate(bench, DRUMS))
    assert is_told_of_rest(bench)
    assert RELEASE_TAKEN_BACK in bench.newest()["flags"]
    assert told(bench) == ["release", "hold"]


def test_a_release_is_taken_back_as_the_certificate_of_a_part_is_in_question(bench):
    lot_certified(bench)
    sign(bench, DRUMS)
    bench.context("material_consumed", material_lot_id=PART, consumed_lot_id="RAW-9")
    bench.follow_up()
    assert certificate(bench, DRUMS).state.value == "questioned"
    assert told(bench)[-1] == "hold"
    assert is_told_of_rest(bench)


def test_a_release_that_waits_to_be_sent_is_not_sent_once_the_certificate_of_a_part_is_gone(bench):
    lot_certified(bench)
    sign(bench, DRUMS)
    waiting = last(bench)
    with closing(open_state(bench.directory, vouching=False)) as by_hand:
        by_hand.execute("DELETE FROM certificate_state WHERE body LIKE ?",
                        (f"%{certificate(bench, DRUMS).drafted.certificate_id}%",))  # fmt: skip
    assert why_not_released(bench.connection, "mes", waiting) == "a part of the lot is not released"


def test_a_disposition_of_a_part_that_was_taken_out_by_hand_spares_it_no_certificate(bench):
    lot_certified(bench)
    bench.connection.execute("DELETE FROM disposition WHERE material_lot_id = ?", (PART,))
    bench.result(viscosity(101.0, sample_id="S-2"))
    for decided in (bench.decide_part(RELEASE), bench.decide(RELEASE)):
        assert decided.outcome is ActOutcome.DONE
    assert is_told_of_rest(bench)
    assert "release" not in told(bench)


def test_a_paper_of_the_whole_lot_rests_on_the_decisions_on_its_parts_and_not_on_their_papers(bench):
    lot_certified(bench)
    assert certificate(bench).state.value == "signed"
    bench.follow_up()
    assert certificate(bench).state.value == "signed"


def test_where_no_requirement_demands_one_no_part_waits(bench):
    bench.requirements(ACME)
    bench.made()
    bench.divide()
    bench.decide_part(RELEASE)
    bench.decide(RELEASE)
    assert told(bench) == ["release"]


def test_people_read_that_a_part_waits_for_its_certificate(bench):
    lot_certified(bench)
    (shown,) = parts_view(parts_of_lot(bench.connection, LOT))
    assert (shown.decision, shown.awaits_certificate) == ("release", True)
