"""Attacks on the console: links, races, one's own roles, what is written down of passwords, and floods."""

import asyncio
import time
from contextlib import closing, suppress

import pytest
from starlette.requests import Request

from gateway.clock import SystemClock
from gateway.console import attempts, setup_link
from gateway.console.origin import Origins
from gateway.people.passwords import matches
from gateway.runtime.control_socket import Acts
from gateway.store.database import read_state
from tests.fixtures.building import line, new_state
from tests.fixtures.console import PASSWORD, console_at_work, quick_passwords


def rows(directory, statement, *parameters):
    with closing(read_state(directory)) as connection:
        return [tuple(row) for row in connection.execute(statement, parameters)]


# --- the first user ----------------------------------------------------------------------------------------------


async def test_of_two_who_open_the_set_up_link_at_once_one_becomes_administrator(tmp_path, monkeypatch):
    quick_passwords(monkeypatch)
    new_state(tmp_path).close()
    async with console_at_work(tmp_path, line()) as served:
        link = setup_link.new_link(tmp_path, SystemClock().now())
        asked = [{"link": link, "user_id": f"user-{number}", "full_name": f"User {number}", "password": PASSWORD}
                 for number in range(6)]  # fmt: skip
        answers = await asyncio.gather(*(served.browser().post("/setup", document) for document in asked))
        assert sorted(answer.status for answer in answers).count(200) == 1
        assert {answer.status for answer in answers} <= {200, 401, 403}
        again = await served.browser().post("/setup", asked[0])
        assert again.status in {401, 403}
    assert len(rows(tmp_path, "SELECT 1 FROM user_version")) == 1
    assert len(rows(tmp_path, "SELECT 1 FROM user_password")) == 1


async def test_a_link_is_not_guessed(tmp_path, monkeypatch):
    quick_passwords(monkeypatch)
    new_state(tmp_path).close()
    async with console_at_work(tmp_path, line()) as served:
        asked = {"link": "", "user_id": "mallory", "full_name": "M", "password": PASSWORD}
        statuses = [(await served.browser().post("/setup", asked | {"link": "A" * 43})).status for _ in range(20)]
        assert set(statuses) == {401, 429}
    assert rows(tmp_path, "SELECT 1 FROM user_version") == []


# --- passwords ---------------------------------------------------------------------------------------------------


async def test_guesses_in_parallel_gain_nothing(served, monkeypatch):
    monkeypatch.setattr(attempts, "_AT_ONCE_OF_ADDRESS", 100)
    answers = await asyncio.gather(*(served.browser().sign_in("operator", f"guess {number}") for number in range(20)))
    looked_at = [answer for answer in answers if answer.document["why"] == "user or password is wrong"]
    assert 3 <= len(looked_at) <= 5  # more than three only where this takes longer than a second
    counted = rows(served.directory, "SELECT failures FROM sign_in WHERE user_id = 'operator'")
    assert counted == [(len(looked_at),)] * 2


async def test_nothing_that_is_kept_or_logged_holds_a_password(served, capfd):
    secrets = ("a wrong secret 1", "typed into the wrong field", "my brand new password")
    browser = served.browser()
    await browser.sign_in("operator", secrets[0])
    await browser.sign_in(secrets[1], "operator")
    await browser.sign_in("viewer")
    await browser.post("/api/acts", {"act": "stop_writes", "parameters": {}, "reason": "r",
                                     "sign_in": {"user": secrets[1], "password": secrets[0]}})  # fmt: skip
    await browser.post("/session", body=b'{"user": "operator", "password": "' + secrets[0].encode())
    await browser.get(f"/api/lots/none?password={secrets[0].replace(' ', '%20')}")
    assert (await browser.post("/api/password", {"password": secrets[2], "sign_in": {
        "user": "viewer", "password": PASSWORD}})).document["outcome"] == "done"  # fmt: skip
    printed = "".join(capfd.readouterr())
    kept = b"".join(file.read_bytes() for file in served.directory.rglob("*") if file.is_file())
    for secret in (*secrets, PASSWORD):
        assert secret not in printed
        assert secret.encode() not in kept


async def test_an_unknown_user_is_answered_as_slowly_as_a_known_one(served, monkeypatch):
    monkeypatch.setattr(attempts, "_AT_ONCE_OF_ADDRESS", 100)
    looked_at = []
    monkeypatch.setattr("gateway.runtime.identification.matches",
                        lambda password, kept: looked_at.append(password) or matches(password, kept))  # fmt: skip
    for user in ("operator", "nobody", "operator\0", "OPERATOR", ""):
        answer = await served.browser().sign_in(user, "guess")
        assert (answer.status, answer.document["why"]) == (401, "user or password is wrong")
    assert len(looked_at) == 5


# --- where from --------------------------------------------------------------------------------------------------


async def guessed_at(served, user, terminal, *, times):
    """Guess from a terminal behind the proxy."""
    for number in range(times):
        browser = served.browser()
        browser.forwarded = terminal
        await browser.sign_in(user, f"guess {number}")


@pytest.fixture
async def behind_proxy(directory, monkeypatch):
    """The console behind a proxy of this machine that the plant trusts."""
    monkeypatch.setattr(attempts, "_AT_ONCE", 1000)
    monkeypatch.setattr("gateway.people.sign_in.FREE_FAILURES", 1000)
    monkeypatch.setattr("gateway.people.sign_in.SLOWED_AFTER", 1000)
    async with console_at_work(directory, line(), trusted_proxies=("127.0.0.1",)) as served:
        yield served


async def test_who_is_guessed_at_from_one_terminal_signs_in_at_the_others(behind_proxy, monkeypatch):
    served = behind_proxy
    monkeypatch.setattr(attempts, "_AT_ONCE_OF_ADDRESS", 1000)
    at_home = served.browser()
    at_home.forwarded = "10.0.0.7"
    assert (await at_home.sign_in("operator")).status == 200
    await guessed_at(served, "operator", "10.0.0.66", times=100)
    for terminal, status in (("10.0.0.66", 401), ("10.0.0.8", 401), ("10.0.0.7", 200)):
        browser = served.browser()
        browser.forwarded = terminal
        answer = await browser.sign_in("operator")
        assert answer.status == status, terminal
        assert status == 200 or "locked here" in answer.document["why"]
    assert rows(served.directory, "SELECT count(*) FROM alarm_event WHERE alarm_id LIKE '%GUESSED_AT_OPERATOR'") == [
        (10,)
    ]
    await at_home.sign_in("administrator")
    users = (await at_home.get("/api/users")).document["users"]
    (shown,) = [user for user in users if user["user_id"] == "operator"]
    assert (shown["locked"], shown["failures"]) == (True, 100)
    (line_of_trail,) = rows(served.directory, "SELECT body FROM audit WHERE kind = 'user_locked'")
    assert '"failures":100' in line_of_trail[0].replace(" ", "")


@pytest.mark.parametrize(("forwarded", "counted"), [
    ("10.0.0.7", "10.0.0.7"), ("6.6.6.6, 10.0.0.7", "10.0.0.7"), ("10.0.0.7, 127.0.0.1", "10.0.0.7"),
    ("6.6.6.6, nonsense", "127.0.0.1"), ("", "127.0.0.1"), ("2001:db8::7", "2001:db8::/64"),
    ("::ffff:10.0.0.7", "10.0.0.7"),
    ("127.0.0.1, " * 50, "127.0.0.1"), ("10.0.0.7\x00", "127.0.0.1"), (None, "127.0.0.1"),
])  # fmt: skip
def test_of_what_a_trusted_proxy_forwards_the_last_address_counts(forwarded, counted):
    assert Origins(["127.0.0.1"]).of(asked_by("127.0.0.1", forwarded)) == counted
    assert Origins([]).of(asked_by("127.0.0.1", forwarded)) == "127.0.0.1"
    assert Origins(["10.0.0.0/8"]).of(asked_by("192.0.2.1", forwarded)) == "192.0.2.1"


def asked_by(address, forwarded):
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    return Request({"type": "http", "client": (address, 1), "headers": headers})


async def test_no_forged_header_gives_more_attempts(served):
    statuses = []
    for number in range(14):
        browser = served.browser()
        browser.forwarded = f"10.0.0.{number}"
        statuses.append((await browser.sign_in(f"user-{number}", "guess")).status)
    assert statuses.count(429) == 4


# --- roles -------------------------------------------------------------------------------------------------------


async def test_nobody_gives_themselves_a_role_and_an_administrator_is_no_exception(served):
    for role in ("viewer", "operator", "supervisor", "quality", "engineer", "administrator"):
        browser = served.browser()
        await browser.sign_in(role)
        more = await browser.act("change_user", {"user_id": role, "roles": ["administrator", "quality", role]})
        assert more["outcome"] == "refused"
        assert (await browser.get("/api/me")).document["roles"] == [role]
    fewer = await served.browser().sign_in("q.head")
    assert "quality" in fewer.document["roles"]


async def test_an_act_that_waits_while_its_session_ends_is_not_done(served, monkeypatch):
    browser, other = served.browser(), served.browser()
    await browser.sign_in("administrator")
    other.cookie, other.csrf = browser.cookie, browser.csrf
    waits, perform = asyncio.Event(), Acts.perform

    async def late(self, request, own, *, via="command"):
        await waits.wait()
        return await perform(self, request, own, via=via)

    monkeypatch.setattr(Acts, "perform", late)
    asked = {"user_id": "new", "full_name": "New", "roles": ["administrator"]}
    acting = asyncio.create_task(browser.post("/api/acts", {"act": "add_user", "parameters": asked, "reason": "r"}))
    await asyncio.sleep(0.1)
    assert (await other.ask("DELETE", "/session")).status == 204
    waits.set()
    answer = await acting
    assert answer.status == 401 or answer.document["outcome"] == "refused"
    assert rows(served.directory, "SELECT 1 FROM user_version WHERE user_id = 'new'") == []


# --- floods ------------------------------------------------------------------------------------------------------


async def test_five_hundred_connections_keep_nobody_out(served):
    opened = []
    for _ in range(500):
        with suppress(OSError):
            opened.append(await asyncio.open_connection("127.0.0.1", served.port))
    browser = served.browser()
    begun = time.monotonic()
    assert (await browser.sign_in("operator")).status == 200
    assert (await browser.get("/api/now")).status == 200
    assert time.monotonic() - begun < 5
    for _reader, writer in opened:
        writer.close()
