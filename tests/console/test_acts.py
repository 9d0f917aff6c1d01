"""What people do by the console, from what they see to what is on record."""

import pytest

from tests.fixtures.console import PASSWORD
from tests.fixtures.console_on_lots import console_on_lots

QUALITY = {"user": "quality", "password": PASSWORD}


@pytest.fixture
async def at_work(tmp_path, monkeypatch):
    async with console_on_lots(tmp_path, monkeypatch) as served:
        yield served


async def signed_in(at_work, role):
    browser = at_work.browser()
    assert (await browser.sign_in(role)).status == 200
    return browser


async def hold(browser):
    now = (await browser.get("/api/now")).document
    return next(item for item in now["guidance"] if item["kind"] == "hold")


async def test_an_operator_acknowledges_a_hold_and_every_page_sees_it(at_work):
    operator, other = await signed_in(at_work, "operator"), await signed_in(at_work, "supervisor")
    guidance = await hold(operator)
    assert [(item["answer"], "operator" in item["roles"]) for item in guidance["answers"]] == [("acknowledge", True)]
    asked = {"guidance_id": guidance["guidance_id"], "answer": "acknowledge"}
    assert (await operator.act("answer_guidance", asked, reason=""))["outcome"] == "done"
    seen = await hold(other)
    assert (seen["state"], seen["answers"]) == ("acknowledged", [])
    again = await other.act("answer_guidance", asked, reason="")
    assert again["outcome"] == "refused"
    assert "Person Operator" in again["why"]


async def test_a_viewer_sees_a_hold_and_answers_nothing(at_work):
    viewer = await signed_in(at_work, "viewer")
    guidance = await hold(viewer)
    asked = {"guidance_id": guidance["guidance_id"], "answer": "acknowledge"}
    assert (await viewer.act("answer_guidance", asked))["outcome"] == "refused"
    assert (await hold(viewer))["state"] == "proposed"


async def test_quality_decides_on_a_lot_with_both_components_and_the_signature_is_shown_with_it(at_work):
    quality = await signed_in(at_work, "quality")
    assert "decide_lot" in (await quality.get("/api/me")).document["signed_acts"]
    lot = (await quality.get("/api/lots/BAD")).document
    asked = {"material_lot_id": "BAD", "verdict": "reject", "basis_sha256": lot["basis_sha256"]}
    by_session = await quality.act("decide_lot", asked)
    assert (by_session["outcome"], "password" in by_session["why"]) == ("refused", True)
    stale = await quality.act("decide_lot", {**asked, "basis_sha256": "0" * 64}, sign_in=QUALITY)
    assert stale["outcome"] == "refused"
    assert (await quality.act("decide_lot", asked, sign_in=QUALITY))["outcome"] == "done"
    lot = (await quality.get("/api/lots/BAD")).document
    assert (lot["decision"]["decision"], lot["decision"]["full_name"]) == ("reject", "Person Quality")
    (signature,) = lot["signatures"]
    assert (signature["full_name"], signature["role"]) == ("Person Quality", "quality")
    (signed,) = [entry for entry in lot["timeline"] if entry["kind"] == "signature"]
    assert (signed["text"].startswith("Person Quality: "), signed["state"]) == (True, "quality")
    given = (await quality.get("/api/signatures")).document["given"]
    assert given[0]["signature"]["signature_id"] == signature["signature_id"]


async def test_an_operators_signature_decides_on_no_lot(at_work):
    operator = await signed_in(at_work, "operator")
    lot = (await operator.get("/api/lots/BAD")).document
    asked = {"material_lot_id": "BAD", "verdict": "release", "basis_sha256": lot["basis_sha256"]}
    both = {"user": "operator", "password": PASSWORD}
    assert (await operator.act("decide_lot", asked, sign_in=both))["outcome"] == "refused"
    assert (await operator.get("/api/lots/BAD")).document["decision"] is None
