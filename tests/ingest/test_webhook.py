"""Results over HTTP: answered once committed, and not before; nothing without the token and the signature."""

import asyncio
import hashlib
import hmac
import http.client
import json
import socket
from contextlib import closing
from functools import partial

import pytest

from gateway.config.connections import webhook_options
from gateway.config.reading import read
from gateway.contract.lims.lab_results import LimsInterface
from gateway.contract.lims.mapping import mapping_named
from gateway.errors import ConfigurationError
from gateway.ingest.event_queue import Urgency
from gateway.ingest.lims import understand_results
from gateway.ingest.messages import Intake
from gateway.ingest.webhook import MOST_WAITING, TOPIC, WebhookIntake
from gateway.records.laboratory import ResultStatus
from gateway.transport import http_server
from gateway.transport.http import LONGEST_BODY_BYTES, PATH, Webhook, WebhookOptions
from simulator.broker import free_port
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.building import NOW_NS, moment
from tests.runtime.test_process_loop import loop, running  # noqa: F401 - the fixture

TOKEN, SECRET = "a-token-that-is-long-enough", "a-secret-that-is-long-enough"
RESULT = {"sample_id": "S-1", "test_name": "pH", "result": 7.1, "spec_min": 6.5, "spec_max": 7.5, "result_version": 1}


@pytest.fixture
async def served(loop):  # noqa: F811
    """A webhook before the process loop; the port, and what runs."""
    mapping = mapping_named("canonical")
    understand = understand_results(
        LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED, mapping=mapping)
    )
    intake = Intake(inbox=loop.inbox, urgency=Urgency.INBOUND, routes={TOPIC: understand},
                    now=partial(moment, NOW_NS), splits={TOPIC: mapping.parts})  # fmt: skip
    options = WebhookOptions(host="127.0.0.1", port=free_port(), token=TOKEN, hmac_secret=SECRET)
    task = asyncio.create_task(Webhook(options, take=WebhookIntake(intake).take).run())
    async with asyncio.timeout(90):
        while not await _listens(options.port):
            await asyncio.sleep(0.01)
    yield options.port
    task.cancel()
    await asyncio.wait({task})


async def _listens(port):
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def post(port, body, *, token=TOKEN, signature=None, path=PATH, method="POST"):
    """Return the answer's code and document."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = signature or hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()

    def ask():
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=90)) as connection:
            connection.request(
                method, path, payload, {"Authorization": f"Bearer {token}", "X-Labline-Signature": f"sha256={told}"}
            )
            answer = connection.getresponse()
            code, content = answer.status, answer.read()
        return code, json.loads(content) if content.startswith(b"{") else {}

    return await asyncio.to_thread(ask)


async def test_connections_that_ask_nothing_are_ended_and_keep_nobody_out(served, loop, monkeypatch):  # noqa: F811
    monkeypatch.setattr(http_server, "_REQUEST_SECONDS", 0.1)
    idle, slow = [await asyncio.open_connection("127.0.0.1", served) for _ in range(2)]
    slow[1].write(b"POST /lims/results HTTP/1.1\r\nHost: x\r\n")  # and the rest never comes
    async with asyncio.timeout(90):
        assert (await idle[0].read(), await slow[0].read()) == (b"", b"")
    monkeypatch.undo()
    async with running(loop):
        assert (await post(served, RESULT))[0] == 200
    for _reader, writer in (idle, slow):
        writer.close()


async def test_who_never_reads_answers_is_cut_off_and_keeps_nobody_out(served, loop, monkeypatch):  # noqa: F811
    monkeypatch.setattr(http_server, "_REQUEST_SECONDS", 0.2)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(30)
        deaf.connect(("127.0.0.1", served))
        with pytest.raises(ConnectionError):  # reset: not closed, which would wait until all is read
            await asyncio.to_thread(_ask_for_ever, deaf)
    monkeypatch.undo()
    async with running(loop):
        assert (await post(served, RESULT))[0] == 200


def _ask_for_ever(deaf):
    while True:
        deaf.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)


async def test_a_result_is_answered_when_it_is_committed_and_not_before(served, loop):  # noqa: F811
    posting = asyncio.create_task(post(served, RESULT))
    async with asyncio.timeout(90):
        while not len(loop.inbox):
            await asyncio.sleep(0.005)
    assert not posting.done()  # nobody decides yet
    async with running(loop):
        assert await posting == (200, {"status": "committed"})
        assert await loop.rows("SELECT sample_id FROM lab_result") == [("S-1",)]
        assert (await post(served, RESULT))[0] == 200  # posted again: nothing changes
        assert await loop.rows("SELECT count(*) FROM disposition") == [(1,)]


async def test_what_is_not_understood_is_told_and_kept_as_a_dead_letter(served, loop):  # noqa: F811
    async with running(loop):
        code, answer = await post(served, {**RESULT, "result": "1,234"})
        assert (code, answer["status"]) == (422, "refused")
        assert "neither a number nor a limit" in answer["why"][0]
        assert (await post(served, b"nonsense"))[0] == 422
        assert ("http/lims/results",) in await loop.rows("SELECT topic FROM dead_letter")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, 401),
        ({"token": ""}, 401),
        ({"signature": "00"}, 401),
        ({"path": "/"}, 404),
        ({"method": "GET"}, 405),
    ],
)
async def test_who_has_no_token_or_signs_wrongly_changes_nothing(served, loop, changes, code):  # noqa: F811
    async with running(loop):
        assert (await post(served, RESULT, **changes))[0] == code
        assert await loop.rows("SELECT count(*) FROM event") == [(0,)]


async def test_a_body_that_is_too_long_is_not_taken(served, loop):  # noqa: F811
    async with running(loop):
        try:
            code, _answer = await post(served, b"x" * (LONGEST_BODY_BYTES + 1))
        except OSError:  # the answer came before all was sent
            code = 413
        assert code == 413
        assert await loop.rows("SELECT count(*) FROM event") == [(0,)]


async def test_what_is_posted_again_while_it_waits_joins_it_and_more_than_a_few_wait_outside(loop):  # noqa: F811
    mapping = mapping_named("canonical")
    understand = understand_results(
        LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED, mapping=mapping)
    )
    intake = Intake(inbox=loop.inbox, urgency=Urgency.INBOUND, routes={TOPIC: understand},
                    now=partial(moment, NOW_NS), splits={TOPIC: mapping.parts})  # fmt: skip
    webhook = WebhookIntake(intake)
    bodies = [json.dumps({**RESULT, "sample_id": f"S-{at}"}).encode() for at in range(MOST_WAITING)]
    posted = [asyncio.create_task(webhook.take(body)) for body in bodies * 3]
    while len(loop.inbox) < MOST_WAITING:
        await asyncio.sleep(0)
    assert await webhook.take(json.dumps({**RESULT, "sample_id": "one too many"}).encode()) is None
    async with running(loop), asyncio.timeout(90):
        assert await asyncio.gather(*posted) == [[]] * len(posted)
    assert await loop.rows("SELECT count(*) FROM event") == [(MOST_WAITING,)]


async def test_a_port_that_is_taken_is_told_and_the_gateway_goes_on():
    port, told = free_port(), []
    async with await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", port):
        options = WebhookOptions(host="127.0.0.1", port=port, token=TOKEN)
        webhook = Webhook(
            options, take=lambda _body: asyncio.sleep(0, []), on_condition=lambda *each: told.append(each)
        )
        task = asyncio.create_task(webhook.run())
        async with asyncio.timeout(90):
            while not told:
                await asyncio.sleep(0.01)
        assert not task.done()
        assert told == [("WEBHOOK_UNAVAILABLE", True)]
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize(
    ("text", "token", "key"),
    [
        ("port = 8787", None, "webhook.port"),
        ('port = 8787\nhost = "0.0.0.0"', TOKEN, "webhook.host"),
        ('port = 8787\ncertificate = "c.pem"', TOKEN, "webhook.certificate"),
    ],
)
def test_a_webhook_that_would_be_open_to_all_is_refused(tmp_path, monkeypatch, text, token, key):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    if token:
        (tmp_path / "lims_webhook_token").write_text(token)
    settings, _ = read(written(tmp_path, f"{MINIMAL}[webhook]\n{text}\n"))
    with pytest.raises(ConfigurationError) as told:
        webhook_options(settings)
    assert [problem.key for problem in told.value.problems] == [key]
