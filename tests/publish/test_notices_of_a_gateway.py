"""A running gateway tells people outside the plant: a real mail server and a real webhook, a kill in between."""

import asyncio
import email
import email.policy
import json
import time
from contextlib import AsyncExitStack

import pytest

from gateway.contract.times import rfc3339
from simulator.bench.load import bare_configuration, kill
from simulator.broker import free_port
from simulator.gateway_process import TOPIC_ROOT
from simulator.mqtt import Participant
from tests.fixtures.mail_server import mail_server, web_hook
from tests.fixtures.real_parts import Line

WITHIN_SECONDS = 30.0
LOT = {"sample_id": "S-1", "test_id": "pH", "unit": "pH", "material_lot_id": "LOT-1",
       "material_definition_id": "FG-100"}  # fmt: skip


@pytest.fixture
async def line(tmp_path, broker):
    """A line without plant and models, and the ends that talk to it; tests start the gateway."""
    line = Line(tmp_path, broker, None)
    async with (
        Participant("watcher", port=broker.port, version_5=True, subscriptions=(f"{TOPIC_ROOT}/#",),
                    on_message=line.received),
        Participant("sender", port=broker.port, version_5=True) as sender,
    ):  # fmt: skip
        line.sender = sender
        yield line


def configuration(line, *, mail_port, hook):
    return f"""{bare_configuration(line.folder, line.broker)}
[notify.shift]
kind = "email"
to = ["shift@acme.example"]
host = "127.0.0.1"
port = {mail_port}
security = "none"

[notify.hook]
kind = "webhook"
url = "{hook}"
"""


async def until(condition):
    async with asyncio.timeout(WITHIN_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


def mailed(box):
    """What the mail server has taken: the id of each mail, and whether it tells of an end."""
    mails = [email.message_from_string(mail, policy=email.policy.default) for mail in box.mails]
    return [(mail["Message-ID"], "] over: " in mail["Subject"]) for mail in mails]


def hooked(posted):
    return [(document["alarm"], document["active"]) for document in (json.loads(body) for _head, body in posted)]


async def test_mail_and_webhook_hear_of_an_alarm_and_of_its_end_though_one_was_down_and_the_gateway_killed(line):
    hook_port = free_port()
    async with AsyncExitStack() as later, mail_server() as box:
        hook = f"http://127.0.0.1:{hook_port}/hook/secret-path"
        line.write_configuration(configuration(line, mail_port=box.port, hook=hook))
        async with line.gateway() as gateway:
            await line.result(**LOT, value=9.8)
            await until(lambda: box.mails)  # the webhook is down meanwhile
            await kill(gateway)
        _hook, posted = await later.enter_async_context(web_hook(port=hook_port))
        async with line.gateway():
            await until(lambda: posted)
            closed = {"event": "lot_closed", "material_lot_id": "LOT-1", "at": rfc3339(time.time_ns())}
            await line.publish("mes/context/R1", closed)
            await until(lambda: len(posted) > 1 and mailed(box)[-1][1])
        secret = (line.folder / "gateway.log").read_text()
    (alarm, begun), (ended, stands) = hooked(posted)
    assert (begun, stands) == (True, False)
    assert alarm == ended
    raised = [identity for identity, over in mailed(box) if not over]
    assert 1 <= len(raised) <= 2  # a kill between sending and its receipt repeats it once, with the same id
    assert len(set(raised)) == 1
    assert [over for _identity, over in mailed(box)][-1:] == [True]
    assert sum(over for _identity, over in mailed(box)) == 1
    assert "secret-path" not in secret
