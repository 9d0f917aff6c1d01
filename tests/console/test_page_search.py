"""The search in a real Chromium: words lead to records, records to where more of them is shown."""

import re
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.console.test_search import index_of
from tests.fixtures.console_on_lots import console_on_lots
from tests.fixtures.page import Pages, chromium, keep

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("search")
    with pytest.MonkeyPatch.context() as patch:
        async with chromium() as browser, console_on_lots(directory, patch) as served:
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
        await expect(page.get_by_role("link", name="CSV")).to_have_attribute("download", "search.csv")
