"""Signing in at the console: who gets in, for how long, and what ends it."""

import asyncio
import hashlib
import sqlite3
from contextlib import closing

import pytest

from gateway.console import attempts, setup_link
from gateway.contract.console_links import link_hash
from gateway.deadlines import ClockReading
from gateway.store.database import STATE_FILE, read_state
from tests.fixtures.building import line, new_state
from tests.fixtures.console import PASSWORD, Browser, console_at_work, next_event, quick_passwords, set_password

MINUTE_NS = 60 * 10**9
LINK = "abcd-efgh-jkmn-pqrs"


class MovedClock:
    """All clocks, moved by the test."""

    def __init__(self):
        self.wall_ns, self.boot_ns, self.boot_id = 1_800_000_000 * 10**9, 10**12, "boot-1"

    def now(self):
        return ClockReading(wall_ns=self.wall_ns, latest_ns=self.wall_ns, boot_ns=self.boot_ns, boot_id=self.boot_id)

    def now_ns(self):
        return self.wall_ns

    def monotonic(self):
        return self.boot_ns / 1e9

    def move(self, minutes):
        self.wall_ns += minutes * MINUTE_NS
        self.boot_ns += minutes * MINUTE_NS


async def signed_in(browser):
    return (await browser.get("/api/me")).status == 200


def audit(directory, *kinds):
    with closing(read_state(directory)) as connection:
        rows = connection.execute("SELECT kind, subject, body FROM audit ORDER BY seq").fetchall()
    return [(row["kind"], row["subject"]) for row in rows if row["kind"] in kinds]


# --- in and out ------------------------------------------------------------------------------------------------


async def test_a_user_signs_in_sees_who_they_are_and_signs_out(served):
    browser = served.browser()
    assert not await signed_in(browser)
    answer = await browser.sign_in("operator")
    assert (answer.status, answer.document["roles"]) == (200, ["operator"])
    assert (await browser.get("/api/me")).document["user_id"] == "operator"
    assert (await browser.ask("DELETE", "/session")).status == 204
    assert not await signed_in(browser)
    assert audit(served.directory, "sign_in") == [("sign_in", "operator")]


@pytest.mark.parametrize(("user", "password"), [("operator", "wrong"), ("nobody", PASSWORD), ("operator", ""),
                                                ("operator' OR 1=1 --", PASSWORD)])  # fmt: skip
async def test_who_does_not_know_the_password_does_not_get_in_and_does_not_hear_which_was_wrong(served, user, password):
    answer = await served.browser().sign_in(user, password)
    assert (answer.status, answer.document["why"]) == (401, "user or password is wrong")
    assert "set-cookie" not in answer.headers
    kept = user if len(user) < 12 else "oper..."  # it might be a password in the wrong field
    assert audit(served.directory, "sign_in_failed") == [("sign_in_failed", kept)]


async def test_guesses_are_slowed_down_and_then_locked_however_they_are_spread(served, monkeypatch):
    monkeypatch.setattr(attempts, "_AT_ONCE_OF_ADDRESS", 100)
    answers = [await served.browser().sign_in("operator", f"guess number {number}") for number in range(8)]
    assert [answer.document["why"] for answer in answers[:3]] == ["user or password is wrong"] * 3
    assert "the next attempt is in" in answers[4].document["why"]
    assert (await served.browser().sign_in("operator")).status == 401  # the right one has to wait, too


async def test_an_address_that_tries_all_users_is_held_off(served):
    answers = [await served.browser().sign_in(f"user-{number}", "guess") for number in range(12)]
    assert [answer.status for answer in answers].count(429) == 2
    assert answers[-1].headers["retry-after"] == "1"
    assert len(audit(served.directory, "sign_in_failed")) == 10


async def test_many_people_behind_one_address_sign_in_as_often_as_they_like(served):
    assert {(await served.browser().sign_in("operator")).status for _ in range(14)} == {200}


async def test_each_sign_in_has_a_new_token_and_ends_the_one_before(served):
    browser = served.browser()
    planted = f"labline-{served.port}=" + "A" * 43
    browser.cookie = planted
    await browser.sign_in("operator")
    first = browser.cookie
    assert first != planted
    await browser.sign_in("quality")
    assert browser.cookie != first
    stale = served.browser()
    stale.cookie = first
    assert not await signed_in(stale)
    stale.cookie = planted
    assert not await signed_in(stale)


async def test_the_store_holds_the_hash_of_a_token_only_and_no_copy_of_it_signs_anybody_in(served):
    browser = served.browser()
    await browser.sign_in("operator")
    token = browser.cookie.partition("=")[2]
    with closing(sqlite3.connect(served.directory / STATE_FILE)) as connection:
        (kept,) = [row[0] for row in connection.execute("SELECT token_sha256 FROM console_session")]
    assert kept == hashlib.sha256(b"labline session\0" + token.encode()).hexdigest()
    thief = served.browser()
    thief.cookie = f"labline-{served.port}={kept}"
    assert not await signed_in(thief)


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(served):
    answer = await served.browser().sign_in("operator")
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= attributes


# --- how long --------------------------------------------------------------------------------------------------


async def test_a_session_that_nobody_uses_ends_and_the_page_by_itself_is_nobody(directory):
    clock = MovedClock()
    async with console_at_work(directory, line(), clock=clock, idle_seconds=900) as served:
        browser = served.browser()
        await browser.sign_in("operator")
        clock.move(14)
        assert await signed_in(browser)
        clock.move(14)
        assert (await browser.get("/api/me", headers={"x-labline-refresh": "1"})).status == 200
        clock.move(2)
        assert not await signed_in(browser)


async def test_a_session_ends_after_its_longest_time_and_no_set_clock_prolongs_it(directory):
    clock = MovedClock()
    async with console_at_work(directory, line(), clock=clock, idle_seconds=10**6, longest_seconds=3600) as served:
        browser = served.browser()
        await browser.sign_in("operator")
        clock.move(59)
        assert await signed_in(browser)
        clock.wall_ns -= 500 * MINUTE_NS
        clock.boot_ns += 2 * MINUTE_NS
        assert not await signed_in(browser)


async def test_a_restart_of_the_gateway_signs_nobody_out_but_keeps_how_long_a_session_was_idle(directory):
    clock = MovedClock()
    async with console_at_work(directory, line(), clock=clock) as served:
        browser = served.browser()
        await browser.sign_in("operator")
        name, _, token = browser.cookie.partition("=")
    clock.boot_id = "boot-2"
    async with console_at_work(directory, line(), clock=clock) as served:
        again = Browser(served.port)
        again.cookie = f"labline-{served.port}={token}"
        assert name != f"labline-{served.port}"
        assert await signed_in(again)
    clock.move(16)
    async with console_at_work(directory, line(), clock=clock) as served:
        again = Browser(served.port)
        again.cookie = f"labline-{served.port}={token}"
        assert not await signed_in(again)


async def test_the_sessions_of_a_user_end_when_the_user_is_disabled_or_the_password_is_set(served):
    disabled, renewed, head = served.browser(), served.browser(), served.browser()
    await disabled.sign_in("operator")
    await renewed.sign_in("viewer")
    await head.sign_in("administrator")
    done = await head.act("change_user", {"user_id": "operator", "disabled": True})
    assert done["outcome"] == "done"
    assert not await signed_in(disabled)
    set_password(served.directory, "viewer", "another long password")
    assert not await signed_in(renewed)
    assert await signed_in(head)


async def test_a_page_hears_that_its_session_is_over(served, monkeypatch):
    monkeypatch.setattr("gateway.console.broadcast._LOOK_SECONDS", 0.1)
    browser = served.browser()
    await browser.sign_in("operator")
    stream = await browser.events()
    await browser.ask("DELETE", "/session")
    async with asyncio.timeout(60):
        while (await next_event(stream))[0] != "over":
            pass
    stream.writer.close()


# --- passwords -------------------------------------------------------------------------------------------------


async def test_a_user_sets_an_own_password_with_the_present_one(served):
    browser = served.browser()
    await browser.sign_in("operator")
    wrong = {"password": "a brand new password", "sign_in": {"user": "operator", "password": "no"}}
    assert (await browser.post("/api/password", wrong)).document["outcome"] == "refused"
    of_another = {"password": "a brand new password", "sign_in": {"user": "viewer", "password": PASSWORD}}
    assert (await browser.post("/api/password", of_another)).status == 403
    short = {"password": "short", "sign_in": {"user": "operator", "password": PASSWORD}}
    assert (await browser.post("/api/password", short)).status == 400
    right = {"password": "a brand new password", "sign_in": {"user": "operator", "password": PASSWORD}}
    assert (await browser.post("/api/password", right)).document["outcome"] == "done"
    assert not await signed_in(browser)
    assert (await browser.sign_in("operator", "a brand new password")).status == 200


async def test_a_password_that_somebody_else_has_set_is_replaced_before_anything_else(served):
    set_password(served.directory, "operator", must_change=True)
    browser = served.browser()
    answer = await browser.sign_in("operator")
    assert answer.document["must_change_password"] is True
    assert (await browser.get("/api/now")).status == 403
    assert (await browser.post("/api/acts", {"act": "acknowledge_alarm", "parameters": {"code": "X"}})).status == 403
    renewed = {"password": "a brand new password", "sign_in": {"user": "operator", "password": PASSWORD}}
    assert (await browser.post("/api/password", renewed)).document["outcome"] == "done"
    await browser.sign_in("operator", "a brand new password")
    assert (await browser.get("/api/now")).status == 200


# --- links -----------------------------------------------------------------------------------------------------


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A store without users."""
    quick_passwords(monkeypatch)
    new_state(tmp_path).close()
    return tmp_path


def set_up(link, **changes):
    return {"link": link, "user_id": "q.head", "full_name": "Q. Head", "password": PASSWORD, **changes}


async def test_the_first_administrator_is_made_by_the_link_once_and_signed_in(empty):
    clock = MovedClock()
    async with console_at_work(empty, line(), clock=clock) as served:
        assert (await served.browser().get("/api/start")).document["set_up_needed"] is True
        assert (setup_link_file := empty / setup_link.FILE).exists()  # made and logged at the start
        assert setup_link_file.stat().st_mode & 0o007 == 0
        link = setup_link.new_link(empty, clock.now())
        browser = served.browser()
        assert (await browser.post("/setup", set_up("x" * 43))).status == 401
        assert (await browser.post("/setup", set_up(link, password="short"))).status == 400
        assert (await browser.post("/setup", set_up(link, user_id="../../etc"))).status == 403
        answer = await browser.post("/setup", set_up(link))
        assert (answer.status, answer.document["roles"]) == (200, ["administrator"])
        browser.take(answer)
        assert await signed_in(browser)
        assert not setup_link_file.exists()
        again = setup_link.new_link(empty, clock.now())
        assert (await served.browser().post("/setup", set_up(again, user_id="second"))).status == 403
        assert (await served.browser().get("/api/start")).document["set_up_needed"] is False
        assert (await served.browser().sign_in("q.head")).status == 200
    assert ("user_added", "q.head") in audit(empty, "user_added")


@pytest.mark.parametrize("minutes", [24 * 60 + 1, 10**6])
async def test_a_set_up_link_is_valid_for_a_day(empty, minutes):
    clock = MovedClock()
    async with console_at_work(empty, line(), clock=clock) as served:
        link = setup_link.new_link(empty, clock.now())
        clock.move(minutes)
        assert (await served.browser().post("/setup", set_up(link))).status == 401


async def test_an_earlier_link_and_a_damaged_file_open_nothing(empty):
    clock = MovedClock()
    async with console_at_work(empty, line(), clock=clock) as served:
        earlier = setup_link.new_link(empty, clock.now())
        setup_link.new_link(empty, clock.now())
        assert (await served.browser().post("/setup", set_up(earlier))).status == 401
        (empty / setup_link.FILE).write_text("{}")
        assert (await served.browser().post("/setup", set_up(""))).status == 401


async def test_the_demo_signs_in_by_its_link_and_nobody_else_does(empty):
    async with console_at_work(empty, line(), demo_link_sha256=link_hash(LINK)) as served:
        browser = served.browser()
        assert (await browser.post("/session/link", {"link": "abcd-efgh-jkmn-pqrt"})).status == 401
        for _ in range(2):
            browser = served.browser()
            browser.take(await browser.post("/session/link", {"link": LINK}))
            assert await signed_in(browser)
        assert not (empty / setup_link.FILE).exists()


async def test_without_a_demo_no_link_signs_anybody_in(served):
    for link in (LINK, "", "None"):
        assert (await served.browser().post("/session/link", {"link": link})).status == 401


# --- users and accounts ----------------------------------------------------------------------------------------


def link_wanted(by="administrator", password=PASSWORD):
    return {"reason": "forgotten", "sign_in": {"user": by, "password": password}}


async def link_of(administrator, user):
    answer = await administrator.post(f"/api/users/{user}/password-link", link_wanted())
    assert answer.status == 200, answer.body
    return answer.document["fragment"].removeprefix(f"#password={user}~")


async def test_a_one_time_link_gives_a_user_a_password_of_their_own_and_nothing_else(served):
    administrator, browser = served.browser(), served.browser()
    await administrator.sign_in("administrator")
    await browser.sign_in("operator")
    secret = await link_of(administrator, "operator")
    assert not await signed_in(browser)
    assert (await browser.sign_in("operator")).status == 401  # the one before is over
    assert (await browser.sign_in("operator", secret)).document["must_change_password"] is True
    assert (await browser.get("/api/now")).status == 403
    renewed = {"password": "a brand new password", "sign_in": {"user": "operator", "password": secret}}
    assert (await browser.post("/api/password", renewed)).document["outcome"] == "done"
    assert (await browser.sign_in("operator", secret)).status == 401
    assert (await browser.sign_in("operator", "a brand new password")).status == 200


async def test_a_one_time_link_is_valid_for_a_day(directory):
    clock = MovedClock()
    async with console_at_work(directory, line(), clock=clock) as served:
        administrator, browser = served.browser(), served.browser()
        await administrator.sign_in("administrator")
        secret = await link_of(administrator, "operator")
        clock.move(24 * 60 + 1)
        assert (await browser.sign_in("operator", secret)).status == 401


@pytest.mark.parametrize("role", ["viewer", "operator", "supervisor", "quality", "engineer"])
async def test_nobody_but_an_administrator_sees_users_or_makes_a_link(served, role):
    browser = served.browser()
    await browser.sign_in(role)
    assert (await browser.get("/api/users")).status == 403
    assert (await browser.post("/api/users/viewer/password-link", link_wanted(role))).status == 403


async def test_an_administrator_makes_no_link_for_themselves_and_none_without_the_token(served):
    browser = served.browser()
    await browser.sign_in("administrator")
    assert (await browser.post("/api/users/administrator/password-link", link_wanted())).status == 403
    assert (await browser.post("/api/users/nobody/password-link", link_wanted())).status == 403
    wrong = (link_wanted(password="not it"), link_wanted("quality"))
    assert [(await browser.post("/api/users/viewer/password-link", body)).status for body in wrong] == [403, 403]
    browser.csrf = "wrong"
    assert (await browser.post("/api/users/viewer/password-link", link_wanted())).status == 403


async def test_administrators_see_how_each_user_signs_in(served):
    browser, operator = served.browser(), served.browser()
    await browser.sign_in("administrator")
    await operator.sign_in("operator")
    await served.browser().sign_in("viewer", "wrong")
    users = {user["user_id"]: user for user in (await browser.get("/api/users")).document["users"]}
    assert (users["operator"]["sessions"], users["operator"]["locked"]) == (1, False)
    assert users["operator"]["last_sign_in_at"] is not None
    assert (users["viewer"]["failures"], users["viewer"]["last_sign_in_at"]) == (1, None)


async def test_a_user_ends_all_other_sessions_of_their_own(served):
    here, there = served.browser(), served.browser()
    await here.sign_in("operator")
    await there.sign_in("operator")
    assert [one["this"] for one in (await here.get("/api/account")).document["sessions"]] == [False, True]
    assert (await here.act("end_sessions", {"user_id": "operator"}))["outcome"] == "done"
    assert (await signed_in(here), await signed_in(there)) == (True, False)
