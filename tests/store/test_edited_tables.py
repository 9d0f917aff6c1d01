"""Rows that are changed, added or taken out by hand, with right hashes: ``audit verify`` finds each in each table."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import evidence_hash
from gateway.store.care.checking import check
from gateway.store.database import STATE_FILE, open_state
from gateway.store.tables import TABLES
from tests.fixtures.building import new_state
from tests.store.test_migrations import (
    rows_of_operation,
    rows_of_people,
    rows_of_responses,
    rows_of_setpoints,
    rows_of_the_laboratory,
)

WATCHED = (
    "user_version", "user_password", "user_key", "console_session", "signed_record", "signature", "signing_state",
    "lot_decision", "lot_part", "stage_change", "setpoint_intent", "setpoint_intent_state", "setpoint_stop",
    "setpoint_outcome", "response", "alarm", "latch", "follow_up",
)  # fmt: skip
NOT_WATCHED = ("alarm_event", "notify_target", "notify_parked", "sign_in", "refused_responses")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with rows of each table, for which one line vouches."""
    directory = tmp_path_factory.mktemp("made")
    new_state(directory).close()
    with closing(open_state(directory)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for rows in (rows_of_people, rows_of_setpoints, rows_of_responses, rows_of_operation, rows_of_the_laboratory):
            for table, row in rows():
                if table in WATCHED:
                    names = ", ".join(row)
                    places = ", ".join(f":{name}" for name in row)
                    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", row)
        audit.append(connection, (AuditEntry(kind="x", subject="y", body={}),), at_ns=1)
        connection.execute("COMMIT")
    assert check(directory, gently=False).wrong == []
    return directory


@pytest.fixture
def store(made, tmp_path):
    shutil.copytree(made, tmp_path / "store")
    return tmp_path / "store"


def other(value):
    return value + 1 if isinstance(value, int | float) else f"{value or ''}x"


def changed(_connection, row, key):
    """The row with another value outside its key."""
    name = next(name for name in row if name not in {*key, "hash", "used_ns", "until_ns"})
    return {**row, name: other(row[name]), "hash": None}


def added(_connection, row, key):
    """The row once more, under another key."""
    unique = {"token_sha256", "user_id"} if "signature_id" in row else set()
    return {**row, **{name: other(row[name]) for name in {*key, *unique} & row.keys()}, "hash": None,
            **({"state": "closed", "open": 0} if "intent_id" in row and "open" in row else {}),
            **({"nonce": "n2"} if row.get("nonce") else {})}  # fmt: skip


@pytest.mark.parametrize("edit", ["changed", "added", "taken out"])
@pytest.mark.parametrize("table", WATCHED)
def test_a_row_by_hand_is_found(store, table, edit):
    with closing(sqlite3.connect(store / STATE_FILE, isolation_level=None)) as connection:
        connection.create_function("evidence_hash", -1, evidence_hash, deterministic=True)
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute(f"SELECT * FROM {table} ORDER BY 1 LIMIT 1").fetchone())
        key = [name for _, name, _, _, _, place in connection.execute(f"PRAGMA table_info({table})") if place]
        where = " AND ".join(f"{name} = :{name}" for name in key)
        if edit != "added":
            connection.execute(f"DELETE FROM {table} WHERE {where}", row)
        if edit != "taken out":
            new = (changed if edit == "changed" else added)(connection, row, key)
            new = {name: value for name, value in new.items() if name in row}
            names, places = ", ".join(new), ", ".join(f":{name}" for name in new)
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", new)
    assert any(table in problem for problem in check(store, gently=False).wrong)


def test_why_others_are_not_vouched_for_is_said():
    assert all(TABLES[table].not_vouched_for for table in NOT_WATCHED)
    assert not any(TABLES[table].not_vouched_for for table in WATCHED)
