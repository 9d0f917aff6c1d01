"""The page of a plant that speaks German, on a narrow phone: no English, nothing too wide, numbers with commas."""

import json
import re
import tomllib
from importlib.resources import files

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.fixtures.console import PASSWORD
from tests.fixtures.page import gateway_of, keep, stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
NARROW = {"width": 360, "height": 740}
VIEWS = {
    "now": "#/now", "alarms": "#/alarms", "lots": "#/lots", "lot": "#/lots/LOT-1", "samples": "#/samples",
    "models": "#/models", "signatures": "#/signatures", "audit": "#/audit?query=LOT-1", "health": "#/health",
    "account": "#/account", "users": "#/users",
}  # fmt: skip
# words that every English sentence has, and no German one
_ENGLISH = re.compile(
    r"(?<![/\w])(the|and|is|are|of|with|to|until|from|by|for|not|no|has|have|was|been|this|that|which|below|above|outside|"
    r"user|lot|sample|hold|release|predicted|waits|since|ago|ok|within|limits|between|bytes|figures|shelved|acknowledged)(?![/\w])"
)
_POINT = re.compile(r"(?<![\w.,:/-])\d+\.\d+(?![\w.:-])")
# what people read: not what machines are named by (code, ids), nor details of the audit trail as they are kept
_TEXTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    const forMachines = parent.closest("script, noscript, code, pre, .trail, .as-written");
    if (!forMachines && parent.checkVisibility()) texts.push(walker.currentNode.data);
  }
  return [...texts, ...[...document.querySelectorAll("[aria-label]")].map((one) => one.getAttribute("aria-label"))];
}"""
_TOO_WIDE = """() => [...document.querySelectorAll("main *, #top *, #banner *, dialog *")]
    .filter((one) => one.checkVisibility() && !one.closest("svg, .scroll, .unseen, .uplot"))
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 120))"""


def german(text):
    return text + '\n[texts]\nlanguage = "de"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory):
    """A German line at work, with a lot on hold and a warning."""
    async with stage(tmp_path_factory.mktemp("line"), changed=german) as at, gateway_of(at):
        await at.lot("LOT-1")
        await at.move(reactor_temperature_setpoint=79.5)
        for value in (6.95, 7.1, 9.8):
            await at.result("LOT-1", value)
        yield at
        assert at.faults == []


@pytest.fixture(scope="module")
def english():
    """Every text of the page and of the gateway that is said in another way in German."""
    catalogue = files("gateway.console").joinpath("static", "texts")
    pages = {name: json.loads(catalogue.joinpath(f"{name}.json").read_text("utf-8")) for name in ("en", "de")}
    other = {text for key, text in pages["en"].items() if text != pages["de"][key]} - set(pages["de"].values())
    plants = files("gateway.texts")
    gateway = {name: set(_leaves(tomllib.loads(plants.joinpath(f"{name}.toml").read_text("utf-8")))) for name in pages}
    return other | (gateway["en"] - gateway["de"])


def _leaves(table):
    for value in table.values():
        if isinstance(value, dict):
            yield from _leaves(value)
        elif isinstance(value, list):
            yield from value
        else:
            yield value


async def faults_of(page, english, name):
    """Return what is not German, not written as Germans write it, or beyond the screen."""
    texts = [text.strip() for text in await page.evaluate(_TEXTS)]
    wrong = {
        "English": [text for text in texts if text in english or _ENGLISH.search(text)],
        "point": [text for text in texts if _POINT.search(text)],
        "wide": await page.evaluate(_TOO_WIDE),
        "scrolls": await page.evaluate("document.querySelector('main').scrollWidth - innerWidth") > 0,
    }
    return [(name, kind, what) for kind, what in wrong.items() if what]


async def test_no_view_shows_english_or_is_too_wide_and_numbers_have_commas(line, english):
    async with line.page(None, viewport=NARROW) as page:
        await page.fill("#ask-user", "q.head")
        await page.fill("#ask-password", PASSWORD)
        faults = await faults_of(page, english, "sign-in")
        await page.get_by_role("button", name="Anmelden", exact=True).click()
        await expect(page.locator(".card.critical").first).to_be_visible()
        await expect(page.locator(".prediction .reading").first).to_contain_text(",")
        for name, address in VIEWS.items():
            await page.evaluate(f"location.hash = '{address}'")
            await expect(page.locator("[aria-busy]")).to_have_count(0)
            await expect(page.locator("#content h1, #content .columns").first).to_be_visible()
            faults += await faults_of(page, english, name)
            await keep(page, f"german-{name}")
        assert faults == []


async def test_the_menu_and_the_questions_speak_german_too(line, english):
    async with line.page("q.head", viewport=NARROW) as page:
        await page.get_by_role("button", name="Menü").click()
        faults = await faults_of(page, english, "menu")
        await page.get_by_role("button", name="Tasten").click()
        assert faults + await faults_of(page, english, "keys") == []
