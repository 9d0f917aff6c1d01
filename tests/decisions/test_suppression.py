"""Alarms that are suppressed by design: while a condition of the plant holds they call nobody, and none is lost."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.decisions.table import windows_needed
from gateway.events import TimerDue
from gateway.history.memory.rings import Rings
from gateway.line.alarm_rules import PlantCondition, Production, SuppressionRule, TagCondition
from gateway.records.acts import ActOutcome, Shelve, Unshelve
from gateway.records.timers import Timer
from gateway.time_units import SECOND_NS
from tests.decisions.test_alarms import WARNING, Alarms
from tests.fixtures.building import BAD, GOOD, NOW_NS, moment, sample, tag

PLC1 = "gateway/SOURCE_PLC1_DISCONNECTED"


def rule(*, analytes=(), sources=(), codes=(), longest_ns=8 * 3600 * SECOND_NS, **condition):
    condition = condition or {"states": frozenset({"cleaning"})}
    return SuppressionRule(name="cleaning", equipment_id="R1", condition=PlantCondition(**condition), warnings=True,
                           analytes=frozenset(analytes), sources=frozenset(sources), codes=frozenset(codes),
                           longest_ns=longest_ns)  # fmt: skip


STIRRER = TagCondition(tag="stirrer", below=5.0, hysteresis=1.0)


class Plant(Alarms):
    def __init__(self, directory, *rules):
        super().__init__(directory)
        tags = self.line.tags | {"stirrer": tag("stirrer")}
        self.line = replace(self.line, tags=tags, suppressions=rules)

    def look(self, *, stirrer=None, status=GOOD, later_seconds=1.0, confirmed=True):
        """Let the timer run out; ``stirrer``: where its tag stands."""
        self.now_ns += int(later_seconds * SECOND_NS)
        event = TimerDue(event_id=f"look-{self.now_ns}", at=moment(self.now_ns), timer=Timer.SUPPRESS_ALARMS)
        rings = Rings({"stirrer": "plc1"}, capacity=10)
        samples = [] if stirrer is None else [sample("stirrer", stirrer, at=-20, status=status)]
        rings.add_notification("plc1", samples, confirmed_ns=NOW_NS)
        if confirmed:
            rings.confirm("plc1", confirmed_ns=self.now_ns)
        return self.commit(event, rings.windows(windows_needed(event, self.line)))

    def audited(self):
        kinds = "('alarm_suppression_begun', 'alarm_suppression_ended', 'alarm_suppressed', 'alarm_unsuppressed')"
        return self.rows(f"SELECT kind, subject FROM audit WHERE kind IN {kinds} ORDER BY seq")

    def why_ended(self):
        rows = self.rows("SELECT json_extract(body, '$.because') FROM audit WHERE kind = 'alarm_suppression_ended'")
        return [because for (because,) in rows]

    def warn(self):
        self.now_ns += SECOND_NS
        self.model_due(76.9, setpoint=76.9)

    def sent_warnings(self):
        return [document["attention"] for document in self.sent("guidance") if document["kind"] == "warning"]


@pytest.fixture
def plant(tmp_path):
    opened = []

    def of(*rules):
        opened.append(Plant(tmp_path, *rules))
        opened[0].order()
        return opened[0]

    yield of
    for bench in opened:
        bench.connection.close()


def test_a_warning_while_the_equipment_is_cleaned_calls_nobody_is_listed_and_calls_when_it_is_over(plant):
    bench = plant(rule())
    bench.context("equipment_state", equipment_id="R1", state="cleaning")
    bench.look()
    bench.warn()
    bench.timer(Timer.EXPIRE_GUIDANCE)  # it is not made known meanwhile
    bench.look()
    assert (bench.proposed(), bench.sent_warnings()) == (["suppressed"], [])
    assert bench.standing() == {WARNING: "suppressed_by_design"}
    assert bench.happened() == ["active", "suppressed"]
    assert bench.rows("SELECT reason FROM alarm") == [("cleaning",)]
    bench.now_ns += 60 * SECOND_NS
    bench.context("equipment_state", equipment_id="R1", state="running")
    bench.look()
    bench.timer(Timer.EXPIRE_GUIDANCE)
    assert bench.standing() == {WARNING: "unacknowledged"}
    assert bench.sent_warnings() == ["new"]
    assert bench.happened() == ["active", "suppressed", "unsuppressed", "raised"]
    assert bench.audited() == [
        ("alarm_suppression_begun", "cleaning"), ("alarm_suppressed", WARNING),
        ("alarm_suppression_ended", "cleaning"), ("alarm_unsuppressed", WARNING),
    ]  # fmt: skip


def test_what_is_critical_calls_although_its_warnings_are_suppressed(plant):
    bench = plant(rule())
    bench.context("equipment_state", equipment_id="R1", state="cleaning")
    bench.look()
    bench.warn()
    bench.look()
    bench.now_ns += SECOND_NS
    bench.model_due(74.0, setpoint=74.0)
    bench.look()
    assert (bench.proposed(), bench.standing()) == (["new"], {WARNING: "unacknowledged"})


def test_a_hold_and_a_result_are_never_suppressed(plant):
    bench = plant(rule(codes={"CONNECTION_UNSTABLE"}, production=Production.LOT_RUNS))
    bench.look()
    bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 120.0, "unit": "mPa.s",
                  "material_lot_id": "LOT/1"})  # fmt: skip
    bench.look()
    assert list(bench.standing().values()) == ["unacknowledged"]
    assert [document["kind"] for document in bench.sent("guidance")] == ["hold"]
    assert [document["recommendation"] for document in bench.sent("disposition")] == ["hold"]


@pytest.mark.parametrize(
    ("condition", "known", "holds"),
    [
        ({"production": Production.BETWEEN_LOTS}, "nothing", False),
        ({"production": Production.BETWEEN_LOTS}, "runs", False),
        ({"production": Production.BETWEEN_LOTS}, "ended", True),
        ({"production": Production.LOT_RUNS}, "runs", True),
        ({"production": Production.LOT_RUNS}, "nothing", False),
        ({"products": frozenset({"FG-100"})}, "runs", True),
        ({"products": frozenset({"FG-200"})}, "runs", False),
        ({"products": frozenset({"FG-100"})}, "nothing", False),
        ({"states": frozenset({"cleaning"})}, "runs", False),
        ({"states": frozenset({"cleaning"}), "production": Production.LOT_RUNS}, "cleaning", True),
        ({"states": frozenset({"cleaning"}), "production": Production.BETWEEN_LOTS}, "cleaning", False),
    ],
)
def test_a_condition_holds_only_where_production_has_said_so(tmp_path, condition, known, holds):
    bench = Plant(tmp_path, rule(**condition))
    with closing(bench.connection):
        if known != "nothing":
            bench.order()
        if known == "ended":
            bench.now_ns += 60 * SECOND_NS
            bench.context("lot_ended", material_lot_id="LOT/1")
            bench.context("order_ended", job_order_id="WO-1")
        if known == "cleaning":
            bench.context("equipment_state", equipment_id="R1", state="cleaning")
        bench.look()
        assert bench.rows("SELECT count(*) FROM alarm_suppression") == [(int(holds),)]


def test_a_tag_holds_with_hysteresis_and_not_where_it_is_bad_old_or_not_there(plant):
    bench = plant(rule(tag=STIRRER))

    def held(**look):
        bench.look(**look)
        return bench.rows("SELECT count(*) FROM alarm_suppression") == [(1,)]

    assert not held(stirrer=5.5)
    assert held(stirrer=4.5)
    assert held(stirrer=5.5)
    assert not held(stirrer=6.5)
    assert held(stirrer=4.5)
    assert not held()  # no value
    assert not held(stirrer=4.5, status=BAD)
    assert held(stirrer=4.5)
    assert not held(stirrer=4.5, later_seconds=3600.0, confirmed=False)  # too old
    assert bench.why_ended() == ["its condition no longer holds", *["its condition is not known"] * 2]


def test_a_suppression_ends_after_its_longest_time_and_begins_again_only_with_its_condition(plant):
    bench = plant(rule(tag=STIRRER, longest_ns=60 * SECOND_NS))
    bench.look(stirrer=0.0)
    bench.warn()
    bench.look(stirrer=0.0, later_seconds=30.0)
    assert bench.standing() == {WARNING: "suppressed_by_design"}
    bench.look(stirrer=0.0, later_seconds=40.0)
    assert bench.standing() == {WARNING: "unacknowledged"}
    assert bench.why_ended() == ["it has lasted as long as it may"]
    bench.look(stirrer=0.0, later_seconds=40.0)
    assert bench.standing() == {WARNING: "unacknowledged"}
    bench.look(stirrer=9.0)
    bench.look(stirrer=0.0)
    assert bench.standing() == {WARNING: "suppressed_by_design"}


def test_alarms_of_a_server_are_suppressed_and_call_afterwards_and_others_call(plant):
    bench = plant(rule(tag=STIRRER, sources={"plc1"}, codes={"CONNECTION_UNSTABLE"}))
    bench.look(stirrer=0.0)
    for code in ("SOURCE_PLC1_DISCONNECTED", "CONNECTION_UNSTABLE", "SOURCE_PLC2_DISCONNECTED", "STORE_DAMAGED"):
        bench.condition(code, True)
    states = bench.standing()
    assert states == {
        PLC1: "suppressed_by_design", "gateway/CONNECTION_UNSTABLE": "suppressed_by_design",
        "gateway/SOURCE_PLC2_DISCONNECTED": "unacknowledged", "gateway/STORE_DAMAGED": "unacknowledged",
    }  # fmt: skip
    assert bench.happened(PLC1) == ["active", "suppressed"]
    bench.condition("CONNECTION_UNSTABLE", False)
    bench.look(stirrer=9.0)
    assert bench.standing()[PLC1] == "unacknowledged"
    assert "gateway/CONNECTION_UNSTABLE" not in bench.standing()  # it has returned meanwhile; its events are on record
    assert bench.happened(PLC1) == ["active", "suppressed", "unsuppressed", "raised"]
    assert bench.happened("gateway/CONNECTION_UNSTABLE") == ["active", "suppressed", "returned", "unsuppressed"]


def test_an_alarm_that_comes_off_the_shelf_within_a_suppression_does_not_call(plant):
    bench = plant(rule(tag=STIRRER, sources={"plc1"}))
    bench.condition("SOURCE_PLC1_DISCONNECTED", True)
    bench.act(Shelve(alarm_id=PLC1, seconds=30.0))
    bench.look(stirrer=0.0)
    assert bench.standing() == {PLC1: "shelved"}
    bench.now_ns += 60 * SECOND_NS
    bench.timer(Timer.END_SHELVES)
    assert bench.standing() == {PLC1: "suppressed_by_design"}
    assert bench.happened(PLC1) == ["raised", "shelved", "unshelved", "suppressed"]
    assert bench.act(Unshelve(alarm_id=PLC1)).outcome is ActOutcome.REFUSED


def test_only_the_analytes_that_a_rule_names_are_suppressed(plant):
    bench = plant(rule(tag=STIRRER, analytes={"ph"}))
    bench.look(stirrer=0.0)
    bench.warn()
    bench.look(stirrer=0.0)
    assert bench.standing() == {WARNING: "unacknowledged"}


def test_a_rule_that_is_no_longer_configured_keeps_nothing_back(plant):
    bench = plant(rule(tag=STIRRER))
    bench.look(stirrer=0.0)
    bench.warn()
    bench.look(stirrer=0.0)
    bench.line = replace(bench.line, suppressions=())
    bench.look(stirrer=0.0)
    assert bench.standing() == {WARNING: "unacknowledged"}
    assert bench.why_ended() == ["it is no longer configured"]
    assert bench.rows("SELECT count(*) FROM alarm_suppression") == [(0,)]
