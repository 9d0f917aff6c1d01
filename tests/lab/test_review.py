"""The review of a lot's record by exception: what is reported, what is in order, and what it stands on."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gateway.history.windows import TagWindow
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.lab.review.codes import ReviewCode, ReviewGroup
from gateway.lab.review.facts import AlarmRow, LotReviewFacts, LotRow
from gateway.lab.review.process_window import tag_runs
from gateway.lab.review.review import review_of
from gateway.lab.review.table import CHECKS
from gateway.line.review_rules import ReviewRules
from gateway.store.audit.evidence import with_hash
from gateway.store.database import open_state
from gateway.store.queries.review_facts import review_facts
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from tests.fixtures.building import BAD, GOOD, NOW_NS, tag
from tests.fixtures.store_bench import Bench, viscosity

_NOT_HASHED = {"hash", "client_id", "study_id"}


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.order()
        yield bench


def reviewed(bench, lot="LOT/1"):
    return review_of(review_facts(bench.connection, bench.line, lot, at_ns=bench.now_ns))


def codes(review):
    return {item.code for item in review.exceptions}


def nothing_of(**changes):
    lot = LotRow("L", "P", None, "WO", "R1", NOW_NS, NOW_NS + 60 * SECOND_NS, None, "release")
    facts = {"lot": lot, "rules": ReviewRules(), "at_ns": NOW_NS, "from_ns": lot.started_ns, "until_ns": lot.ended_ns,
             "specifications": SpecificationsOnRecord(configured=(), stated=())}  # fmt: skip
    return LotReviewFacts(**facts | changes)


def test_every_code_has_its_row_and_every_group_a_check():
    assert sorted(check.code for check in CHECKS) == sorted(ReviewCode)
    assert {check.group for check in CHECKS} == set(ReviewGroup)


def test_a_result_out_of_specification_is_the_first_line_and_its_evidence_is_the_result(bench):
    bench.result(viscosity(100.0))
    bench.result(viscosity(120.0, sample_id="S-2"))
    first = reviewed(bench).exceptions[0]
    (result_id,) = bench.rows("SELECT result_id FROM lab_result WHERE sample_id = 'S-2'")[0]
    assert (first.code, first.evidence[0].id) == (ReviewCode.RESULT_OUTSIDE, result_id)
    assert "above the upper limit of 105" in first.text


def test_near_a_limit_is_a_share_of_the_range_that_the_plant_may_choose(bench):
    bench.result(viscosity(95.4))
    assert ReviewCode.RESULT_NEAR_LIMIT in codes(reviewed(bench))
    bench.line = replace(bench.line, review=ReviewRules(near_limit=0.03))
    assert ReviewCode.RESULT_NEAR_LIMIT not in codes(reviewed(bench))


def test_a_corrected_result_and_another_unit_are_named_with_what_they_were(bench):
    bench.result(viscosity(99.0, result_version=1))
    bench.result(viscosity(100.0, result_version=2))
    bench.result(viscosity(0.1, sample_id="S-2", unit="Pa.s"))
    texts = {item.code: item.text for item in reviewed(bench).exceptions}
    assert texts[ReviewCode.RESULT_CORRECTED] == "Viscosity of S-1 was corrected from 99.0 to 100.0 (version 2)."
    assert texts[ReviewCode.RESULT_UNIT_CONVERTED].startswith("Viscosity of S-2 came in Pa")


def test_the_same_facts_give_the_same_exceptions_and_new_ones_another_basis(bench):
    bench.result(viscosity(120.0))
    first, again = reviewed(bench), reviewed(bench)
    assert first == again
    bench.result(viscosity(100.0, sample_id="S-2"))
    later = reviewed(bench)
    assert later.basis_sha256 != first.basis_sha256
    assert first.exceptions[0].exception_id in {item.exception_id for item in later.exceptions}


def test_a_lot_without_records_has_no_review(bench):
    assert review_facts(bench.connection, bench.line, "NOBODY", at_ns=bench.now_ns) is None


def test_a_result_that_no_longer_matches_its_hash_is_an_exception_and_not_looked_at(bench):
    bench.result(viscosity(120.0))
    bench.connection.execute("UPDATE lab_result SET analyte = 'ph'")
    assert ReviewCode.RECORDS_DAMAGED in codes(reviewed(bench))


def test_a_result_with_a_right_hash_that_nobody_sent_or_somebody_edited_is_an_exception(bench):
    bench.result(viscosity(120.0, result_version=1))
    bench.result(viscosity(100.0, sample_id="S-2", result_version=2))
    bench.result(viscosity(100.5, sample_id="S-2", result_version=1))  # late, and counts once the other is withdrawn
    bench.result(viscosity(100.0, sample_id="S-2", result_version=2, status="rejected"))
    assert ReviewCode.RECORDS_DAMAGED not in codes(reviewed(bench))
    with closing(open_state(bench.directory, vouching=False)) as by_hand:
        row = dict(by_hand.execute("SELECT * FROM lab_result WHERE sample_id = 'S-1'").fetchone())
        edited = with_hash("lab_result", {name: value for name, value in row.items() if name not in _NOT_HASHED}
                           | {"body": row["body"].replace("120.0", "100.0")})  # fmt: skip
        by_hand.execute("UPDATE lab_result SET body = :body, hash = :hash WHERE result_id = :result_id", edited)
    assert bench.rows("SELECT DISTINCT holds FROM lab_result_checked") == [(1,)]
    damaged = [item.text for item in reviewed(bench).exceptions if item.code is ReviewCode.RECORDS_DAMAGED]
    assert len(damaged) == 1
    assert row["result_id"] in damaged[0]


def test_a_result_that_was_replaced_and_is_made_to_count_again_by_hand_is_an_exception(bench):
    bench.result(viscosity(100.0, result_version=1))
    bench.result(viscosity(120.0, result_version=2))
    with closing(open_state(bench.directory, vouching=False)) as by_hand:
        by_hand.execute("UPDATE lab_result SET current = NOT current")  # with right hashes: its triggers set them
    assert ReviewCode.RECORDS_DAMAGED in codes(reviewed(bench))


def test_what_the_trail_says_of_results_is_asked_by_index_also_where_lines_are_archived(bench):
    bench.result(viscosity(100.0))
    ((result_id,),) = bench.rows("SELECT result_id FROM lab_result")
    asked = {"results": f'["{result_id}"]', "most": 10}
    plan = [row[3] for row in bench.connection.execute(f"EXPLAIN QUERY PLAN {SQL['review_results_denied']}", asked)]
    assert not [step for step in plan if step in {"SCAN a", "SCAN audit"}], plan
    assert bench.connection.execute(SQL["review_results_denied"], asked).fetchall() == []
    with closing(open_state(bench.directory, vouching=False)) as by_hand:
        by_hand.execute("DROP TRIGGER audit_is_append_only_delete")
        by_hand.execute("DELETE FROM audit")
        assert len(by_hand.execute(SQL["review_results_denied"], asked).fetchall()) == 1
        by_hand.execute("INSERT INTO audit_archive VALUES (1, 2, 'hash', 'sha256')")
        assert by_hand.execute(SQL["review_results_denied"], asked).fetchall() == []


def test_a_lot_whose_row_asks_for_less_care_than_the_trail_is_an_exception(bench):
    bench.result(viscosity(120.0))
    bench.connection.execute("DELETE FROM lot")
    damaged = [item for item in reviewed(bench).exceptions if item.code is ReviewCode.RECORDS_DAMAGED]
    assert "audit line" in damaged[0].text


def test_a_composite_that_names_another_lot_first_is_looked_at_too(bench):
    bench.result(viscosity(120.0, material_lot_id=["LOT/9", "LOT/1"]))
    review = reviewed(bench)
    assert (ReviewCode.RESULT_OUTSIDE in codes(review), review.looked_at[ReviewCode.RESULT_NEAR_LIMIT]) == (True, 1)


def test_what_is_in_order_is_counted_by_group(bench):
    bench.result(viscosity(100.0))
    groups = {tally.group: tally for tally in reviewed(bench).groups}
    assert (groups[ReviewGroup.RESULTS].looked_at, groups[ReviewGroup.RESULTS].exceptions) == (1, 0)


def test_an_alarm_is_acknowledged_by_what_comes_after_its_call_only():
    def alarm(seq, seconds, change):
        return AlarmRow(seq, NOW_NS + seconds * SECOND_NS, "gateway/X", change, "X", "warning", "Zoë", "")

    rows = (alarm(1, 0, "acknowledged"), alarm(2, 1, "raised"), alarm(3, 700, "acknowledged"), alarm(4, 50, "raised"))
    late = review_of(nothing_of(alarms=rows[:3])).exceptions
    assert ReviewCode.ALARM_ACKNOWLEDGED_LATE in {item.code for item in late}
    assert ReviewCode.ALARM_UNACKNOWLEDGED in {item.code for item in review_of(nothing_of(alarms=rows)).exceptions}


def window(*samples, seconds=100):
    """Samples as (from second, value, status)."""
    starts, values, statuses = zip(*samples, strict=True)
    return TagWindow(
        tag="temperature", start_ns=NOW_NS, end_ns=NOW_NS + seconds * SECOND_NS,
        held_ns=np.array([NOW_NS + int(second * SECOND_NS) for second in starts], np.int64),
        values=np.array(values, np.float64), statuses=np.array(statuses, np.uint32), confirmed_ns=NOW_NS,
    )  # fmt: skip


def test_a_tag_run_has_its_times_outside_unknown_and_unchanged_in_seconds():
    samples = window((-5, 78.0, GOOD), (20, 96.0, GOOD), (30, 80.0, GOOD), (40, 80.0, GOOD), (70, 0.0, BAD))
    (run,) = tag_runs([samples], {"temperature": tag("temperature", validated=(60.0, 95.0))})
    assert (run.minimum, run.maximum, run.outside_seconds) == (78.0, 96.0, 10.0)
    assert (run.unknown_seconds, run.longest_unknown_seconds, run.held_seconds) == (30.0, 30.0, 40.0)


def test_before_the_first_sample_nothing_is_known():
    (run,) = tag_runs([window((60, 78.0, GOOD))], {"temperature": tag("temperature")})
    assert (run.unknown_seconds, run.low, run.outside_seconds) == (60.0, None, 0.0)


def test_a_lot_with_more_rows_than_are_looked_at_says_so(bench, monkeypatch):
    monkeypatch.setattr("gateway.store.queries.review_facts.MOST_ROWS", 2)
    for number in range(4):
        bench.result(viscosity(100.0, sample_id=f"S-{number}"))
    assert ReviewCode.TOO_MUCH_TO_LOOK_AT in codes(reviewed(bench))
