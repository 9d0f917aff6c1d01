"""Signatures in a real Chromium: two people at one browser, who waits for whom, and what the record then shows."""

import asyncio
import io
import shutil
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.store.database import read_state
from tests.fixtures.page import gateway_of, keep, sign, signing, stage
from tests.fixtures.real_parts import missing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory):
    """A line at work whose lots are decided by two people; lots with a result outside wait for them."""
    async with stage(tmp_path_factory.mktemp("line"), changed=signing) as at, gateway_of(at):
        for number in range(1, 6):
            await at.lot(f"LOT-{number}")
            await at.result(f"LOT-{number}", 9.8)
        with closing(read_state(at.folder / "store")) as store:
            async with asyncio.timeout(120):
                while store.execute("SELECT count(DISTINCT material_lot_id) FROM disposition").fetchone()[0] < 5:
                    await asyncio.sleep(0.05)
        yield at
        assert at.faults == []


async def asked(page, lot, *, verdict="Reject lot"):
    """Have the person who is signed in ask for a decision on a lot, with their own signature."""
    await page.goto(f"/#/lots/{lot}")
    await page.get_by_role("button", name=verdict).click()
    dialog = page.get_by_role("dialog")
    await sign(dialog, "quality", reason=f"far outside, {lot}")
    await expect(dialog).to_be_hidden()
    await expect(page.locator("#notices")).to_contain_text("Waits for more signatures")


async def waiting(page, lot):
    """Open the signatures; return the card of an act on a lot that waits."""
    await page.goto("/#/signatures")
    card = page.locator("article.card", has_text=lot)
    await expect(card).to_be_visible()
    return card


async def test_a_second_person_signs_at_the_same_browser_and_the_first_stays_signed_in(line):
    async with line.page("quality") as page:
        await asked(page, "LOT-1")
        await expect(page.locator(".decision.waiting")).to_contain_text("1 of 2 signatures. It is not decided yet")
        assert await page.locator(".decision:not(.waiting)").count() == 0
        card = await waiting(page, "LOT-1")
        await expect(page.locator(".part-waiting article", has_text="LOT-1")).to_contain_text("far outside, LOT-1")
        assert await page.locator(".part-mine article", has_text="LOT-1").count() == 0  # not by its author
        await expect(card).to_contain_text("recommended HOLD")  # the facts that are signed with it
        await card.get_by_role("button", name="Another person signs").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("approval: rejection of lot LOT-1")
        await keep(page, "second-signature-wide-light")
        await sign(dialog, "quality")
        await expect(dialog.get_by_role("alert")).to_contain_text("quality has signed this already")
        await sign(dialog, "operator")
        await expect(dialog.get_by_role("alert")).to_contain_text("operator may not sign this")
        await sign(dialog, "supervisor", "not the password")
        await expect(dialog.get_by_role("alert")).to_contain_text("wrong")
        await sign(dialog, "supervisor")
        await expect(dialog).to_be_hidden()
        await expect(page.locator("[data-key=account]")).to_have_text("Person Quality")
        given = page.locator(".part-given tr", has_text="rejection of lot LOT-1")
        await expect(given).to_have_count(2)
        await expect(given.filter(has_text="Person Supervisor")).to_contain_text("approval: rejection of lot LOT-1")
        await expect(given.filter(has_text="Person Supervisor")).to_contain_text("UTC")
        await page.goto("/#/lots/LOT-1")
        for name, role, meaning in (
            ("Person Quality", "quality", "decision"),
            ("Person Supervisor", "supervisor", "approval"),
        ):
            signed = page.locator(".decision .signed", has_text=name)
            await expect(signed).to_contain_text(f"({role})")
            await expect(signed).to_contain_text(f"{meaning}: rejection of lot LOT-1")
            await expect(signed).to_contain_text("UTC")


async def test_an_act_is_shown_to_whom_it_waits_for_and_to_nobody_else_as_theirs(line):
    async with line.page("quality") as author, line.page("supervisor") as second, line.page("viewer") as viewer:
        await asked(author, "LOT-2")
        card = await waiting(second, "LOT-2")
        await expect(second.locator(".part-mine article", has_text="LOT-2")).to_be_visible()
        await expect(second.locator("nav a[data-key=signatures] .count")).to_be_visible()
        await waiting(viewer, "LOT-2")
        assert await viewer.locator(".part-mine article").count() == 0
        assert await viewer.locator("nav a[data-key=signatures] .count").count() == 0
        await card.get_by_role("button", name="Sign", exact=True).click()
        await sign(second.get_by_role("dialog"), "supervisor")
        await expect(second.locator(".part-given")).to_contain_text("approval: rejection of lot LOT-2")
        await author.goto("/#/lots/LOT-2")
        await expect(author.locator(".decision .signed")).to_have_count(2)


async def test_its_author_withdraws_an_act_and_a_second_person_rejects_one_with_a_reason(line):
    async with line.page("quality") as author, line.page("supervisor") as second:
        await asked(author, "LOT-3")
        card = await waiting(author, "LOT-3")
        await card.get_by_role("button", name="Withdraw").click()
        dialog = author.get_by_role("dialog")
        await dialog.locator("textarea").fill("the wrong lot")
        await dialog.get_by_role("button", name="Withdraw").click()
        await expect(author.locator(".part-ended tr", has_text="LOT-3")).to_contain_text("withdrawn")
        await expect(author.locator(".part-ended tr", has_text="LOT-3")).to_contain_text("the wrong lot")
        await asked(author, "LOT-3")
        card = await waiting(second, "LOT-3")
        await card.get_by_role("button", name="Reject").click()
        dialog = second.get_by_role("dialog")
        await dialog.locator("textarea").fill("retest first")
        await dialog.get_by_role("button", name="Reject").click()
        await expect(dialog).to_be_hidden()
        await expect(
            second.locator(".part-ended tr", has_text="rejected by Person Supervisor: retest first")
        ).to_be_visible()
        await expect(second.locator("article.card", has_text="LOT-3")).to_have_count(0)
        await author.goto("/#/lots/LOT-3")
        await expect(author.locator(".lot-head")).to_be_visible()
        await expect(author.locator(".decision")).to_have_count(0)


async def test_an_act_that_nobody_signs_in_time_is_shown_as_expired(line):
    async with line.page("quality") as page:
        await line.result("LOT-NOBODY-KNOWS", 7.0)
        await page.goto("/#/lots/LOT-NOBODY-KNOWS")
        await page.get_by_role("button", name="Settle").first.click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.locator("fieldset.signature")).to_be_visible()  # this plant has it signed
        await sign(dialog, "quality", reason="the laboratory has named it")
        await expect(page.locator("#notices")).to_contain_text("Waits for more signatures")
        await page.goto("/#/signatures")
        await expect(page.locator(".part-ended tr", has_text="LOT-NOBODY-KNOWS")).to_contain_text(
            "expired", timeout=60000
        )
        await expect(page.locator("article.card", has_text="LOT-NOBODY-KNOWS")).to_have_count(0)


async def test_a_signed_record_is_exported_from_the_page_and_holds_by_minisign_and_by_its_own_script(line, tmp_path):
    minisign = shutil.which("minisign") or missing("minisign")
    async with line.page("quality") as page:
        await asked(page, "LOT-4")
        card = await waiting(page, "LOT-4")
        await card.get_by_role("button", name="Another person signs").click()
        await sign(page.get_by_role("dialog"), "supervisor")
        row = page.locator(".part-given tr", has_text="approval: rejection of lot LOT-4")
        async with page.expect_download() as coming:
            await row.get_by_role("link", name="Export").click()
        download = await coming.value
        archive = zipfile.ZipFile(io.BytesIO(await asyncio.to_thread(Path(await download.path()).read_bytes)))
        archive.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    by_minisign = [minisign, "-Vm", "record.json", "-p", "minisign.pub"]
    by_script = [sys.executable, "-I", "verify.py"]
    for command in (by_minisign, by_script):
        ended = await asyncio.to_thread(
            subprocess.run, command, cwd=folder, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
    record = folder / "record.json"
    record.write_text(record.read_text().replace("far outside", "just inside"))
    for command in (by_minisign, by_script):
        ended = await asyncio.to_thread(
            subprocess.run, command, cwd=folder, capture_output=True, text=True, check=False
        )
        assert ended.returncode != 0


async def test_a_stage_is_changed_by_quality_with_the_evidence_beside_it_and_by_nobody_without_the_right(line):
    async with line.page("quality") as page, line.page("operator") as operator:
        await page.goto("/#/models")
        model = page.locator("[data-key='viscosity-R1']")
        await expect(model.locator(".stages [aria-current]")).to_contain_text("advise")
        await model.get_by_role("button", name="Change to approve").click()
        dialog = page.get_by_role("dialog")
        for text in ("From advise to approve", "Results compared", "Inside the interval (hits)", "Outside (misses)"):
            await expect(dialog).to_contain_text(text)
        await sign(dialog, "quality", reason="the pilot went well")
        await expect(dialog).to_be_hidden()
        await expect(model.locator(".stages [aria-current]")).to_contain_text("approve")
        await expect(model.locator(".signed").first).to_contain_text("decision: viscosity goes to stage approve")
        await expect(model.locator(".signed").first).to_contain_text("UTC")
        await expect(model).to_contain_text("the pilot went well")
        await operator.goto("/#/models")
        await expect(operator.locator("[data-key='viscosity-R1'] .stages [aria-current]")).to_contain_text("approve")
        assert await operator.get_by_role("button", name="Change to").count() == 0
        assert await operator.locator("[data-key='viscosity-R1'] .signed").count() > 0
