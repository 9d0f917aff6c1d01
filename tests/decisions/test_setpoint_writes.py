"""From an approval to what is on record of its write: who lets it begin, what ends it, and what came of the move."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.acts import identity_of_act
from gateway.contract.times import rfc3339
from gateway.guardrails.reasons import Abstention, abstain
from gateway.latches import mismatch_latch
from gateway.line.definition import Stage
from gateway.records.acts import ActOutcome, AnswerGuidance, ResumeWrites, StopWrites
from gateway.records.guidance import Guidance
from gateway.records.people import Act
from gateway.records.setpoints import WriteState
from gateway.records.timers import Timer
from gateway.records.users import Credential, CredentialKind
from gateway.store.codec import decode
from gateway.store.facts.investigation import has_helped
from gateway.store.facts.reading import Reading
from gateway.store.queries.setpoints import automatic_moves, since_move_ns, stop_of, write_on_record
from tests.fixtures.building import moment
from tests.fixtures.people import SIGNED
from tests.fixtures.store_bench import viscosity
from tests.fixtures.writes import TAG, WritingBench


@pytest.fixture
def bench(tmp_path):
    bench = WritingBench(tmp_path)
    with closing(bench.connection):
        yield bench


def begun(bench):
    bench.suggest()
    ((intent, _state),) = bench.open
    bench.begin(intent.intent_id)
    return intent


def test_stage_automatic_approves_a_low_risk_move_and_leaves_one_intent_for_it(bench):
    bench.suggest()
    ((intent, state),) = bench.open
    assert (intent.tag, intent.approved_by, state) == (TAG, "automatic", WriteState.OPEN)
    assert bench.guidance_states() == [("approved",)]
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'setpoint_intent'") == [(1,)]
    assert intent.expires.wall_ns == bench.now_ns + 30 * 10**9


@pytest.mark.parametrize("changes", [{"low_risk": False}, {"moves_per_hour": 0}, {"stage": Stage.APPROVE},
                                     {"stage": Stage.ADVISE}])  # fmt: skip
def test_what_is_not_declared_for_it_is_only_suggested(tmp_path, changes):
    bench = WritingBench(tmp_path, **changes)
    with closing(bench.connection):
        bench.suggest()
        assert (bench.open, bench.guidance_states()) == ((), [("proposed",)])


def test_while_writing_is_stopped_nothing_is_approved_by_itself(bench):
    assert bench.act(StopWrites()).outcome is ActOutcome.DONE
    bench.suggest()
    assert (bench.open, bench.guidance_states()) == ((), [("proposed",)])


def test_a_write_goes_from_open_to_writing_to_written_and_applies_its_guidance(bench):
    intent = begun(bench)
    assert bench.states() == [("writing",)]
    bench.end(intent.intent_id, before=78.0, written=intent.to_value, read_back=intent.to_value)
    assert (bench.states(), bench.guidance_states()) == ([("written",)], [("applied",)])
    entries = bench.rows("SELECT json_extract(body, '$.state') FROM audit WHERE kind = 'setpoint_write' ORDER BY seq")
    assert entries == [("writing",), ("written",)]


def test_a_stop_between_approval_and_write_wins(bench):
    bench.suggest()
    ((intent, _state),) = bench.open
    bench.act(StopWrites())
    bench.begin(intent.intent_id)
    assert (bench.states(), bench.guidance_states()) == ([("stopped",)], [("withdrawn",)])
    bench.begin(intent.intent_id)  # a closed intent never opens again
    assert bench.states() == [("stopped",)]


def test_a_stop_is_of_every_role_but_viewers_and_only_a_supervisor_or_engineer_resumes(bench):
    assert bench.act(ResumeWrites()).outcome is ActOutcome.REFUSED
    assert bench.act(StopWrites()).outcome is ActOutcome.DONE
    assert bench.act(StopWrites(), at_ns=bench.now_ns + 1).details["already"]
    assert "is signed" in bench.act(resume(bench), at_ns=bench.now_ns + 2).why
    assert bench.act(resume(bench), at_ns=bench.now_ns + 3, credential=SIGNED).outcome is ActOutcome.DONE
    (signed,) = bench.rows("SELECT printed_name, role, meaning FROM signature")
    assert signed == ("Q. Head", "supervisor", "decision: setpoints are written again")
    assert bench.rows("SELECT stopped FROM setpoint_stop ORDER BY seq") == [(1,), (0,)]
    kinds = bench.rows("SELECT kind FROM audit WHERE kind LIKE 'writes_%' ORDER BY seq")
    assert kinds == [("writes_stopped",), ("writes_resumed",)]


def resume(bench):
    return ResumeWrites(stopped_at=rfc3339(stop_of(bench.connection).at_ns))


def test_a_stop_that_was_not_shown_is_not_lifted(bench):
    bench.act(StopWrites(), reason="too hot")
    shown = resume(bench)
    bench.now_ns += 10**9
    bench.act(StopWrites(), reason="a person is in the machine")
    for unseen in (shown, ResumeWrites()):
        bench.now_ns += 10**9
        answer = bench.act(unseen, credential=SIGNED)
        assert (answer.outcome, "a person is in the machine" in answer.why) == (ActOutcome.REFUSED, True)
    assert stop_of(bench.connection).reason == "a person is in the machine"
    assert bench.act(resume(bench), at_ns=bench.now_ns + 1, credential=SIGNED).outcome is ActOutcome.DONE


def test_who_stops_what_is_stopped_already_is_on_record_too_and_shown_before_writing_goes_on(bench):
    for at_ns, reason in enumerate(("too hot", "a person is in the machine", "a person is in the machine")):
        answer = bench.act(StopWrites(), at_ns=bench.now_ns + at_ns, reason=reason)
        assert answer.outcome is ActOutcome.DONE
    assert stop_of(bench.connection).reason == "a person is in the machine"
    stops = bench.rows("SELECT json_extract(body, '$.reason') FROM audit WHERE kind = 'writes_stopped' ORDER BY seq")
    assert stops == [("too hot",), ("a person is in the machine",)]


def test_a_stop_whose_record_was_changed_by_hand_still_stops(bench):
    bench.act(StopWrites())
    bench.connection.execute("UPDATE setpoint_stop SET stopped = 0")
    bench.suggest()
    assert bench.open == ()


def test_an_intent_that_was_changed_by_hand_is_not_written(bench):
    bench.suggest()
    ((intent, _state),) = bench.open
    bench.connection.execute("UPDATE setpoint_intent SET body = replace(body, '77', '88')")
    bench.connection.execute("UPDATE setpoint_intent SET tag = 'x'")
    assert bench.open == ()
    bench.begin(intent.intent_id)
    assert bench.states() == [("open",)]


def test_of_a_tag_at_most_one_intent_is_open(bench):
    bench.suggest()
    ((first, _state),) = bench.open
    with pytest.raises(Exception, match="UNIQUE"):
        bench.connection.execute(
            "INSERT INTO setpoint_intent (intent_id, guidance_id, tag, state, open, automatic, issued_ns, body, "
            "event_id) VALUES ('x', 'g', ?, 'open', 1, 0, 1, '{}', 'e')",
            (first.tag,),
        )


@pytest.mark.parametrize("state", [WriteState.MISMATCH, WriteState.NOT_TAKEN])
def test_what_the_plc_did_not_take_latches_an_alarm_and_nothing_is_written_until_a_person_has_looked(bench, state):
    intent = begun(bench)
    reason = abstain(Abstention.WRITE_MISMATCH, tag=TAG, written=76.0, read=75.0)
    bench.end(intent.intent_id, state, written=76.0, read_back=75.0, reason=reason)
    assert bench.rows("SELECT code FROM latch") == [(mismatch_latch(TAG),)]
    assert bench.guidance_states() == [("withdrawn",)]
    bench.now_ns += 120 * 10**9
    bench.suggest()
    assert len(bench.guidance_states()) == 2  # advice goes on
    for open_intent, _state in bench.open:
        bench.begin(open_intent.intent_id)
    assert (("writing",) not in bench.states(), ("written",) not in bench.states()) == (True, True)


def test_a_cut_off_write_is_unknown_and_only_what_is_read_back_closes_it(bench):
    intent = begun(bench)
    bench.end(intent.intent_id, WriteState.UNKNOWN)
    assert bench.states() == [("unknown",)]
    bench.begin(intent.intent_id)
    bench.end(intent.intent_id, WriteState.REFUSED)
    assert bench.states() == [("unknown",)]
    bench.end(intent.intent_id, WriteState.WRITTEN, read_back=intent.to_value)
    assert bench.states() == [("written",)]


def test_the_budget_of_moves_per_hour_holds(tmp_path):
    bench = WritingBench(tmp_path, moves_per_hour=1)
    with closing(bench.connection):
        intent = begun(bench)
        bench.end(intent.intent_id, written=intent.to_value, read_back=intent.to_value)
        bench.now_ns += 700 * 10**9
        bench.model_due(76.0, setpoint=intent.to_value)
        assert bench.guidance_states()[-1] != ("approved",)
        assert bench.open == ()


@pytest.mark.parametrize(("stepped", "gone_on", "seconds"), [
    (0, 10, 10), (3600, 10, 10), (-3600, 10, 10), (3600, 4000, 4000), (-3600, 4000, 4000),
])  # fmt: skip
def test_a_wall_clock_that_is_set_allows_no_move_more_and_forbids_none(bench, stepped, gone_on, seconds):
    intent = begun(bench)
    bench.end(intent.intent_id, written=intent.to_value, read_back=intent.to_value)
    written = moment(bench.now_ns)
    at = replace(written, wall_ns=written.wall_ns + (stepped + gone_on) * 10**9,
                 boot_ns=written.boot_ns + gone_on * 10**9)  # fmt: skip
    assert since_move_ns(bench.connection, TAG, at) == seconds * 10**9
    assert automatic_moves(bench.connection, TAG, at) == (1 if seconds < 3600 else 0)
    assert since_move_ns(bench.connection, "another", at) is None


@pytest.mark.parametrize(("gone_on", "moves"), [(-3600, 1), (10, 1), (4000, 0)])
def test_after_a_reboot_wall_time_decides_and_a_move_of_the_future_counts(bench, gone_on, moves):
    intent = begun(bench)
    bench.end(intent.intent_id, written=intent.to_value, read_back=intent.to_value)
    at = moment(bench.now_ns + gone_on * 10**9, boot_ns=10**9, boot_id="boot-2")
    assert since_move_ns(bench.connection, TAG, at) == gone_on * 10**9
    assert automatic_moves(bench.connection, TAG, at) == moves


@pytest.mark.parametrize("stepped", [3600, -3600])
def test_the_next_move_waits_for_its_interval_though_the_wall_clock_was_set(bench, stepped):
    intent = begun(bench)
    bench.end(intent.intent_id, written=intent.to_value, read_back=intent.to_value)
    written = moment(bench.now_ns)
    at = replace(written, wall_ns=written.wall_ns + (stepped + 20) * 10**9, boot_ns=written.boot_ns + 20 * 10**9)
    bench.connection.execute("UPDATE setpoint_intent SET state = 'open', open = 1")  # as if another waited
    bench.connection.execute("UPDATE guidance SET state = 'approved', open = 1 WHERE kind = 'setpoint'")
    known = write_on_record(bench.connection, intent.intent_id, at)
    assert known.since_move_ns == 20 * 10**9 < bench.line.models[0].bundle.manipulated[0].minimum_interval_ns


def test_two_persons_who_ask_for_the_same_in_one_instant_are_two_acts_and_one_who_repeats_it_is_one():
    account = Credential(kind=CredentialKind.OS_USER, subject="anna")
    anna, ben = (Credential(kind=CredentialKind.PASSWORD, subject=name) for name in ("anna", "ben"))
    at_terminal = Credential(kind=CredentialKind.SESSION, subject="anna", session="ab" * 32)
    ids = [identity_of_act(StopWrites(), at_ns=1, by=who.identity) for who in (account, anna, ben, at_terminal)]
    assert len(set(ids)) == 3
    assert ids[1] == ids[3]


def test_a_guidance_that_is_not_approved_any_more_is_not_written(bench):
    bench.suggest()
    ((intent, _state),) = bench.open
    bench.line = replace(bench.line, models=())  # its model is taken out of service
    bench.timer(Timer.EXPIRE_GUIDANCE)
    bench.begin(intent.intent_id)
    assert bench.states() == [("refused",)]


def test_what_came_of_a_move_is_on_record_once_prediction_and_result_show_it(bench):
    intent = begun(bench)
    bench.end(intent.intent_id, written=intent.to_value, read_back=intent.to_value)
    bench.timer(Timer.FOLLOW_SETPOINTS)
    assert bench.rows("SELECT count(*) FROM setpoint_outcome") == [(0,)]
    bench.now_ns += 70 * 10**9
    bench.model_due(78.0, setpoint=intent.to_value)
    bench.timer(Timer.FOLLOW_SETPOINTS)
    assert bench.rows("SELECT followed FROM setpoint_outcome") == [("predicted",)]
    bench.result(viscosity(100.2, sampled_at="2027-01-15T08:01:10Z"))
    bench.timer(Timer.FOLLOW_SETPOINTS)
    bench.timer(Timer.FOLLOW_SETPOINTS)
    rows = bench.rows("SELECT followed, value, as_expected FROM setpoint_outcome ORDER BY followed")
    assert [(followed, as_expected) for followed, _value, as_expected in rows] == [("measured", 1), ("predicted", 1)]


@pytest.mark.parametrize(
    ("predicted", "measured", "helped"), [(1, None, True), (1, 0, False), (0, 1, True), (0, None, False)]
)
def test_what_came_of_a_written_move_says_whether_it_helped_and_the_laboratory_has_the_last_word(
    bench, predicted, measured, helped
):
    intent = begun(bench)
    bench.end(intent.intent_id, written=intent.to_value, read_back=intent.to_value)
    for followed, as_expected in (("predicted", predicted), ("measured", measured)):
        if as_expected is not None:
            bench.connection.execute(
                "INSERT INTO setpoint_outcome (intent_id, followed, at_ns, by, expected, value, as_expected) "
                "VALUES (?, ?, 1, 'x', 1.0, 1.0, ?)",
                (intent.intent_id, followed, as_expected),
            )
    ((body,),) = bench.rows("SELECT body FROM guidance WHERE kind = 'setpoint'")
    assert has_helped(Reading(bench.connection, bench.line, {}), decode(Guidance, body)) is helped


def test_while_a_move_is_being_written_another_of_its_setpoint_is_not_approved_and_stays_open(tmp_path):
    bench = WritingBench(tmp_path, stage=Stage.APPROVE)
    with closing(bench.connection):
        bench.suggest()
        ((guidance_id,),) = bench.rows("SELECT guidance_id FROM guidance WHERE kind = 'setpoint'")
        bench.connection.execute(
            "INSERT INTO setpoint_intent "
            "(intent_id, guidance_id, tag, state, open, automatic, issued_ns, body, event_id) "
            "VALUES ('other', 'of another model', ?, 'open', 1, 0, 1, '{}', 'e')",
            (TAG,),
        )
        approve = AnswerGuidance(guidance_id=guidance_id, answer=Act.APPROVE)
        answer = bench.act(approve)
        assert (answer.outcome, "being written" in answer.why) == (ActOutcome.REFUSED, True)
        assert bench.guidance_states() == [("proposed",)]
        bench.connection.execute("UPDATE setpoint_intent SET open = 0 WHERE intent_id = 'other'")
        assert bench.act(approve, at_ns=bench.now_ns + 1).outcome is ActOutcome.DONE
        assert bench.guidance_states() == [("approved",)]


def test_what_a_person_approves_is_written_in_their_name(tmp_path):
    bench = WritingBench(tmp_path, stage=Stage.APPROVE)
    with closing(bench.connection):
        bench.suggest()
        ((guidance_id,),) = bench.rows("SELECT guidance_id FROM guidance WHERE kind = 'setpoint'")
        bench.answer(guidance_id, "approve")  # by nobody who is known
        assert bench.open == ()
        answer = bench.act(AnswerGuidance(guidance_id=guidance_id, answer=Act.APPROVE))
        assert answer.outcome is ActOutcome.DONE, answer.why
        ((intent, state),) = bench.open
        assert (intent.approved_by, intent.automatic, state) == ("Q. Head", False, WriteState.OPEN)
        bench.begin(intent.intent_id)
        assert bench.states() == [("writing",)]
