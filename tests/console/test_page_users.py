"""Users and one's own account on the page, in a real Chromium before the real gateway."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.fixtures.console import PASSWORD, set_password
from tests.fixtures.page import gateway_of, keep, sign, stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = "quite another password"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory):
    """A line at work; somebody else has set the viewer's password, and issued the one that quality has since set."""
    async with stage(tmp_path_factory.mktemp("line")) as at:
        set_password(at.folder / "store", "viewer", must_change=True)
        set_password(at.folder / "store", "quality", issued_by="administrator")
        async with gateway_of(at):
            yield at
        assert at.faults == []


async def signed_in_with(page, user, password):
    await page.fill("#ask-user", user)
    await page.fill("#ask-password", password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def set_own(page):
    await page.get_by_label("New password", exact=True).fill(OWN)
    await page.get_by_label("New password once more").fill(OWN)
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_text("Sign in with it")).to_be_visible()


async def test_a_password_that_somebody_else_has_set_is_replaced_before_anything_is_seen(line):
    async with line.page(None) as page:
        await signed_in_with(page, "viewer", PASSWORD)
        await expect(page.get_by_text("Somebody else has set")).to_be_visible()
        await keep(page, "password-wide-light")
        await page.goto("/#/audit")
        await expect(page.locator("#banner .banner")).to_have_count(0)
        typed = await page.locator("#content input").evaluate_all("all => all.map((one) => one.value)")
        assert set(typed) == {""}  # nothing of the door before, in clear least of all
        await page.get_by_label("Password now").fill(PASSWORD)
        await set_own(page)
        await signed_in_with(page, "viewer", OWN)
        await expect(page.locator("#banner .banner")).to_be_visible()


async def test_a_password_that_an_administrator_has_issued_is_confirmed_by_a_third_person(line):
    async with line.page("quality") as user, line.page("administrator") as issuer, line.page("q.head") as third:
        for page in (user, issuer, third):
            await page.goto("/#/signatures")
            await expect(page.locator(".part-passwords article")).to_contain_text("Person Administrator has issued it")
        for page in (user, issuer):
            assert await page.get_by_role("button", name="Confirm the password").count() == 0
            assert await page.locator("nav a[data-key=signatures] .count").count() == 0
        await expect(third.locator("nav a[data-key=signatures] .count")).to_be_visible()
        await keep(third, "confirm-password-wide-light")
        await third.get_by_role("button", name="Confirm the password").click()
        await sign(third.get_by_role("dialog"), "q.head", reason="asked at the desk")
        await expect(third.locator(".part-passwords")).to_have_count(0)


async def test_an_administrator_adds_a_user_who_sets_an_own_password_by_a_link_that_works_once(line):
    async with line.page("administrator") as page, line.page(None) as other:
        await page.goto("/#/users")
        dialog = page.get_by_role("dialog")
        await page.get_by_role("button", name="Add a user").click()
        await dialog.get_by_label("User", exact=True).fill("Maya")
        await dialog.get_by_label("Full name").fill("Maya Lind")
        await dialog.get_by_role("button", name="Add a user").click()
        wrong = dialog.get_by_label("User", exact=True)
        await expect(wrong).to_have_attribute("aria-invalid", "true")  # capital letters: said at the field
        await expect(wrong).to_be_focused()
        await wrong.fill("maya")
        await dialog.get_by_role("button", name="Add a user").click()
        card = page.get_by_role("article", name="Maya Lind")
        await expect(card).to_contain_text("operator")
        await keep(page, "users-wide-light")
        await card.get_by_role("button", name="One-time password link").click()
        await dialog.get_by_label("Your own password").fill(PASSWORD)
        await dialog.get_by_label("Reason").fill("first day")
        await dialog.get_by_role("button", name="One-time password link").click()
        link = await page.get_by_label("Address").input_value()
        await page.get_by_role("button", name="Close").click()
        await other.goto("about:blank")
        await other.goto(link)
        await set_own(other)
        await signed_in_with(other, "maya", OWN)
        await expect(other.locator("#top")).to_contain_text("Maya Lind")
        assert "password" not in other.url
        await other.goto("/#/users")  # no view of theirs: they get Now
        await expect(other.locator("nav a", has_text="Users")).to_have_count(0)
        await expect(other.locator(".part-guidance")).to_be_visible()


async def test_a_locked_user_is_unlocked_disabled_and_enabled_with_reasons(line):
    async with line.page("administrator") as page, line.page(None) as other:
        for _ in range(3):
            async with other.expect_response("**/session"):
                await signed_in_with(other, "engineer", "wrong")
            await expect(other.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
        await page.goto("/#/users")
        card, dialog = page.get_by_role("article", name="Person Engineer"), page.get_by_role("dialog")
        for act in ("Unlock", "Disable", "Enable"):
            await card.get_by_role("button", name=act, exact=True).click()
            await dialog.get_by_label("Reason").fill("VR-7")
            await dialog.get_by_role("button", name=act, exact=True).click()
            await expect(dialog).to_have_count(0)
        await expect(card).to_contain_text("active")


async def test_a_user_ends_other_sessions_and_chooses_a_language(line):
    async with line.page("operator") as page, line.page("operator") as other:
        await page.goto("/#/account")
        await expect(page.locator("#banner .banner")).to_be_visible()
        await keep(page, "account-wide-light")
        await page.get_by_role("button", name="End all other sessions").click()
        await expect(other.locator("#ask-user")).to_be_visible()
        await expect(page.get_by_role("button", name="End all other sessions")).to_have_count(0)
        await page.get_by_role("button", name="Deutsch").click()
        await expect(page.locator("nav")).to_contain_text("Alarme")
        await page.reload()
        await expect(page.locator("nav")).to_contain_text("Alarme")
