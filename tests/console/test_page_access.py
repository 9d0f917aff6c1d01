"""Every view, with all buttons, light and dark, wide and on a phone: no serious fault by axe-core, nothing too wide."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.fixtures.page import FREE, LOW, PHONE, PICTURES, WIDE, gateway_of, keep, serious_faults, stage, until_true

pytestmark = pytest.mark.asyncio(loop_scope="module")
VIEWS = {
    "now": "#/now", "alarms": "#/alarms", "lots": "#/lots", "lot": "#/lots/LOT-1", "samples": "#/samples",
    "models": "#/models", "signatures": "#/signatures", "audit": "#/audit?query=LOT-1", "health": "#/health",
    "account": "#/account", "users": "#/users",
}  # fmt: skip
# each view once in light and once in dark, once wide and once on a phone; pictures are of all
_LOOKS = [("wide", "light"), ("phone", "dark"), *([("phone", "light"), ("wide", "dark")] if PICTURES else [])]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory):
    """A line at work on a lot that has a result outside and a result inside."""
    async with stage(tmp_path_factory.mktemp("line")) as at, gateway_of(at):
        await at.lot("LOT-1")
        await at.move(reactor_temperature_setpoint=79.5)
        for value in (6.95, 7.1, 9.8):
            await at.result("LOT-1", value)
        yield at
        assert at.faults == []


@pytest.mark.parametrize(("kind", "scheme"), _LOOKS)
async def test_no_view_has_a_serious_fault_nor_a_button_that_is_low_or_covered(line, kind, scheme):
    viewport = WIDE if kind == "wide" else PHONE
    async with line.page("q.head", viewport=viewport, scheme=scheme) as page:
        await expect(page.locator(".card.critical").first).to_be_visible()
        if PICTURES:
            await expect(page.locator(".chart").nth(1)).to_be_visible(timeout=60000)
            await expect(page.get_by_role("button", name="Reject").first).to_be_visible(timeout=60000)
        for name, address in VIEWS.items():
            await page.evaluate(f"location.hash = '{address}'")
            await expect(page.locator("[aria-busy]")).to_have_count(0)
            await expect(page.locator("#content h1, #content .columns").first).to_be_visible()
            assert await serious_faults(page) == [], name
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], f"{name} is wider than the screen"
            if scheme == "light" or name == "now":
                await keep(page, f"{name}-{kind}-{scheme}")
            assert await page.evaluate(LOW) == [], f"{name} has what is too low for a glove"
            await until_true(page, FREE)  # nothing covers a button
            assert await page.evaluate("scrollY + document.body.scrollTop") == 0, f"{name} moves the banner away"


async def test_the_door_has_no_serious_fault(line):
    for scheme in ("light", "dark"):
        async with line.page(None, scheme=scheme) as page:
            await expect(page.locator("#ask-user")).to_be_visible()
            assert await serious_faults(page) == []
            if scheme == "light":
                await keep(page, "sign-in-wide-light")


async def test_a_question_before_an_act_has_no_serious_fault(line):
    async with line.page("supervisor") as page:
        await line.result("LOT-4", 7.0)
        await page.locator(".card", has_text="LOT-4").get_by_role("button", name="Reject").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await serious_faults(page) == []
        await keep(page, "reject-wide-light")


async def test_the_views_open_by_keys_and_the_focus_is_seen(line):
    async with line.page("operator") as page:
        await page.keyboard.press("3")
        await expect(page.locator("h1")).to_have_text("Lots")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "search"
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "4px"
        await page.keyboard.type("1")  # a field takes letters: no view opens
        await expect(page.locator("h1")).to_have_text("Lots")


_FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, main")];
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return { at: all.indexOf(one), seen, name: one.outerHTML.slice(0, 80) };
}"""


@pytest.mark.parametrize("view", ["now", "alarms", "users", "account"])
async def test_the_tabulator_goes_through_a_view_in_its_order_and_the_focus_is_seen(line, view):
    async with line.page("administrator") as page:
        await page.goto(f"/{VIEWS[view]}")
        await expect(page.locator("[aria-busy]")).to_have_count(0)
        await page.locator("#skip").focus()
        order = []
        for _ in range(24):
            await page.keyboard.press("Tab")
            focused = await page.evaluate(_FOCUSED)
            if focused["at"] < 0:  # beyond the last one
                break
            assert focused["seen"], focused
            order.append(focused["at"])
        assert len(order) > 8
        rising = order[: order.index(max(order)) + 1]
        assert rising == sorted(rising)


async def test_a_question_opens_by_enter_closes_by_escape_and_gives_the_focus_back(line):
    async with line.page("administrator") as page:
        await page.goto("/#/users")
        button = page.get_by_role("article", name="Person Viewer").get_by_role("button", name="Disable")
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(button).to_be_focused()


async def test_at_twice_the_size_nothing_is_cut_and_nothing_moves_where_people_want_no_motion(line):
    half = {"width": WIDE["width"] // 2, "height": WIDE["height"] // 2}  # as 200 % leaves of a wide screen
    async with line.page("q.head", viewport=half) as page:
        await expect(page.locator(".card.critical").first).to_be_visible()
        for name, address in VIEWS.items():
            await page.evaluate(f"location.hash = '{address}'")
            await expect(page.locator("[aria-busy]")).to_have_count(0)
            assert await page.evaluate("document.documentElement.scrollWidth") <= half["width"], name
            assert await page.evaluate("document.getAnimations().length") == 0, name


async def test_a_view_says_that_it_is_loading_and_why_it_cannot_be_shown(line):
    async with line.page("administrator") as page:
        held = asyncio.Event()

        async def answer(route):
            await held.wait()
            await route.fulfill(status=503, json={"why": "too much waits to be read", "hint": "ask again"})

        await page.route("**/api/users", answer)
        await page.goto("/#/users")
        await expect(page.locator("[aria-busy]")).to_be_visible()
        held.set()
        await expect(page.locator("main .failed")).to_contain_text("too much waits to be read")
