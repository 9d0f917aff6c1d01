"""The figures of ISA-18.2 and EEMUA 191, held against examples that are computed by hand."""

import pytest

from gateway.operations.alarm_figures import alarm_figures
from gateway.records.alarms import Alarm, Raised, Suppression
from gateway.records.guidance import Severity
from gateway.time_units import DAY_NS, SECOND_NS
from tests.fixtures.building import NOW_NS

PERIOD_NS = 600 * SECOND_NS


def raised(at_seconds, alarm="a", severity="warning", position="operator"):
    return Raised(at_ns=NOW_NS + int(at_seconds * SECOND_NS), alarm_id=alarm, severity=severity, position=position)


def figures(*items, standing=(), days=1.0):
    until_ns = NOW_NS + int(days * DAY_NS)
    return alarm_figures(items, standing, from_ns=NOW_NS, until_ns=until_ns, period_ns=PERIOD_NS)


def standing(name, *, hours, active=True, suppression=Suppression.NONE):
    """Return an alarm that has been active for some hours at the end of a day."""
    since_ns = NOW_NS + DAY_NS - hours * 3600 * SECOND_NS
    return Alarm(alarm_id=name, title=name, severity=Severity.WARNING, position="operator", active=active,
                 acknowledged=False, suppression=suppression, since_ns=since_ns)  # fmt: skip


def test_thirty_days_computed_by_hand():
    # day 1: a flood of 12 in ten minutes (40 s apart from 01:00:10); day 2: 11 in ten minutes; day 3: 10, which is not
    # over ten; then one on each of 27 days: 12 + 11 + 10 + 27 = 60 calls in 30 * 144 = 4320 periods
    flood = [raised(3610 + 40 * number, alarm=f"f{number}") for number in range(12)]
    second = [raised(86_400 + 50 * number, alarm=f"s{number}") for number in range(1, 12)]
    third = [raised(2 * 86_400 + 50 * number, alarm=f"t{number}") for number in range(1, 11)]
    daily = [raised(day * 86_400 + 30_000, alarm="daily", severity="information") for day in range(3, 30)]
    document = figures(*flood, *second, *third, *daily, days=30.0)
    assert (document["alarms"], document["days"]) == (60, 30.0)
    assert document["by_position"]["operator"] == {
        "per_10_minutes": 0.0139,  # 60 / 4320
        "peak_per_10_minutes": 12,
        "share_of_10_minutes_over_10": 0.000463,  # 2 / 4320
    }
    assert document["top"][0] == {"alarm": "daily", "count": 27, "share": 0.45}  # 27 / 60
    assert document["top_share"] == 0.6  # 27 and nine that called once: 36 / 60
    assert len(document["top"]) == 10


def test_calls_are_counted_for_each_position_by_itself():
    both = [*(raised(10 * number) for number in range(1, 7)), *(raised(10 * number, position="quality") for number in
                                                                range(1, 7))]  # fmt: skip
    document = figures(*both, days=1 / 144)  # one period
    assert {name: load["peak_per_10_minutes"] for name, load in document["by_position"].items()} == {
        "operator": 6, "quality": 6
    }  # fmt: skip
    assert all(load["share_of_10_minutes_over_10"] == 0 for load in document["by_position"].values())


def test_a_part_of_a_period_counts_as_the_part_that_it_is():
    document = figures(*(raised(100 * number) for number in range(1, 10)), days=1.5 / 144)  # 9 calls in 15 minutes
    assert document["by_position"]["operator"]["per_10_minutes"] == 6.0


@pytest.mark.parametrize(("seconds", "chatters"), [((0, 30, 60), True), ((0, 30, 61), False), ((0, 59), False),
                                                   ((0, 100, 110, 120), True)])  # fmt: skip
def test_chattering_is_three_times_within_a_minute(seconds, chatters):
    others = [raised(at + 1, alarm="b") for at in (0, 70, 140)]
    items = sorted([*others, *(raised(at + 1) for at in seconds)], key=lambda item: item.at_ns)
    assert figures(*items)["chattering"] == (["a"] if chatters else [])


def test_stale_is_shown_for_more_than_a_day():
    document = figures(standing=(
        standing("a day", hours=24), standing("longer", hours=25), standing("over", hours=30, active=False),
        standing("shelved", hours=30, suppression=Suppression.SHELVED),
    ))  # fmt: skip
    assert document["stale"] == ["longer"]
    assert document["standing"] == {"returned_unacknowledged": 1, "shelved": 1, "unacknowledged": 2}


def test_the_distribution_of_priorities_stands_beside_that_of_the_standard():
    # 16 information, 3 warning, 1 critical of 20: as the standard recommends
    items = [raised(number, severity="information") for number in range(1, 17)]
    items += [raised(number, severity="warning") for number in range(17, 20)] + [raised(20, severity="critical")]
    assert figures(*items)["severities"] == {
        "information": {"count": 16, "share": 0.8, "standard": 0.8},
        "warning": {"count": 3, "share": 0.15, "standard": 0.15},
        "critical": {"count": 1, "share": 0.05, "standard": 0.05},
    }


def test_nothing_has_called():
    document = figures()
    assert (document["by_position"], document["top"], document["top_share"]) == ({}, [], 0.0)
    assert {item["share"] for item in document["severities"].values()} == {0.0}
