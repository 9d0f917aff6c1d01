"""i3X: who may read, what is refused, and that no request does harm."""

import asyncio
import json

import pytest

from gateway.config.credentials import known_credentials
from gateway.config.interfaces import i3x_tokens
from gateway.config.reading import read
from gateway.errors import ConfigurationError
from gateway.interfaces.i3x import subscriptions
from gateway.interfaces.i3x.answers import NotAnsweredError
from gateway.interfaces.i3x.subscriptions import DROPPED, LIFE_SECONDS, MOST_OF_CLIENT, Subscriptions
from gateway.time_units import SECOND_NS
from tests.console.test_turning_it_on import BASE
from tests.fixtures.console import Browser
from tests.fixtures.i3x import CLIENT, TOKEN, i3x_served


@pytest.fixture(scope="module")
def i3x(tmp_path_factory):
    with i3x_served(tmp_path_factory.mktemp("store")) as served:
        yield served


def refused(i3x, status, method, path, body=b"{}", **headers):
    """Whether a request is refused with a status, in the envelope."""
    got, sent, answer = i3x.raw(method, path, body, headers=headers)
    document = json.loads(answer)
    assert (got, document["success"], document["responseDetail"]["status"]) == (status, False, status), document
    assert document["responseDetail"]["detail"]
    return sent


@pytest.mark.parametrize(("status", "body"), [
    (400, b""), (400, b"{"), (400, b"[]"), (400, b"null"), (400, b'{"elementIds": []}'), (400, b'{"elementIds": "a"}'),
    (400, b'{"elementIds": [1]}'), (400, b'{"elementIds": ["a"], "maxDepth": -1}'),
    (400, b'{"elementIds": ["a"], "maxDepth": true}'), (400, b'{"elementIds": ["a"], "maxDepth": 1e999}'),
    (400, b'{"elementIds": ["a"], "maxDepth": 99999999999999999999}'), (400, b'{"elementIds": ["\xff"]}'),
    (400, b"[" * 50_000), (400, json.dumps({"elementIds": ["a"] * 1001}).encode()),
    (400, json.dumps({"elementIds": ["a" * 1025]}).encode()), (413, b'{"elementIds": ["' + b"a" * 10_000_000 + b'"]}'),
], ids=range(16))  # fmt: skip
def test_a_body_that_is_not_understood_or_too_long_is_refused(i3x, status, body):
    refused(i3x, status, "POST", "objects/value", body)


def test_a_body_must_be_json(i3x):
    refused(i3x, 415, "POST", "objects/value", b"<a/>", **{"content-type": "text/xml"})


@pytest.mark.parametrize(("status", "method", "path"), [
    (404, "GET", "nothing"), (404, "GET", ""), (404, "GET", "objects/value/more"), (405, "DELETE", "objects"),
    (405, "GET", "objects/value"), (405, "POST", "info"), (400, "GET", "objects?root=perhaps"),
    (400, "GET", "objecttypes?namespaceUri=" + "a" * 2000), (404, "GET", "%2e%2e/api/now"), (404, "GET", "../api/now"),
])  # fmt: skip
def test_other_paths_and_methods_are_refused(i3x, status, method, path):
    refused(i3x, status, method, path)


@pytest.mark.parametrize("times", [
    ("yesterday", "2026-01-01T00:00:00Z"), ("2026-01-01", "2026-01-02"),
    ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
    ("2026-01-01T00:00:00", "2026-01-02T00:00:00"), ("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"),
])  # fmt: skip
def test_times_that_are_none_are_refused(i3x, times):
    body = {"elementIds": ["a"], "startTime": times[0], "endTime": times[1]}
    refused(i3x, 400, "POST", "objects/history", json.dumps(body).encode())


def test_a_long_history_comes_in_pieces_and_says_where_it_ends(i3x):
    (name,) = [item["elementId"] for item in i3x.get("objects")[1]["result"] if item["displayName"] == "temperature"]
    body = {"elementIds": [name], "startTime": "2000-01-01T00:00:00Z", "endTime": "2200-01-01T00:00:00Z"}
    status, document = i3x.post("objects/history", body)
    assert (status, document["success"], document["responseDetail"]["status"]) == (206, True, 206)
    assert "2000-01-02T00:00:00" in document["responseDetail"]["detail"]


def test_only_a_token_that_is_known_lets_a_program_in(i3x):
    assert i3x.get("objects")[0] == 200
    for shown in (
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        f"Bearer {'x' * 5000}",
        "Bearer \xff",
    ):
        status, headers, body = i3x.raw("GET", "objects", token=None, headers={"authorization": shown})
        assert (status, headers["www-authenticate"]) == (401, "Bearer"), shown
        assert TOKEN not in body.decode()


async def test_who_has_signed_in_at_the_console_may_read_and_a_foreign_page_cannot_use_the_session(i3x):
    browser = Browser(i3x.port)
    assert (await browser.get("/v1/objects")).status == 401
    assert (await browser.sign_in("viewer")).status == 200
    assert (await browser.get("/v1/objects")).document["success"] is True
    assert (await browser.post("/v1/objects/value", {"elementIds": ["a"]})).status == 200
    for headers in ({"origin": "https://evil.example"}, {"x-csrf-token": "wrong"}, {"origin": None}):
        answer = await browser.ask("POST", "/v1/subscriptions", {"clientId": "c"}, headers=headers)
        assert (answer.status, answer.document["success"]) == (403, False)
    own = (await browser.post("/v1/subscriptions", {"clientId": CLIENT})).document["result"]
    assert i3x.post("subscriptions/sync", {"clientId": CLIENT, "subscriptionId": own["subscriptionId"]})[0] == 404


async def test_who_sees_the_records_of_some_clients_reads_nothing_that_is_of_all(i3x):
    browser = Browser(i3x.port)
    assert (await browser.sign_in("operator")).status == 200
    assert {(await browser.get(f"/v1/{path}")).status for path in ("objects", "namespaces", "objecttypes")} == {403}


async def test_tokens_that_are_tried_one_after_the_other_are_held_off_and_those_that_are_known_are_not(i3x):
    browser = Browser(i3x.port)
    tried = set()
    for number in range(60):
        tried.add((await browser.get("/v1/objects", headers={"authorization": f"Bearer {number}"})).status)
    assert tried == {401, 429}
    assert (await asyncio.to_thread(i3x.get, "objects"))[0] == 200
    assert (await browser.get("/v1/info")).status == 200


def test_a_model_in_shadow_and_a_prediction_that_is_too_old_have_no_value_nor_a_history_of_shadow(i3x):
    def prediction():
        objects = i3x.get("objects?typeElementId=PredictionType")[1]["result"]
        return i3x.post("objects/value", {"elementIds": [objects[0]["elementId"]]})[1]["results"][0]["result"]

    assert prediction()["quality"] == "Good"
    i3x.served.health.latches = frozenset({"MODEL_DRIFT_VISCOSITY_VISCOSITY"})
    i3x.served.changes.note()
    assert (prediction()["value"], prediction()["quality"]) == (None, "Bad")
    i3x.served.health.latches = frozenset()
    i3x._clock.wall_ns += 4 * 3600 * SECOND_NS
    i3x.served.changes.note()
    assert (prediction()["value"], prediction()["quality"]) == (None, "Bad")
    i3x._clock.wall_ns -= 4 * 3600 * SECOND_NS
    i3x.served.changes.note()
    assert prediction()["value"]["value"] > 0


def test_subscriptions_are_few_end_when_nobody_calls_and_say_what_they_dropped(monkeypatch):
    now = [0.0]
    kept = Subscriptions(monotonic=lambda: now[0])
    owner = ("client a", "x")
    numbers = [kept.open(owner, None).number for _ in range(MOST_OF_CLIENT)]
    with pytest.raises(NotAnsweredError):
        kept.open(("client a", "y"), None)
    assert kept.open(("client b", "x"), None)
    now[0] = LIFE_SECONDS - 1
    kept.used(owner, numbers[0])
    now[0] = LIFE_SECONDS + 1
    assert kept.find(owner, numbers[0]) is not None
    assert kept.find(owner, numbers[1]) is None
    assert kept.open(owner, None)
    monkeypatch.setattr(subscriptions, "MOST_UPDATES", 3)
    own = kept.used(owner, numbers[0])
    own.batches = [(number, [{}, {}]) for number in range(1, 4)]
    own.note({})
    batches, dropped = own.take()
    assert ([batch["sequenceNumber"] for batch in batches], dropped) == ([3], True)
    assert own.take()[1] is False
    assert DROPPED


@pytest.mark.parametrize(("tables", "problem"), [
    ("[i3x]", "there is none"), ('[console]\n[i3x]\nclients = ["nobody"]', "i3x_nobody_token is missing"),
    ('[console]\n[i3x]\nclients = ["short"]', "has 5 characters"),
    ('[console]\n[i3x]\nclients = ["one", "same"]', "the same token"),
])  # fmt: skip
def test_a_table_by_which_it_cannot_be_served_is_refused(tmp_path, monkeypatch, tables, problem):
    for client, token in (("short", "short"), ("one", TOKEN), ("same", TOKEN)):
        (tmp_path / f"i3x_{client}_token").write_text(token)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    file = tmp_path / "labline.toml"
    file.write_text(f"{BASE}\n{tables}\n")
    settings = read(file)[0]
    with pytest.raises(ConfigurationError) as wrong:
        i3x_tokens(settings)
    assert problem in str([item.message for item in wrong.value.problems])
    assert all(f"i3x_{client}_token" in known_credentials(settings) for client in settings.i3x.clients)


def test_without_the_table_it_is_not_served(tmp_path):
    file = tmp_path / "labline.toml"
    file.write_text(BASE)
    assert i3x_tokens(read(file)[0]) is None
