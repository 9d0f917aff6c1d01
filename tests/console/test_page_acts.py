"""The page at work, in a real Chromium before the real gateway: people see what is wrong, and answer."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.fixtures.console import PASSWORD
from tests.fixtures.page import gateway_of, keep, sign, stage, writing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory):
    """A line at work on a lot; it runs too hot, so that the model proposes a move."""
    async with stage(tmp_path_factory.mktemp("line"), changed=writing) as at, gateway_of(at):
        await at.lot("LOT-1")
        await at.move(reactor_temperature_setpoint=79.5)
        yield at
        assert at.faults == []


async def test_an_operator_sees_a_hold_opens_it_and_acknowledges_it(line):
    async with line.page("operator") as page:
        await line.result("LOT-1", 9.8)
        card = page.locator(".card.critical", has_text="LOT-1").filter(has_text="9.8")  # others may be open before it
        await expect(card).to_be_visible()
        await expect(page.locator("#banner .banner.critical")).to_be_visible()
        await card.locator("summary").click()
        await expect(card.locator("details li").first).to_contain_text("7.5")
        await card.get_by_role("button", name="Acknowledge").click()
        await expect(card.locator(".state")).to_have_text("acknowledged")
        await expect(page.locator("#notices")).to_contain_text("Done")


async def test_a_supervisor_rejects_with_a_reason(line):
    async with line.page("supervisor") as page:
        await line.result("LOT-4", 7.0)  # nobody knows what this lot is: it is to be reviewed
        card = page.locator(".card", has_text="LOT-4")
        await card.get_by_role("button", name="Reject").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Reject").click()
        await expect(dialog).to_be_visible()  # a rejection needs a reason
        await dialog.get_by_role("button", name="Not plausible").click()
        await dialog.get_by_role("button", name="Reject").click()
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#notices")).to_contain_text("Done")
        await expect(card).to_have_count(0)


async def test_of_two_people_who_answer_at_once_the_second_learns_who_was_first(line):
    async with line.page("operator") as first, line.page("supervisor") as second:
        await line.result("LOT-2", 9.1)
        answers = [
            page.locator(".card", has_text="LOT-2").get_by_role("button", name="Acknowledge")
            for page in (first, second)
        ]
        for answer in answers:
            await expect(answer).to_be_visible()
        await answers[1].hover()
        await second.mouse.down()  # nothing moves under a finger: what the first one does is not seen yet
        await answers[0].click()
        await expect(first.locator("#notices")).to_contain_text("Done")
        await second.mouse.up()
        await expect(second.locator("#notices")).to_contain_text("Person Operator")


async def test_an_operator_approves_with_a_signature_and_the_setpoint_moves_at_the_plant(line):
    async with line.page("operator") as page:
        before, dialog = line.at_the_plant("reactor_temperature_setpoint"), page.get_by_role("dialog")
        card = page.locator(".card", has_text="reactor temperature setpoint from")
        await card.get_by_role("button", name="Approve").first.click(timeout=60000)
        await expect(dialog).to_contain_text("I approve that it is carried out")
        await dialog.get_by_label("User").fill("operator")
        await dialog.get_by_label("Password").fill(PASSWORD)
        await dialog.get_by_role("button", name="Approve").click()
        await expect(dialog).to_be_hidden()
        async with asyncio.timeout(60):
            while line.at_the_plant("reactor_temperature_setpoint") == before:
                await asyncio.sleep(0.05)
        assert 75.0 <= line.at_the_plant("reactor_temperature_setpoint") < before
        viscosity = page.locator(".prediction", has_text="viscosity")
        await expect(viscosity.locator(".badge.warning")).to_have_count(0, timeout=60000)  # it is inside again
        moved = page.locator(".setpoint", has_text="reactor temperature setpoint").locator(".moved")
        await expect(moved).to_contain_text("Move written")
        await expect(moved).to_contain_text("Read back:")
        await page.goto("/#/lots/LOT-1")
        entry = page.locator(".timeline li", has_text="reactor temperature setpoint 79").filter(has_text="(written)")
        await expect(entry).to_have_count(1)
        await expect(page.locator(".part-guidance .moved").first).to_contain_text("Move written")
        signed = page.locator(".part-guidance .signed").first
        for text in ("Person Operator (operator)", "UTC", "decision: approval of guidance"):
            await expect(signed).to_contain_text(text)


async def test_a_stop_is_one_touch_and_its_confirmation_seen_in_every_view_and_ended_by_a_signature(line):
    async with line.page("operator") as page, line.page("supervisor") as other:
        await other.goto("/#/lots")
        await page.get_by_role("button", name="STOP WRITING").click()
        await expect(page.get_by_role("dialog").get_by_role("button", name="Stop now")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        for shown in (page, other):
            await expect(shown.locator(".stopped")).to_contain_text("Writing to the plant is STOPPED")
            await expect(shown.locator(".stopped")).to_contain_text("By Person Operator")
        await expect(page.get_by_role("button", name="STOP WRITING")).to_have_count(0)
        assert await page.get_by_role("button", name="Allow writing again").count() == 0  # not an operator's
        await keep(page, "stopped-wide-light")
        await other.get_by_role("button", name="Allow writing again").click()
        dialog = other.get_by_role("dialog")
        await sign(dialog, "operator", reason="repaired")
        await expect(dialog.get_by_role("alert")).to_contain_text("not for operator")
        await sign(dialog, "supervisor", reason="repaired")
        await expect(dialog).to_be_hidden()
        for shown in (page, other):
            await expect(shown.locator(".stopped")).to_have_count(0)
        await expect(page.get_by_role("button", name="STOP WRITING")).to_be_visible()
        await other.goto("/#/signatures")
        await expect(other.locator(".part-given")).to_contain_text("decision: setpoints are written again")


async def test_a_viewer_sees_everything_and_has_no_button_that_answers(line):
    async with line.page("viewer") as page:
        await line.result("LOT-3", 9.3)
        card = page.locator(".card", has_text="LOT-3")
        await expect(card).to_contain_text("Waits for: operator")
        assert await page.locator(".card .actions button").count() == 0


async def test_a_wrong_password_says_so_and_keeps_the_user(line):
    async with line.page(None) as page:
        await page.fill("#ask-user", "operator")
        await page.fill("#ask-password", "wrong")
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("alert").filter(has_text="wrong")).to_be_visible()
        assert await page.input_value("#ask-user") == "operator"
        assert await page.input_value("#ask-password") == ""


async def test_quality_rejects_a_lot_with_both_components_of_a_signature(line):
    async with line.page("quality") as page:
        await line.result("LOT-1", 9.7)
        await page.goto("/#/lots/LOT-1")
        await expect(page.locator("tr", has_text="9.7").first).to_be_visible()
        await page.get_by_role("button", name="Reject lot").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("I reject this lot")
        await dialog.get_by_label("Reason").fill("pH far outside")
        await dialog.get_by_label("User").fill("quality")
        await dialog.get_by_label("Password").fill("not it")
        await dialog.get_by_role("button", name="Reject lot").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("wrong")
        assert await dialog.get_by_label("Reason").input_value() == "pH far outside"
        await dialog.get_by_label("Password").fill(PASSWORD)
        await dialog.get_by_role("button", name="Reject lot").click()
        await expect(dialog).to_be_hidden()
        await expect(page.locator(".decision")).to_contain_text("rejected by Person Quality (quality)")
        await expect(page.locator(".decision .signed").first).to_contain_text("UTC")
        await expect(page.locator("tr", has_text="9.7").first).to_contain_text("OUTSIDE")
