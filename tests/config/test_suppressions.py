"""``[[alarms.suppress]]``: what is wrong is named, with what to do."""

from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from gateway.config.alarm_tables import AlarmsTable, SuppressTable
from gateway.config.suppressions import suppression_problems, suppressions_of
from gateway.line.alarm_rules import Production
from gateway.time_units import SECOND_NS

CLEANING = {"name": "cleaning", "equipment": "R1", "production": "between_lots"}


def settings(*tables):
    alarms = AlarmsTable.model_validate({"suppress": tables})
    tag = SimpleNamespace(equipment="R1")
    return SimpleNamespace(
        alarms=alarms, tags={"stirrer": tag}, opcua={"plc1": None}, model=[], lims=SimpleNamespace(analytes={}),
        specification=[SimpleNamespace(analyte="ph")],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "x", "equipment": "R1"}, "states no condition"),
        ({**CLEANING, "tag": "stirrer"}, "tag goes with above, below or both"),
        ({**CLEANING, "below": 5.0}, "tag goes with above, below or both"),
        ({**CLEANING, "tag": "stirrer", "above": 5.0, "below": 5.0}, "above must be less than below"),
        ({**CLEANING, "warnings": False}, "suppresses nothing"),
        ({**CLEANING, "warnings": False, "sources": ["plc1"], "analytes": ["ph"]}, "analytes are those of warnings"),
        ({**CLEANING, "longest": "0s"}, "greater than 0"),
        ({**CLEANING, "holds": True}, "Extra inputs"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(table, message):
    with pytest.raises(ValidationError, match=message):
        SuppressTable.model_validate(table)


@pytest.mark.parametrize(
    ("table", "key", "hint"),
    [
        ({**CLEANING, "equipment": "R2"}, "equipment", "R1"),
        ({**CLEANING, "tag": "stirer", "below": 5.0}, "tag", "did you mean stirrer?"),
        ({**CLEANING, "sources": ["plc2"]}, "sources", "did you mean plc1?"),
        ({**CLEANING, "analytes": ["pH"]}, "analytes", "did you mean ph?"),
        ({**CLEANING, "alarms": ["ITEMS_SLENT_PLC1"]}, "alarms", "did you mean ITEMS_SILENT?"),
        ({**CLEANING, "alarms": ["STORE_DAMAGED"]}, "alarms", "take it out of the list"),
    ],
)
def test_a_name_that_is_not_there_and_an_alarm_that_is_never_suppressed_are_named(table, key, hint):
    ((at, _message, told),) = suppression_problems(settings(table))
    assert at == f"alarms.suppress[1].{key}"
    assert hint in told


def test_two_rules_of_one_name_are_refused():
    assert [key for key, _, _ in suppression_problems(settings(CLEANING, CLEANING))] == ["alarms.suppress[2].name"]


def test_a_table_becomes_a_rule():
    stirrer = {"tag": "stirrer", "below": 5.0, "hysteresis": 1.0, "max_age": "10s", "states": ["cleaning"]}
    (rule,) = suppressions_of(settings({**CLEANING, **stirrer}))
    assert (rule.condition.production, rule.condition.states) == (Production.BETWEEN_LOTS, {"cleaning"})
    assert (rule.condition.tag.below, rule.condition.tag.max_age_ns) == (5.0, 10 * SECOND_NS)
    assert (rule.longest_ns, rule.warnings) == (8 * 3600 * SECOND_NS, True)
