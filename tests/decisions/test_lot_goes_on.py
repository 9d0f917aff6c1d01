"""A lot that production begins again after its end: what was released is not all of it any more."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.times import rfc3339
from gateway.records.acts import ActOutcome, SettlePoint
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.store.queries.lots import lot_on_record
from gateway.time_units import SECOND_NS
from tests.fixtures.certifying import MES, told
from tests.fixtures.deciding import LOT, Deciding, by
from tests.fixtures.store_bench import viscosity

HOUR_NS = 3600 * SECOND_NS


@pytest.fixture
def bench(tmp_path):
    """A lot that was made, measured, ended and released, and a system that is told of releases."""
    bench = Deciding(tmp_path)
    bench.line = replace(bench.line, sinks=(MES,))
    with closing(bench.connection):
        bench.context("lot_started", material_lot_id=LOT, job_order_id="WO-1", equipment_id="R1")
        bench.now_ns += HOUR_NS
        bench.result(viscosity(101.26))
        bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1")
        bench.now_ns += HOUR_NS
        bench.decide(Verdict.RELEASE)
        assert told(bench) == ["release"]
        yield bench


def begun_again(bench, **fields):
    return bench.context("lot_started", material_lot_id=LOT, job_order_id="WO-1", equipment_id="R2", **fields)


def codes(bench, lot=LOT):
    return {item.point.code for item in lot_on_record(bench.connection, lot).open_points}


def test_the_release_lapses_and_none_is_signed_until_the_lot_has_ended_again(bench):
    bench.now_ns += HOUR_NS
    begun_again(bench)
    assert bench.decision().state is DecisionState.LAPSED
    assert told(bench) == ["release", "hold"]
    assert (bench.recommended(), codes(bench)) == ("review", {"LOT_GOES_ON"})
    assert "begun the lot again" in bench.newest()["reasons"][0]["text"]
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.REFUSED
    bench.result(viscosity(101.0, sample_id="S-2"))
    assert codes(bench) == {"LOT_GOES_ON"}
    bench.now_ns += HOUR_NS
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R2")
    assert (bench.recommended(), codes(bench)) == ("release", set())
    assert told(bench) == ["release", "hold"]
    bench.decide(Verdict.RELEASE)
    assert told(bench) == ["release", "hold", "release"]


@pytest.mark.parametrize(
    ("heard_ns", "begun_ns"),
    [(SECOND_NS, -HOUR_NS // 2), (-240 * SECOND_NS, SECOND_NS)],
    ids=["reported late", "the gateway's clock was set back"],
)
def test_one_clock_that_says_so_is_enough(bench, heard_ns, begun_ns):
    decided_ns = bench.decision().at_ns
    bench.now_ns = decided_ns + heard_ns
    begun_again(bench, at=rfc3339(decided_ns + begun_ns))
    assert codes(bench) == {"LOT_GOES_ON"}
    assert told(bench) == ["release", "hold"]


def test_a_point_that_quality_settles_is_of_this_beginning_alone(bench):
    bench.now_ns += HOUR_NS
    begun_again(bench)
    (item,) = lot_on_record(bench.connection, LOT).open_points
    settle = SettlePoint(material_lot_id=LOT, point_id=item.point.point_id)
    assert bench.act(settle, credential=by("anna"), reason="relabelled only").outcome is ActOutcome.DONE
    bench.decide(Verdict.RELEASE)
    assert bench.decision().state is DecisionState.STANDS
    assert told(bench) == ["release", "hold", "release"]
    bench.now_ns += HOUR_NS
    begun_again(bench)
    assert codes(bench) == {"LOT_GOES_ON"}
    assert told(bench) == ["release", "hold", "release", "hold"]


def test_who_releases_a_lot_that_is_in_production_again_knows_it(bench):
    bench.context("lot_started", material_lot_id="LOT-2", job_order_id="WO-1", equipment_id="R1")
    bench.now_ns += HOUR_NS
    bench.result(viscosity(101.26, sample_id="S-3", material_lot_id="LOT-2"))
    bench.context("lot_ended", material_lot_id="LOT-2", equipment_id="R1")
    bench.now_ns += HOUR_NS
    bench.context("lot_started", material_lot_id="LOT-2", job_order_id="WO-1", equipment_id="R2")
    bench.now_ns += HOUR_NS
    bench.decide(Verdict.RELEASE, lot="LOT-2")
    assert codes(bench, "LOT-2") == set()
    assert told(bench) == ["release", "release"]


def test_what_is_set_apart_of_it_is_released_no_longer_either(bench):
    bench.divide()
    bench.decide_part(Verdict.RELEASE)
    assert bench.newest_part()["part_decision"]["stands"] is True
    bench.now_ns += HOUR_NS
    begun_again(bench)
    assert bench.newest_part()["part_decision"]["stands"] is False
