"""A store of the first schema, with open guidance in it, opened by this version."""

import json
import sqlite3
from contextlib import closing

from gateway.database.statements import read_migrations
from tests.building import NOW_NS
from tests.unit.test_store import Bench


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
