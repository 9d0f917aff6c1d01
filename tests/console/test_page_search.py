"""The search in a real Chromium: words lead to records, records to where more of them is shown."""

import re
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.clock import SystemClock
from gateway.copilot.phrasing.phraser import Phraser
from gateway.copilot.tokens import TerminalTokens
from gateway.records.sight import NOBODYS_CLIENT, Sights
from tests.console.test_search import index_of
from tests.copilot.model_server import chat, joined, model_server
from tests.fixtures.console import PASSWORD
from tests.fixtures.console_on_lots import console_on_lots
from tests.fixtures.page import Pages, chromium, keep

SIGHTS = Sights(of_users={"engineer": NOBODYS_CLIENT})
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("search")
    with pytest.MonkeyPatch.context() as patch, model_server() as server:
        server.reply = lambda text, _handler: chat(joined(text))
        phraser = Phraser(server.options(), clock=SystemClock(), on_condition=lambda _code, _stands: None)
        tokens = TerminalTokens(SystemClock(), life_seconds=900)
        async with (
            chromium() as browser,
            console_on_lots(directory, patch, phrase=phraser.phrased, tokens=tokens, sights=SIGHTS) as served,
        ):
            index_of(directory)
            pages = Pages(port=served.port, browser=browser)
            yield pages
            assert pages.faults == []


@asynccontextmanager
async def at_search(pages):
    async with pages.page("quality") as page:
        await page.goto("/#/search")
        await expect(page.get_by_role("heading", name="Search")).to_be_visible()
        yield page


async def with_one_to_check(route):
    """Answer as the gateway will once the day of the closing has come."""
    answer = await route.fetch()
    document = await answer.json()
    (action,) = document["actions"]
    due = {"deviation_id": action["deviation_id"], "check_by": "2026-12-24", "action": action}
    await route.fulfill(response=answer, json={**document, "to_check": [due]})


async def test_words_lead_to_records_and_a_record_to_its_lot(pages):
    async with at_search(pages) as page:
        await page.fill("#search", "Viskosität BAD")
        await page.get_by_role("button", name="Search", exact=True).click()
        await expect(page.locator(".findings > li").first).to_contain_text("BAD")
        await keep(page, "search-wide-light")
        await page.get_by_role("link", name="Lot", exact=True).last.click()
        await expect(page).to_have_url(re.compile("kind%3Alot"))
        await page.fill("#search", "BAD kind:lot")
        await page.get_by_role("button", name="Search", exact=True).click()
        await page.get_by_role("link", name="BAD · hold").click()
        await expect(page.locator(".part-points .alarm").first).to_contain_text("110")


async def test_what_is_left_out_of_a_search_is_said(pages):
    async with at_search(pages) as page:
        await page.fill("#search", "BAD elephant from:yesterday")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-key=notes]")).to_contain_text("No record has all of these words")
        await expect(page.locator("[data-key=notes]")).to_contain_text("A time is not understood")
        await expect(page.get_by_role("link", name="CSV")).to_have_attribute("download", "search-results.csv")


async def test_an_action_is_recorded_and_done_at_the_page_of_a_deviation(pages):
    async with pages.page("quality") as page:
        await page.goto("/#/lots/BAD")
        await page.get_by_role("link", name="actions and events like it").click()
        await expect(page.get_by_role("heading", name="Events like it")).to_be_visible()
        await page.get_by_role("button", name="Record a corrective action").click()
        await page.fill("#ask-action", "Clean the filter of the monomer line")
        await page.fill("#ask-owner", "maintenance")
        await page.fill("#ask-due", "24.12.")
        await page.locator("dialog button[type=submit]").click()
        await expect(page.locator("dialog .failed")).to_contain_text("24.12. is no day")
        await page.fill("#ask-due", "2026-12-24")
        await page.locator("dialog button[type=submit]").click()
        card = page.locator(".part-capa .card")
        await expect(card).to_contain_text("not done yet")
        await card.get_by_role("button", name="It was done").click()
        await page.fill("#ask-reason", "cleaned, VR-12")
        await page.locator("dialog button[type=submit]").click()
        await expect(card).to_contain_text("too early to say")
        await page.get_by_role("button", name="Close the deviation").click()
        await page.fill("#ask-reason", "the filter was clogged")
        await page.get_by_role("dialog").get_by_label("User").fill("quality")
        await page.get_by_role("dialog").locator("input[type=password]").first.fill(PASSWORD)
        await page.locator("dialog button[type=submit]").click()
        await expect(page.locator("dialog .failed")).to_contain_text("give the day on which")
        await page.fill("#ask-check_by", "2099-12-31")
        await page.get_by_role("dialog").locator("input[type=password]").first.fill(PASSWORD)
        await page.locator("dialog button[type=submit]").click()
        await expect(page.locator("main")).to_contain_text("Closed by Person Quality")
        await keep(page, "deviation-wide-light")
        await page.goto("/#/suppliers")
        await expect(page.locator("tbody tr")).to_contain_text("Acme")
        await keep(page, "suppliers-wide-light")
    async with pages.page("operator") as page:
        await page.route("**/api/actions", with_one_to_check)
        await page.goto("/#/actions")
        due = page.locator(".part-to-check")
        await expect(due).to_contain_text("Its effect is to be checked on 2026-12-24")
        await expect(due.locator(".card")).to_contain_text("Clean the filter")
        await expect(page.locator(".card")).to_have_count(2)
        await keep(page, "actions-wide-light")
        await expect(page.get_by_role("button", name="It was done")).to_have_count(0)


async def test_a_question_is_asked_and_its_sources_lead_on(pages):
    async with pages.page("operator") as page:
        await page.goto("/#/ask")
        await page.fill("#question", "Warum ist Charge BAD gesperrt?")
        await page.get_by_role("button", name="Ask", exact=True).click()
        await expect(page.locator("[data-key=computed]")).to_contain_text("Charge BAD ist gesperrt. Weil:")
        await expect(page.locator("[data-key=phrased]")).to_contain_text("Formuliert vom Sprachmodell m-1")
        await expect(page.locator("[data-key=phrased]")).to_contain_text("Charge BAD ist gesperrt, Weil:")
        await keep(page, "ask-wide-light")
        await page.get_by_role("button", name="What is open right now?").click()
        await expect(page.locator("[data-key=computed]")).to_contain_text("open")
        await page.get_by_text("Ask at a terminal with your own rights").click()
        await page.fill("#terminal", "T-07")
        await page.get_by_role("button", name="Get a token").click()
        await expect(page.locator("[data-key=token-text]")).to_contain_text(".")
        await keep(page, "ask-token-wide-light")
        await page.fill("#question", "status of lot BAD")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-key=computed]")).to_contain_text("Lot BAD is on hold")
        await page.locator(".answer").get_by_role("link", name="BAD").first.click()
        await expect(page.locator(".part-points .alarm").first).to_contain_text("110")


async def test_who_sees_some_clients_is_told_so_and_offered_no_view_of_all(pages):
    async with pages.page("engineer") as page:
        await page.goto("/#/lots/BAD")
        await expect(page.locator("#notices")).to_contain_text("You see the records of some clients")
        await expect(page.get_by_role("heading", name="BAD", exact=True)).to_be_visible()
        await expect(page.get_by_role("link", name="Review of its record")).to_have_count(0)
        await expect(page.locator("#nav")).to_contain_text("Signatures")
        await expect(page.locator("#nav")).not_to_contain_text("Models")
        await page.goto("/#/audit")
        await expect(page.get_by_role("heading", name="Audit")).to_be_visible()
        await expect(page.get_by_role("button", name="Verify the chain")).to_have_count(0)
    async with pages.page("quality") as page:
        await page.goto("/#/lots/BAD")
        await expect(page.get_by_role("link", name="Review of its record")).to_be_visible()
        await expect(page.locator("#notices")).not_to_contain_text("some clients")
        await page.goto("/#/audit")
        await expect(page.get_by_role("button", name="Verify the chain")).to_be_visible()
