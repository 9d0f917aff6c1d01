"""Signing in at the console: who gets in, for how long, and what ends it."""

import pytest

from tests.fixtures.console import PASSWORD


async def test_a_user_signs_in_sees_who_they_are_and_signs_out(served):
    browser = served.browser()
    assert (await browser.get("/api/me")).status == 401
    answer = await browser.sign_in("operator")
    assert (answer.status, answer.document["roles"]) == (200, ["operator"])
    assert (await browser.get("/api/me")).document["user_id"] == "operator"
    assert (await browser.ask("DELETE", "/session")).status == 204
    assert (await browser.get("/api/me")).status == 401


@pytest.mark.parametrize(("user", "password"), [("operator", "wrong"), ("nobody", PASSWORD), ("operator", "")])
async def test_who_does_not_know_the_password_does_not_get_in_and_does_not_hear_which_was_wrong(served, user, password):
    answer = await served.browser().sign_in(user, password)
    assert (answer.status, answer.document["why"]) == (401, "user or password is wrong")
    assert "set-cookie" not in answer.headers
