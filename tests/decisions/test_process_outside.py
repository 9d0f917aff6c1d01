"""A process that comes back only for moments is not predicted in between: this follows from the records."""

import pytest

from gateway.line.sustained_outside import SustainedOutside
from gateway.records.prediction import Prediction
from gateway.store.codec import decode
from tests.fixtures.building import assignment, bundle, line
from tests.fixtures.store_bench import Bench

INSIDE, OUTSIDE = 78.0, 99.0
RULES = SustainedOutside(enters_after=2, of=5, leaves_after=3)


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    bench.line = line(models=(assignment(bundle=bundle(outside=RULES)),))
    return bench


def codes(bench, temperature, *, after_ns=1):
    bench.now_ns += after_ns
    bench.model_due(temperature)
    ((body,),) = bench.rows("SELECT body FROM prediction ORDER BY rowid DESC LIMIT 1")
    return [reason.code for reason in decode(Prediction, body).verdict.reasons]


def test_between_two_excursions_and_shortly_after_the_second_nothing_is_predicted(bench):
    course = [INSIDE, OUTSIDE, INSIDE, OUTSIDE, INSIDE, INSIDE, INSIDE]
    reasons = [codes(bench, temperature) for temperature in course]
    assert reasons == [
        [], ["OUTSIDE_VALIDATED_RANGE"], [], ["OUTSIDE_VALIDATED_RANGE", "PROCESS_OUTSIDE"],
        ["PROCESS_OUTSIDE"], ["PROCESS_OUTSIDE"], [],
    ]  # fmt: skip


def test_no_number_and_no_advice_goes_out_while_it_stands(bench):
    for temperature in (OUTSIDE, OUTSIDE, INSIDE):
        codes(bench, temperature)
    assert bench.rows("SELECT value, low, high, accepted FROM prediction") == [(None, None, None, 0)] * 3
    assert bench.rows("SELECT 1 FROM guidance") == []


def test_it_is_forgotten_when_the_gateway_was_off_for_long(bench):
    codes(bench, OUTSIDE)
    codes(bench, OUTSIDE)
    assert codes(bench, INSIDE, after_ns=3600 * 10**9) == []


def test_the_same_records_give_the_same_again(bench, tmp_path):
    (tmp_path / "again").mkdir()
    again = Bench(tmp_path / "again")
    again.line = bench.line
    course = [OUTSIDE, INSIDE, OUTSIDE, INSIDE, INSIDE, OUTSIDE]
    assert [codes(bench, value) for value in course] == [codes(again, value) for value in course]
