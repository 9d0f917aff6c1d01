"""Somebody with the file of the store edits who is signed in and who is who: it signs nobody in, and it is found."""

import hashlib
import sqlite3
from contextlib import closing

import pytest

from gateway.store.audit.evidence import evidence_hash
from gateway.store.audit.verifying import verify
from gateway.store.care.backup import RESTORED_FILE
from gateway.store.care.opening import prepare
from gateway.store.database import STATE_FILE
from tests.fixtures.building import line
from tests.fixtures.console import PASSWORD, console_at_work

TOKEN = "t" * 43


def edit(directory, *statements, **parameters):
    """Edit the store as a person with its file does, who knows how hashes are made."""
    with closing(sqlite3.connect(directory / STATE_FILE, isolation_level=None)) as connection:
        connection.create_function("evidence_hash", -1, evidence_hash, deterministic=True)
        for statement in statements:
            connection.execute(statement, parameters)


def wrong(directory):
    return verify(directory, line=line().path, own_key=None).wrong


async def who(browser):
    answer = await browser.get("/api/me")
    return answer.document["user_id"] if answer.status == 200 else None


_AS_ADMINISTRATOR = (
    "user_id = 'administrator', password_seq = (SELECT max(seq) FROM user_password WHERE user_id = 'administrator')"
)
_ANOTHERS_PASSWORD = (
    "UPDATE user_password SET password_hash = (SELECT password_hash FROM user_password WHERE user_id = 'quality') "
    "WHERE user_id = 'viewer'"
)


@pytest.mark.parametrize("change", [
    _AS_ADMINISTRATOR, "expires_ns = expires_ns + 1",
    "expires_boot_ns = expires_boot_ns + 1", "opened_ns = opened_ns + 1",
])  # fmt: skip
async def test_a_session_that_was_edited_by_hand_signs_nobody_in_and_is_found(served, change):
    browser = served.browser()
    await browser.sign_in("viewer")
    assert await who(browser) == "viewer"
    assert wrong(served.directory) == []
    edit(served.directory, f"UPDATE console_session SET {change} WHERE user_id = 'viewer'")
    assert await who(browser) is None
    assert any("console_session" in problem for problem in wrong(served.directory))


async def test_a_session_that_was_written_by_hand_is_found(served):
    browser = served.browser()
    await browser.sign_in("viewer")
    key = hashlib.sha256(b"labline session\0" + TOKEN.encode()).hexdigest()
    edit(served.directory,
         "INSERT INTO console_session (token_sha256, user_id, password_seq, opened_ns, used_ns, expires_ns, "
         "expires_boot_ns, boot_id) SELECT :key, 'administrator', "
         "(SELECT max(seq) FROM user_password WHERE user_id = 'administrator'), opened_ns, used_ns, expires_ns, "
         "expires_boot_ns, boot_id FROM console_session", key=key)  # fmt: skip
    assert any("console_session" in problem for problem in wrong(served.directory))


async def test_using_and_ending_sessions_leaves_the_trail_whole(served):
    browser = served.browser()
    await browser.sign_in("viewer")
    await browser.sign_in("operator")
    await browser.get("/api/now")
    assert wrong(served.directory) == []
    await browser.ask("DELETE", "/session")
    assert wrong(served.directory) == []


@pytest.mark.parametrize("statement", [
    "UPDATE user_version SET roles = 'administrator' WHERE user_id = 'viewer'",
    "UPDATE user_password SET must_change = 1 - must_change WHERE user_id = 'viewer'",
    "UPDATE user_password SET totp_secret = 'JBSWY3DPEHPK3PXP' WHERE user_id = 'viewer'",
    _ANOTHERS_PASSWORD,
])  # fmt: skip
async def test_a_user_or_password_that_was_edited_by_hand_authorises_nothing_and_is_found(served, statement):
    browser = served.browser()
    await browser.sign_in("viewer")
    edit(served.directory, statement)
    assert await who(browser) is None
    assert (await served.browser().sign_in("viewer", PASSWORD)).status == 401
    assert any("user_" in problem for problem in wrong(served.directory))


async def test_a_store_that_was_restored_signs_nobody_in_again(directory):
    async with console_at_work(directory, line()) as served:
        assert (await served.browser().sign_in("viewer")).status == 200
    (directory / RESTORED_FILE).write_text('{"replaced": null}')
    prepare(directory, at_ns=2 * 10**18)
    with closing(sqlite3.connect(directory / STATE_FILE)) as connection:
        assert connection.execute("SELECT count(*) FROM console_session").fetchone() == (0,)
    assert not any("console_session" in problem for problem in wrong(directory))
