"""The review of a lot's record in a real Chromium: the fault first, its evidence one click away, then signed."""

import re
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.fixtures.console import PASSWORD
from tests.fixtures.console_on_lots import console_on_lots
from tests.fixtures.page import Pages, chromium, keep

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONE = {"width": 390, "height": 844}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pages(tmp_path_factory):
    """A console on a lot whose result is far outside."""
    with pytest.MonkeyPatch.context() as patch:
        async with console_on_lots(tmp_path_factory.mktemp("lots"), patch) as served, chromium() as browser:
            pages = Pages(port=served.port, browser=browser)
            yield pages
            assert pages.faults == []


@asynccontextmanager
async def review(pages, user, *, lot="BAD", **options):
    async with pages.page(user, **options) as page:
        await page.goto(f"/#/review/{quote(lot, safe='')}")
        await expect(page.locator(".exception").first).to_be_visible()
        yield page


async def test_the_planted_fault_is_the_first_line_and_its_evidence_is_one_click_away(pages):
    async with pages.page("viewer") as page:
        await page.goto("/#/lots/BAD")
        await page.get_by_role("link", name="Review of its record by exception").click()
        first = page.locator(".exception").first
        await expect(first).to_contain_text("CRITICAL")
        await expect(first).to_contain_text("110")
        await expect(page.get_by_role("button", name="Settle")).to_have_count(0)  # a viewer looks on
        await page.get_by_text("data points, by group").click()
        await expect(page.locator(".part-groups")).to_contain_text("Process values")
        await keep(page, "review-wide-light")
        await first.get_by_role("link", name="result").click()
        await expect(page).to_have_url(re.compile(r"#/audit\?query="))


async def test_a_supervisor_comments_on_what_only_quality_settles(pages):
    async with review(pages, "supervisor") as page:
        first = page.locator(".exception").first
        await expect(first.get_by_role("button", name="Settle")).to_have_count(0)
        await first.get_by_role("button", name="Comment").click()
        dialog = page.get_by_role("dialog")
        await dialog.locator("textarea, input[name=reason]").first.fill("asked the laboratory")
        await dialog.get_by_role("button", name="Comment").click()
        await expect(first).to_contain_text("asked the laboratory Person Supervisor (supervisor)")


async def test_quality_settles_every_exception_and_signs_with_its_password(pages):
    async with review(pages, "quality") as page:
        sign, open_ones = (
            page.get_by_role("button", name="Sign the review"),
            page.locator(".part-exceptions > .exception"),
        )
        await expect(sign).to_be_disabled()
        while left := await open_ones.count():
            await open_ones.first.get_by_role("button", name="Settle").click()
            dialog = page.get_by_role("dialog")
            await dialog.locator("textarea, input[name=reason]").first.fill("looked at, see OOS-17")
            await dialog.get_by_role("button", name="Settle").click()
            await expect(open_ones).to_have_count(left - 1)
        await sign.click()
        dialog = page.get_by_role("dialog")
        await dialog.locator("textarea, input[name=reason]").first.fill("record reviewed")
        await dialog.get_by_label("User").fill("quality")
        await dialog.locator("input[type=password]").first.fill(PASSWORD)
        await dialog.get_by_role("button", name="Sign the review").click()
        await expect(page.locator(".decision").first).to_contain_text("Signed by Person Quality (quality)")
        await keep(page, "review-signed")
        printed = await page.request.get("/api/lots/BAD/review/document", max_retries=3)
        body = await printed.text()
        assert (printed.status, "Person Quality" in body, "OOS-17" in body) == (200, True, True)
        assert "default-src 'none'" in printed.headers["content-security-policy"]


async def test_it_can_be_read_on_a_phone(pages):
    async with review(pages, "supervisor", lot="L/2", viewport=PHONE) as page:
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        await keep(page, "review-phone-light")
