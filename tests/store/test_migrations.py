"""Stores of earlier schemas, opened by this version: everything is there, and holds."""

import json
import sqlite3
from contextlib import closing

import pytest

from gateway.contract.identity import sha256_hex
from gateway.database.statements import read_migrations
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import evidence_hash
from gateway.store.care.checking import check
from gateway.store.database import STATE, STATE_FILE, open_state
from tests.fixtures.building import NOW_NS
from tests.store.test_transaction import Bench


def test_open_guidance_of_the_first_schema_is_understood_and_hashed(tmp_path):
    made = Bench(tmp_path)
    made.order()
    made.result({"sample_id": "S-1", "test_name": "pH", "result": 9.9, "material_lot": "LOT/1"})
    kept = [tuple(row) for row in made.connection.execute(
        "SELECT guidance_id, kind, state, open, moved_tag, moved_ns, issued_ns, body FROM guidance")]  # fmt: skip
    made.connection.close()
    assert kept
    old = tmp_path / "old"
    old.mkdir()
    with closing(sqlite3.connect(old / "state.db")) as connection, connection:
        connection.executescript(read_migrations("gateway.store")[0])
        for *columns, body in kept:
            document = json.loads(body)
            del document["expires"]
            document["expires_ns"] = NOW_NS + 10
            connection.execute("INSERT INTO guidance VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*columns, json.dumps(document)))
        connection.execute("PRAGMA user_version = 1")
    bench = Bench(old)
    outcome = bench.result({"sample_id": "S-2", "test_name": "pH", "result": 7.0, "material_lot": "LOT/2"})
    assert (outcome.failed, outcome.damaged) == (0, 0)
    (row,) = bench.connection.execute("SELECT body, holds FROM guidance_checked LIMIT 1").fetchall()
    assert row["holds"]
    assert json.loads(row["body"])["expires"] == {"wall_ns": NOW_NS + 10, "boot_ns": 0, "boot_id": ""}


# --- a row in every table -------------------------------------------------------------------------------

SCRIPTS = read_migrations("gateway.store")
VERSIONS = range(1, len(SCRIPTS))
MADE_FROM = {"series_sample": "series_point"}  # by a migration
BODIES = {"result": '{"value": 7.0}', "disposition": '{"why": "Lösung"}', "gap": '{"details": {}}'}


def deadline_of(version, wall_ns):
    """Return the part of a guidance's body that says until when it stands, as that schema has it."""
    if version == 1:
        return {"expires_ns": wall_ns}
    return {"expires": None if wall_ns is None else {"wall_ns": wall_ns, "boot_ns": 5, "boot_id": "b"}}


def guidance_body(version, wall_ns):
    return json.dumps({"material_lot_id": "L", "measured": None, **deadline_of(version, wall_ns), "text": "ß"})


def audit_lines(version):
    """A chain of three lines; the second vouches for records."""
    digests = {
        "lab_result r1": sha256_hex(BODIES["result"].encode()),
        "disposition d1": sha256_hex(BODIES["disposition"].encode()),
    }
    if version >= 2:
        digests["gap gap1"] = sha256_hex(BODIES["gap"].encode())
    lines, previous = [], audit.GENESIS
    for seq, body in enumerate(({}, {"records": digests}, {}), start=1):
        line = {"seq": seq, "at_ns": seq, "kind": "k", "subject": "s", "body": json.dumps(body), "previous": previous}
        previous = audit.line_hash(**line)
        lines.append({**line, "hash": previous})
    return lines


def outbox_row(version, **columns):
    """A row of the outbox, which its writer hashes; no trigger does."""
    if version == 1:
        return columns
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


def rows_of(version):
    """Yield (table, columns) of a store of that schema: of every table a full row, and one with little in it."""
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
    yield "context_change", {"event_id": "e1", "kind": "k", "at_ns": 1, "equipment_id": "R1", "material_lot_id": "L1",
                             "body": "{}"}  # fmt: skip
    yield "context_change", {"event_id": "e2", "kind": "k", "at_ns": 1, "body": "{}"}
    result = {"source": "lims", "sample_id": "S", "test_id": "pH", "replicate": 1, "current": 1, "analyte": "ph",
              "payload_sha256": "ab", "payload": b"\x00\xff", "body": BODIES["result"], "event_id": "e1"}  # fmt: skip
    yield "lab_result", {**result, "result_id": "r1", "result_version": 1, "material_lot_id": "L1", "sampled_ns": 1}
    yield "lab_result", {**result, "result_id": "r2", "result_version": 2}
    prediction = {"at_ns": 1, "model": "m", "equipment_id": "R1", "analyte": "ph", "accepted": 1, "body": "{}"}
    yield "prediction", {**prediction, "prediction_id": "p1", "material_lot_id": "L1", "sample_result_id": "r1",
                         "value": 7.25, "low": 7.0, "high": 1e300}  # fmt: skip
    yield "prediction", {**prediction, "prediction_id": "p2"}
    disposition = {"recommendation": "hold", "at_ns": 1, "event_id": "e1", "body": BODIES["disposition"]}
    yield "disposition", {**disposition, "disposition_id": "d1", "material_lot_id": "L1"}
    yield "disposition", {**disposition, "disposition_id": "d2"}
    yield "guidance", {"guidance_id": "g1", "kind": "hold", "state": "issued", "open": 1, "moved_tag": "T",
                       "moved_ns": 1, "issued_ns": 1, "body": guidance_body(version, NOW_NS)}  # fmt: skip
    yield "guidance", {"guidance_id": "g2", "kind": "hold", "state": "resolved", "open": 0, "issued_ns": 1,
                       "body": guidance_body(version, None)}  # fmt: skip
    yield "guidance_state", {"guidance_id": "g1", "state": "issued", "at_ns": 1, "event_id": "e1"}
    yield "response", {"event_id": "e1", "guidance_id": "g1", "act": "acknowledge", "person": "Zoë", "outcome": "o",
                       "body": "{}"}  # fmt: skip
    yield "response", {"event_id": "e2", "guidance_id": "g1", "act": "acknowledge", "outcome": "o", "body": "{}"}
    yield "dead_letter", {"dead_letter_id": "x", "at_ns": 1, "topic": "t", "reasons": "[]", "payload": b"\xfe"}
    message = {"lane": 0, "topic": "t/ü", "payload": b"{}", "retain": 1, "created_ns": 1}
    yield "outbox", outbox_row(version, **message, message_id="o1", expires_ns=NOW_NS)
    yield "outbox", {**outbox_row(version, **message, message_id="o2", expires_ns=None), "parked": "refused"}
    yield "departure", {"seq": 9, "message_id": "o9", "lane": 0, "topic": "t", "reason": "expired", "at_ns": 1}
    lines = audit_lines(version)
    if version >= 2:
        gap = {"kind": "evicted", "subject": "history", "from_ns": 1, "at_ns": 3, "body": BODIES["gap"]}
        yield "gap", {**gap, "gap_id": "gap1", "until_ns": 2}
        yield "gap", {**gap, "gap_id": "gap2"}
        yield "signed_head", {"seq": 2, "hash": lines[1]["hash"], "at_ns": 1, "public_key": "k", "signature": "s"}
        yield "audit_archive", {"first_seq": 1, "last_seq": 1, "last_hash": lines[0]["hash"], "file_sha256": "ab"}
        del lines[0]
        yield "latch", {"code": "STORE_DAMAGED", "at_ns": 1, "body": "{}"}
        yield "retry", {"dead_letter_id": "x", "asked_ns": 1, "person": "p"}
    if version >= 4:
        yield "feedback", {"bundle_sha256": "ab", "analyte": "ph", "result_id": "r1", "sampled_ns": 1, "arrived_ns": 2,
                           "measured": 7.0, "predicted": 7.1}  # fmt: skip
        yield "model_learned", {"bundle_sha256": "ab", "analyte": "ph", "charts_from_ns": 1, "body": "{}"}
    if version >= 5:
        yield "version_change", {"model": "m", "act": "promote", "version": "1.1.0", "bundle_sha256": "cd",
                                 "folder": "/bundles/ü", "at_ns": 1, "person": "Zoë", "reason": "VR-1"}  # fmt: skip
    if version >= 8:
        yield "signed_bias", {"bundle_sha256": "ab", "analyte": "ph", "bias": 0.1, "newest_ns": 1, "signed_ns": 2,
                              "approver": "Zoë", "meaning": "VR-2", "public_key": "k", "signature": "s"}  # fmt: skip
    if version >= 10:
        yield from rows_of_the_laboratory()
    if version >= 11:
        yield "control_point", {"result_id": "r1", "material": "OIL-ü", "analyte": "ph", "at_ns": 1, "arrived_ns": 2,
                                "deviations": -1.5, "rejected": 0}  # fmt: skip
    yield from rows_since_release(version)
    for line in lines:
        yield "audit", line


def rows_of_the_laboratory():
    of = {"product": "FG-ü", "analyte": "ph"}
    yield "specification_stated", {**of, "event_id": "e1", "client_id": "", "version": "4", "withdrawn": 0, "at_ns": 1,
                                   "body": "{}"}  # fmt: skip
    yield "series_point", {**of, "result_id": "r1", "sample_id": "S", "at_ns": 1, "value": 7.25}
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
    yield "deviation", {**of, "deviation_id": "v1", "result_id": "r1", "sample_id": "S", "material_lot_id": "L1",
                        "at_ns": 1, "body": "{}"}  # fmt: skip
    yield "incoming_result", {"result_id": "r1", "supplier": "Böhm", "material": "m", "analyte": "ph", "failed": 1}
    yield (
        "sample_request",
        {"material_lot_id": "L1", "request_id": "q", "since_ns": 1, "probability": 0.5, "tests": "[]"},
    )


def rows_since_release(version):
    yield from rows_of_release() if version >= 16 else ()
    if version >= 18:
        yield "series_sample", {"product": "FG-ü", "analyte": "ph", "sample_id": "S", "at_ns": 1, "value": 7.25,
                                "results": "[]"}  # fmt: skip
    if version >= 19:
        yield "dead_letter_payload", {"payload_sha256": "ab", "bytes": 513, "payload": b"\xfe"}
    if version >= 24:
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
    yield "settlement", {"point_id": "p", "material_lot_id": "L1", "person": "Zoë", "reason": "seen", "at_ns": 1}
    refused = {"dead_letter_id": "x", "event_id": "e1", "source": "lims", "at_ns": 1, "reasons": "[]"}
    yield "refused_result", {**refused, "material_lot_id": "L1", "sample_id": "S", "test_id": "pH", "result": "{}"}
    yield "refused_result", {**refused, "material_lot_id": ""}
    yield "result_without_lot", {"result_id": "r2", "source": "lims", "sample_id": "S", "at_ns": 1, "timed": 0}
    yield "lot_to_judge", {"material_lot_id": "L1", "cause": "e1", "at_ns": 1}
    yield "restated_result", {"source": "lims", "sample_id": "S", "test_id": "pH", "replicate": 1, "result_id": "r1",
                              "since_ns": 1}  # fmt: skip


def names(connection, kind):
    """Return the names of all tables or views."""
    wanted = "SELECT name FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [name for (name,) in connection.execute(wanted, (kind,))]


def contents(connection, columns=None):
    """Return of every table the names and values of its columns, or of those named."""
    columns = columns or {
        table: [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]
        for table in names(connection, "table")
    }
    found = {
        table: [tuple(row) for row in connection.execute(f"SELECT {', '.join(of_table)} FROM {table} ORDER BY 1, 2")]
        for table, of_table in columns.items()
    }
    return columns, found


def made_by(version, directory):
    """Make a store of an earlier schema by that schema's own scripts; return what its tables hold."""
    with closing(sqlite3.connect(directory / STATE_FILE)) as connection:
        for name, function in STATE.functions.items():
            connection.create_function(name, -1, function, deterministic=True)
        connection.execute("PRAGMA foreign_keys = ON")
        for script in SCRIPTS[:version]:
            connection.executescript(script)
        with connection:
            for table, row in rows_of(version):
                places = ", ".join("?" for _ in row)
                connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))
            if version >= 2:
                connection.execute("UPDATE store SET epoch = 'again', latest_wall_ns = 77, checked_ns = 5")
        connection.execute(f"PRAGMA user_version = {version}")
        return contents(connection)


def with_deadlines_of_now(version, rows):
    """Return the rows of guidance as they are to be after the migration."""
    if version > 1:
        return rows
    changed = []
    for *others, body in rows:
        document = json.loads(body)
        wall_ns = document.pop("expires_ns")
        document["expires"] = None if wall_ns is None else {"wall_ns": wall_ns, "boot_ns": 0, "boot_id": ""}
        changed.append((*others, document))
    return changed


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_an_earlier_schema_keeps_every_row_of_every_table_and_all_of_them_hold(tmp_path, version):
    columns, before = made_by(version, tmp_path)
    assert [table for table, rows in before.items() if not rows] == []  # a table without a row would show nothing
    with closing(open_state(tmp_path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(SCRIPTS)
        _columns, after = contents(connection, columns)
        views = [name for name in names(connection, "view") if name.endswith("_checked")]
        held = {view: [row["holds"] for row in connection.execute(f"SELECT * FROM {view}")] for view in views}
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if version == 1:
        after["guidance"] = [(*others, json.loads(body)) for *others, body in after["guidance"]]
    assert after == {**before, "guidance": with_deadlines_of_now(version, before["guidance"])}
    assert {view: len(holds) for view, holds in held.items()} == {
        f"{table}_checked": len(before.get(MADE_FROM.get(table, table), before.get(table, ())))
        for table in (view.removesuffix("_checked") for view in views)
    }
    assert all(all(holds) for holds in held.values())
    assert broken == []
    findings = check(tmp_path, gently=False)
    assert (findings.wrong, findings.damaged) == ([], 0)
    assert findings.rows == sum(len(holds) for holds in held.values())
    assert findings.audit_lines == len(before["audit"])


@pytest.mark.parametrize("version", [version for version in VERSIONS if version > 1])
def test_a_row_that_did_not_hold_before_a_migration_does_not_hold_after_it(tmp_path, version):
    made_by(version, tmp_path)
    with closing(sqlite3.connect(tmp_path / STATE_FILE)) as connection, connection:
        connection.execute("UPDATE disposition SET body = '{}' WHERE disposition_id = 'd2'")
    open_state(tmp_path).close()
    findings = check(tmp_path, gently=False)
    assert findings.damaged == 1
    assert "d2" in findings.wrong[0]
