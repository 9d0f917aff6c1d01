"""Open pages are sent the newest state: made once for all of them, and only to those whose session holds."""

import asyncio
import sqlite3
import time
from contextlib import closing
from functools import partial

import pytest

from gateway.console import broadcast
from gateway.records.sight import EVERYTHING
from gateway.store.database import STATE_FILE
from tests.fixtures.console import next_event, set_password


@pytest.fixture
async def pages(served):
    """Streams of an operator, a viewer and an administrator, by role; all that has changed so far is known to them."""
    opened = {}
    for role in ("operator", "viewer", "administrator"):
        browser = served.browser()
        await browser.sign_in(role)
        opened[role] = (browser, await browser.events())
    served.changes.note()
    for _browser, stream in opened.values():
        while (await until({"state"}, stream))[1]["counter"] < served.changes.counter:
            pass
    yield opened
    for _browser, stream in opened.values():
        stream.writer.close()


def change(served):
    """Have something change that pages show."""
    served.health.condition(f"CLOCK_SKEW_{time.monotonic_ns()}", True)


async def until(kinds, stream):
    """Return the kinds of all events up to one of these, heartbeats apart, and its data."""
    heard = []
    while True:
        kind, data = await next_event(stream)
        heard += [] if kind == "heartbeat" else [kind]
        if kind in kinds:
            return heard, data


async def rest(stream):
    """Return what a stream still says before it ends."""
    async with asyncio.timeout(60):
        return await stream.reader.readuntil(b"\r\n0\r\n\r\n")


async def test_a_page_is_sent_what_it_would_read_and_then_hears_of_the_counter(served, pages):
    browser, stream = pages["viewer"]
    change(served)
    _heard, view = await until({"now"}, stream)
    read = (await browser.get("/api/now")).document
    assert {**view, "at": None} == {**read, "at": None}
    assert await until({"state"}, stream) == (["state"], {"counter": view["counter"]})


async def test_what_has_not_changed_is_not_sent_again_but_to_pages_that_have_not_had_it(served, pages):
    stream = pages["viewer"][1]
    served.changes.note()
    _heard, first = await until({"state"}, stream)
    late = await pages["operator"][0].events()
    await until({"state"}, late)
    served.changes.note()
    assert await until({"state"}, stream) == (["state"], {"counter": first["counter"] + 1, "same_as": first["counter"]})
    assert (await until({"state"}, late))[0] == ["now", "state"]
    change(served)
    assert (await until({"now"}, stream))[0][-1] == "now"
    late.writer.close()


async def test_a_page_that_has_not_taken_a_state_yet_finds_it_before_the_news_that_it_stands():
    page = broadcast.OpenPage("token", EVERYTHING)
    page.put("state", b"whole ")
    page.put("same", b"same")
    assert await page.take() == b"whole same"


async def test_the_state_is_made_once_for_all_pages(served, pages, monkeypatch):
    made = []
    original = broadcast.now_view

    def counted(*arguments):
        made.append(1)
        return original(*arguments)

    monkeypatch.setattr(broadcast, "now_view", counted)
    change(served)
    for _browser, stream in pages.values():
        await until({"now"}, stream)
    assert len(made) == 1


def _row_deleted(directory):
    with closing(sqlite3.connect(directory / STATE_FILE)) as connection:
        connection.execute("DELETE FROM console_session WHERE user_id = 'operator'")
        connection.commit()


async def _disabled(served, pages):
    head, _stream = pages["administrator"]
    assert (await head.act("change_user", {"user_id": "operator", "disabled": True}))["outcome"] == "done"


async def _signed_out(_served, pages):
    await pages["operator"][0].ask("DELETE", "/session")


async def _renewed(served, _pages):
    await asyncio.to_thread(set_password, served.directory, "operator", "another long password")


async def _by_hand(served, _pages):
    await asyncio.to_thread(_row_deleted, served.directory)


@pytest.mark.parametrize("ends", [_disabled, _signed_out, _renewed, _by_hand])
async def test_whoever_may_no_longer_read_is_sent_nothing_of_the_next_change(served, pages, ends):
    _browser, stream = pages["operator"]
    await ends(served, pages)
    change(served)
    assert (await until({"over", "now"}, stream))[0] == ["over"]
    assert b"event" not in await rest(stream)
    assert (await until({"now"}, pages["viewer"][1]))[0][-1] == "now"


async def test_a_password_that_has_to_be_replaced_shows_nothing(served):
    await asyncio.to_thread(partial(set_password, served.directory, "viewer", must_change=True))
    browser = served.browser()
    await browser.sign_in("viewer")
    stream = await browser.events()
    assert stream.status == 403
    stream.writer.close()


async def test_a_store_that_cannot_be_read_leaves_pages_open_and_tells_of_the_change(served, pages, monkeypatch):
    def failing(*_arguments):
        raise sqlite3.OperationalError("disk I/O error")

    _browser, stream = pages["viewer"]
    monkeypatch.setattr(broadcast, "now_view", failing)
    change(served)
    assert (await until({"state", "over"}, stream))[0] == ["state"]
    monkeypatch.undo()
    change(served)
    assert (await until({"now", "over"}, stream))[0] == ["now"]


async def test_a_fault_in_making_the_state_ends_the_streams_so_that_pages_begin_again(served, pages, monkeypatch):
    def failing(*_arguments):
        raise ZeroDivisionError

    browser, stream = pages["viewer"]
    monkeypatch.setattr(broadcast, "now_view", failing)
    change(served)
    assert b"event: now" not in await rest(stream)
    monkeypatch.undo()
    again = await browser.events()
    await until({"state"}, again)
    change(served)
    assert (await until({"now"}, again))[0][-1] == "now"
    again.writer.close()


async def test_a_page_that_reads_slowly_finds_the_newest_only():
    page = broadcast.OpenPage("token", EVERYTHING)
    for number in range(3):
        page.put("state", f"state {number}\n".encode())
        page.put("heartbeat", b"heartbeat\n")
    assert await page.take() == b"state 2\nheartbeat\n"
    page.end()
    assert await page.take() == b""
    assert page.over
