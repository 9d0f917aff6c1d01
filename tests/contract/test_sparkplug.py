"""Sparkplug's contract by itself: numbers, states of hosts, commands, what is reported."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.sparkplug.host_state import HostState, StateMessage, state_message
from gateway.contract.sparkplug.metrics import catalogue_of
from gateway.contract.sparkplug.payload import LONGEST_COMMAND_BYTES, asks_for_rebirth
from gateway.contract.sparkplug.topics import device_of
from gateway.publish.sparkplug.session import Session, Told
from tests.fixtures.building import line
from tests.fixtures.sparkplug import NODE, command, decoded

SUBJECT = "prediction/viscosity"


def session(**changes):
    usual = {"node": NODE, "catalogue": catalogue_of(line()), "bd_seq": 7, "largest_bytes": 100_000}
    born = Session(**(usual | changes))
    born.node_birth((), upto=0, at_ms=1)
    born.device_birth("R1", (), upto=0, at_ms=1)
    return born


def report(seq, **values):
    given_values = {"viscosity/Predicted": float(seq), "viscosity/Verdict": "accepted", **values}
    return Told(seq=seq, device="R1", subject=SUBJECT, at_ms=1000 * seq, values=given_values, stale=False)


def test_sequence_numbers_go_on_to_255_and_begin_again_at_zero():
    born = session()
    numbers = [decoded(message.payload)["seq"] for at in range(1, 600) for message in born.data([report(at)], at_ms=at)]
    assert numbers == [(at + 1) % 256 for at in range(1, 600)]


def test_what_is_larger_than_the_broker_takes_goes_in_several_messages_with_numbers_of_their_own():
    born = session(largest_bytes=400)
    sent = born.data([report(at, **{"viscosity/Reasons": "x" * 50}) for at in range(1, 40)], at_ms=1)
    assert len(sent) > 3
    assert all(len(message.payload) <= 400 for message in sent)
    documents = [decoded(message.payload) for message in sent]
    assert [document["seq"] for document in documents] == [2 + at for at in range(len(sent))]
    times = [metric["timestamp"] for document in documents for metric in document["metrics"]]
    assert times == sorted(times)


def test_values_of_what_is_not_born_or_not_known_are_not_sent():
    born = session()
    born.device_death("R1", at_ms=1)
    assert born.data([report(1)], at_ms=1) == []
    born = session()
    unknown = Told(
        seq=1, device="R1", subject="prediction/other", at_ms=1, values={"other/Predicted": 1.0}, stale=False
    )
    assert born.data([unknown], at_ms=1) == []


def test_the_same_word_of_another_lot_is_told_whole():
    born = session()

    def disposition(seq, lot):
        values = {"Disposition/Lot": lot, "Disposition/Recommendation": "release", "Disposition/Provisional": False}
        return Told(seq=seq, device="", subject="disposition", at_ms=seq, values=values, stale=False)

    (first,) = born.data([disposition(1, "A")], at_ms=1)
    (second,) = born.data([disposition(2, "B")], at_ms=2)
    told = [decoded(message.payload)["metrics"] for message in (first, second)]
    assert [len(metrics) for metrics in told] == [5, 5]
    assert {metric["timestamp"] for metric in told[1]} == {2}
    assert born.data([disposition(3, "B")], at_ms=3) == []


@given(st.binary(max_size=300))
def test_no_bytes_of_a_command_are_more_than_no_request(payload):
    assert asks_for_rebirth(payload) in {True, False}


@given(st.integers(0, len(command())), st.integers(0, 255))
def test_a_request_that_was_damaged_on_the_way_is_no_trouble(at, byte):
    whole = bytearray(command())
    if at < len(whole):
        whole[at] = byte
    assert asks_for_rebirth(bytes(whole)) in {True, False}
    assert asks_for_rebirth(bytes(whole[:at])) in {True, False}


def test_only_a_true_rebirth_asks_for_one():
    assert asks_for_rebirth(command())
    assert asks_for_rebirth(command("Other") + command()[2:])
    assert not asks_for_rebirth(command(true=False))
    assert not asks_for_rebirth(command("node control/rebirth"))
    assert not asks_for_rebirth(command("Node Control/Reboot"))
    assert not asks_for_rebirth(command() + bytes(LONGEST_COMMAND_BYTES))


@given(
    st.binary(max_size=200)
    | st.fixed_dictionaries({"online": st.booleans() | st.integers(), "timestamp": st.floats() | st.integers()}).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_no_bytes_of_a_state_are_more_than_not_understood(payload):
    message = state_message(payload)
    assert message is None or message.timestamp >= 0


@pytest.mark.parametrize("wrong", [
    b"OFFLINE", b"{}", b'{"online": 1, "timestamp": 5}', b'{"online": true, "timestamp": true}',
    b'{"online": true, "timestamp": "5"}', b'{"online": true, "timestamp": -1}', b'{"online": true, "timestamp": NaN}',
    b'{"online": true, "timestamp": 1e300}', b"\xff", b'{"online": true, "timestamp": 5, "x": "' + b"x" * 5000 + b'"}',
])  # fmt: skip
def test_a_state_without_its_two_keys_in_their_types_is_none(wrong):
    assert state_message(wrong) is None


def test_a_host_is_as_its_newest_message_says_and_a_death_of_an_earlier_session_counts_for_nothing():
    def after(*messages):
        state = HostState()
        for online, timestamp in messages:
            state = state.after(StateMessage(online=online, timestamp=timestamp))
        return state.online

    assert after() is None
    assert after((True, 5)) is True
    assert after((False, 5)) is False
    assert after((True, 5), (False, 4)) is True
    assert after((True, 5), (False, 5)) is False
    assert after((True, 5), (False, 7), (True, 6)) is False
    assert after((True, 5), (False, 7), (True, 7)) is True
    assert state_message(b'{"online": true, "timestamp": 1752300000000}') == StateMessage(
        online=True, timestamp=1752300000000
    )


@pytest.mark.parametrize("equipment_id", ["R1", "R/1", "R+1", "R#", "Mühle 3", "a b"])
def test_a_device_id_has_no_character_that_a_topic_may_not_have(equipment_id):
    assert not set(device_of(equipment_id)) & set("+/#")
