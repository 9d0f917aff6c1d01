"""What one laboratory result costs: few statements, as many for the thousandth result of a lot as for the tenth."""

from contextlib import closing
from dataclasses import replace
from itertools import islice, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract.identity import identity_of
from gateway.ingest.event_queue import Pending
from gateway.store.database import open_state
from gateway.store.facts import standing
from gateway.store.statements import SQL
from gateway.store.transaction.decide_batch import decide_batch
from simulator.bench import season
from tests.fixtures.building import new_state
from tests.fixtures.laboratory import Laboratory

MOST_STATEMENTS = 27


def statements_of(connection, event):
    """Return the statements that deciding an event takes."""
    statements = []
    connection.set_trace_callback(statements.append)
    decide_batch(connection, line=season.bare_line(), batch=(Pending(event),), trail=False)
    connection.set_trace_callback(None)
    return [
        after for before, after in pairwise(["", *statements]) if after != before
    ]  # a trigger tells its cause again


def results(lot, count):
    """Return so many results of one lot, each of a sample of its own."""
    for number in range(count):
        message = {
            "sample_id": f"{lot}-{number}", "test_id": "ph", "value": 100.0, "status": "approved", "result_version": 1,
            "material_lot_id": lot, "product": "FG-100",
        }  # fmt: skip
        yield season._recorded("lims/results/x", message, season._BEGUN_NS + number, number).event


@pytest.fixture
def connection(tmp_path):
    new_state(tmp_path).close()
    with closing(open_state(tmp_path, vouching=False)) as opened:
        opened.execute("BEGIN IMMEDIATE")
        yield opened


def test_a_result_of_a_lot_that_is_being_tested_takes_few_statements(connection):
    started, *events = (recorded.event for recorded in islice(season._season(3), 7))
    statements_of(connection, started)
    for event in events:
        assert len(statements_of(connection, event)) <= MOST_STATEMENTS


def test_a_result_of_a_lot_with_many_results_takes_few_statements_more(connection):
    counts = [len(statements_of(connection, event)) for event in results("LOT-1", standing.MOST_READ + 5)]
    assert max(counts) <= MOST_STATEMENTS + 3


def test_a_look_at_a_lot_goes_along_indexes(connection):
    parameters = dict.fromkeys(
        ["material_lot_id", "sample_id", "source", "besides", "lots", "names", "at_ns", "most", "likeness"]
    )
    plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {SQL['lot_at_a_glance']}", parameters)]
    assert any(step.startswith("SEARCH gap USING INDEX gap_in_time") for step in plan)
    large = ("gap", "assessment", "lab_result", "disposition", "guidance", "result_without_lot", "refused_result")
    assert not [step for step in plan for table in large if step.split()[:2] == ["SCAN", table]]


@pytest.mark.parametrize(("repeats", "whole"), [("LOT-1-9", False), ("LOT-1-1", True)])
def test_a_retest_has_the_lot_read_again_with_the_result_that_it_names_only(connection, repeats, whole):
    first, second = results("LOT-1", 2)
    retest = replace(first.result, sample_id="R", retest_of=repeats, result_id=identity_of("retest"))
    for event in (first, replace(first, result=retest)):
        statements_of(connection, event)
    assert any("lab_result_version" in statement for statement in statements_of(connection, second)) is whole


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    with closing(Laboratory(tmp_path_factory.mktemp("lots"))) as bench:
        yield bench


one_result = st.tuples(
    st.sampled_from(["pH", "Viscosity"]),
    st.sampled_from([7.0, 100.0, 130.0, "smudged"]),
    st.sampled_from(["A", "B", "C"]),
    st.sampled_from(["approved", "validated", "rejected"]),
)


@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(one_result, min_size=1, max_size=6), data=st.data())
def test_a_lot_that_is_read_and_a_lot_that_is_counted_say_the_same(laboratory, messages, data):
    lab = laboratory
    lab.number = getattr(lab, "number", 0) + 1
    lot = f"LOT-{lab.number}"
    for test, value, sample, status in messages:
        lab.result(test, value, lot=lot, sample_id=f"{lot}-{sample}", status=status)
    rows = lab.connection.execute("SELECT subject FROM assessment WHERE material_lot_id = ?", (lot,)).fetchall()
    known = [row["subject"] for row in rows]
    subjects = data.draw(st.lists(st.sampled_from(known), unique=True, max_size=2))
    records = Records(lab.connection)
    read, counted = (
        standing.standing_and_others(lab.connection, records, lot, subjects, count=count)
        for count in (len(known), standing.MOST_READ + 1)
    )
    assert read == counted
    assert sum(read[1].asks.values()) == len(known) - len(subjects)


class Records:
    """Reads rows that hold, as a situation does."""

    def __init__(self, connection):
        self._connection = connection

    def rows(self, statement, parameters):
        return self.that_hold(self._connection.execute(standing.SQL[statement], parameters).fetchall())

    def that_hold(self, rows):
        return [row for row in rows if row["holds"]]


def test_a_damaged_assessment_of_another_result_asks_for_a_person(tmp_path):
    with closing(Laboratory(tmp_path)) as lab:
        lab.result("pH", 7.0)
        lab.connection.execute("UPDATE assessment SET failed = 1 - failed")
        lab.result("Viscosity", 100.0)
        assert lab.recommended() == "review"
        assert "EVIDENCE_DAMAGED" in lab.codes()


def test_an_original_that_comes_after_its_retest_is_found_for_it(laboratory):
    laboratory.result("pH", 7.0, lot="REPEATED", sample_id="REPEATED-2", retest_of="REPEATED-1")
    laboratory.result("pH", 7.0, lot="REPEATED", sample_id="REPEATED-3")
    assert "RETEST_WITHOUT_ORIGINAL" in laboratory.codes("REPEATED")
    laboratory.result("pH", 9.9, lot="REPEATED", sample_id="REPEATED-1")
    assert {"RETEST", "RETESTED"} <= laboratory.codes("REPEATED")


def test_a_correction_that_is_no_retest_any_more_has_its_original_judged_again(laboratory):
    laboratory.result("pH", 9.9, lot="CORRECTED", sample_id="CORRECTED-1", result_version=1)
    retest = {"lot": "CORRECTED", "sample_id": "CORRECTED-2"}
    laboratory.result("pH", 7.0, **retest, result_version=1, retest_of="CORRECTED-1")
    assert laboratory.recommended("CORRECTED") == "review"
    laboratory.result("pH", 7.0, **retest, result_version=2)
    assert laboratory.recommended("CORRECTED") == "hold"
