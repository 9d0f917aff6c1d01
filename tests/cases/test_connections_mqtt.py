"""Cases of connections.md about MQTT: what a broker and its users may do, at the door where messages come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.lims.lab_results import LimsInterface
from gateway.contract.refusals import Refusal
from gateway.contract.topics import matches, unshared
from gateway.events import ContextChanged, MessageRefused, ResultArrived
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.lims import understand_results
from gateway.ingest.mes import understand_context
from gateway.ingest.messages import Intake
from gateway.records.laboratory import ResultStatus
from gateway.transport.mqtt_messages import Delivery
from tests.config.test_settings import MINIMAL, problems, written
from tests.fixtures.building import NOW_NS, moment
from tests.ingest.test_intake import Session

RESULT = b'{"sample_id":"S-1","test_name":"pH","result":7.1,"spec_min":6.5,"spec_max":7.5}'
LOT = b'{"event":"lot_started","at":"2027-01-15T07:59:00Z","material_lot_id":"LOT-1","equipment_id":"R1"}'


class Door:
    """An intake with a laboratory and a MES, and what came of each message."""

    def __init__(self, **filters):
        lims, mes = filters.get("lims", "lims/results/#"), filters.get("mes", "mes/context/#")
        results = understand_results(LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED))
        self.inbox, self.session = EventQueue(), Session()
        self.intake = Intake(inbox=self.inbox, urgency=Urgency.INBOUND, now=lambda: moment(NOW_NS),
                             routes={lims: results, mes: understand_context})  # fmt: skip
        self.intake.session = self.session

    async def event_of(self, topic, payload, number=1):
        """Return the event that a message becomes."""
        self.intake.take(
            Delivery(
                session="in",
                topic=topic,
                payload=payload,
                message_number=number,
                redelivered=False,
                qos=1,
                generation=1,
            )
        )
        (pending,) = await self.inbox.take(most=10)
        return pending.event


# --- 13: shared subscriptions


@pytest.mark.parametrize("shared", ["$share/labline/mes/context/#", "$share/a b/mes/context/+"])
async def test_connections_13_context_of_a_shared_subscription_is_read_as_context(shared):
    door = Door(mes=shared)
    assert isinstance(await door.event_of("mes/context/line-1", LOT), ContextChanged)
    assert isinstance(await door.event_of("lims/results/qc", RESULT, 2), ResultArrived)


async def test_connections_13_a_message_that_no_route_takes_is_never_read_as_another_kind():
    event = await Door().event_of("somewhere/else", RESULT)
    assert isinstance(event, MessageRefused)
    (reason,) = event.reasons
    assert reason.code == Refusal.NO_ROUTE
    assert "earlier configuration" in reason.text
    assert "somewhere/else" in reason.text
    assert event.payload == RESULT  # kept


@pytest.mark.parametrize(
    ("lims", "mes", "key"),
    [
        ("$share/g", "mes/#", "lims.topic"),
        ("$share//lims/#", "mes/#", "lims.topic"),
        ("$share/g+/lims/#", "mes/#", "lims.topic"),
        ("$share/g/lims#", "mes/#", "lims.topic"),
        ("$share/g/#", "mes/#", "lims.topic"),  # takes what the gateway publishes
        ("$share/g/a/#", "$share/h/a/#", "mes.topic"),  # the same messages twice
    ],
)
def test_connections_13_a_shared_filter_is_checked_like_any_other(tmp_path, lims, mes, key):
    text = f'{MINIMAL}[lims]\ntopic = "{lims}"\n[mes]\ntopic = "{mes}"\n'
    assert key in problems(written(tmp_path, text))


LEVEL = st.text("ab$+", min_size=0, max_size=3)


@given(st.lists(LEVEL, min_size=1, max_size=4), st.lists(LEVEL, min_size=1, max_size=4), st.booleans())
def test_connections_13_a_shared_filter_takes_exactly_what_its_own_filter_takes(levels, topic, many):
    plain = "/".join([*levels, "#"] if many else levels)
    name = "/".join(topic)
    if not plain.startswith("$share/"):
        assert unshared(f"$share/group/{plain}") == plain
        assert matches(f"$share/group/{plain}", name) == matches(plain, name)


def test_connections_13_a_wildcard_at_the_beginning_takes_no_topic_of_the_broker_itself():
    assert not matches("#", "$SYS/broker/uptime")
    assert matches("$SYS/#", "$SYS/broker/uptime")


# --- 17: an empty payload clears a retained message


@pytest.mark.parametrize("topic", ["lims/results/qc", "mes/context/line-1", "somewhere/else"])
async def test_connections_17_an_empty_payload_is_acknowledged_and_is_no_dead_letter(topic):
    door = Door()
    door.intake.take(
        Delivery(session="in", topic=topic, payload=b"", message_number=7, redelivered=False, qos=1, generation=1)
    )
    assert door.session.acknowledged == [(1, 7)]
    assert len(door.inbox) == 0
    assert isinstance(await door.event_of("lims/results/qc", RESULT), ResultArrived)
