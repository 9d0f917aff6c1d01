"""Alarms in the store: they follow guidance and the gateway's conditions, and people act on them by right."""

import json
from contextlib import closing
from types import SimpleNamespace

import pytest

from gateway.cli import alarm
from gateway.contract.identity import identity_of
from gateway.events import GatewayAlarmChanged
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import (
    Acknowledge,
    AcknowledgeAlarm,
    ActOutcome,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)
from gateway.records.timers import Timer
from gateway.records.user_acts import AddUser
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.queries.alarms import raised_alarms, standing_alarms, watched_since_ns
from gateway.store.queries.readers import Reader
from gateway.time_units import DAY_NS, SECOND_NS
from tests.fixtures.building import NOW_NS, moment
from tests.fixtures.store_bench import Bench

WARNING = "warning/R1/viscosity/viscosity"


class Alarms(Bench):
    def standing(self):
        return {alarm.alarm_id: alarm.state.value for alarm in standing_alarms(self.connection)}

    def happened(self, alarm_id=WARNING):
        return [change for (change,) in self.rows("SELECT change FROM alarm_event WHERE alarm_id = ? ORDER BY seq",
                                                  alarm_id)]  # fmt: skip

    def condition(self, code, stands, *, latched=False):
        self.now_ns += SECOND_NS
        event_id = identity_of(code, stands, self.now_ns)
        event = GatewayAlarmChanged(
            event_id=event_id, at=moment(self.now_ns), code=code, stands=stands, latched=latched
        )
        return self.commit(event)

    def user(self, role):
        self.with_users()
        self.act(AddUser(user_id=role.value, full_name=role.value, roles=(role,)))
        return Credential(kind=CredentialKind.PASSWORD, subject=role.value)

    def proposed(self, kind="warning"):
        rows = self.rows("SELECT json_extract(body, '$.attention') FROM guidance WHERE kind = ? AND open = 1", kind)
        return [attention for (attention,) in rows]


@pytest.fixture
def bench(tmp_path):
    bench = Alarms(tmp_path)
    bench.order()
    with closing(bench.connection):
        yield bench


def test_a_warning_is_an_alarm_until_it_has_returned_and_somebody_has_seen_it(bench):
    bench.model_due(76.9, setpoint=76.9)
    assert bench.standing() == {WARNING: "unacknowledged"}
    (alarm,) = standing_alarms(bench.connection)
    assert bench.act(Acknowledge(alarm_id=WARNING)).outcome is ActOutcome.DONE
    assert bench.standing() == {WARNING: "acknowledged"}
    states = bench.rows("SELECT state FROM guidance WHERE guidance_id = ?", alarm.guidance_id)
    assert states == [("acknowledged",)]  # terminals hear of it
    bench.now_ns += SECOND_NS
    bench.model_due(78.0, setpoint=78.0)
    assert bench.standing() == {}
    assert bench.happened() == ["raised", "acknowledged", "returned"]


def test_what_returns_before_anybody_has_seen_it_stays_until_somebody_has(bench):
    bench.model_due(76.9, setpoint=76.9)
    bench.now_ns += SECOND_NS
    bench.model_due(78.0, setpoint=78.0)
    assert bench.standing() == {WARNING: "returned_unacknowledged"}
    assert bench.act(Acknowledge(alarm_id=WARNING)).outcome is ActOutcome.DONE
    assert bench.standing() == {}
    assert "no alarm" in bench.act(Acknowledge(alarm_id=WARNING)).why


def test_a_shelved_warning_calls_nobody_and_calls_when_its_time_is_over(bench):
    bench.model_due(76.9, setpoint=76.9)
    operator = bench.user(Role.OPERATOR)
    answer = bench.act(Shelve(alarm_id=WARNING, seconds=60.0), credential=operator, reason="filter change")
    assert (answer.outcome, bench.standing()) == (ActOutcome.DONE, {WARNING: "shelved"})
    bench.now_ns += SECOND_NS
    bench.model_due(78.0, setpoint=78.0)
    bench.now_ns += SECOND_NS
    bench.model_due(76.9, setpoint=76.9)
    assert bench.proposed() == ["shelved"]
    assert bench.happened().count("raised") == 1
    bench.timer(Timer.END_SHELVES)
    assert bench.standing() == {WARNING: "shelved"}
    bench.now_ns += 60 * SECOND_NS
    bench.timer(Timer.END_SHELVES)
    bench.timer(Timer.EXPIRE_GUIDANCE)
    assert bench.standing() == {WARNING: "unacknowledged"}
    assert bench.proposed() == ["new"]
    assert bench.happened()[-2:] == ["unshelved", "raised"]


def test_a_shelved_warning_that_becomes_critical_calls_at_once(bench):
    bench.model_due(76.9, setpoint=76.9)
    bench.act(Shelve(alarm_id=WARNING, seconds=3600.0))
    bench.now_ns += SECOND_NS
    bench.model_due(78.0, setpoint=78.0)
    bench.now_ns += SECOND_NS
    bench.model_due(74.0, setpoint=74.0)
    assert (bench.proposed(), bench.standing()) == (["new"], {WARNING: "unacknowledged"})


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (Shelve(alarm_id=WARNING, seconds=9 * 3600.0), "for a time that ends"),
        (Shelve(alarm_id=WARNING, seconds=0.0), "for a time that ends"),
        (Shelve(alarm_id="warning/R9/x/y", seconds=60.0), "no alarm"),
        (Unshelve(alarm_id=WARNING), "is unacknowledged"),
        (ReturnToService(alarm_id=WARNING), "is unacknowledged"),
    ],
)
def test_an_act_that_does_not_fit_is_refused_and_changes_nothing(bench, act, why):
    bench.model_due(76.9, setpoint=76.9)
    before = bench.standing()
    answer = bench.act(act)
    assert (answer.outcome, bench.standing()) == (ActOutcome.REFUSED, before)
    assert why in answer.why


def test_what_is_critical_and_a_hold_are_never_shelved_nor_taken_out_of_service(bench):
    bench.model_due(74.0, setpoint=74.0)
    bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 120.0, "unit": "mPa.s",
                  "material_lot_id": "LOT/1"})  # fmt: skip
    bench.condition("STORE_DAMAGED", True, latched=True)
    alarms = bench.standing()
    assert {alarm_id.split("/")[0] for alarm_id in alarms} == {"warning", "hold", "gateway"}
    for alarm_id in alarms:
        for act in (Shelve(alarm_id=alarm_id, seconds=60.0), TakeOutOfService(alarm_id=alarm_id)):
            assert "critical" in bench.act(act).why
    assert bench.standing() == alarms


def test_a_reason_is_asked_for_and_the_right_role(bench):
    bench.model_due(76.9, setpoint=76.9)
    assert "a reason is needed" in bench.act(Shelve(alarm_id=WARNING, seconds=60.0), reason=" ").why
    viewer, operator = bench.user(Role.VIEWER), bench.user(Role.OPERATOR)
    assert bench.act(Acknowledge(alarm_id=WARNING), credential=viewer).outcome is ActOutcome.REFUSED
    assert bench.act(TakeOutOfService(alarm_id=WARNING), credential=operator).outcome is ActOutcome.REFUSED
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'act_refused'") == [(3,)]
    assert bench.act(TakeOutOfService(alarm_id=WARNING)).outcome is ActOutcome.DONE
    assert bench.standing() == {WARNING: "out_of_service"}
    assert bench.act(ReturnToService(alarm_id=WARNING)).outcome is ActOutcome.DONE


def test_an_alarm_of_the_gateway_comes_and_goes_with_its_condition(bench):
    bench.condition("SOURCE_PLC1_DISCONNECTED", True)
    bench.condition("SOURCE_PLC1_DISCONNECTED", True)  # on record already
    alarm_id = "gateway/SOURCE_PLC1_DISCONNECTED"
    assert bench.standing() == {alarm_id: "unacknowledged"}
    assert standing_alarms(bench.connection)[0].title == "No connection to plc1"
    bench.condition("SOURCE_PLC1_DISCONNECTED", False)
    assert bench.standing() == {alarm_id: "returned_unacknowledged"}
    bench.act(Acknowledge(alarm_id=alarm_id))
    assert bench.standing() == {}
    assert bench.happened(alarm_id) == ["raised", "returned", "acknowledged"]


def test_a_latched_alarm_stands_until_it_is_taken_down(bench):
    bench.condition("STORE_DAMAGED", True, latched=True)
    assert bench.standing() == {"gateway/STORE_DAMAGED": "latched_unacknowledged"}
    assert "taken down" in bench.act(Acknowledge(alarm_id="gateway/STORE_DAMAGED")).why
    bench.condition("STORE_DAMAGED", False)
    assert bench.standing() == {}


def test_acts_on_alarms_are_in_the_audit_trail_with_their_reason(bench):
    bench.model_due(76.9, setpoint=76.9)
    bench.act(Shelve(alarm_id=WARNING, seconds=60.0), reason="filter change")
    ((body,),) = bench.rows("SELECT body FROM audit WHERE kind = 'alarm_shelved'")
    assert "filter change" in body


def test_guidance_is_acknowledged_by_people_on_the_line_and_not_by_an_administrator(bench):
    bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 120.0, "unit": "mPa.s",
                  "material_lot_id": "LOT/1"})  # fmt: skip
    (alarm_id,) = bench.standing()
    administrator, quality = bench.user(Role.ADMINISTRATOR), bench.user(Role.QUALITY)
    assert "on the line" in bench.act(Acknowledge(alarm_id=alarm_id), credential=administrator).why
    assert bench.act(Acknowledge(alarm_id=alarm_id), credential=quality).outcome is ActOutcome.DONE
    assert bench.standing() == {alarm_id: "acknowledged"}


def test_the_figures_are_read_by_an_index(bench):
    bench.model_due(76.9, setpoint=76.9)
    assert [item.alarm_id for item in raised_alarms(bench.connection, from_ns=0, until_ns=bench.now_ns)] == [WARNING]
    plan = bench.rows("EXPLAIN QUERY PLAN SELECT at_ns, alarm_id, severity, position FROM alarm_event"
                      " WHERE change = 'raised' AND at_ns > 1 AND at_ns <= 5 ORDER BY at_ns")  # fmt: skip
    assert "alarm_event_raised" in plan[0][-1]


async def test_the_status_counts_what_stands_and_what_has_called(bench):
    bench.model_due(76.9, setpoint=76.9)
    bench.condition("STORE_FULL_SOON", True)
    bench.act(Acknowledge(alarm_id="gateway/STORE_FULL_SOON"))
    bench.act(Shelve(alarm_id=WARNING, seconds=60.0))
    async with Reader(bench.directory) as reader:
        counts = await reader.alarms.counts(NOW_NS - SECOND_NS)
        assert await reader.alarms.active_of_gateway() == ["gateway/STORE_FULL_SOON"]
    assert counts == {"active": 2, "unacknowledged": 1, "suppressed": 1, "called_in_10_minutes": 2}


def test_the_command_lists_alarms_and_their_figures(bench, tmp_path, capsys, monkeypatch):
    bench.model_due(76.9, setpoint=76.9)
    bench.condition("STORE_FULL_SOON", True)
    monkeypatch.setattr(alarm, "read", lambda _path: (settings_of(bench.directory), ""))
    monkeypatch.setattr(alarm.time, "time_ns", lambda: bench.now_ns + SECOND_NS)
    alarm.list_alarms(config=tmp_path, as_json=True)
    listed = json.loads(capsys.readouterr().out)["alarms"]
    assert {(item["id"], item["state"]) for item in listed} == {
        (WARNING, "unacknowledged"), ("gateway/STORE_FULL_SOON", "unacknowledged")
    }  # fmt: skip
    assert next(item for item in listed if item["id"].startswith("gateway"))["what_to_do"].startswith("Make room")
    alarm.figures(config=tmp_path, days=1.0, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert (document["alarms"], set(document["by_position"])) == (2, {"operator", "engineer"})


def test_a_latched_alarm_is_reset_by_its_id_or_its_code(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(alarm, "read", lambda _path: (settings_of(tmp_path), ""))
    monkeypatch.setattr(alarm, "sign_in_of", lambda _person: None)
    monkeypatch.setattr(alarm, "perform", lambda _settings, act, **_more: asked.append(act))
    for name in ("gateway/STORE_QUARANTINED", "STORE_QUARANTINED"):
        alarm.reset(alarm=name, config=tmp_path, reason="disk replaced", person=None)
    assert asked == [AcknowledgeAlarm(code="STORE_QUARANTINED")] * 2


def settings_of(directory):
    return SimpleNamespace(store=SimpleNamespace(directory=directory), texts=SimpleNamespace(language="en", units={}),
                           alarms=SimpleNamespace(period=600.0), notify={})  # fmt: skip


def test_figures_rest_on_the_time_in_which_the_line_was_watched(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        assert watched_since_ns(bench.connection, 5) == 5  # nothing on record yet
        bench.with_users(at_ns=NOW_NS)
        assert watched_since_ns(bench.connection, NOW_NS - 30 * DAY_NS) == NOW_NS - 1
        assert watched_since_ns(bench.connection, NOW_NS + DAY_NS) == NOW_NS + DAY_NS


def test_an_alarm_is_acknowledged_once_and_the_second_person_is_told(bench):
    bench.condition("SOURCE_PLC1_DISCONNECTED", True)
    alarm_id = "gateway/SOURCE_PLC1_DISCONNECTED"
    assert bench.act(Acknowledge(alarm_id=alarm_id)).outcome is ActOutcome.DONE
    second = bench.act(Acknowledge(alarm_id=alarm_id))
    assert (second.code, second.parameters) == (ActRefusal.ALARM_ACKNOWLEDGED_ALREADY, {"alarm": alarm_id})
    ((body,),) = bench.rows("SELECT body FROM audit WHERE kind = 'act_refused'")
    kept = json.loads(body)
    assert (kept["code"], kept["parameters"]) == ("ALARM_ACKNOWLEDGED_ALREADY", {"alarm": alarm_id})
    assert kept["why"] == f"{alarm_id} is acknowledged already"
