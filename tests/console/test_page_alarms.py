"""Alarms on the page, in a real Chromium before the real gateway: seen, shelved, taken out of service, reset."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.store.database import open_state
from tests.fixtures.page import gateway_of, keep, stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
_SECOND_PLANT = '\n[opcua.plc2]\nurl = "opc.tcp://127.0.0.1:1"\nsecurity = "None"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory):
    """A line at work that runs too hot, so that it warns; one source is away, and one alarm is latched from before."""
    async with stage(tmp_path_factory.mktemp("line"), changed=lambda text: text + _SECOND_PLANT) as at:
        connection = open_state(at.folder / "store")
        connection.execute("INSERT INTO latch VALUES ('STORE_QUARANTINED', 1, '{}')")
        connection.close()
        async with gateway_of(at):
            await at.lot("LOT-1")
            await at.move(reactor_temperature_setpoint=79.5)
            yield at
        assert at.faults == []


async def test_what_is_latched_is_reset_by_no_operator_and_a_warning_that_is_seen_says_its_values(line):
    async with line.page("operator") as page:
        await page.goto("/#/alarms")
        latched = page.locator(".card", has_text="latched")
        await expect(latched).to_contain_text("Reset: supervisor, quality, engineer, administrator")
        await expect(latched.get_by_role("button")).to_have_count(0)
    async with line.page("engineer") as page:
        await page.goto("/#/alarms")
        latched = page.locator(".card", has_text="latched")
        await latched.get_by_role("button", name="Reset").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Reason").fill("the disk is replaced")
        await dialog.get_by_role("button", name="Reset").click()
        await expect(latched).to_have_count(0)
    async with line.page("operator") as page:  # now the model warns again
        await page.goto("/#/alarms")
        warning = page.locator(".card", has_text="viscosity between")
        await warning.get_by_role("button", name="Acknowledge").click(timeout=60000)
        await expect(page.locator(".part-seen .card", has_text="viscosity between")).to_contain_text(
            "active · acknowledged"
        )


async def test_an_operator_shelves_an_alarm_with_time_and_reason_and_takes_it_back(line):
    async with line.page("operator") as page:
        await page.goto("/#/alarms")
        await page.locator(".card", has_text="plc2").get_by_role("button", name="Shelve").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Shelve").click()
        await expect(dialog).to_be_visible()  # it needs a reason
        await dialog.get_by_label("For how long").select_option("1800")
        await dialog.get_by_label("Reason").fill("cooling is being repaired")
        await dialog.get_by_role("button", name="Shelve").click()
        away = page.locator(".part-away")
        await expect(away).to_contain_text("left")
        await expect(away).to_contain_text("Person Operator: cooling is being repaired")
        await expect(away).to_contain_text("Out of service: supervisor, engineer")  # who may, where this person may not
        await expect(away.get_by_role("button", name="Out of service")).to_have_count(0)
        await keep(page, "alarms-wide-light")
        await away.get_by_role("button", name="Unshelve").click()
        await dialog.get_by_role("button", name="Unshelve").click()
        await expect(page.locator(".part-calling")).to_contain_text("plc2")


async def test_a_supervisor_takes_an_alarm_out_of_service_and_returns_it(line):
    async with line.page("supervisor") as page:
        await page.goto("/#/alarms")
        dialog = page.get_by_role("dialog")
        await page.locator(".card", has_text="plc2").get_by_role("button", name="Out of service").click()
        await dialog.get_by_label("Reason").fill("VR-12")
        await dialog.get_by_role("button", name="Out of service").click()
        away = page.locator(".part-away")
        await expect(away).to_contain_text("Person Supervisor: VR-12")
        await away.get_by_role("button", name="Into service").click()
        await dialog.get_by_role("button", name="Into service").click()
        await expect(away).to_contain_text("Nothing is shelved")
