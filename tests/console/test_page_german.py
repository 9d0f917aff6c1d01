"""The page of a plant that speaks German, on a narrow phone: no English, nothing too wide, numbers with commas."""

import asyncio
import json
import re
import tomllib
from contextlib import suppress
from importlib.resources import files

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.advice.gateway_alarms import kind_of
from gateway.store.database import open_state
from gateway.texts.catalogue import catalogue
from tests.fixtures.console import PASSWORD, Browser, set_password
from tests.fixtures.page import gateway_of, keep, stage, until_true, writing

pytestmark = pytest.mark.asyncio(loop_scope="module")
NARROW = {"width": 360, "height": 740}
VIEWS = {
    "now": "#/now", "alarms": "#/alarms", "lots": "#/lots", "lot": "#/lots/LOT-1", "lot-held": "#/lots/LOT-2",
    "lot-unknown": "#/lots/LOT-NOBODY-KNOWS",
    "review": "#/review/LOT-2", "trace": "#/audit?query=LOT-2", "samples": "#/samples",
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


_SECOND_PLANT = '\n[opcua.plc2]\nurl = "opc.tcp://127.0.0.1:1"\nsecurity = "None"\n'


_TWO_SIGN = '\n[signatures.decide_lot]\nroles = ["quality", "supervisor"]\ncount = 2\n'


def german(text):
    return writing(text) + _TWO_SIGN + _SECOND_PLANT + '\n[texts]\nlanguage = "de"\n'


ALARMS = (  # as they stood when the gateway stopped: kept from calling in each way, and one below another
    ("SOURCE_PLC2_DISCONNECTED", 1, 0, "none", "", "", None),
    ("ITEMS_SILENT_PLC2", 1, 0, "none", "", "", "gateway/SOURCE_PLC2_DISCONNECTED"),
    ("STORE_FULL_SOON", 1, 1, "shelved", "Platte bestellt", "Anna Berg", None),
    ("NODES_REFUSED_PLC2", 1, 1, "out_of_service", "VR-12", "Anna Berg", None),
    ("WEBHOOK_UNAVAILABLE", 1, 1, "suppressed_by_design", "Reinigung", "", None),
    ("CONSOLE_UNAVAILABLE", 1, 0, "none", "", "", None),
)


def written_before(folder):
    """Write alarms as an earlier run has left them, a latched one, and a password that waits to be confirmed."""
    connection = open_state(folder / "store")
    for code, active, acknowledged, suppression, reason, person, group in ALARMS:
        connection.execute(
            "INSERT INTO alarm VALUES (?, ?, 'warning', 'engineer', ?, ?, 0, ?, 9e18, ?, ?, 1, NULL, ?)",
            (f"gateway/{code}", title_in("de", code), active, acknowledged, suppression, reason, person, group),
        )
    connection.execute("INSERT INTO latch VALUES ('SETPOINT_MISMATCH_NEUTRALISER_FLOW_SETPOINT', 1, '{}')")
    connection.close()
    set_password(folder / "store", "engineer", issued_by="administrator")


def title_in(language, code):
    kind, name = kind_of(code)
    return catalogue(language)["gateway_alarm_title", kind][0].format(name=name)


async def guidance_of(browser, **wanted):
    """Wait for an open guidance."""
    async with asyncio.timeout(120):
        while True:
            for item in (await browser.get("/api/now")).document["guidance"]:
                if wanted.items() <= item.items():
                    return item
            await asyncio.sleep(0.2)


async def answered(browser, guidance, answer, **signed):
    asked = {"guidance_id": guidance["guidance_id"], "answer": answer}
    done = await browser.act("answer_guidance", asked, reason="Der Messwert stimmt nicht.", **signed)
    assert done["outcome"] == "done", done


async def decide(browser, lot, verdict, user):
    """Ask for a decision on a lot, which a second person has to sign; return the record that waits."""
    async with asyncio.timeout(120):
        while (answer := await browser.get(f"/api/lots/{lot}")).status != 200 or not answer.document["basis_sha256"]:
            await asyncio.sleep(0.2)
    asked = {"material_lot_id": lot, "verdict": verdict, "basis_sha256": answer.document["basis_sha256"]}
    by = {"user": user, "password": PASSWORD}
    done = await browser.act("decide_lot", asked, reason="weit außerhalb", sign_in=by)
    assert done["outcome"] == "pending", done
    return done["details"]


async def everything_happens(at):
    """Have people do what they can do: guidance answered in each way, a move, signatures given, refused, withdrawn."""
    people = {user: Browser(at.port) for user in ("operator", "supervisor", "quality")}
    for user, browser in people.items():
        assert (await browser.sign_in(user)).status == 200
    operator, supervisor, quality = people.values()
    await answered(supervisor, await guidance_of(supervisor, material_lot_id="LOT-NOBODY-KNOWS"), "reject")
    await answered(operator, await guidance_of(operator, kind="hold", material_lot_id="LOT-2"), "acknowledge")
    move = await guidance_of(operator, kind="setpoint")
    await answered(operator, move, "approve", sign_in={"user": "operator", "password": PASSWORD})
    for lot, verdict in (("LOT-1", "reject"), ("LOT-2", "hold"), ("LOT-3", "reject"), ("LOT-4", "hold")):
        waiting = await decide(quality, lot, verdict, "quality")
        record = {"record_id": waiting["record_id"]}
        if lot == "LOT-1":
            signed = {"user": "supervisor", "password": PASSWORD}
            await supervisor.act("sign_pending", record | {"sha256": waiting["sha256"]}, sign_in=signed)
        elif lot != "LOT-4":
            await (supervisor if lot == "LOT-2" else quality).act("withdraw_pending", record, reason="erst nachmessen")
    assert (await operator.act("stop_writes", {}, reason="Ventil wird getauscht"))["outcome"] == "done"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory):
    """A German line at work on which everything has happened that a page can show."""
    async with stage(tmp_path_factory.mktemp("line"), changed=german) as at:
        written_before(at.folder)
        async with gateway_of(at):
            for number in range(1, 5):
                await at.lot(f"LOT-{number}")
                await at.result(f"LOT-{number}", 9.8)
            await at.move(reactor_temperature_setpoint=79.5)
            await at.lot("LOT-1")
            for value in (6.95, 7.1):
                await at.result("LOT-1", value)
            await at.result("LOT-NOBODY-KNOWS", 7.0)
            await everything_happens(at)
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
    with suppress(TimeoutError):  # a chart fits itself to its place a moment after it is drawn
        await until_true(page, "document.querySelector('main').scrollWidth <= innerWidth", seconds=10)
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
