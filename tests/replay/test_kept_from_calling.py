"""What was shelved, out of service or suppressed at the time calls nobody in a replay either: the same bytes."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.identity import identity_of
from gateway.events import TimerDue
from gateway.records.acts import ActOutcome, ReturnToService, Shelve, TakeOutOfService, Unshelve
from gateway.records.timers import Timer
from gateway.replay.kept_from_calling import suppression_steps
from gateway.replay.rerun import rerun
from gateway.store.database import read_state
from gateway.time_units import SECOND_NS
from tests.fixtures.building import moment, steady_rings
from tests.fixtures.store_bench import Bench
from tests.replay.test_stages import recording, sent

WARNING = "warning/R1/viscosity/viscosity"


class Plant(Bench):
    """Ticks of a model, and the values at each, so that a replay sees the same."""

    def __init__(self, directory):
        super().__init__(directory)
        self.temperatures = {}
        self.order()

    def tick(self, temperature):
        at_ns = self.now_ns + SECOND_NS  # the running gateway looks each second
        due = identity_of("timer", Timer.EXPIRE_GUIDANCE, at_ns)
        self.commit(TimerDue(event_id=due, at=moment(at_ns), timer=Timer.EXPIRE_GUIDANCE))
        self.now_ns += 60 * SECOND_NS
        self.temperatures[self.now_ns] = temperature
        self.model_due(temperature, setpoint=temperature)

    def arrival_at(self, _at_ns):
        return 0

    def windows(self, requests, *, arrival):  # noqa: ARG002
        if not requests:
            return {}
        end_ns = max(request.end_ns for request in requests)
        rings = steady_rings(self.temperatures[end_ns], self.temperatures[end_ns])
        rings.confirm("plc1", confirmed_ns=end_ns)
        return rings.windows(requests)


@pytest.fixture
def bench(tmp_path):
    bench = Plant(tmp_path)
    with closing(bench.connection):
        yield bench


def by_person(begin, end):
    def kept(bench):
        assert bench.act(begin).outcome is ActOutcome.DONE
        for temperature in (78.0, 76.9, 78.0):
            bench.tick(temperature)
        bench.now_ns += SECOND_NS
        assert bench.act(end).outcome is ActOutcome.DONE

    return kept


@pytest.mark.parametrize(
    "kept",
    [
        by_person(Shelve(alarm_id=WARNING, seconds=3600.0), Unshelve(alarm_id=WARNING)),
        by_person(TakeOutOfService(alarm_id=WARNING), ReturnToService(alarm_id=WARNING)),
    ],
    ids=["shelved", "out of service"],
)
def test_what_a_person_kept_from_calling_stands_in_a_replay_which_says_the_same_bytes(bench, tmp_path, kept):
    bench.tick(76.9)
    bench.now_ns += SECOND_NS
    kept(bench)
    for temperature in (78.0, 76.9):
        bench.tick(temperature)
    known = recording(bench, kept_from_calling=suppression_steps(bench.connection))
    rerun(known, line=bench.line, history=bench, folder=tmp_path / "replay")
    with closing(read_state(tmp_path / "replay")) as connection:
        assert sent(connection) == sent(bench.connection)
    rerun(replace(known, kept_from_calling=()), line=bench.line, history=bench, folder=tmp_path / "plain")
    with closing(read_state(tmp_path / "plain")) as connection:
        assert sent(connection) != sent(bench.connection)


def test_a_rule_that_suppressed_by_design_begins_and_ends_in_a_replay_as_it_did(bench, tmp_path):
    for at_ns, kind in ((1, "begun"), (5, "ended")):
        bench.connection.execute(
            "INSERT INTO audit (seq, at_ns, kind, subject, body, previous, hash) "
            "VALUES (?, ?, ?, 'cleaning', '{}', '', ?)",
            (1000 + at_ns, at_ns, f"alarm_suppression_{kind}", kind),
        )
    begins, ends = suppression_steps(bench.connection)
    assert (begins.name, begins.begins, ends.name, ends.begins) == ("cleaning", True, "cleaning", False)
    bench.tick(76.9)
    known = recording(bench, kept_from_calling=[begins])
    rerun(known, line=bench.line, history=bench, folder=tmp_path / "replay")
    with closing(read_state(tmp_path / "replay")) as connection:
        rows = [tuple(row) for row in connection.execute("SELECT name, since_ns FROM alarm_suppression")]
    assert rows == [("cleaning", 1)]
