"""Access tokens: asked for once, renewed before they end and after a refusal, and shown to nobody."""

import asyncio

import pytest

from gateway.transport.access_tokens import AccessTokens
from gateway.transport.attempts import NotTakenNowError
from gateway.transport.http_requests import Endpoint, HttpAnswer, shown_answer
from simulator.rest_systems import TOKEN_PATH, RestSystem, serving
from tests.fixtures.building import new_state
from tests.fixtures.sinks import delivery, told

CLIENT = ("client-1", "secret-0123456789")


def tokens(port, *, monotonic=lambda: 0.0, client=CLIENT):
    endpoint = Endpoint(scheme="http", host="127.0.0.1", port=port, base=TOKEN_PATH, timeout_seconds=5.0)
    return AccessTokens(endpoint, client_id=client[0], client_secret=client[1], scope="log", monotonic=monotonic)


async def test_deliveries_share_a_token_until_it_is_refused_or_ends(tmp_path):
    new_state(tmp_path).close()
    now = [0.0]
    async with serving(RestSystem(token_client=CLIENT)) as system:
        given = tokens(system.port, monotonic=lambda: now[0])
        async with told(tmp_path, system.port, tokens=given) as line:
            await line.put(delivery(1, "L-1"), delivery(2, "L-2"))
            await line.after()
            assert (len(system.effects), len(system.tokens)) == (2, 1)
            system.tokens.clear()  # the system has forgotten it
            await line.put(delivery(3, "L-3"))
            await line.until_sent()
            assert (len(system.effects), len(system.tokens)) == (3, 1)
            now[0] += 3600.0 - 59.0  # about to end
            await line.put(delivery(4, "L-4"))
            await line.until_sent()
            assert (len(system.effects), len(system.tokens)) == (4, 2)
            assert set(system.tokens).isdisjoint(repr(line.target).split("'"))
            shown = shown_answer(HttpAnswer(status=400, body=given.secret.encode()), line.target.endpoint.all_secrets)
    assert shown == "answered 400: (its text is left out)"
    assert b"grant_type=client_credentials&scope=log" in [call.body for call in system.calls]


async def test_without_a_token_nothing_is_sent_and_the_delivery_waits(tmp_path):
    new_state(tmp_path).close()
    async with (
        serving(RestSystem(token_client=CLIENT)) as system,
        told(tmp_path, system.port, tokens=tokens(system.port, client=("client-1", "wrong"))) as line,
    ):
        await line.put(delivery(1))
        await line.after()
        assert await line.rows("state, answer") == [("waiting", "no access token: answered 401")]
    assert {call.path for call in system.calls} == {TOKEN_PATH}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"access_token": 1}', b'{"access_token": "a\\r\\nX: y"}', b"{" * 5000])
async def test_an_answer_without_a_token_is_none(body):
    system = RestSystem(refuses=lambda _call: 200, refusal=body)
    async with serving(system):
        with pytest.raises(NotTakenNowError, match="no access token"):
            await asyncio.to_thread(tokens(system.port).present)
