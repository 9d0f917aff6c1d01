"""A store of an earlier schema, opened by a later one, which is the tests' own: everything is there, and holds."""

import json
import sqlite3
from contextlib import closing

import pytest

from gateway.database.opening import Schema
from gateway.database.statements import read_migrations
from gateway.errors import StoreUnavailableError
from gateway.store import database
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import evidence_hash, row_hash
from gateway.store.care import backup, opening
from gateway.store.care.checking import check
from gateway.store.care.opening import prepare
from gateway.store.database import STATE, STATE_FILE, open_state
from gateway.store.tables import TABLES
from tests.fixtures.building import NOW_NS

(INITIAL,) = read_migrations("gateway.store")
LATER = """
ALTER TABLE latch ADD COLUMN person TEXT;
DROP VIEW settlement_checked;
CREATE TABLE settlement_new (
    point_id         TEXT PRIMARY KEY,
    material_lot_id  TEXT NOT NULL,
    person           TEXT NOT NULL,
    reason           TEXT NOT NULL CHECK (reason <> ''),
    at_ns            INTEGER NOT NULL,
    event_id         TEXT NOT NULL,
    hash             TEXT
) STRICT;
INSERT INTO settlement_new SELECT * FROM settlement;
DROP TABLE settlement;
ALTER TABLE settlement_new RENAME TO settlement;
CREATE INDEX settlement_of_lot ON settlement (material_lot_id);
CREATE TRIGGER settlement_hashed AFTER INSERT ON settlement WHEN NEW.hash IS NULL BEGIN
    UPDATE settlement SET hash =
        evidence_hash('settlement', CAST(NEW.point_id AS BLOB), CAST(NEW.material_lot_id AS BLOB),
        CAST(NEW.person AS BLOB), CAST(NEW.reason AS BLOB), NEW.at_ns, CAST(NEW.event_id AS BLOB))
    WHERE rowid = NEW.rowid;
END;
CREATE VIEW settlement_checked AS SELECT rowid AS row_number, *, hash IS
        evidence_hash('settlement', CAST(point_id AS BLOB), CAST(material_lot_id AS BLOB),
        CAST(person AS BLOB), CAST(reason AS BLOB), at_ns, CAST(event_id AS BLOB)) AS holds
FROM settlement;
"""  # a column more, and evidence in a table made again: its rows keep their hashes


def guidance_body(wall_ns):
    expires = None if wall_ns is None else {"wall_ns": wall_ns, "boot_ns": 5, "boot_id": "b"}
    return json.dumps({"material_lot_id": "L", "measured": None, "expires": expires, "text": "ß"})


def audit_lines():
    """A chain of three lines."""
    lines, previous = [], audit.GENESIS
    for seq in (1, 2, 3):
        line = {"seq": seq, "at_ns": seq, "kind": "k", "subject": "s", "body": "{}", "previous": previous}
        previous = audit.line_hash(**line)
        lines.append({**line, "hash": previous})
    return lines


def outbox_row(**columns):
    """A row of the outbox, which its writer hashes; no trigger does."""
    values = {**columns, "expires_boot_ns": None, "boot_id": None}
    names = (
        "message_id",
        "lane",
        "topic",
        "payload",
        "retain",
        "expires_ns",
        "created_ns",
        "expires_boot_ns",
        "boot_id",
    )
    as_hashed = (value.encode() if isinstance(value, str) else value for value in (values[name] for name in names))
    return {**values, "hash": evidence_hash("outbox", *as_hashed)}


def rows_of_a_store():
    """Yield (table, columns) of a store: of every table a full row, and one with little in it."""
    for event_id in ("e1", "e2"):
        yield "event", {"event_id": event_id, "kind": "k", "at_ns": 1, "session": "s", "topic": "t/ä",
                        "message_number": 1, "payload_sha256": "ab"}  # fmt: skip
    yield "job_order", {"job_order_id": "j1", "material_definition_id": "m", "client_id": "c", "equipment_id": "R1",
                        "started_ns": 1, "ended_ns": 2}  # fmt: skip
    yield "job_order", {"job_order_id": "j2"}
    yield "lot", {"material_lot_id": "L1", "job_order_id": "j1", "material_definition_id": "m", "client_id": "c",
                  "equipment_id": "R1", "started_ns": 1, "ended_ns": 2, "closed_ns": 3, "recommendation": "hold",
                  "latched": 1}  # fmt: skip
    yield "lot", {"material_lot_id": "L2"}
    yield "lot_name", {"material_lot_id": "L1", "likeness": "l1"}
    yield "context_change", {"event_id": "e1", "kind": "k", "at_ns": 1, "equipment_id": "R1", "material_lot_id": "L1",
                             "body": "{}"}  # fmt: skip
    yield "context_change", {"event_id": "e2", "kind": "k", "at_ns": 1, "body": "{}"}
    result = {"source": "lims", "sample_id": "S", "test_id": "pH", "replicate": 1, "current": 1, "analyte": "ph",
              "payload_sha256": "ab", "payload": b"\x00\xff", "body": '{"value": 7.0}', "event_id": "e1"}  # fmt: skip
    yield "lab_result", {**result, "result_id": "r1", "result_version": 1, "material_lot_id": "L1", "sampled_ns": 1}
    yield "lab_result", {**result, "result_id": "r2", "result_version": 2}
    prediction = {"at_ns": 1, "model": "m", "equipment_id": "R1", "analyte": "ph", "accepted": 1, "body": "{}"}
    yield "prediction", {**prediction, "prediction_id": "p1", "material_lot_id": "L1", "sample_result_id": "r1",
                         "value": 7.25, "low": 7.0, "high": 1e300}  # fmt: skip
    yield "prediction", {**prediction, "prediction_id": "p2"}
    disposition = {"recommendation": "hold", "at_ns": 1, "event_id": "e1", "body": '{"why": "Lösung"}'}
    yield "disposition", {**disposition, "disposition_id": "d1", "material_lot_id": "L1"}
    yield "disposition", {**disposition, "disposition_id": "d2"}
    yield "guidance", {"guidance_id": "g1", "kind": "hold", "state": "issued", "open": 1, "moved_tag": "T",
                       "moved_ns": 1, "moved_boot_ns": 1, "moved_boot_id": "ü", "issued_ns": 1,
                       "body": guidance_body(NOW_NS)}  # fmt: skip
    yield "guidance", {"guidance_id": "g2", "kind": "hold", "state": "resolved", "open": 0, "issued_ns": 1,
                       "body": guidance_body(None)}  # fmt: skip
    yield "guidance_state", {"guidance_id": "g1", "state": "issued", "at_ns": 1, "event_id": "e1"}
    yield from rows_of_setpoints()
    yield from rows_of_responses()
    yield "dead_letter", {"dead_letter_id": "x", "at_ns": 1, "topic": "t", "reasons": "[]", "payload": b"\xfe"}
    message = {"lane": 0, "topic": "t/ü", "payload": b"{}", "retain": 1, "created_ns": 1}
    yield "outbox", outbox_row(**message, message_id="o1", expires_ns=NOW_NS)
    yield "outbox", {**outbox_row(**message, message_id="o2", expires_ns=None), "parked": "refused"}
    yield "notify_target", {"target": "shift", "seq": 1}
    yield "sparkplug_report", {"device": "R1", "subject": "guidance", "at_ns": 1, "body": "{}"}
    yield "sparkplug_session", {"only_row": 1, "bd_seq": 3}
    yield "notify_put_off", {"target": "shift", "seq": 1}
    yield "notify_parked", {"target": "shift", "seq": 1, "at_ns": 1, "why": "answered 400"}
    yield "delivery", {"delivery_id": "v1", "sink": "mes", "message_id": "o1", "kind": "hold", "material_lot_id": "L1",
                       "ordered_by": "lot L1", "path": "/hold", "body": b"{}", "created_ns": 1, "state": "delivered",
                       "attempts": 1, "first_ns": 1, "answer": "answered 201", "answered_ns": 2}  # fmt: skip
    yield "delivery", {"delivery_id": "v2", "sink": "mes", "message_id": "o2", "kind": "hold", "ordered_by": "lot -",
                       "path": "", "body": b"", "created_ns": 1}  # fmt: skip
    yield "departure", {"seq": 9, "message_id": "o9", "lane": 0, "topic": "t", "reason": "expired", "at_ns": 1}
    lines = audit_lines()
    yield "signed_head", {"seq": 2, "hash": lines[1]["hash"], "at_ns": 1, "public_key": "k", "signature": "s"}
    yield "audit_archive", {"first_seq": 1, "last_seq": 1, "last_hash": lines[0]["hash"], "file_sha256": "ab"}
    del lines[0]
    yield from rows_of_operation()
    yield "feedback", {"bundle_sha256": "ab", "analyte": "ph", "result_id": "r1", "sampled_ns": 1, "arrived_ns": 2,
                       "measured": 7.0, "predicted": 7.1, "features": "[1.5]", "product": "P-ü"}  # fmt: skip
    yield "model_learned", {"bundle_sha256": "ab", "analyte": "ph", "charts_from_ns": 1, "body": "{}"}
    yield "version_change", {"model": "m", "act": "promote", "version": "1.1.0", "bundle_sha256": "cd",
                             "folder": "/bundles/ü", "at_ns": 1, "person": "Zoë", "reason": "VR-1"}  # fmt: skip
    yield "signed_bias", {"bundle_sha256": "ab", "analyte": "ph", "bias": 0.1, "newest_ns": 1, "signed_ns": 2,
                          "approver": "Zoë", "meaning": "VR-2", "public_key": "k", "signature": "s"}  # fmt: skip
    yield from rows_of_people()
    yield from rows_of_the_laboratory()
    yield "control_point", {"result_id": "r1", "material": "OIL-ü", "analyte": "ph", "at_ns": 1, "arrived_ns": 2,
                            "deviations": -1.5, "rejected": 0}  # fmt: skip
    yield from rows_of_release()
    yield from rows_of_refused_messages()
    for line in lines:
        yield "audit", line


PHRASING = {"event_id": "q1", "at_ns": 1, "model": "m-ü", "prompt_version": "labline.phrasing/1", "outcome": "refused",
            "prompt": "{}", "reply": "no", "why": "status 500", "question_id": "q0"}  # fmt: skip


def rows_of_responses():
    yield "phrasing", PHRASING
    yield "response", {"event_id": "e1", "guidance_id": "g1", "act": "acknowledge", "person": "Zoë", "user_id": "z",
                       "credential": "signed_token", "key_id": "k", "nonce": "n", "outcome": "o", "at_ns": 1,
                       "body": "{}"}  # fmt: skip
    yield "response", {"event_id": "e2", "guidance_id": "g1", "act": "acknowledge", "outcome": "o", "at_ns": 1,
                       "body": "{}"}  # fmt: skip
    yield "refused_responses", {"one": 1, "begun_ns": 1, "recorded": 2, "counted": 3}


def rows_of_setpoints():
    intent = {"guidance_id": "g1", "tag": "T", "state": "written", "open": 0, "automatic": 1, "issued_ns": 1,
              "body": "{}", "event_id": "e1"}  # fmt: skip
    yield (
        "setpoint_intent",
        {**intent, "intent_id": "i1", "written_ns": 2, "written_boot_ns": 3, "written_boot_id": "b"},
    )
    yield "setpoint_intent", {**intent, "intent_id": "i2", "state": "open", "open": 1}
    yield "setpoint_intent_state", {"intent_id": "i1", "state": "written", "at_ns": 2, "body": "{}", "event_id": "e1"}
    yield "setpoint_stop", {"stopped": 1, "at_ns": 1, "person": "Zoë", "reason": "a leak", "event_id": "e1"}
    yield "setpoint_outcome", {"intent_id": "i1", "followed": "predicted", "at_ns": 1, "by": "p1", "expected": 100.0,
                               "value": 99.5, "as_expected": 1}  # fmt: skip


def rows_of_people():
    yield "user_version", {"user_id": "q.head", "full_name": "Zoë", "roles": "quality", "os_user": None, "disabled": 0,
                           "at_ns": 1, "changed_by": "Ü"}  # fmt: skip
    yield (
        "user_password",
        {
            "user_id": "q.head",
            "password_hash": "h",
            "totp_secret": None,
            "must_change": 0,
            "issued_by": "ü",
            "at_ns": 1,
        },
    )
    yield "certificate", {
        "draft_id": "d1", "certificate_id": "c1", "version": 1, "draft": 2, "material_lot_id": "L-ü", "customer": "C-1",
        "at_ns": 1, "sha256": "ab", "words": "ü", "body": "{}",
    }  # fmt: skip
    yield "certificate_state", {
        "version_id": "c1/1", "certificate_id": "c1", "version": 1, "material_lot_id": "L-ü", "state": "signed",
        "at_ns": 1, "body": "{}",
    }  # fmt: skip
    yield "certificate_document", {
        "version_id": "c1/1", "certificate_id": "c1", "version": 1, "media_type": "text/html", "sha256": "ab",
        "content": b"x", "problem": "ü", "at_ns": 1,
    }  # fmt: skip
    yield "certificate_sent", {"version_id": "c1/1", "at_ns": 1, "body": "{}"}
    yield "user_key", {"key_id": "k", "user_id": "q.head", "public_key": "ab", "label": "ü", "revoked": 0, "at_ns": 1}
    yield "signed_record", {
        "record_id": "sr", "kind": "settle_point", "subject": "L-ü", "version": 1, "body": "{}", "sha256": "ab",
        "author_id": "q.head", "author_name": "Zoë", "made_ns": 1, "expires_wall_ns": 2, "expires_boot_ns": 3,
        "expires_boot_id": "b",
    }  # fmt: skip
    yield "signature", {
        "signature_id": "si", "record_kind": "settle_point", "record_id": "sr", "record_version": 1,
        "record_sha256": "ab", "user_id": "q.head", "printed_name": "Zoë", "role": "quality", "meaning": "ü",
        "signed_ns": 1, "event_id": "e",
    }  # fmt: skip
    yield "corrective_action", {"action_id": "ca", "deviation_id": "d", "at_ns": 1, "body": "{}"}
    yield "corrective_action_done", {"action_id": "ca", "at_ns": 1, "person": "Zoë", "note": "ü", "event_id": "e"}
    yield "deviation_state", {"deviation_id": "d", "version": 1, "state": "closed", "at_ns": 1, "body": "{}"}
    yield "signing_state", {"record_id": "sr", "state": "done", "at_ns": 1, "person": "Zoë", "why": "ü"}
    yield "lot_decision", {"record_id": "sr", "material_lot_id": "L-ü", "verdict": "hold", "state": "stands",
                           "at_ns": 1, "body": "{}"}  # fmt: skip
    yield "lot_part", {"part_id": "L-ü/drum 1", "material_lot_id": "L-ü", "at_ns": 1, "undone": 1, "body": "{}"}
    yield "review_answer", {"event_id": "e", "exception_id": "x", "material_lot_id": "L-ü", "code": "DATA_GAP",
                            "settled": 1, "person": "Zoë", "role": "quality", "comment": "ü", "at_ns": 1}  # fmt: skip
    yield "lot_review", {"record_id": "sr", "material_lot_id": "L-ü", "state": "signed", "at_ns": 1, "body": "{}"}
    yield "laboratory_plan", {"plan_id": "lp", "day": "2026-03-02", "at_ns": 1, "body": "{}"}
    yield "laboratory_plan_approval", {"plan_id": "lp", "at_ns": 1, "body": "{}"}
    yield "stage_change", {"model": "m", "stage": "advise", "record_id": "sr", "at_ns": 1, "body": "{}"}
    yield "sign_in", {"user_id": "q.head", "origin": "10.0.0.7", "failures": 1, "last_failed_ns": 1, "known": 0,
                      "at_ns": 1}  # fmt: skip
    yield "code_used", {"user_id": "q.head", "step": 1}


def rows_of_operation():
    gap = {"kind": "evicted", "subject": "history", "from_ns": 1, "at_ns": 3, "body": '{"details": {}}'}
    yield "gap", {**gap, "gap_id": "gap1", "until_ns": 2}
    yield "gap", {**gap, "gap_id": "gap2"}
    yield "latch", {"code": "STORE_DAMAGED", "at_ns": 1, "body": "{}"}
    alarm = {"alarm_id": "warning/R1/m/ph", "title": "ph", "severity": "warning", "position": "operator"}
    yield "alarm", alarm | {"active": 1, "acknowledged": 0, "latched": 0, "suppression": "none", "reason": "",
                            "person": "", "since_ns": 1, "group_id": "ü"}  # fmt: skip
    yield "rejected_advice", {"name": "warning/R1/m/ph", "model": "m", "guidance_id": "g1", "at_ns": 1}
    yield "alarm_suppression", {"name": "cleaning", "since_ns": 1, "used_up": 0}
    yield "alarm_event", alarm | {"at_ns": 1, "change": "raised", "person": "", "reason": "", "group_id": "ü"}
    yield "console_session", {"token_sha256": "ab", "user_id": "q.head", "password_seq": 1, "opened_ns": 1,
                              "used_ns": 1, "expires_ns": 2, "expires_boot_ns": 2, "boot_id": "b"}  # fmt: skip
    yield "retry", {"dead_letter_id": "x", "asked_ns": 1, "person": "p"}


def rows_of_the_laboratory():
    of = {"product": "FG-ü", "analyte": "ph"}
    yield "specification_stated", {**of, "event_id": "e1", "client_id": "", "version": "4", "withdrawn": 0, "at_ns": 1,
                                   "body": "{}"}  # fmt: skip
    yield "series", {**of, "body": "{}"}
    yield "analytes_together", {"product": "FG-ü", "analytes": "ph + water", "body": "{}"}
    hold = {"analyte": "ph", "prediction_id": "p1", "since_ns": 1}
    yield "provisional_hold", {**hold, "material_lot_id": "L1", "settled_by": "r1"}
    yield "provisional_hold", {**hold, "material_lot_id": "L2"}
    yield "follow_up", {"event_id": "e3", "at_ns": 1, "body": "{}"}
    yield "material_use", {"material_lot_id": "L1", "consumed_lot_id": "M1", "supplier": "Böhm", "at_ns": 1}
    yield "material_use", {"material_lot_id": "L1", "consumed_lot_id": "M2", "consumed_definition_id": "m", "at_ns": 1}
    yield "lot_fingerprint", {"material_lot_id": "L1", "product": "FG-ü", "until_ns": 1, "body": "{}"}
    yield "lot_fingerprint", {"material_lot_id": "L2", "until_ns": 1, "body": "{}"}
    yield "lot_process", {"material_lot_id": "L1", "until_ns": 1, "body": "{}"}
    yield "deviation", {**of, "deviation_id": "v1", "result_id": "r1", "sample_id": "S", "material_lot_id": "L1",
                        "at_ns": 1, "body": "{}"}  # fmt: skip
    yield "corrective_action", {"action_id": "a1", "deviation_id": "v1", "at_ns": 1, "body": "{}"}
    yield "corrective_action_done", {"action_id": "a1", "at_ns": 2, "person": "Zoë", "note": "ü", "event_id": "e1"}
    yield "incoming_result", {"result_id": "r1", "supplier": "Böhm", "material": "m", "analyte": "ph", "failed": 1}
    yield (
        "sample_request",
        {"material_lot_id": "L1", "request_id": "q", "since_ns": 1, "probability": 0.5, "tests": "[]"},
    )


def rows_of_refused_messages():
    yield "series_sample", {"product": "FG-ü", "analyte": "ph", "sample_id": "S", "at_ns": 1, "value": 7.25,
                            "results": "[]"}  # fmt: skip
    yield "dead_letter_payload", {"payload_sha256": "ab", "bytes": 513, "payload": b"\xfe"}
    refused = {"dead_letter_id": "x", "event_id": "e1", "source": "lims", "at_ns": 1, "reasons": "[]"}
    yield "refused_in_place", {**refused, "equipment_id": "R1", "job_order_id": "j1", "drawn_ns": 1, "timed": 0,
                               "sample_id": "S", "test_id": "pH", "result": "{}"}  # fmt: skip
    yield "refused_of_product", {**refused, "payload_sha256": "ab", "product": "FG-ü", "analyte": "ph",
                                 "client_id": "C", "version": "2", "from_ns": 1, "states_limits": 1,
                                 "may_require": 0}  # fmt: skip


def rows_of_release():
    assessment = {"kind": "result", "at_ns": 1, "states_lot": 1, "retest": 0, "approved": 1, "failed": 0,
                  "asks": "release", "body": "{}"}  # fmt: skip
    yield "assessment", {**assessment, "material_lot_id": "L1", "subject": "r1", "source": "lims", "sample_id": "S",
                         "analyte": "ph", "product": "FG-ü", "awaited_order_id": "j1"}  # fmt: skip
    yield "assessment", {**assessment, "material_lot_id": "L2", "subject": "r2"}
    yield "settlement", {"point_id": "p", "material_lot_id": "L1", "person": "Zoë", "reason": "seen", "at_ns": 1,
                         "event_id": "e"}  # fmt: skip
    refused = {"dead_letter_id": "x", "event_id": "e1", "source": "lims", "at_ns": 1, "reasons": "[]"}
    yield "refused_result", {**refused, "material_lot_id": "L1", "sample_id": "S", "test_id": "pH", "result": "{}"}
    yield "refused_result", {**refused, "material_lot_id": ""}
    yield "result_without_lot", {"result_id": "r2", "source": "lims", "sample_id": "S", "at_ns": 1, "timed": 0}
    yield "lot_to_judge", {"material_lot_id": "L1", "cause": "e1", "at_ns": 1}
    yield "restated_result", {"source": "lims", "sample_id": "S", "test_id": "pH", "replicate": 1, "result_id": "r1",
                              "since_ns": 1}  # fmt: skip


def names(connection, kind):
    """Return the names of all tables or views."""
    query = "SELECT name FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [name for (name,) in connection.execute(query, (kind,))]


def contents(connection, columns=None):
    """Return of every table the names and values of its columns, or of those named."""
    columns = columns or {
        table: [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
        for table in names(connection, "table")
    }
    rows = {
        table: [tuple(row) for row in connection.execute(f"SELECT {', '.join(of_table)} FROM {table} ORDER BY 1, 2")]
        for table, of_table in columns.items()
    }
    return columns, rows


@pytest.fixture
def made(tmp_path):
    """A store with rows in every table, of the schema that is there; returns what its tables hold."""
    with closing(open_state(tmp_path)) as connection:
        for table, row in rows_of_a_store():
            places = ", ".join("?" for _ in row)
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))
        connection.execute("UPDATE store SET epoch = 'again', latest_wall_ns = 77, checked_ns = 5")
        return contents(connection)


@pytest.fixture
def later(monkeypatch):
    """Have the gateway know a second schema: what ``migrate`` says."""

    def knows(script):
        schema = Schema(migrations=(INITIAL, script), functions=STATE.functions)
        for module in (database, opening, backup):
            monkeypatch.setattr(module, "STATE", schema)
        database._expected_objects.cache_clear()

    yield knows
    monkeypatch.undo()
    database._expected_objects.cache_clear()


def hash_by_columns(table, columns, row):
    """Return the hash of a row over all columns of its table, but for those that its row of ``TABLES`` leaves out."""
    left_out = {"hash", *TABLES[table].hash_leaves_out}
    return row_hash(table, [value for name, value in zip(columns, row, strict=True) if name not in left_out])


def test_the_hash_of_a_row_covers_every_column_in_the_order_of_the_table(made):
    """Salvage works it out from the table alone, and what is not in it could be changed unnoticed."""
    columns, rows = made
    for table in database.checked_tables():
        stored = [row[columns[table].index("hash")] for row in rows[table]]
        assert stored == [hash_by_columns(table, columns[table], row) for row in rows[table]], table


def version_of(directory):
    with closing(sqlite3.connect(directory / STATE_FILE)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def test_a_store_of_an_earlier_schema_keeps_every_row_of_every_table_and_all_of_them_hold(tmp_path, made, later):
    columns, before = made
    assert [table for table, rows in before.items() if not rows] == []  # a table without a row would show nothing
    later(LATER)
    with closing(open_state(tmp_path)) as connection:
        _columns, after = contents(connection, columns)
        views = [name for name in names(connection, "view") if name.endswith("_checked")]
        held = {view: [row["holds"] for row in connection.execute(f"SELECT * FROM {view}")] for view in views}
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT person FROM latch").fetchall()[0]["person"] is None
    assert version_of(tmp_path) == 2
    assert after == before
    assert {view.removesuffix("_checked"): len(holds) for view, holds in held.items()} == {
        view.removesuffix("_checked"): len(before[view.removesuffix("_checked")]) for view in views
    }
    assert all(all(holds) for holds in held.values())
    findings = check(tmp_path, gently=False)
    assert (findings.wrong, findings.damaged) == ([], 0)
    assert findings.rows == sum(len(holds) for holds in held.values())
    assert findings.audit_lines == len(before["audit"])


def test_a_row_that_did_not_hold_before_a_migration_does_not_hold_after_it(tmp_path, made, later):
    with closing(sqlite3.connect(tmp_path / STATE_FILE)) as connection, connection:
        connection.execute("UPDATE settlement SET person = 'somebody else'")
    later(LATER)
    open_state(tmp_path).close()
    findings = check(tmp_path, gently=False)
    assert findings.damaged == 1
    assert "settlement (1, 'p', 'L1') does not match its hash" in findings.wrong


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path, made, later):
    later("ALTER TABLE latch ADD COLUMN person TEXT;\nINSERT INTO no_such_table VALUES (1);")
    with pytest.raises(StoreUnavailableError, match="no_such_table"):
        open_state(tmp_path)
    assert version_of(tmp_path) == 1
    with closing(sqlite3.connect(tmp_path / STATE_FILE)) as connection:
        assert contents(connection) == made


def test_the_trail_vouches_once_for_what_a_migration_has_changed(tmp_path, later):
    with closing(open_state(tmp_path)) as connection:
        connection.execute("INSERT INTO settlement (point_id, material_lot_id, person, reason, at_ns, event_id) "
                           "VALUES ('p', 'L1', 'Zoë', '', 1, 'e')")  # fmt: skip
    prepare(tmp_path, at_ns=NOW_NS)
    later(LATER.replace(
        "INSERT INTO settlement_new SELECT * FROM settlement;",
        "INSERT INTO settlement_new SELECT point_id, material_lot_id, person, 'none', at_ns, event_id, "
        "evidence_hash('settlement', CAST(point_id AS BLOB), CAST(material_lot_id AS BLOB), CAST(person AS BLOB), "
        "CAST('none' AS BLOB), at_ns, CAST(event_id AS BLOB)) FROM settlement;",
    ))  # fmt: skip
    prepare(tmp_path, at_ns=NOW_NS)
    prepare(tmp_path, at_ns=NOW_NS)
    assert check(tmp_path, gently=False).wrong == []
    with closing(open_state(tmp_path)) as connection:
        lines = connection.execute("SELECT body FROM audit WHERE kind = ? ORDER BY seq", (audit.MIGRATED,)).fetchall()
    bodies = [json.loads(row["body"]) for row in lines]
    assert [(line["from_schema"], line["to_schema"]) for line in bodies] == [(0, 1), (1, 2)]
    assert list(bodies[1][audit.VOUCHED]) == ["settlement p"]
