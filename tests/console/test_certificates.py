"""Certificates at the console: found, read with their gaps first, signed in a browser, and opened as documents."""

import asyncio
import re
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.console import certifying
from gateway.console.certifying import CertificateAnswers
from gateway.console.refusals import RefusedError
from gateway.line.certificates import RequiredTest
from gateway.records.lot_decisions import Verdict
from gateway.records.user_acts import AddUser
from gateway.records.users import Role
from gateway.transport.paper import Form, Made, PaperError, PaperProblem
from tests.fixtures.certifying import ACME, Certifying
from tests.fixtures.console import console_at_work, quick_passwords, set_password
from tests.fixtures.console_on_lots import HandClock
from tests.fixtures.deciding import LOT
from tests.fixtures.page import Pages, chromium, keep, sign
from tests.fixtures.people import add_users_to

pytestmark = pytest.mark.asyncio(loop_scope="module")
WATER = RequiredTest(analyte="water", name="Water", upper=500.0, unit="mg/kg")
OTHER = replace(ACME, key="b", customer="BETA", customer_name="Beta GmbH", language="de", tests=(*ACME.tests, WATER))


@asynccontextmanager
async def certified(directory, monkeypatch):
    """Serve a console on a lot with a complete draft for one customer, and one with a gap for another."""
    quick_passwords(monkeypatch)
    bench = Certifying(directory, ACME, OTHER)
    with closing(bench.connection):
        bench.context("material_consumed", material_lot_id=LOT, consumed_lot_id="R-7",
                      consumed_definition_id="RM-1", supplier="Resin Supply")  # fmt: skip
        bench.made()
        bench.decide(Verdict.RELEASE)
        bench.follow_up()
        line, now_ns = bench.line, bench.now_ns
        ids = {item.drafted.content.customer: item.drafted.certificate_id for item in bench.certificates()}
    for role in (Role.QUALITY, Role.OPERATOR):
        add_users_to(directory, AddUser(user_id=role.value, full_name=f"Person {role.value.title()}", roles=(role,)))
        set_password(directory, role.value)
    async with console_at_work(directory, line, clock=HandClock(now_ns + 10**9)) as served:
        served.ids = ids
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        async with certified(tmp_path_factory.mktemp("certificates"), patch) as served:
            yield served


async def signed_in(served, user="operator"):
    browser = served.browser()
    await browser.sign_in(user)
    return browser


@pytest.mark.parametrize("query", ["lot/1", "WO-1", "R1", "r-7", "resin supply", "Acme Ltd", "S-1", "FG-100"])
async def test_a_certificate_is_found_by_whatever_it_names(served, query):
    browser = await signed_in(served)
    view = (await browser.get(f"/api/certificates?query={query.replace(' ', '%20').replace('/', '%2F')}")).document
    assert served.ids["ACME"] in {line["certificate_id"] for line in view["lines"]}
    assert (await browser.get("/api/certificates?query=nothing-like-it")).document["lines"] == []


async def test_a_certificate_shows_its_gaps_and_its_draft_says_that_it_is_not_valid(served):
    browser = await signed_in(served)
    view = (await browser.get(f"/api/certificates/{served.ids['BETA']}")).document
    assert view["gaps"] == ["Water: there is no result of it."]
    assert [row["compliance"] for row in view["rows"]] == ["complies", "missing"]
    assert view["components"][0]["supplier"] == "Resin Supply"
    page = await browser.get(view["versions"][0]["page"])
    assert page.status == 200
    assert "ENTWURF - NICHT GÜLTIG" in page.body.decode()
    assert "script" not in page.headers["content-security-policy"]
    for path in ("/api/certificates/x", "/api/certificates/x/1/document.html",
                 f"/api/certificates/{served.ids['BETA']}/99/document.pdf"):  # fmt: skip
        assert (await browser.get(path)).status == 404


async def test_an_operator_signs_nothing(served):
    browser = await signed_in(served)
    sha256 = (await browser.get(f"/api/certificates/{served.ids['ACME']}")).document["versions"][0]["sha256"]
    act = {"act": "sign_certificate", "reason": "",
           "parameters": {"certificate_id": served.ids["ACME"], "version": 1, "sha256": sha256},
           "sign_in": {"user": "operator", "password": "correct horse battery", "code": ""}}  # fmt: skip
    assert (await browser.post("/api/acts", act)).document["code"] == "ROLE_NOT_ENTITLED"


async def test_a_document_that_cannot_be_made_says_why_and_what_to_do(monkeypatch):
    def fails(_paper, _form):
        raise PaperError("PDF needs Pango", problem=PaperProblem.NO_PDF, hint="install libpango")

    answers = CertificateAnswers(None, SimpleNamespace(snapshot=lambda _sight: SimpleNamespace(line=None)))
    monkeypatch.setattr(certifying, "make", fails)
    monkeypatch.setattr(certifying, "paper_of", lambda _known, _line: None)
    with pytest.raises(RefusedError) as refused:
        await answers._made(None, Form.PDF)
    assert (refused.value.code, refused.value.why, refused.value.hint) == (
        "DOCUMENT_NOT_MADE", "PDF needs Pango", "install libpango")  # fmt: skip


async def test_documents_are_made_one_at_a_time_and_few_wait(monkeypatch):
    going, most = [0], [0]

    def makes(_paper, form):
        going[0] += 1
        most[0] = max(most[0], going[0])
        going[0] -= 1
        return Made(form=form, content=b"x")

    answers = CertificateAnswers(None, SimpleNamespace(snapshot=lambda _sight: SimpleNamespace(line=None)))
    monkeypatch.setattr(certifying, "make", makes)
    monkeypatch.setattr(certifying, "paper_of", lambda _known, _line: None)
    outcomes = await asyncio.gather(*(answers._made(None, Form.PDF) for _ in range(10)), return_exceptions=True)
    assert most == [1]
    assert {type(item) for item in outcomes} == {bytes, RefusedError}


async def test_quality_signs_in_the_browser_and_reissues_with_a_reason(served):
    async with chromium() as browser:
        pages = Pages(port=served.port, browser=browser)
        async with pages.page("quality") as page:
            await page.goto("/#/certificates")
            await expect(page.get_by_role("heading", name="Certificates", exact=True)).to_be_visible()
            await keep(page, "certificates-wide-light")
            await page.goto(f"/#/certificates/{served.ids['BETA']}")
            await expect(page.locator(".part-gaps")).to_contain_text("Water: there is no result of it.")
            await expect(page.get_by_role("button", name="Sign and issue")).to_have_count(0)
            await keep(page, "certificate-gaps-wide-light")
            await page.goto(f"/#/certificates/{served.ids['ACME']}")
            await expect(page.locator(".part-gaps")).to_contain_text("Nothing is missing")
            await keep(page, "certificate-wide-light")
            await page.get_by_role("button", name="Sign and issue").click()
            dialog = page.locator("dialog")
            await expect(dialog).to_contain_text("Viscosity: 101.3 mPa·s")
            await keep(page, "certificate-sign-wide-light")
            await sign(dialog, "quality")
            await expect(page.locator("[data-key=head]")).to_contain_text("Signed by Person Quality (quality)")
            await keep(page, "certificate-signed-wide-light")
            for view in ("lots", "review"):  # both lead to the certificates of their lot
                await page.goto(f"/#/{view}/{quote(LOT, safe='')}")
                await expect(page.locator(".part-certificates li")).to_have_count(2)
            await page.locator(".part-certificates li", has_text="Acme Ltd").get_by_role("link").click()
            await expect(page.locator("[data-key=head]")).to_contain_text("Signed by Person Quality (quality)")
            await page.get_by_role("button", name="Reissue").click()
            await dialog.locator("textarea").fill("the customer's address was wrong")
            await dialog.locator("button[type=submit]").click()
            await expect(page.locator(".part-versions li")).to_have_count(2)
            await expect(page.locator(".part-versions")).to_contain_text(re.compile("signed"))
            await expect(page.locator("[data-key=head]")).to_contain_text("the customer's address was wrong")
        async with pages.page("operator") as page:
            await page.goto(f"/#/certificates/{served.ids['ACME']}")
            await expect(page.locator("[data-key=head]")).to_contain_text("Resin")
            await expect(page.get_by_role("button", name="Withdraw")).to_have_count(0)
        assert pages.faults == []
