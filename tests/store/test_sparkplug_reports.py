"""Reports for a host of Sparkplug in the store: with their cause, by exception, kept until they are sent."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.events import GatewayStarted
from gateway.line.definition import Stage
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.store.sparkplug import next_bd_seq, sent
from tests.fixtures.building import moment
from tests.fixtures.certifying import Certifying
from tests.fixtures.store_bench import Bench, viscosity

OF_A_SUBJECT = "SELECT seq, sent FROM sparkplug_report WHERE subject = 'prediction/viscosity' ORDER BY seq"


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    bench.line = replace(bench.line, reports_to_sparkplug=True)
    yield bench
    bench.connection.close()


def predict(bench, *temperatures):
    for temperature in temperatures:
        bench.now_ns += 10**9
        bench.model_due(temperature)


def test_the_number_of_a_connection_goes_on_to_255_and_begins_again_at_zero(bench):
    assert [next_bd_seq(bench.connection) for _ in range(258)] == [*range(256), 0, 1]


def test_a_prediction_that_says_the_same_again_only_holds_longer(bench):
    predict(bench, 78.0)
    (first,) = bench.rows("SELECT seq, at_ns, expires_ns FROM sparkplug_report")
    predict(bench, 78.0)
    (again,) = bench.rows("SELECT seq, at_ns, expires_ns FROM sparkplug_report")
    assert first[:2] == again[:2]
    assert again[2] == first[2] + 10**9


def test_of_what_is_sent_only_the_newest_of_a_subject_stays(bench):
    predict(bench, 77.0, 78.0, 79.0)
    assert bench.rows(OF_A_SUBJECT) == [(1, 0), (2, 0), (3, 0)]
    sent([1, 2])(bench.connection)
    assert bench.rows(OF_A_SUBJECT) == [(3, 0)]
    sent([3])(bench.connection)
    assert bench.rows(OF_A_SUBJECT) == [(3, 1)]
    predict(bench, 76.0)
    assert bench.rows(OF_A_SUBJECT) == [(4, 0)]


def test_nothing_is_kept_of_a_model_in_shadow_or_on_a_line_without_sparkplug(bench):
    told = bench.line
    bench.line = replace(told, models=(replace(told.models[0], stage=Stage.SHADOW),))
    predict(bench, 78.0)
    bench.line = replace(told, reports_to_sparkplug=False)
    predict(bench, 79.0)
    assert bench.rows("SELECT count(*) FROM sparkplug_report") == [(0,)]


def test_a_line_that_reports_no_more_forgets_what_it_has_reported_so_that_no_later_birth_tells_of_it(bench):
    predict(bench, 78.0)
    bench.commit(started(bench, 1))
    assert bench.rows("SELECT count(*) FROM sparkplug_report") == [(1,)]
    bench.line = replace(bench.line, reports_to_sparkplug=False)
    bench.commit(started(bench, 2))
    assert bench.rows("SELECT count(*) FROM sparkplug_report") == [(0,)]


def test_after_a_backup_was_put_back_no_birth_tells_of_a_lot_as_it_was_then(bench):
    bench.order()
    bench.result(viscosity(130.0))
    bench.commit(started(bench, 1))
    subjects = "SELECT DISTINCT subject FROM sparkplug_report WHERE subject IN ('disposition', 'hold') ORDER BY subject"
    assert bench.rows(subjects) == [("disposition",), ("hold",)]
    bench.connection.execute("INSERT INTO latch (code, at_ns, body) VALUES ('STORE_RESTORED', 1, '{}')")
    bench.commit(started(bench, 2))
    assert bench.rows(subjects) == [("hold",)]


def test_a_release_that_a_backup_has_not_judged_yet_is_not_reported_until_somebody_has_looked(tmp_path):
    bench = Certifying(tmp_path)
    bench.line = replace(bench.line, reports_to_sparkplug=True)
    with closing(bench.connection):
        bench.result(viscosity(100.0))
        with_gateway, bench.commit = bench.commit, bench.commit_without_gateway
        bench.decide(Verdict.RELEASE)
        bench.commit = with_gateway
        bench.connection.execute("INSERT INTO latch (code, at_ns, body) VALUES ('STORE_RESTORED', 1, '{}')")
        bench.commit(started(bench, 1))
        bench.follow_up_all()
        assert bench.decision().state is DecisionState.STANDS
        assert decision_reported(bench) == []
        bench.decide(Verdict.HOLD)
        assert decision_reported(bench) == ["hold"]
        bench.connection.execute("DELETE FROM latch")
        bench.decide(Verdict.RELEASE)
        assert decision_reported(bench) == ["release"]


def decision_reported(bench):
    """Return what a host reads last of what a person has decided on the lot."""
    rows = bench.rows("SELECT body FROM sparkplug_report WHERE subject = 'disposition' ORDER BY seq DESC LIMIT 1")
    return [json.loads(body)["Disposition/Decision"] for (body,) in rows]


def started(bench, number):
    return GatewayStarted(event_id=f"s{number}", at=moment(bench.now_ns), version="1", configuration_sha256="ab",
                          bundles={}, stages={})  # fmt: skip


def test_guidance_of_an_equipment_without_a_device_is_told_by_the_node(bench):
    bench.order()
    bench.result(viscosity(130.0))
    bench.line = replace(bench.line, models=())
    bench.result(viscosity(131.0, sample_id="S-2", material_lot_id="LOT/2"))
    devices = bench.rows("SELECT device, count(*) > 0 FROM sparkplug_report WHERE subject = 'guidance' GROUP BY device")
    assert dict(devices).get("") == 1
