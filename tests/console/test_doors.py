"""Who may ask for what at the console, and what whoever may not cannot do: the whole of its security, by its parts."""

import asyncio
import json
from contextlib import closing, suppress

import pytest

from gateway.console import asked
from gateway.console.routes import ROUTES, Access
from gateway.people.rights import RIGHTS
from gateway.records.act_kinds import ActKind
from gateway.records.users import Role
from gateway.store.database import read_state
from tests.fixtures.console import PASSWORD, next_event

NAMES = {
    "user": "viewer",
    "lot": "L",
    "id": "x",
    "equipment": "R1",
    "analyte": "ph",
    "model": "viscosity",
    "version": "1",
}
SIGNED_IN = [route for route in ROUTES if route.access is not Access.ANYBODY]
READ = [route for route in SIGNED_IN if route.method == "GET" and route.path != "/api/events"]
CHANGING = [route for route in ROUTES if route.method != "GET"]
ACTS = {
    ActKind.ACKNOWLEDGE_ALARM: {"code": "NONE"},
    ActKind.SETTLE_POINT: {"material_lot_id": "L", "point_id": "p"},
    ActKind.ROLL_BACK_MODEL: {"model": "none"},
    ActKind.RETRY_MESSAGES: {"message_ids": ["none"], "all_parked": False},
    ActKind.ADD_USER: {"user_id": "new", "full_name": "New", "roles": ["viewer"]},
    ActKind.CHANGE_USER: {"user_id": "nobody", "disabled": True},
    ActKind.ENROLL_KEY: {"user_id": "nobody", "public_key": "0" * 64, "label": "T"},
    ActKind.REVOKE_KEY: {"key_id": "none"},
    ActKind.DIVIDE_LOT: {"material_lot_id": "L", "part": "drum 1", "quantity": "200 kg"},
    ActKind.UNDO_DIVISION: {"material_lot_id": "L", "part": "drum 1"},
    ActKind.RECORD_ACTION: {"deviation_id": "none", "action": "a", "action_kind": "corrective", "owner": "o"},
    ActKind.COMPLETE_ACTION: {"action_id": "none"},
    ActKind.ANSWER_GUIDANCE: {"guidance_id": "none", "answer": "acknowledge"},
}


def path_of(route):
    return route.path.format(**NAMES)


def audited(directory, kind):
    with closing(read_state(directory)) as connection:
        return [
            (row["subject"], json.loads(row["body"]))
            for row in connection.execute("SELECT subject, body FROM audit WHERE kind = ? ORDER BY seq", (kind,))
        ]


# --- without a session, and of which role ----------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
async def test_every_act_is_for_the_roles_that_have_the_right_and_a_refusal_is_audited(served, role):
    browser = served.browser()
    await browser.sign_in(role.value)
    refused = []
    for kind, parameters in ACTS.items():
        answer = await browser.act(kind.value, parameters)
        is_refused_for_the_role = f"is not for {role.value}" in answer["why"]
        assert is_refused_for_the_role == (role not in RIGHTS[kind]), (kind, answer)
        assert is_refused_for_the_role <= (answer["outcome"] == "refused")
        refused += [kind.value] if is_refused_for_the_role else []
    entries = audited(served.directory, "act_refused")
    assert [
        subject for subject, body in entries
        if (body["code"], body["credential"], body["user"]) == ("ROLE_NOT_ENTITLED", "session", role.value)
    ] == refused  # fmt: skip


async def test_an_act_carries_who_has_done_it_and_that_a_session_was_the_credential(served):
    browser = served.browser()
    await browser.sign_in("administrator")
    added = await browser.act("add_user", {"user_id": "new", "full_name": "New One", "roles": ["viewer"]})
    assert added["outcome"] == "done"
    ((_subject, body),) = [entry for entry in audited(served.directory, "user_added") if entry[0] == "new"]
    assert (body["user"], body["credential"], body["reason"]) == ("administrator", "session", "VR-1")


async def test_a_second_person_signs_for_an_act_without_the_first_being_signed_out(served):
    browser = served.browser()
    await browser.sign_in("operator")
    both = {"user": "administrator", "password": PASSWORD}
    done = await browser.act("add_user", {"user_id": "new", "full_name": "N", "roles": ["viewer"]}, sign_in=both)
    assert (done["outcome"], done["details"]["person"]) == ("done", "Person Administrator")
    assert (await browser.get("/api/me")).document["user_id"] == "operator"
    (entry,) = [body for subject, body in audited(served.directory, "user_added") if subject == "new"]
    assert (entry["user"], entry["credential"]) == ("administrator", "password")
    wrong = await browser.act("revoke_key", {"key_id": "k"}, sign_in={"user": "administrator", "password": "no"})
    assert (wrong["outcome"], wrong["why"]) == ("refused", "user or password is wrong")
    assert audited(served.directory, "sign_in_failed") == [("administrator", {"via": "console", "origin": "127.0.0.1"})]


# --- from which page -------------------------------------------------------------------------------------------


async def test_an_address_that_tries_tokens_is_held_off_and_who_is_signed_in_is_not(served):
    browser, thief = served.browser(), served.browser()
    await browser.sign_in("viewer")
    statuses = []
    for number in range(80):
        thief.cookie = f"labline-{served.port}=" + f"{number:043}"
        statuses.append((await thief.get("/api/now")).status)
    assert set(statuses) == {401, 429}
    assert (await browser.get("/api/now")).status == 200


async def test_a_search_that_takes_too_long_is_broken_off_and_holds_up_no_other(served, monkeypatch):
    browser = served.browser()
    await browser.sign_in("viewer")
    monkeypatch.setattr("gateway.console.reading._LONGEST_SECONDS", -1.0)
    monkeypatch.setattr("gateway.console.reading._LOOK_EVERY_INSTRUCTIONS", 1)
    assert (await browser.get("/api/audit")).status == 503
    monkeypatch.undo()
    assert (await browser.get("/api/audit")).status == 200


async def test_a_view_that_cannot_be_made_ends_no_other_and_says_no_more_than_that(served, monkeypatch):
    def fail(_connection, _snapshot):
        raise KeyError("secret")

    browser = served.browser()
    await browser.sign_in("viewer")
    monkeypatch.setattr("gateway.console.showing.samples_view", fail)
    answer = await browser.get("/api/samples")
    assert (answer.status, b"secret" in answer.body) == (500, False)
    assert "content-security-policy" in answer.headers
    assert (await browser.get("/api/now")).status == 200


@pytest.mark.parametrize("token", [None, "", "x", "ü"])
async def test_an_act_without_the_sessions_own_token_is_refused(served, token):
    browser, other = served.browser(), served.browser()
    await browser.sign_in("administrator")
    await other.sign_in("viewer")
    for csrf in (token, other.csrf):
        browser.csrf = csrf
        for route in CHANGING:
            if route.access is not Access.ANYBODY:
                assert (await browser.ask(route.method, path_of(route), {})).status == 403


# --- what is asked ---------------------------------------------------------------------------------------------


# --- how much, and how slowly ----------------------------------------------------------------------------------


async def test_a_body_that_does_not_come_holds_nothing_up(served, monkeypatch):
    monkeypatch.setattr(asked, "_BODY_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    host = f"127.0.0.1:{served.port}"
    writer.write(
        f"POST /session HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-type: application/json\r\n"
        "content-length: 50\r\n\r\n{".encode()
    )
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 60)
    writer.close()


async def test_connections_that_say_nothing_keep_nobody_out(served):
    idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(60)]
    for _reader, writer in idle:
        with suppress(ConnectionError):
            writer.write(b"GET /")
    browser = served.browser()
    assert (await browser.sign_in("operator")).status == 200
    for _reader, writer in idle:
        writer.close()


async def test_a_session_asks_so_often_and_no_more(served, monkeypatch):
    monkeypatch.setattr("gateway.console.application._PER_SECOND", 1.0)
    monkeypatch.setattr("gateway.console.application._AT_ONCE", 10)
    browser = served.browser()
    await browser.sign_in("viewer")
    statuses = {(await browser.get("/api/me")).status for _ in range(14)}
    assert statuses == {200, 429}


async def counter_heard(stream, *, at_least):
    """Wait until a page hears of a commit; heartbeats come between."""
    while True:
        kind, data = await next_event(stream)
        if kind == "state" and data["counter"] >= at_least:
            return True


async def test_twenty_pages_hear_of_a_commit_and_a_user_has_so_many_at_most(served):
    browsers = []
    for role in list(Role)[:5]:
        browser = served.browser()
        await browser.sign_in(role.value)
        browsers.append(browser)
    streams = [await browser.events() for browser in browsers for _ in range(4)]
    for stream in streams:
        assert [(await next_event(stream))[0] for _ in range(2)] == ["state", "heartbeat"]
    served.changes.note()
    for stream in streams:
        assert await counter_heard(stream, at_least=served.changes.counter)
    more = [await browsers[0].events() for _ in range(5)]
    assert [stream.status for stream in more] == [200] * 4 + [429]
    for stream in (*streams, *more):
        stream.writer.close()
    async with asyncio.timeout(30):
        while (await browsers[0].get("/api/health")).document["console"][0]["value"]:
            await asyncio.sleep(0.05)


async def test_a_page_that_does_not_read_is_ended_and_holds_up_no_other(served, monkeypatch):
    monkeypatch.setattr("gateway.console.stream._SEND_SECONDS", 0.2)
    monkeypatch.setattr("gateway.console.broadcast._APART_SECONDS", 0.0)
    monkeypatch.setattr("gateway.console.broadcast._PER_SECOND", 1000.0)
    monkeypatch.setattr(
        "gateway.console.broadcast._event", lambda kind, _data: b"event: " + kind.encode() + b"x" * 10**6
    )
    browser = served.browser()
    await browser.sign_in("viewer")
    stream = await browser.events()
    async with asyncio.timeout(90):
        while True:
            served.changes.note()
            await asyncio.sleep(0.02)
            shown = (await browser.get("/api/health", headers={"x-labline-refresh": "1"})).document
            if shown["console"][0]["value"] == 0:
                break
    stream.writer.close()
