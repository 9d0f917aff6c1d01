"""The first start: nobody has a password yet, and the one-time link makes the first administrator in the page.

A file of the page that does not arrive the first time leaves no empty page.
"""

import re

from playwright.async_api import expect

from tests.fixtures.page import gateway_of, stage

_LINK = re.compile(r"http://\S+#set-up=[\w-]+")


async def test_whatever_of_the_page_is_lost_at_first_its_link_makes_the_first_administrator(tmp_path):
    async with stage(tmp_path, users=False) as at, gateway_of(at) as gateway, at.page(None) as page:
        await expect(page.locator("h1")).to_have_text("First start")
        for lost in ("js/views/now.js", "js/main.js", "texts/en.json", "api/start"):
            await page.route(f"**/{lost}", lambda route: route.abort(), times=1)
            await page.reload()
            await expect(page.locator("#content")).to_contain_text("The gateway does not answer")
            await expect(page.locator("h1")).to_have_text("First start")  # it was there the second time
        link = _LINK.search(gateway.log.read_text())[0]
        await page.goto("about:blank")
        await page.goto(link)
        await page.get_by_label("User").fill("a.first")
        await page.get_by_label("Full name").fill("Ada First")
        await page.get_by_label("New password", exact=True).fill("correct horse battery")
        await page.get_by_label("New password once more").fill("correct horse battery")
        await page.get_by_role("button", name="Make the administrator").click()
        await page.wait_for_selector("#banner .banner")
        await expect(page.locator("#top")).to_contain_text("Ada First")
        assert "set-up" not in page.url
    assert at.faults == []
