"""A replay goes by the stages that were signed at the time: what was only watched then says nothing now either."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.identity import identity_of
from gateway.contract.lims.lab_results import LimsInterface
from gateway.events import TimerDue
from gateway.inference.signed_stages import stages_at, with_signed_stages
from gateway.ingest.lims import understand_results
from gateway.line.definition import Stage
from gateway.records.acts import ActOutcome
from gateway.records.laboratory import ResultStatus
from gateway.records.timers import Timer
from gateway.replay.recorded import Recording, Stretch, recorded_events
from gateway.replay.rerun import rerun
from gateway.store.database import read_state
from gateway.store.queries.signed_stages import signed_stages, stages_on_record
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from tests.fixtures.building import moment, steady_rings
from tests.people.test_stages import Staging


def lived(bench, *stages):
    """Ticks, with a stage signed between each two; every tick is decided by the stage that stands."""
    configured = bench.line
    for stage in (None, *stages):
        if stage is not None:
            bench.line = configured
            assert bench.stage(stage).outcome is ActOutcome.DONE
        bench.line = with_signed_stages(configured, signed_stages(bench.connection))
        at_ns = bench.now_ns + SECOND_NS  # the running gateway looks each second
        looked = TimerDue(
            event_id=identity_of("timer", Timer.EXPIRE_GUIDANCE, at_ns), at=moment(at_ns), timer=Timer.EXPIRE_GUIDANCE
        )
        bench.commit(looked)
        for _tick in range(3):
            bench.now_ns += 60 * SECOND_NS
            bench.model_due(76.0)
    bench.line = configured


@pytest.fixture
def bench(tmp_path):
    bench = Staging(tmp_path)
    with closing(bench.connection):
        bench.order()
        lived(bench, "shadow", "advise")
        yield bench


class Steady:
    """The same values at every instant, as the bench has them."""

    def arrival_at(self, _at_ns):
        return 0

    def windows(self, requests, *, arrival):  # noqa: ARG002
        if not requests:
            return {}
        rings = steady_rings(76.0, 78.0)
        rings.confirm("plc1", confirmed_ns=max(request.end_ns for request in requests))
        return rings.windows(requests)


def recording(bench, **changes):
    understand = understand_results(
        LimsInterface(source="lims", analytes={"pH": "ph"}, assume_status=ResultStatus.VALIDATED)
    )
    stretch = Stretch(from_ns=0, until_ns=bench.now_ns + SECOND_NS)
    events = recorded_events(bench.connection, stretch, understand=understand)
    return Recording(events=events, stretch=stretch, stages=stages_on_record(bench.connection), **changes)


def sent(connection):
    rows = [(row["topic"], bytes(row["payload"])) for row in connection.execute(SQL["outbox_messages"])]
    return [(topic, payload) for topic, payload in rows if not topic.endswith("/board")]


def test_a_replay_with_changes_of_the_stage_in_the_middle_says_the_same_bytes(bench, tmp_path):
    again = rerun(recording(bench), line=bench.line, history=Steady(), folder=tmp_path / "replay")
    with closing(read_state(tmp_path / "replay")) as connection:
        assert sent(connection) == sent(bench.connection)
    assert again.messages > 3
    plain = rerun(replace(recording(bench), stages=()), line=bench.line, history=Steady(), folder=tmp_path / "plain")
    assert plain.sha256 != again.sha256  # without the stages more is said than was


def test_stages_count_from_their_instant_on(bench):
    changes = stages_on_record(bench.connection)
    assert [item.change.stage for item in changes] == ["shadow", "advise"]
    first, second = (item.at_ns for item in changes)
    staged = [
        with_signed_stages(bench.line, stages_at(changes, at_ns)).model_named("viscosity").stage
        for at_ns in (first, first + 1, second, second + 1)
    ]
    limited = replace(bench.line, signed_stages_only=True)
    before = with_signed_stages(limited, stages_at(changes, first)).model_named("viscosity").stage
    assert (before, staged[1:]) == (Stage.ADVISE, [Stage.SHADOW, Stage.SHADOW, Stage.ADVISE])


def test_a_stage_whose_record_does_not_hold_counts_as_shadow_in_a_replay_too(bench):
    bench.connection.execute("UPDATE stage_change SET stage = 'approve'")
    changes = stages_on_record(bench.connection)
    assert [item.change for item in changes] == [None, None]
    assert stages_at(changes, bench.now_ns).unknown == {"viscosity"}
