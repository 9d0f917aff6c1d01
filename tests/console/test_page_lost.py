"""The page loses the gateway: it says so within three seconds, greys out what it shows, and takes the state anew."""

import asyncio
import os
import time

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.contract.times import rfc3339
from tests.fixtures.console import PASSWORD, Browser
from tests.fixtures.page import Wire, gateway_of, keep, stage, writing

pytestmark = pytest.mark.asyncio(loop_scope="module")
WITHIN_SECONDS = 3.0
CUT_SECONDS = float(os.environ.get("CUT_SECONDS", "15"))  # how long the wire is cut; a whole minute by hand


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory):
    """A line without its gateway, which each test runs and kills."""
    async with stage(tmp_path_factory.mktemp("line"), changed=writing) as at:
        yield at
        assert at.faults == []


async def test_what_came_and_went_while_the_wire_was_cut_is_there_afterwards_as_missed(ground):
    async with gateway_of(ground), Wire(ground.port) as wire, ground.page("quality", port=wire.port) as page:
        await ground.lot("LOT-1")
        await ground.result("LOT-1", 9.8)
        await expect(page.locator(".card.critical").first).to_be_visible()
        cut_at, since = time.monotonic(), rfc3339(time.time_ns())
        begun = await _watched(page)
        wire.cut()
        await _lost(page, begun)
        await keep(page, "lost-wide-light")
        await ground.result("LOT-2", 9.1)
        await ground.result("LOT-3", 9.2)
        await _an_alarm_comes_and_goes(ground, since)
        await ground.lot("LOT-3", event="lot_closed")  # people have decided elsewhere: its guidance came and went
        await asyncio.sleep(max(0.5, CUT_SECONDS - (time.monotonic() - cut_at)))
        await expect(page.locator(".connection-lost")).to_be_visible()  # for all that time
        wire.mend()
        await _back(page)
        missed = page.locator(".part-missed")
        await expect(missed).to_contain_text("LOT-2")
        await expect(missed.locator(".missed-line", has_text="LOT-3")).to_contain_text("settled")
        await expect(missed.locator(".missed-line", has_text="Writing of setpoints")).to_contain_text("over")
        await expect(page.locator(".card", has_text="LOT-2")).to_be_visible()
        await keep(page, "missed-wide-light")
        await missed.get_by_role("button").click()
        await expect(missed).to_have_count(0)


async def _an_alarm_comes_and_goes(ground, since):
    """Have somebody at another terminal stop all writing, and somebody allow it again."""
    operator, supervisor = Browser(ground.port), Browser(ground.port)
    await operator.sign_in("operator")
    await supervisor.sign_in("supervisor")
    assert (await operator.act("stop_writes", {}, reason="valve is being repaired"))["outcome"] == "done"
    await _until_missed(operator, since, over=False)
    signed = {"user": "supervisor", "password": PASSWORD}
    stop = (await supervisor.get("/api/now")).document["writes_stopped"]
    assert (await supervisor.act("resume_writes", {"stopped_at": stop["at"]}, reason="repaired", sign_in=signed))[
        "outcome"
    ] == "done"
    await _until_missed(operator, since, over=True)


async def _until_missed(browser, since, *, over):
    async with asyncio.timeout(60):
        while True:
            alarms = (await browser.get(f"/api/missed?since={since}")).document["alarms"]
            stopped = [alarm for alarm in alarms if alarm["alarm_id"] == "gateway/SETPOINT_WRITES_STOPPED"]
            if any(bool(alarm["until_at"]) is over for alarm in stopped):
                return
            await asyncio.sleep(0.25)


async def test_the_gateway_is_killed_under_a_half_filled_form_and_nothing_is_sent_twice(ground):
    sent = []
    async with Wire(ground.port) as wire, gateway_of(ground) as gateway:
        await ground.lot("LOT-5")
        await ground.result("LOT-5", 9.8)
        async with ground.page("quality", port=wire.port) as page:
            page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/api/acts") else None)
            await page.goto("/#/lots/LOT-5")
            await page.get_by_role("button", name="Reject lot").click()
            dialog = page.get_by_role("dialog")
            await dialog.locator("textarea").fill("far outside")
            await dialog.get_by_label("User").fill("quality")
            begun = await _watched(page)
            gateway.process.kill()
            await _lost(page, begun)
            await expect(dialog).to_contain_text("nothing is sent")
            await expect(dialog.locator("button[type=submit]")).to_be_disabled()
            async with gateway_of(ground) as second:
                await _back(page)
                assert await dialog.locator("textarea").input_value() == "far outside"
                assert await dialog.get_by_label("User").input_value() == "quality"
                assert sent == []
                wire.cut(answers_only=True)  # it is decided, and the answer never comes
                await dialog.get_by_label("Password").fill(PASSWORD)
                await dialog.locator("button[type=submit]").dblclick()
                await _until_decided(ground, "LOT-5")
                second.process.kill()
                wire.break_off()
                wire.mend()
                await expect(dialog).to_contain_text("It is not known whether this was done")
                async with gateway_of(ground):
                    await _back(page)
                    await expect(dialog).to_contain_text("This is no longer open")
                    await expect(dialog.locator("button[type=submit]")).to_be_disabled()
                    await dialog.get_by_role("button", name="Cancel").click()
                    await expect(page.locator(".decision .signed")).to_have_count(1)
                    assert len(sent) == 1


async def _until_decided(ground, lot):
    """Wait until the decision on a lot is committed."""
    browser = Browser(ground.port)
    await browser.sign_in("viewer")
    async with asyncio.timeout(60):
        while (await browser.get(f"/api/lots/{lot}")).document["decision"] is None:
            await asyncio.sleep(0.05)


_WATCH = """() => {
  const isLost = () => document.body.classList.contains("lost");
  const look = () => { window.lostAt = isLost() ? window.lostAt ?? performance.now() : null; };
  new MutationObserver(look).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  return performance.now();
}"""


async def _watched(page):
    """Have the page note when it is lost, by its own clock; return what time it is there."""
    return await page.evaluate(_WATCH)


async def _lost(page, since):
    await expect(page.locator(".connection-lost")).to_be_visible()
    assert await page.evaluate("window.lostAt") - since < WITHIN_SECONDS * 1000
    assert await page.evaluate("getComputedStyle(document.querySelector('main')).filter") == "grayscale(1)"
    buttons = page.locator("main .actions button")
    assert await buttons.count() > 0
    assert await buttons.first.is_disabled()


async def _back(page):
    await expect(page.locator(".connection-lost")).to_be_hidden(timeout=60000)
    await expect(page.locator("body.lost")).to_have_count(0)
    await expect(page.locator("main .actions button").first).to_be_enabled()
