"""Advice that may not stand: after a demotion, an alarm, a narrowed range; and answers that approve nothing."""

import asyncio
import json
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.refusals import MessageRefusedError
from gateway.contract.responses import response
from gateway.database.writer import Writer
from gateway.events import AdviceWithheld, GatewayStarted, HeadWitnessed, StoreChecked
from gateway.guardrails.reasons import Abstention, abstain
from gateway.guardrails.setpoint_gates import refused_suggestions, second_check
from gateway.guardrails.stages import effective_stage
from gateway.guardrails.standing_advice import no_longer_advised
from gateway.ingest.event_queue import EventQueue
from gateway.ingest.responses import understand_response
from gateway.line.definition import ManipulatedTag, Stage
from gateway.publish.drain import Drain
from gateway.records.guidance import SetpointSuggestion
from gateway.records.outgoing import Head, Lane, OutgoingMessage
from gateway.records.prediction import ModelIdentity, Prediction
from gateway.records.timers import Timer
from gateway.records.verdicts import Verdict
from gateway.runtime.listeners import HearsOfSending
from gateway.store.database import open_state
from gateway.store.facts import guidance as guidance_facts
from gateway.store.outbox import enqueue
from gateway.store.queries.readers import Reader
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.transport.mqtt_messages import Delivery
from tests.advice.test_lifecycle import guidance
from tests.fixtures.building import NOW_NS, assignment, bundle, line, moment, tag
from tests.fixtures.listeners import of_sending
from tests.fixtures.store_bench import Bench
from tests.publish.test_drain import SteadyClock

LATCHES = ["STORE_QUARANTINED", "AUDIT_BEHIND_WITNESS", "MODEL_DRIFT_VISCOSITY_VISCOSITY", "MODEL_TOO_SLOW_VISCOSITY"]


@pytest.fixture
def bench(tmp_path):
    """A plant that is warned of a viscosity too high, and is told to move its setpoint."""
    found = Bench(tmp_path)
    with closing(found.connection):
        found.order()
        found.model_due(81.0, setpoint=81.0)
        assert standing(found) == {"setpoint": "proposed", "warning": "proposed"}
        yield found


def standing(bench):
    return dict(bench.rows("SELECT kind, state FROM guidance ORDER BY kind"))


def suggestion_id(bench):
    return next(each["id"] for each in bench.sent("guidance") if each["kind"] == "setpoint")


def latch(bench, code):
    bench.connection.execute(SQL["latch"], {"code": code, "at_ns": bench.now_ns, "body": "{}"})


def started(bench):
    bench.commit(
        GatewayStarted(
            event_id=f"started-{bench.now_ns}", at=moment(bench.now_ns), version="1", configuration_sha256="x",
            bundles={}, stages={},
        )
    )  # fmt: skip


def lowered():
    return line(models=(assignment(stage=Stage.SHADOW),))


def removed():
    return line(models=())


def narrowed():
    (setpoint,) = bundle().manipulated
    return line(models=(assignment(bundle=bundle(manipulated=(replace(setpoint, validated=(80.5, 90.0)),))),))


def replaced():
    return line(models=(assignment(bundle=bundle(identity=ModelIdentity(name="viscosity", version="2", sha256="cd"))),))


def not_moved_any_more():
    return line(models=(assignment(bundle=bundle(manipulated=())),))


def elsewhere():
    return line(models=(assignment(equipment_id="R2"),))


DEMOTIONS = [lowered, removed, narrowed, replaced, not_moved_any_more, elsewhere]


def numbers_told_since(bench, seq):
    """Return what was said since then with a suggestion in it, on whatever topic."""
    rows = bench.rows("SELECT payload FROM outbox WHERE seq > ?", seq)
    return [payload for (payload,) in rows if b'"proposed":' in payload]


def newest(bench):
    return bench.rows("SELECT coalesce(max(seq), 0) FROM outbox")[0][0]


# --- 3: the second check goes by the stage of the moment ------------------------------------------------


def to_be_sent(**changes):
    return {
        "id": "g-1", "kind": "setpoint", "state": "proposed", "model": {"name": "viscosity", "sha256": "ab" * 32},
        "suggestion": {"tag": "temperature_setpoint", "current": 78.0, "proposed": 79.0}, **changes,
    }  # fmt: skip


@pytest.mark.parametrize("code", LATCHES)
def test_attacks_03_the_second_check_refuses_what_an_alarm_does_not_let_out(code):
    payload = json.dumps(to_be_sent()).encode()
    assert second_check(payload, line(), lambda _tag: 78.0) is None
    assert second_check(payload, line(), lambda _tag: 78.0, (code,)).code == "STAGE_TOO_LOW"


def test_attacks_03_an_alarm_of_another_model_stops_nothing():
    payload = json.dumps(to_be_sent()).encode()
    assert second_check(payload, line(), lambda _tag: 78.0, ("MODEL_DRIFT_OTHER_PH", "MODEL_TOO_SLOW_OTHER")) is None


def test_attacks_03_a_suggestion_anywhere_in_a_message_is_judged_and_an_end_of_one_passes():
    nested = {"schema": "labline.board/1", "guidance": [to_be_sent(id="fine"), {"deep": [to_be_sent(id="shadow")]}]}
    nested["guidance"][1]["deep"][0]["model"] = {"name": "gone", "sha256": "x"}
    refused = refused_suggestions(json.dumps(nested).encode(), line(), lambda _tag: 78.0, ())
    assert {guidance_id: reason.code for guidance_id, reason in refused.items()} == {"shadow": "NOT_WITHIN_LINE"}
    for state in ("withdrawn", "expired", "rejected", "superseded", "resolved"):
        over = json.dumps(to_be_sent(state=state, suggestion=None)).encode()
        assert refused_suggestions(over, line(models=()), lambda _tag: None, ()) == {}


def test_attacks_03_what_was_applied_is_told_wherever_the_setpoint_has_gone_since_but_not_outside_its_range():
    applied = to_be_sent(state="applied")
    assert second_check(json.dumps(applied).encode(), line(), lambda _tag: None) is None
    applied["suggestion"]["proposed"] = 91.0
    assert second_check(json.dumps(applied).encode(), line(), lambda _tag: 91.0).code == "SETPOINT_OUTSIDE_RANGE"


class TakingSession:
    """A broker's session that takes and acknowledges at once."""

    connected, generation, inflight_limit, largest_packet_bytes, taken_over, has_room = True, 1, 100, 10**6, False, True

    def __init__(self):
        self.published = []

    def batched(self):
        return nullcontext()

    def publish(self, message):
        self.published.append(message)
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(0)
        return answer


async def drained(directory, *messages, latches=(), **changes):
    """Return (what was published, the alarms, what was withheld, why rows departed) of messages that wait."""
    session, alarms, withheld = TakingSession(), [], []

    def put(connection):
        for code in latches:
            connection.execute(SQL["latch"], {"code": code, "at_ns": NOW_NS, "body": "{}"})
        for message in messages:
            enqueue(connection, message, at_ns=NOW_NS)

    async with Writer(partial(open_state, directory), name="store") as writer, Reader(directory) as reader:
        await writer.run(put)
        drain = Drain(
            session=session, reader=reader, writer=writer, line=line(**changes), present=lambda _tag: 78.0,
            clock=SteadyClock(),
            listener=of_sending(
                alarm=alarms.append,
                withheld=lambda message_id, refused: withheld.append((message_id, list(refused))),
            ),
        )  # fmt: skip
        running = asyncio.create_task(drain.run())
        async with asyncio.timeout(90):
            await drain.until_empty()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        rows = await writer.run(lambda c: [tuple(row) for row in c.execute("SELECT message_id, reason FROM departure")])
    return [each.topic for each in session.published], alarms, withheld, rows


def queued(name, document, *, lane=Lane.GUIDANCE, retain=False):
    payload = json.dumps(document, separators=(",", ":")).encode()
    return OutgoingMessage(message_id=name, lane=lane, topic=name, payload=payload, retain=retain)


async def test_attacks_03_what_was_queued_before_a_kill_is_not_published_while_an_alarm_keeps_all_in_shadow(tmp_path):
    board = {"schema": "labline.board/1", "guidance": [to_be_sent()]}
    found = await drained(
        tmp_path,
        queued("suggestion", to_be_sent()),
        queued("acknowledged", to_be_sent(state="acknowledged"), lane=Lane.EVIDENCE),
        queued("board", board, lane=Lane.EVIDENCE, retain=True),
        queued("hold", {"kind": "hold", "suggestion": None}),
        latches=("STORE_ROLLED_BACK",),
    )
    published, alarms, withheld, departures = found
    assert published == ["hold"]
    assert alarms == ["GUIDANCE_WITHHELD"]
    assert dict(withheld) == {"suggestion": ["g-1"], "acknowledged": ["g-1"], "board": ["g-1"]}
    assert dict(departures) == dict.fromkeys(("suggestion", "acknowledged", "board"), "withheld")


async def test_attacks_03_without_an_alarm_all_of_it_is_published(tmp_path):
    board = {"schema": "labline.board/1", "guidance": [to_be_sent()]}
    published, alarms, withheld, _ = await drained(
        tmp_path, queued("suggestion", to_be_sent()), queued("board", board, lane=Lane.EVIDENCE, retain=True)
    )
    assert (published, alarms, withheld) == (["suggestion", "board"], [], [])


async def test_attacks_03_what_the_drain_withholds_comes_in_as_an_event_ahead_of_results():
    inbox, why = EventQueue(), abstain(Abstention.STAGE_TOO_LOW, stage="shadow")
    listener = HearsOfSending(inbox=inbox, clock=SteadyClock(), health=None, watchdog=None)
    listener.withheld("message-1", {"g-1": why})
    (pending,) = await inbox.take(most=5)
    assert isinstance(pending.event, AdviceWithheld)
    assert dict(pending.event.refused) == {"g-1": why}


def test_attacks_03_guidance_that_was_withheld_is_withdrawn_with_the_reason(bench):
    refused = {suggestion_id(bench): abstain(Abstention.STAGE_TOO_LOW, stage="shadow"), "unknown": None}
    bench.commit(
        AdviceWithheld(event_id="withheld", at=moment(bench.now_ns), refused={k: v for k, v in refused.items() if v})
    )
    told = bench.sent("guidance")[-1]
    assert (told["kind"], told["state"], told["suggestion"]) == ("setpoint", "withdrawn", None)
    assert told["reasons"][-1]["code"] == "STAGE_TOO_LOW"


# --- 4: what a demotion does not let stand is taken back, wherever it is told ----------------------------


@pytest.mark.parametrize("demoted", DEMOTIONS)
def test_attacks_04_at_a_start_what_a_demotion_does_not_let_stand_is_withdrawn_and_the_board_tells_no_number(
    bench, demoted
):
    seq = newest(bench)
    bench.line = demoted()
    started(bench)
    assert standing(bench)["setpoint"] == "withdrawn"
    board = bench.sent("board")[-1]
    assert "setpoint" not in {entry["kind"] for entry in board["guidance"]}
    assert numbers_told_since(bench, seq) == []


@pytest.mark.parametrize("demoted", DEMOTIONS)
def test_attacks_04_after_a_reload_it_is_withdrawn_within_a_second_and_before_that_no_board_tells_it(bench, demoted):
    seq = newest(bench)
    bench.line = demoted()
    bench.timer(Timer.REFRESH_BOARD)
    assert numbers_told_since(bench, seq) == []
    bench.timer(Timer.EXPIRE_GUIDANCE)
    assert standing(bench)["setpoint"] == "withdrawn"


@pytest.mark.parametrize("act", ["acknowledge", "approve", "reject"])
@pytest.mark.parametrize("demoted", DEMOTIONS)
def test_attacks_04_an_answer_to_it_publishes_no_number_and_withdraws_it(bench, demoted, act):
    seq = newest(bench)
    bench.line = demoted()
    bench.answer(suggestion_id(bench), act)
    assert standing(bench)["setpoint"] == "withdrawn"
    assert numbers_told_since(bench, seq) == []
    assert bench.sent("outcome")[-1]["outcome"] == "NO_LONGER_ADVISED"


@pytest.mark.parametrize("code", LATCHES)
def test_attacks_04_an_alarm_that_stands_at_a_start_takes_all_advice_of_models_back(bench, code):
    latch(bench, code)
    started(bench)
    assert standing(bench) == {"setpoint": "withdrawn", "warning": "withdrawn"}
    assert bench.sent("board")[-1]["guidance"] == []


@pytest.mark.parametrize(
    "event",
    [
        HeadWitnessed(event_id="head", at=moment(NOW_NS), head=Head(seq=10**6, hash="00")),
        StoreChecked(event_id="check", at=moment(NOW_NS), rows=1, audit_lines=1, damaged=1, wrong=("x",)),
    ],
    ids=["the audit trail is behind its witness", "the store is damaged"],
)
def test_attacks_04_an_alarm_takes_advice_back_in_the_transaction_that_latches_it(bench, event):
    seq = newest(bench)
    bench.commit(event)
    assert bench.rows("SELECT count(*) FROM latch") == [(1,)]
    assert standing(bench) == {"setpoint": "withdrawn", "warning": "withdrawn"}
    assert numbers_told_since(bench, seq) == []


def test_attacks_04_a_damaged_record_that_latches_takes_advice_back_once(bench):
    bench.connection.execute("UPDATE guidance SET body = json_set(body, '$.title', 'x') WHERE kind = 'warning'")
    bench.connection.execute("UPDATE guidance SET hash = 'wrong' WHERE kind = 'warning'")
    bench.timer(Timer.EXPIRE_GUIDANCE)
    assert standing(bench)["setpoint"] == "withdrawn"
    latches = bench.rows("SELECT code FROM latch")
    bench.timer(Timer.EXPIRE_GUIDANCE)
    assert bench.rows("SELECT code FROM latch") == latches == [("EVIDENCE_DAMAGED",)]


def test_attacks_04_advice_that_still_stands_survives_a_start_and_a_hold_by_a_model_survives_its_demotion(bench):
    started(bench)
    assert standing(bench) == {"setpoint": "proposed", "warning": "proposed"}
    bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 110.0, "unit": "mPa.s", "status": "approved",
                  "material_lot_id": "LOT/1"})  # fmt: skip
    bench.line = removed()
    started(bench)
    assert standing(bench) == {"hold": "proposed", "setpoint": "withdrawn", "warning": "withdrawn"}


def test_attacks_04_where_its_specification_is_gone_advice_is_withdrawn_at_the_next_tick(bench):
    seq = newest(bench)
    bench.line = line(specifications=())
    bench.now_ns += SECOND_NS
    bench.model_due(81.0, setpoint=81.0)
    assert standing(bench) == {"setpoint": "withdrawn", "warning": "withdrawn"}
    assert numbers_told_since(bench, seq) == []


def test_attacks_04_a_suggestion_beyond_those_the_board_shows_is_withdrawn_at_a_start_too(bench, monkeypatch):
    monkeypatch.setattr(guidance_facts, "BOARD_LONGEST", 3)
    for number in range(3):
        bench.now_ns += SECOND_NS // 1000
        bench.result({"sample_id": f"S-{number}", "test_id": "Viscosity", "value": 110.0, "unit": "mPa.s",
                      "status": "approved", "material_lot_id": f"LOT-{number}"})  # fmt: skip
    bench.line = removed()
    started(bench)
    assert bench.rows("SELECT state FROM guidance WHERE kind = 'setpoint'") == [("withdrawn",)]


@given(
    configured=st.sampled_from(Stage),
    latches=st.lists(st.sampled_from([*LATCHES, "MODEL_DRIFT_OTHER_PH", "MODEL_TOO_SLOW_OTHER"]), max_size=3),
)
def test_attacks_04_the_effective_stage_never_rises_above_what_is_configured(configured, latches):
    model = assignment(stage=configured)
    stage = effective_stage(model, latches)
    assert stage <= configured
    assert stage is Stage.SHADOW or not set(latches) & set(LATCHES)


numbers = st.floats(-1e6, 1e6)


@given(
    other=st.none() | st.tuples(numbers, numbers), holds=st.tuples(numbers, numbers), current=numbers, proposed=numbers,
    step=st.floats(0.1, 1e6), stage=st.sampled_from(Stage), latches=st.lists(st.sampled_from(LATCHES), max_size=1),
)  # fmt: skip
def test_attacks_04_what_stands_is_within_the_limits_and_the_stage_of_now(
    other, holds, current, proposed, step, stage, latches
):
    (setpoint,), made = bundle().manipulated, holds if other is None else other
    model = assignment(stage=stage, bundle=bundle(manipulated=(replace(setpoint, validated=holds, max_step=step),)))
    suggestion = SetpointSuggestion(
        tag=setpoint.tag, current=current, proposed=proposed, unit="degC", validated=made, max_step=step,
        expected_value=0.0, expected_low=0.0, expected_high=0.0,
    )  # fmt: skip
    advice = guidance(suggestion=suggestion, predicted=said_by(model))
    if no_longer_advised(advice, line(models=(model,)), latches) is None:
        assert holds[0] <= proposed <= holds[1]
        assert abs(proposed - current) <= step * (1 + 1e-9)
        assert made == holds
        assert stage >= Stage.ADVISE
        assert not latches


def said_by(model):
    return Prediction(
        prediction_id="p", at_ns=NOW_NS, equipment_id=model.equipment_id, analyte="viscosity", unit="mPa.s",
        model=model.bundle.identity, stage="advise", value=1.0, low=0.0, high=2.0, coverage=0.9, features=None,
        verdict=Verdict(), material_lot_id=None, material_definition_id=None,
    )  # fmt: skip


# --- 9: an unsigned answer approves nothing ---------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.ADVISE, Stage.APPROVE, Stage.AUTOMATIC])
@pytest.mark.parametrize("person", [None, "", "  ", "op"])
def test_attacks_09_no_answer_approves_a_suggestion_whatever_the_stage(tmp_path, stage, person):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.line = line(models=(assignment(stage=stage),))
        bench.order()
        bench.model_due(81.0, setpoint=81.0)
        assert {each["stage"] for each in bench.sent("guidance")} == {stage.name.lower()}
        answered(bench, suggestion_id(bench), "approve", person)
        assert standing(bench)["setpoint"] == "proposed"
        expected = "STAGE_TOO_LOW" if stage is Stage.ADVISE else "TOKEN_REQUIRED"
        assert bench.sent("outcome")[-1]["outcome"] == expected


def answered(bench, guidance_id, act, person, terminal="T-07"):
    document = {"id": "r-9", "guidance_id": guidance_id, "act": act, "terminal": terminal, "person": person}
    payload = json.dumps(document).encode()
    topic = f"root/response/{terminal}"
    delivery = Delivery(session="s", topic=topic, payload=payload, message_number=1, redelivered=False, qos=1,
                        generation=1)  # fmt: skip
    bench.commit(understand_response(delivery, bench.origin(topic, payload), moment(bench.now_ns)))


@pytest.mark.parametrize(
    ("kind", "act", "person", "outcome", "state"),
    [
        ("hold", "acknowledge", None, "PERSON_REQUIRED", "proposed"),
        ("hold", "acknowledge", " \t", "PERSON_REQUIRED", "proposed"),
        ("hold", "acknowledge", "op-1", "ACKNOWLEDGED", "acknowledged"),
        ("hold", "approve", "op-1", "SIGNATURE_REQUIRED", "proposed"),
        ("hold", "reject", "op-1", "SIGNATURE_REQUIRED", "proposed"),
        ("setpoint", "reject", None, "TOKEN_REQUIRED", "proposed"),
        ("setpoint", "reject", "op-1", "TOKEN_REQUIRED", "proposed"),
        ("setpoint", "acknowledge", None, "ACKNOWLEDGED", "acknowledged"),
        ("warning", "approve", None, "STAGE_TOO_LOW", "proposed"),
    ],
)
def test_attacks_09_who_must_be_named_for_what(bench, kind, act, person, outcome, state):
    bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 110.0, "unit": "mPa.s", "status": "approved",
                  "material_lot_id": "LOT/1"})  # fmt: skip
    (guidance_id,) = (each["id"] for each in bench.sent("guidance") if each["kind"] == kind)
    answered(bench, guidance_id, act, person)
    assert standing(bench)[kind] == state
    told = bench.sent("outcome")[-1]
    assert (told["outcome"], told["state"], told["response_id"]) == (outcome, state, "r-9")
    assert told["text"].endswith(".")


def test_attacks_09_a_terminal_answers_on_its_own_topic_only():
    document = {"id": "r", "guidance_id": "g", "act": "acknowledge", "terminal": "T/7"}
    payload = json.dumps(document).encode()
    assert response(payload, now_ns=NOW_NS, topic_level="T%2F7").terminal == "T/7"
    with pytest.raises(MessageRefusedError) as refused:
        response(payload, now_ns=NOW_NS, topic_level="T-08")
    assert [reason.code for reason in refused.value.reasons] == ["TERMINAL_DIFFERS"]


def test_attacks_09_the_outcome_goes_to_the_terminal_that_answered(bench):
    answered(bench, suggestion_id(bench), "acknowledge", "op-1", terminal="T 7")
    topics = bench.rows("SELECT topic FROM outbox WHERE topic LIKE '%outcome%'")
    assert topics == [("acme/lyon/polymers/line-1/quality/outcome/T 7",)]
    answered(bench, "nobody", "reject", "op-1")
    assert bench.sent("outcome")[-1]["outcome"] == "UNKNOWN_GUIDANCE"


def test_attacks_09_a_setpoint_with_interlocks_keeps_its_second_check_in_every_lane():
    setpoint = ManipulatedTag(
        tag="temperature_setpoint", unit="degC", validated=(70.0, 90.0), max_step=2.0, resolution=0.1,
        minimum_interval_ns=seconds_to_ns(60), gains={},
    )  # fmt: skip
    found = line(models=(assignment(bundle=bundle(manipulated=(setpoint,))),), tags={"temperature": tag("temperature")})
    acknowledged = json.dumps(to_be_sent(state="acknowledged")).encode()
    assert second_check(acknowledged, found, lambda _tag: None).code == "SETPOINT_UNKNOWN"
