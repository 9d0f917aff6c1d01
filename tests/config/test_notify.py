"""``[notify.<name>]``: what is missing is named, and secrets come from credentials."""

import datetime as dt
from types import SimpleNamespace

import pytest

from gateway.config.alarm_tables import AlarmsTable, NotifyTable
from gateway.config.notify import targets
from gateway.errors import ConfigurationError
from gateway.line.definition import UTC_ZONE
from gateway.records.guidance import Severity


def settings(**tables):
    notify = {name: NotifyTable.model_validate(table) for name, table in tables.items()}
    return SimpleNamespace(notify=notify, line_path="acme/lyon/p/line-1")


MAIL = {"kind": "email", "to": ["shift@acme.example"], "host": "mail.acme.example"}


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"kind": "slack"}, "notify.shift.url"),
        ({**MAIL, "to": []}, "notify.shift.to"),
        ({"kind": "email", "to": ["a@b.example"]}, "notify.shift.host"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(table, key):
    with pytest.raises(ConfigurationError) as refused:
        targets(settings(shift=table), UTC_ZONE)
    (problem,) = refused.value.problems
    assert (problem.key, bool(problem.hint)) == (key, True)


def test_a_user_needs_a_password_from_the_credentials(tmp_path, monkeypatch):
    table = {**MAIL, "user": "labline"}
    with pytest.raises(ConfigurationError) as refused:
        targets(settings(shift=table), UTC_ZONE)
    assert "notify_shift_password" in str(refused.value.problems)
    (tmp_path / "notify_shift_password").write_text("pw-1\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (target,) = targets(settings(shift=table), UTC_ZONE)
    assert "pw-1" not in repr(target)


def test_an_address_comes_from_the_credentials_and_is_shown_nowhere(tmp_path, monkeypatch):
    (tmp_path / "notify_shift_url").write_text("https://hooks.example/secret-path\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (target,) = targets(settings(shift={"kind": "teams", "quiet_hours": ["22:00", "06:00"]}), UTC_ZONE)
    assert "secret-path" not in repr(target)
    assert target.severities == {Severity.CRITICAL}
    assert target.quiet == (dt.time(22), dt.time(6))


def test_alarms_have_defaults_and_refuse_what_makes_no_sense():
    usual = AlarmsTable()
    assert (usual.most_per_10_minutes, usual.period, usual.longest_shelve) == (2, 600.0, 8 * 3600.0)
    for wrong in ({"most_per_10_minutes": 0}, {"dead_band": -1}, {"period": "0s"}, {"unknown": 1}):
        with pytest.raises(ValueError, match="validation error"):
            AlarmsTable.model_validate(wrong)
