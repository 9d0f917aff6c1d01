"""Deliveries into the inbox: each message once, whatever is in it, however often the broker sends it again."""

from dataclasses import replace
from types import SimpleNamespace

from gateway.contract.refusals import MessageRefusedError, Refusal, refusal
from gateway.events import HeadWitnessed, MessageRefused
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.messages import Intake
from gateway.ingest.responses import AT_ONCE, PER_SECOND, AnswersFirst, understand_response
from gateway.records.outgoing import Head
from gateway.time_units import SECOND_NS
from gateway.transport.mqtt_messages import Delivery
from tests.fixtures.building import NOW_NS, moment


class Session:
    def __init__(self):
        self.acknowledged = []
        self.paused = 0

    def acknowledge(self, delivery):
        self.acknowledged.append((delivery.generation, delivery.message_number))
        return True

    def pause(self):
        self.paused += 1

    def resume(self):
        self.paused -= 1


def delivery(number, payload=b"{}", *, generation=1, redelivered=False):
    return Delivery(
        session="in", topic="lims/results/qc", payload=payload, message_number=number,
        redelivered=redelivered, qos=1, generation=generation,
    )  # fmt: skip


def refuse(_delivery, _origin, _at):
    raise MessageRefusedError((refusal(Refusal.MISSING, "there is nothing in it"),))


def stumble(_delivery, _origin, _at):
    raise RecursionError("far too deep")


def intake(understand=refuse):
    inbox, session = EventQueue(), Session()
    taking = Intake(inbox=inbox, urgency=Urgency.INBOUND, routes={"lims/#": understand}, now=lambda: moment(1))
    taking.session = session
    return taking, inbox, session


async def test_a_message_sent_again_at_every_connection_waits_once_and_its_newest_delivery_is_acknowledged():
    taking, inbox, session = intake()
    for generation in range(1, 50):
        for number in (1, 2, 3):
            taking.take(delivery(number, generation=generation, redelivered=generation > 1))
    waiting = await inbox.take(most=100)
    assert len(waiting) == 3
    for pending in waiting:
        pending.committed()
    assert session.acknowledged == [(49, 1), (49, 2), (49, 3)]


async def test_a_retained_head_that_comes_twice_on_each_connection_is_one_event_and_leaves_nothing_in_flight():
    def witness(_delivery, _origin, at):
        return HeadWitnessed(event_id="h", at=at, head=Head(seq=1, hash="ab"))

    taking, inbox, session = intake(witness)
    taking.take(delivery(1))
    for generation in (2, 3):
        taking.take(delivery(1, generation=generation, redelivered=True))
        taking.take(delivery(10 + generation, generation=generation))
    (pending,) = await inbox.take(most=10)
    pending.committed()
    assert session.acknowledged == [(3, 1), (3, 13)]


async def test_two_messages_of_the_same_words_are_two():
    taking, inbox, _session = intake()
    taking.take(delivery(1))
    taking.take(delivery(2))
    taking.take(delivery(1, b"other", redelivered=True))  # a number that was used again
    assert len(await inbox.take(most=100)) == 3


async def test_what_comes_again_after_it_was_committed_is_an_event_of_its_own():
    taking, inbox, session = intake()
    taking.take(delivery(1))
    (first,) = await inbox.take(most=10)
    first.committed()
    taking.take(delivery(1, generation=2, redelivered=True))  # the acknowledgement did not arrive
    (again,) = await inbox.take(most=10)
    again.committed()
    assert session.acknowledged == [(1, 1), (2, 1)]


async def test_a_message_that_breaks_its_reader_becomes_a_dead_letter_and_the_next_one_comes_in():
    taking, inbox, _session = intake(stumble)
    taking.take(delivery(1))
    taking.take(delivery(2))
    events = [pending.event for pending in await inbox.take(most=10)]
    assert [type(event) for event in events] == [MessageRefused, MessageRefused]
    assert events[0].reasons[0].code == "DECISION_FAILED"


async def test_a_session_is_paused_at_a_thousand_that_wait_and_resumed_at_half():
    taking, inbox, session = intake()
    for number in range(1, 1001):
        taking.take(delivery(number))
    assert session.paused == 1
    for pending in await inbox.take(most=499):
        pending.committed()
    assert session.paused == 1
    for pending in await inbox.take(most=1):
        pending.committed()
    assert session.paused == 0


async def test_a_flood_of_responses_keeps_no_result_waiting_and_people_are_still_answered_at_once():
    inbox, clock = EventQueue(), {"ns": NOW_NS}
    taking = Intake(inbox=inbox, urgency=Urgency.STOP_AND_RESPONSES, routes={"root/response/+": understand_response},
                    now=lambda: moment(clock["ns"]), goes_first=AnswersFirst())  # fmt: skip
    taking.session = Session()
    for number in range(1, 501):
        clock["ns"] += SECOND_NS // 1000
        taking.take(Delivery(session="main", topic="root/response/T", payload=b"garbage %d" % number, qos=1,
                             message_number=number, redelivered=False, generation=1))  # fmt: skip
    results, _inbox, _session = intake()
    results._inbox = inbox
    results.take(delivery(1))
    before, topics = 0, []
    while "lims/results/qc" not in topics:
        before += len(topics)
        topics = [pending.event.origin.topic for pending in await inbox.take(most=20)]
    assert before <= AT_ONCE + PER_SECOND
    assert len(inbox) > 400
    clock["ns"] += SECOND_NS
    taking.take(Delivery(session="main", topic="root/response/T", payload=b"answer", qos=1, message_number=501,
                         redelivered=False, generation=1))  # fmt: skip
    assert [pending.event.payload for pending in await inbox.take(most=20)] == [b"answer"]


def test_traces_hear_once_of_what_comes_by_a_broker_and_of_what_is_posted():
    heard = []
    traces = SimpleNamespace(arrived=lambda event, traceparent: heard.append((event.kind, traceparent)))
    taking = Intake(inbox=EventQueue(), urgency=Urgency.INBOUND, routes={"lims/#": refuse}, now=lambda: moment(1),
                    traces=traces)  # fmt: skip
    taking.session = Session()
    for generation in (1, 2):
        taking.take(replace(delivery(1, generation=generation, redelivered=generation > 1), traceparent="00-a-b-01"))
    taking.offer("lims/webhook", b"{}", session="webhook", committed=lambda: None)
    assert heard == [("MessageRefused", "00-a-b-01"), ("MessageRefused", None)]
