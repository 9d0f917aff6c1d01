"""Questions of terminals: answered to who asked, with what a guest may see, and put on record; no more."""

import asyncio
import json
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.clock import SystemClock
from gateway.contract.answers import LONGEST_MESSAGE, answer_topic, read_question
from gateway.contract.payloads.answer import OUTCOMES
from gateway.contract.publications import ANSWER
from gateway.copilot.answers import Answer, Outcome, Phrased
from gateway.copilot.desk import Desk
from gateway.copilot.ground import Asker
from gateway.copilot.options import CopilotOptions
from gateway.copilot.record import question_answered
from gateway.ingest.event_queue import EventQueue
from gateway.knowledge.options import KnowledgeOptions
from gateway.records.phrasing import Phrasing, PhrasingOutcome
from gateway.records.sight import NOBODYS_CLIENT, Sight, Sights
from gateway.runtime.questions_on_record import QuestionsOnRecord
from gateway.runtime.terminal_questions import TerminalQuestions
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_messages import Delivery
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions
from tests.decisions.test_deviations import Plant

ROOT = "root"
CLOCK = SystemClock()
SAID = Answer(outcome=Outcome.ANSWERED, intent="open_guidance", language="en", text="Nothing is open.")
OF_CARL = Sights(of_terminals={"T-CARL": Sight(clients=frozenset({"Carl"}))})


class FakeSession:
    """What was acknowledged and published."""

    def __init__(self):
        self.acknowledged, self.sent, self.heard = [], [], asyncio.Event()

    def acknowledge(self, delivery):
        self.acknowledged.append(delivery)

    def publish(self, message):
        self.sent.append(message)
        self.heard.set()

    async def until(self, count):
        async with asyncio.timeout(60):
            while len(self.sent) < count:
                self.heard.clear()
                await self.heard.wait()
        return [json.loads(message.payload) for message in self.sent]


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    plant = Plant(tmp_path_factory.mktemp("terminal"))
    plant.line = replace(plant.line, topic_root=ROOT, sights=OF_CARL)
    plant.lot("BAD", 110.0)
    plant.context("lot_started", material_lot_id="LOT-C", client_id="Carl", job_order_id="WO-9", equipment_id="R2")
    with closing(plant.connection):
        yield plant


def event_id(recorded):
    return recorded[0].event_id


def desk_of(recorded, *, commits=True):
    async def on_record(event):
        recorded.append(event)
        return commits

    return Desk(on_record=on_record)


@asynccontextmanager
async def answering(plant, session, recorded, *, desk=None):
    questions = TerminalQuestions(
        plant.directory, lambda: plant.line, knowledge=KnowledgeOptions(), clock=SystemClock(),
        copilot=CopilotOptions(contacts={"line": "4711"}, terminals=True), desk=desk or desk_of(recorded),
    )  # fmt: skip
    questions.session = session
    task = asyncio.create_task(questions.run())
    try:
        yield questions
    finally:
        task.cancel()
        await asyncio.wait({task})


def delivery(payload, terminal="T-07", **properties):
    return Delivery(session="s", topic=f"{ROOT}/ask/{terminal}", payload=payload, message_number=1, redelivered=False,
                    qos=1, generation=1, **properties)  # fmt: skip


async def test_a_question_is_answered_to_the_terminal_and_put_on_record_as_a_guests(plant):
    session, recorded = FakeSession(), []
    async with answering(plant, session, recorded) as questions:
        asked = {"question": "Why is lot BAD on hold?", "id": "q-1", "person": "op"}
        questions.take(delivery(json.dumps(asked).encode(), correlation=b"c-1"))
        (answer,) = await session.until(1)
    assert (answer["schema"], answer["id"], answer["outcome"]) == ("labline.answer/1", event_id(recorded), "answered")
    assert "lot BAD" in [source["record"] for source in answer["sources"]]
    assert (session.sent[0].topic, session.sent[0].correlation) == ("root/answer/T-07", b"c-1")
    assert len(session.acknowledged) == 1
    (event,) = recorded
    assert (answer["cause"], answer["line"], answer["terminal"]) == (event.event_id, plant.line.path, "T-07")
    assert ANSWER.model.model_validate(answer).model_dump(by_alias=True, mode="json") == answer
    assert (event.place, event.who, event.known, event.outcome) == ("T-07", "op", False, "answered")
    assert plant.commit(event) is not None
    assert plant.rows("SELECT subject FROM audit WHERE kind = 'question_answered'") == [("T-07",)]


async def test_an_answer_that_could_not_be_put_on_record_does_not_go_out(plant):
    session, recorded = FakeSession(), []
    async with answering(plant, session, recorded, desk=desk_of(recorded, commits=False)) as questions:
        questions.take(delivery(b"Why is lot BAD on hold?"))
        (answer,) = await session.until(1)
    assert (answer["outcome"], answer["facts"], answer["sources"], answer["cause"]) == ("not_answered", [], [], None)
    assert "put on record" in answer["text"]


async def test_a_phrased_answer_carries_its_label_beside_the_computed_text(plant):
    session, recorded = FakeSession(), []

    async def phrase(answer, on_record):
        (computed,) = await session.until(1)  # it is out before the model is asked
        assert (computed["phrased"], computed["text"]) == (None, answer.text)
        phrasing = Phrasing(model="m-1", prompt_version="p/1", outcome=PhrasingOutcome.SHOWN, prompt="{}", reply="{}")
        assert await on_record(replace(phrasing, outcome=PhrasingOutcome.ASKED))
        return replace(answer, phrased=Phrased(text="Said otherwise.", model="m-1", prompt_version="p/1")), phrasing

    desk = replace(desk_of(recorded), phrase=phrase)
    async with answering(plant, session, recorded, desk=desk) as questions:
        questions.take(delivery(b"Why is lot BAD on hold?"))
        computed, answer = await session.until(2)
    assert computed["id"] == answer["id"]
    assert answer["text"].startswith("Lot BAD is on hold")
    label = "Phrased by the language model m-1; the computed answer counts."
    assert answer["phrased"] == {"label": label, "text": "Said otherwise.", "model": "m-1", "prompt_version": "p/1"}
    outcomes = [item.phrasing.outcome.value for item in recorded[1:]]
    assert outcomes == ["asked", "shown"]


async def test_a_reader_that_fails_ends_nothing_and_who_asked_hears_of_it(plant, monkeypatch):
    session, recorded = FakeSession(), []

    def fails(*_arguments, **_options):
        raise KeyError("odd")

    async with answering(plant, session, recorded) as questions:
        monkeypatch.setattr("gateway.runtime.terminal_questions.answered", fails)
        questions.take(delivery(b"open alarms"))
        (failed,) = await session.until(1)
        monkeypatch.undo()
        questions.take(delivery(b"open alarms"))
        _failed, answer = await session.until(2)
    assert (failed["outcome"], failed["facts"], answer["outcome"]) == ("not_answered", [], "answered")
    assert "log says why" in failed["text"]
    assert [event.outcome for event in recorded] == ["not_answered", "answered"]


async def test_an_answer_that_cannot_be_finished_is_one_that_says_so(plant):
    session = FakeSession()

    async def breaks(_event):
        raise RuntimeError("odd")

    async with answering(plant, session, [], desk=Desk(on_record=breaks)) as questions:
        questions.take(delivery(b"open alarms"))
        (answer,) = await session.until(1)
    assert (answer["outcome"], answer["facts"], answer["cause"]) == ("not_answered", [], None)


def test_what_the_schema_lets_be_null_is_read():
    assert read_question(b'{"question": "open alarms", "id": null, "person": null, "token": null, "proof": null}')


async def test_a_question_that_is_being_committed_as_its_time_ends_is_answered():
    inbox = EventQueue()
    event = question_answered("open alarms", SAID, Asker(name="op", known=False, sight=NOBODYS_CLIENT), CLOCK.now())
    waiting = asyncio.create_task(QuestionsOnRecord(inbox, commit_seconds=0.2).put(event))
    (pending,) = await inbox.take(most=1)
    withdrawn = asyncio.Event()
    inbox.withdraw = lambda _event_id: withdrawn.set()
    await withdrawn.wait()
    pending.committed()
    assert await waiting


async def test_a_question_that_is_not_committed_in_time_is_taken_back():
    inbox = EventQueue()
    event = question_answered("open alarms", SAID, Asker(name="op", known=False, sight=NOBODYS_CLIENT), CLOCK.now())
    assert not await QuestionsOnRecord(inbox, commit_seconds=0.01).put(event)
    assert len(inbox) == 0
    waiting = asyncio.create_task(QuestionsOnRecord(inbox).put(event))
    (pending,) = await inbox.take(most=1)
    assert not waiting.done()
    pending.committed()
    assert await waiting


def test_the_words_for_what_came_of_a_question_are_those_of_the_schema():
    assert set(OUTCOMES) == set(Outcome)


async def test_a_terminal_hears_of_the_clients_that_are_configured_for_it_and_nothing_of_people(plant):
    session, recorded = FakeSession(), []
    async with answering(plant, session, recorded) as questions:
        for number, (terminal, text) in enumerate((("T-07", "status of lot LOT-C"), ("T-CARL", "status of lot LOT-C"),
                                                   ("T-07", "who released BAD"))):  # fmt: skip
            questions.take(delivery(text.encode(), terminal))
            await session.until(number + 1)
        answers = await session.until(3)
    assert [answer["outcome"] for answer in answers] == ["nothing_on_record", "answered", "not_for_you"]


async def test_a_question_for_which_no_room_is_left_is_told_so_too(plant, monkeypatch):
    monkeypatch.setattr("gateway.runtime.terminal_questions._AT_ONCE", 1000)  # it comes slowly enough
    monkeypatch.setattr("gateway.runtime.terminal_questions._MOST_WAITING", 2)
    session, recorded = FakeSession(), []
    async with answering(plant, session, recorded) as questions:
        for _ in range(3):
            questions.take(delivery(b"What is open?"))
        answers = await session.until(3)
    assert [answer["text"].startswith("Too many questions") for answer in answers] == [True, False, False]


async def test_too_many_questions_are_told_so_and_what_is_none_is_dropped(plant):
    session, recorded = FakeSession(), []
    async with answering(plant, session, recorded) as questions:
        for payload in (b"", b"\xff\xfe", b"{}", b'{"question": 3}', b"x" * (LONGEST_MESSAGE + 1), b"[1]"):
            questions.take(delivery(payload))
        for _ in range(40):
            questions.take(delivery(b"open alarms"))
        answers = await session.until(40)
    assert len(session.acknowledged) == 46
    refused = [answer for answer in answers if "Too many questions" in answer["text"]]
    assert 20 <= len(refused) < 40
    assert len(recorded) == 40 - len(refused)


@pytest.mark.parametrize(
    ("asked_for", "topic"),
    [
        (None, "root/answer/T-07"),
        ("root/answer/T-07/q-1", "root/answer/T-07/q-1"),
        ("root/disposition/LOT-1", "root/answer/T-07"),
        ("root/answer/T-08/q", "root/answer/T-07"),
        ("root/answer/T-07/#", "root/answer/T-07"),
        ("root/answer/T-07", "root/answer/T-07"),
        ("root/answer/T-07x", "root/answer/T-07"),
        ("plc/command", "root/answer/T-07"),
    ],
)
def test_the_gateway_publishes_an_answer_nowhere_but_below_the_terminals_own_topic(asked_for, topic):
    assert answer_topic(ROOT, "T-07", asked_for) == topic


async def test_an_answer_comes_to_the_response_topic_with_its_correlation_over_a_broker(plant, broker):
    recorded, heard, loop = [], asyncio.Queue(), asyncio.get_running_loop()
    terminal = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="terminal", protocol=paho.MQTTv5)
    terminal.on_message = lambda _client, _data, message: loop.call_soon_threadsafe(heard.put_nowait, message)
    async with answering(plant, None, recorded) as questions:
        session = questions.session = MqttSession(
            SessionOptions(address=BrokerAddress(host="127.0.0.1", port=broker.port, version_5=True), client_id="gw",
                           subscriptions=(f"{ROOT}/ask/+",), on_delivery=questions.take),
            clock=SystemClock(),
        )  # fmt: skip
        task = asyncio.create_task(session.run())
        try:
            async with asyncio.timeout(90):
                await session.wait_connected()
                await asyncio.to_thread(terminal.connect, "127.0.0.1", broker.port)
                terminal.subscribe(f"{ROOT}/answer/T-07/#", qos=1)
                terminal.loop_start()
                properties = Properties(PacketTypes.PUBLISH)
                properties.ResponseTopic, properties.CorrelationData = f"{ROOT}/answer/T-07/q-9", b"\x00\x01"
                terminal.publish(f"{ROOT}/ask/T-07", b"Warum ist Charge BAD gesperrt?", qos=1, properties=properties)
                message = await heard.get()
        finally:
            terminal.loop_stop()
            task.cancel()
            await asyncio.wait({task})
    assert (message.topic, message.properties.CorrelationData) == (f"{ROOT}/answer/T-07/q-9", b"\x00\x01")
    assert json.loads(message.payload)["text"].startswith("Charge BAD ist gesperrt")
