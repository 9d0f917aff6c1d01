"""The views of lots, samples, models and the audit trail in a real Chromium: they show what is on record."""

import random
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.contract.lot_decisions import basis_sha256
from gateway.contract.times import rfc3339
from gateway.latches import drift_latch
from gateway.line.definition import UTC_ZONE
from gateway.line.laboratory import LaboratoryCalendar, LaboratoryLoad
from gateway.line.sustained_outside import SustainedOutside
from gateway.records.acts import ActOutcome, AnswerGuidance, DecideLot
from gateway.records.lot_decisions import Verdict
from gateway.records.people import Act
from gateway.store.database import open_state
from gateway.store.queries.lot_decisions import basis_of
from gateway.store.queries.lots import lot_on_record
from gateway.time_units import DAY_NS, SECOND_NS
from tests.fixtures.building import assignment, bundle, value_output
from tests.fixtures.console import PASSWORD, console_at_work, quick_passwords, set_password
from tests.fixtures.console_on_lots import HandClock, console_on_lots
from tests.fixtures.page import Pages, chromium, keep, sign, until_true
from tests.fixtures.store_bench import viscosity
from tests.people.test_stages import Staging, by

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASELINE = 25  # lots, after which control limits stand


def _a_baseline(plant):
    chance = random.Random(7)
    for number in range(1, BASELINE + 2):
        plant.lot(f"L/{number}", round(chance.gauss(100.0, 1.0), 2))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with chromium() as running:
        yield running


@asynccontextmanager
async def _pages(browser, served):
    pages = Pages(port=served.port, browser=browser)
    pages.served = served
    yield pages
    assert pages.faults == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lots(browser, tmp_path_factory):
    """A console on lots within control limits and one far outside, with its draft of a deviation."""
    directory = tmp_path_factory.mktemp("lots")
    with pytest.MonkeyPatch.context() as patch:
        async with console_on_lots(directory, patch, before=_a_baseline) as served, _pages(browser, served) as pages:
            with closing(open_state(directory)) as connection:
                connection.execute(
                    "INSERT INTO sample_request (material_lot_id, request_id, since_ns, probability, tests)"
                    " VALUES ('LOT-NOW', 'r-1', 1, 0.31, '[\"viscosity\"]')"
                )
            yield pages


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pilot(browser, tmp_path_factory):
    """A console on a model that was in a pilot: two results before it, one off; three in it, and a rejection."""
    directory = tmp_path_factory.mktemp("pilot")
    bench = Staging(directory)
    with closing(bench.connection), pytest.MonkeyPatch.context() as patch:
        quick_passwords(patch)
        _piloted(bench)
        for user_id in ("anna", "emil", "olga"):
            set_password(directory, user_id)
        async with (
            console_at_work(directory, bench.line, clock=HandClock(bench.now_ns)) as served,
            _pages(browser, served) as pages,
        ):
            served.health.latched([drift_latch("viscosity", "viscosity")])
            yield pages


def _piloted(bench):
    output = value_output(sigma=20.0)
    stage = bench.line.models[0].stage
    rules = SustainedOutside(enters_after=2, of=5, leaves_after=3)
    models = (assignment(bundle=bundle(outputs=(output,), outside=rules), stage=stage),)
    planning = LaboratoryLoad(
        plan=True, weeks=2, tests_per_day=16.0, calendar=LaboratoryCalendar(zone=UTC_ZONE, weekdays=frozenset(range(7)))
    )
    bench.line = replace(bench.line, models=models, laboratory_load=planning)
    bench.sha256 = models[0].bundle.identity.sha256
    bench.order()
    bench.model_due(78.0)
    for number, value in enumerate((100.0, 120.0)):
        _measured(bench, f"C-{number}", value)
    bench.stage("approve")
    bench.context("lot_started", material_lot_id="LOT/2", job_order_id="WO-1", equipment_id="R1")
    for number in range(3):
        _measured(bench, f"P-{number}", 100.5, material_lot_id="LOT/2")
    bench.now_ns += 60 * SECOND_NS
    basis = basis_sha256(basis_of(bench.connection, lot_on_record(bench.connection, "LOT/2")))
    act = DecideLot(material_lot_id="LOT/2", verdict=Verdict.RELEASE, basis_sha256=basis)
    assert bench.act(act, credential=by("anna")).outcome is ActOutcome.DONE
    bench.model_due(81.0, setpoint=81.0)
    (guidance_id,) = [item["id"] for item in bench.sent("guidance") if item["kind"] == "setpoint"][-1:]
    answer = AnswerGuidance(guidance_id=guidance_id, answer=Act.REJECT)
    assert bench.act(answer, credential=by("emil"), reason="cleaning").outcome is ActOutcome.DONE
    for ahead in (3, 6):
        start_ns = bench.now_ns + ahead * DAY_NS
        times = {"planned_start_at": rfc3339(start_ns), "planned_end_at": rfc3339(start_ns + DAY_NS)}
        fields = {"job_order_id": f"WO-{ahead}", "material_definition_id": "FG-100", "planned_lots": 30}
        bench.context("order_planned", **fields, **times)
    bench.plan_laboratory()
    for _outside in range(2):
        bench.now_ns += SECOND_NS
        bench.model_due(99.0)


def _measured(bench, sample_id, value, **more):
    """Have the laboratory say a value of a sample that was drawn while the inputs were known."""
    bench.now_ns += SECOND_NS
    drawn = rfc3339(bench.now_ns)
    bench.result(viscosity(value, sample_id=sample_id, sampled_at=drawn, **more))


async def test_a_lot_shows_what_is_missing_its_results_and_its_control_chart_with_limits_and_marks(lots):
    async with lots.page("quality") as page:
        await page.goto("/#/lots/BAD")
        await expect(page.locator(".part-points .alarm").first).to_contain_text("110")
        row = page.locator(".part-results tbody tr")
        await expect(row).to_contain_text("110.0 mPa·s")
        await expect(row).to_contain_text("OUTSIDE")
        await expect(row).to_contain_text("limits 95 to 105")
        chart = page.locator(".part-charts")
        await expect(chart).to_contain_text("Centre 99.9")
        await expect(chart).to_contain_text("control limits 97.8 to 102.0")
        await expect(chart.locator(".signals li").last).to_contain_text("110.0 mPa·s · S-BAD")
        await until_true(page, _RINGS)  # the mark of the rule is drawn
        await chart.scroll_into_view_if_needed()
        await keep(page, "lot-chart-wide-light")
        for name in ("Release lot", "Reject lot", "Keep on hold"):
            await expect(page.get_by_role("button", name=name)).to_be_visible()
    async with lots.page("operator") as page:
        await page.goto("/#/lots/BAD")
        await expect(page.locator(".part-results tbody tr")).to_be_visible()
        assert await page.get_by_role("button", name="Release lot").count() == 0


_RINGS = """() => {
  const canvas = document.querySelector(".part-charts canvas");
  if (!canvas || !canvas.width) return false;
  const wanted = getComputedStyle(document.documentElement).getPropertyValue("--critical").trim();
  const probe = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  probe.fillStyle = wanted; probe.fillRect(0, 0, 1, 1);
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255) found += 1;
  }
  return found > 20;
}"""


async def test_the_draft_of_a_deviation_opens_and_shows_what_was_signed_about_its_lot(lots):
    quality = lots.served.browser()
    await quality.sign_in("quality")
    basis = (await quality.get("/api/lots/BAD")).document["basis_sha256"]
    signed = {"user": "quality", "password": PASSWORD}
    parameters = {"material_lot_id": "BAD", "verdict": "reject", "basis_sha256": basis}
    assert (await quality.act("decide_lot", parameters, reason="far outside", sign_in=signed))["outcome"] == "done"
    async with lots.page("viewer") as page:
        await page.goto("/#/lots/BAD")
        await expect(page.locator(".decision .signed")).to_contain_text("decision: rejection of lot BAD")
        async with page.context.expect_page() as opened:
            await page.locator(".part-deviations a[target=_blank]").click()
        draft = await opened.value
        await expect(draft.locator("h1")).to_contain_text("110")
        row = draft.locator("tr", has_text="Person Quality")
        await expect(row).to_contain_text("quality")
        await expect(row).to_contain_text("UTC")
        await expect(row).to_contain_text("decision: rejection of lot BAD")


async def test_samples_show_what_the_laboratory_is_asked_for(lots):
    async with lots.page("viewer") as page:
        await page.goto("/#/samples")
        row = page.locator("#content", has_text="LOT-NOW")
        await expect(row).to_contain_text("31%")
        await expect(row).to_contain_text("viscosity")


async def test_the_load_of_the_laboratory_is_seen_and_its_plan_is_approved_with_what_is_ticked(pilot):
    async with pilot.page("anna") as page:
        await page.goto("/#/samples")
        load = page.locator("[data-key=load]")
        await expect(load).to_contain_text("nobody has approved it yet")
        await expect(load.locator(".load-bar.over").first).to_be_visible()
        await expect(load.locator(".conflict").first).to_contain_text("a day can be done")
        await load.get_by_role("button", name="Approve the plan").click()
        ticks = page.locator("dialog input[name=proposal]")
        await expect(ticks.first).to_be_checked()
        await ticks.first.uncheck()
        await keep(page, "laboratory-load-approve")
        await page.locator("dialog").get_by_role("button", name="Approve the plan").click()
        await expect(load).to_contain_text("Approved by Anna")
        agreed, offered = (load.locator("li", has_text=words) for words in ("(agreed)", "can wait until"))
        assert await agreed.count() == await offered.count() - 1
        await expect(load.get_by_role("button", name="Approve the plan")).to_have_count(0)
        await keep(page, "laboratory-load")


async def test_the_trail_is_searched_traced_and_verified_from_the_page(lots, pilot):
    async with lots.page("viewer") as page:
        await page.goto("/#/audit")
        await expect(page.locator("tbody tr").first).to_be_visible()
        await page.get_by_role("searchbox").fill("S-BAD")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator("tbody tr")).not_to_have_count(0)
        for text in await page.locator("tbody tr details pre").all_text_contents():
            assert "S-BAD" in text
        await page.goto("/#/audit?query=BAD")
        await page.get_by_role("button", name="Trace BAD").click()
        tree = page.locator(".part[data-key=trace]")
        await expect(tree).to_contain_text("What is connected with BAD")
        await expect(tree.locator("li").first).to_contain_text("lot")
        assert await tree.locator("li").count() > 3
        await page.get_by_role("button", name="Verify the chain").click()
        verified = page.locator("[data-key=verified]")
        await expect(verified).to_contain_text("The chain is broken", timeout=60000)
        await expect(verified).to_contain_text("sample_request LOT-NOW")  # it was written by hand
    async with pilot.page("olga") as page:
        await page.goto("/#/audit")
        await page.get_by_role("button", name="Verify the chain").click()
        await expect(page.locator("[data-key=verified]")).to_contain_text("The chain holds", timeout=60000)


async def test_a_model_shows_its_evidence_its_pilot_and_why_it_is_held_down_and_the_report_has_the_same(pilot):
    async with pilot.page("olga") as page:
        await page.goto("/#/models")
        model = page.locator("[data-key='viscosity-R1']")
        await expect(model.locator("[data-key=outside]")).to_contain_text("outside what it has learned since")
        await expect(model.locator(".failed").last).to_contain_text("Held down: Model drifts")
        evidence = model.locator(".evidence")
        shown = {}
        for pair in await evidence.locator(".facts div").all():
            shown[await pair.locator("dt").text_content()] = await pair.locator("dd").text_content()
        assert shown | {
            "Results compared": "5", "Inside the interval (hits)": "4", "Outside (misses)": "1", "Share inside": "80%",
        } == shown  # fmt: skip
        await expect(model.locator(".signed")).to_contain_text("Anna (quality)")
        await expect(model.locator(".signed")).to_contain_text("decision: viscosity goes to stage approve")
        await expect(model).to_contain_text("VR-7")
        control, approve = (model.locator("[data-key=pilot] tbody tr").nth(at) for at in (0, 1))
        for text in ("control (before)", "50% (1 / 2)"):
            await expect(control).to_contain_text(text)
        for text in ("approve", "0% (0 / 3)", "60 s (1)", "0% (0 / 1)", "cleaning"):
            await expect(approve).to_contain_text(text)
        assert await page.get_by_role("button", name="Change to").count() == 0  # an operator
        await keep(page, "models-pilot-wide-light")
        async with page.context.expect_page() as opened:
            await page.get_by_role("link", name="Report for printing").click()
        report = await opened.value
        for text in ("Pilot of viscosity", "control", "50.0 % (1 / 2)", "0.0 % (0 / 3)", "60 s", "1 x cleaning"):
            await expect(report.locator("body")).to_contain_text(text)


async def test_the_evidence_stands_in_the_question_that_an_engineer_asks_and_quality_signs(pilot):
    async with pilot.page("emil") as page:
        await page.goto("/#/models")
        model = page.locator("[data-key='viscosity-R1']")
        await model.get_by_role("button", name="Change to advise").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.locator(".evidence")).to_contain_text("Inside the interval (hits)4")
        await dialog.get_by_role("button", name="Cancel").click()


async def test_quality_sets_a_part_of_a_lot_apart_and_decides_on_it_alone(lots):
    async with lots.page("quality") as page:
        await page.goto("/#/lots/L%2F2")
        await page.get_by_role("button", name="Set a part apart").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Part").fill("drums 1-10")
        await dialog.get_by_label("Quantity").fill("2,000 kg")
        await dialog.get_by_label("Reason").fill("for Acme")
        await dialog.get_by_role("button", name="Set a part apart").click()
        await expect(dialog).to_contain_text("no quantity that is certain")
        await dialog.get_by_label("Quantity").fill("2000 kg")
        await dialog.get_by_role("button", name="Set a part apart").click()
        parts = page.locator(".part-parts")
        await expect(parts.locator("tr", has_text="drums 1-10")).to_contain_text("not decided")
        await page.get_by_role("button", name="Set a part apart").click()
        for label, value in (("Part", "drums 2"), ("Quantity", "1 kg"), ("Reason", "a slip")):
            await dialog.get_by_label(label).fill(value)
        await dialog.get_by_role("button", name="Set a part apart").click()
        await parts.locator("tr", has_text="drums 2").get_by_role("button", name="Put back").click()
        await expect(dialog).to_contain_text("its name is not used again")
        await dialog.get_by_label("Reason").fill("set apart by mistake")
        await dialog.get_by_role("button", name="Put back").click()
        await expect(parts.locator("tr", has_text="drums 2")).to_have_count(0)
        await page.get_by_role("button", name="Release the rest").click()
        await sign(dialog, "quality", reason="sound")
        await expect(page.locator(".decision")).to_contain_text("released, the rest alone, by")
        await expect(page.locator(".decision")).to_contain_text("release of the rest of lot L/2, without its parts")
        await keep(page, "lot-rest-wide-light")
        await expect(parts.locator("tr", has_text="The rest of the lot")).to_contain_text("not known")
        await parts.get_by_role("link", name="drums 1-10").click()
        await expect(page.locator("[data-key=part-of]")).to_contain_text("Part of lot L/2 · 2000 kg · for Acme")
        await page.get_by_role("button", name="Release this part").click()
        await expect(dialog).to_contain_text("Only part drums 1-10 of lot L/2 is decided on: 2000 kg.")
        await sign(dialog, "quality", reason="filled before the leak")
        await expect(page.locator(".decision")).to_contain_text("release of part L/2/drums 1-10")
        await page.locator("[data-key=part-of] a").click()
        await expect(parts.locator("tr", has_text="drums 1-10")).to_contain_text("released")
        await expect(parts.locator("tr", has_text="drums 1-10").get_by_role("button", name="Put back")).to_have_count(0)
        await expect(page.locator(".decision")).not_to_contain_text("the rest alone")
        await keep(page, "lot-parts-wide-light")
        await page.get_by_role("button", name="Reject lot").click()
        await expect(dialog).to_contain_text("All parts of the lot are held with it.")
        await page.keyboard.press("Escape")
    async with lots.page("viewer") as page:
        await page.goto("/#/lots/L%2F2")
        await expect(page.locator(".part-parts")).to_contain_text("drums 1-10")
        await expect(page.get_by_role("button", name="Set a part apart")).to_have_count(0)
