"""A start on a store that is not as it was left: quarantine, back in time, unchecked; and what a restore does."""

import json
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gateway.config.reading import read
from gateway.database import opening as opening_of_databases
from gateway.database.statements import read_migrations
from gateway.errors import LablineError, StoreUnavailableError
from gateway.line.definition import Stage
from gateway.records.acts import AcknowledgeAlarm
from gateway.runtime.act_requests import perform
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import evidence_hash
from gateway.store.audit.heads import HeadFile, head_of, read_head_file
from gateway.store.care import opening
from gateway.store.care.backup import backup, restore
from gateway.store.care.checking import check
from gateway.store.care.opening import prepare, suspect, write_synced
from gateway.store.care.salvage import quarantined, salvage
from gateway.store.database import open_state, read_state
from gateway.store.transaction import decide_batch
from tests.fixtures.building import NOW_NS
from tests.fixtures.laboratory import CONFIGURATION
from tests.fixtures.store_bench import Bench


@pytest.fixture(autouse=True)
def _looks_again_soon(monkeypatch):
    """A file is looked at again before it is set aside; the tests need not wait for it as a disk does."""
    monkeypatch.setattr(opening_of_databases, "_LOOK_AGAIN_SECONDS", (0.01, 0.05))


@pytest.fixture
def store(tmp_path):
    """A store with a judged lot, closed in order, its head witnessed."""
    directory = tmp_path / "store"
    directory.mkdir()
    fill(directory, "S-1")
    return directory


def fill(directory, *samples):
    bench = Bench(directory)
    with HeadFile(directory) as head:
        bench.order()
        bench.with_users()
        for sample in samples:
            bench.result({"sample_id": sample, "test_name": "pH", "result": 9.9, "material_lot": "LOT/1"})
        bench.connection.execute("UPDATE store SET stopped_clean = 1")
        head.witness(bench.connection)
    bench.connection.close()


def latches(directory):
    with closing(read_state(directory)) as connection:
        return {code for (code,) in connection.execute("SELECT code FROM latch")}


def rows(directory, query):
    with closing(read_state(directory)) as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_store_that_was_closed_in_order_is_opened_as_it_is(store):
    prepared = prepare(store, at_ns=NOW_NS)
    assert not prepared.unchecked
    assert latches(store) == set()


def unsound(store):
    """Make of a store one that is not ours, with every row as it was."""
    with closing(sqlite3.connect(store / "state.db")) as connection, connection:
        connection.execute("DROP TRIGGER audit_is_append_only_update")


def test_after_an_unclean_stop_a_full_check_is_due_until_it_has_passed(store):
    with closing(open_state(store)) as connection:
        connection.execute("UPDATE store SET stopped_clean = 0")
    assert prepare(store, at_ns=NOW_NS).unchecked
    assert latches(store) == {"STORE_UNCHECKED"}
    with closing(open_state(store)) as connection:
        connection.execute("UPDATE store SET stopped_clean = 1")
    assert prepare(store, at_ns=NOW_NS).unchecked  # the check has not come to its end


@pytest.mark.parametrize("damage", ["no database", "malformed in use", "schema", "audit"])
def test_a_corrupt_store_is_set_aside_whole_and_a_new_chain_begins_with_its_hash_and_head(store, damage):
    head = rows(store, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")[0]
    if damage == "no database":
        (store / "state.db").write_bytes(b"garbage of some length, as a disk may leave it" * 100)
    elif damage == "malformed in use":
        suspect(store, "database disk image is malformed")
        with closing(sqlite3.connect(store / "state.db")) as connection, connection:
            connection.execute("PRAGMA writable_schema = ON")  # an index without its table's entries
            connection.execute("UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master "
                               "WHERE name = 'guidance_moves') WHERE name = 'lab_result_by_lot'")  # fmt: skip
    elif damage == "schema":
        unsound(store)
    else:
        with closing(sqlite3.connect(store / "state.db")) as connection, connection:
            connection.execute("DROP TRIGGER audit_is_append_only_update")
            connection.execute("UPDATE audit SET subject = 'another' WHERE seq = 3")
            connection.execute(
                "CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit\n"
                "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
            )
    prepare(store, at_ns=NOW_NS)
    assert latches(store) == {"STORE_QUARANTINED"}
    ((kind, body),) = rows(store, "SELECT kind, body FROM audit")
    body_of_line = json.loads(body)
    assert kind == "store_quarantined"
    assert (body_of_line["last_seq"], body_of_line["last_hash"]) == head
    assert (store / body_of_line["file"]).exists()
    assert len(body_of_line["sha256"]) == 64
    prepare(store, at_ns=NOW_NS + 1)
    assert len(quarantined(store)) == 1  # once, not at every start


def test_a_store_that_was_suspected_in_use_and_is_sound_stays_and_is_checked_in_full(store):
    suspect(store, "database disk image is malformed")  # as SQLite says, too, where one read has failed
    prepared = prepare(store, at_ns=NOW_NS)
    assert prepared.unchecked
    assert latches(store) == {"STORE_UNCHECKED"}
    assert rows(store, "SELECT count(*) FROM lab_result") == [(1,)]
    assert not (store / "suspect").exists()


@pytest.mark.parametrize("name", ["SQLITE_IOERR_READ", "SQLITE_BUSY", "SQLITE_CORRUPT"])
def test_a_disk_that_does_not_serve_for_a_while_sets_no_sound_store_aside(store, monkeypatch, name):
    reading, failures = audit.verify_tail, iter([True, False] if name == "SQLITE_CORRUPT" else [True])

    def failing(connection):
        if next(failures, False):
            error = sqlite3.DatabaseError("as SQLite says it")
            error.sqlite_errorname = name
            raise error
        return reading(connection)

    monkeypatch.setattr(audit, "verify_tail", failing)
    if name != "SQLITE_CORRUPT":
        with pytest.raises(StoreUnavailableError, match="as SQLite says it"):
            prepare(store, at_ns=NOW_NS)
    prepare(store, at_ns=NOW_NS)
    assert latches(store) == set()
    assert rows(store, "SELECT count(*) FROM lab_result") == [(1,)]


@pytest.mark.parametrize("fails_at", ["moving", "the new file"])
def test_a_quarantine_that_was_cut_short_is_finished_at_the_next_start(store, monkeypatch, fails_at):
    head = rows(store, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")[0]
    unsound(store)

    def failing(*_arguments, **_more):
        raise StoreUnavailableError("power cut, says the test")

    with monkeypatch.context() as cut:
        cut.setattr(opening, "_first_line" if fails_at == "the new file" else "write_synced", failing)
        if fails_at == "moving":
            calls = []

            def once(path, content):
                calls.append(path)
                return failing() if len(calls) > 1 else write_synced(path, content)

            cut.setattr(opening, "write_synced", once)
        with pytest.raises(StoreUnavailableError):
            prepare(store, at_ns=NOW_NS)
    prepare(store, at_ns=NOW_NS + 1)
    assert latches(store) == {"STORE_QUARANTINED"}
    ((body,),) = rows(store, "SELECT body FROM audit")
    assert (json.loads(body)["last_seq"], json.loads(body)["last_hash"]) == head
    assert len(quarantined(store)) == 1


def test_a_restore_after_corruption_is_not_itself_set_aside(store, tmp_path):
    backup(store, tmp_path / "backup", at_ns=NOW_NS)
    unsound(store)
    restore(tmp_path / "backup", store, at_ns=NOW_NS)
    prepare(store, at_ns=NOW_NS + 1)
    assert latches(store) == {"STORE_RESTORED"}
    assert rows(store, "SELECT count(*) FROM lab_result") == [(1,)]


def test_damaged_text_stalls_nothing_and_a_damaged_row_is_never_hashed_anew(store):
    with closing(sqlite3.connect(store / "state.db")) as connection, connection:
        connection.execute("UPDATE lab_result SET body = CAST(x'ff' || body AS TEXT)")
        connection.create_function("evidence_hash", -1, evidence_hash, deterministic=True)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'lot_rehashed'")
    with closing(sqlite3.connect(store / "state.db")) as connection, connection:
        connection.execute("UPDATE lot SET latched = 0, recommendation = 'pending', job_order_id = 'WO-X'")
    with closing(sqlite3.connect(store / "state.db")) as connection, connection:
        connection.create_function("evidence_hash", -1, evidence_hash, deterministic=True)
        (script,) = [script_text for script_text in read_migrations("gateway.store") if "lot_rehashed" in script_text]
        begin = script.index("CREATE TRIGGER lot_rehashed")
        connection.executescript(script[begin : script.index("END;", script.index("WHERE", begin)) + 4])
    bench = Bench(store)
    for number in (2, 3):
        bench.result({"sample_id": f"S-{number}", "test_name": "pH", "result": 7.0, "material_lot": "LOT/1"})
    recommendations = [
        row[0] for row in bench.connection.execute("SELECT recommendation FROM disposition ORDER BY rowid")
    ]
    assert recommendations[0] == "hold"
    assert "release" not in recommendations
    assert bench.connection.execute("SELECT count(*) FROM lot_checked WHERE NOT holds").fetchone()[0] == 1


def test_while_an_alarm_is_latched_models_predict_in_shadow_and_results_are_judged(store):
    unsound(store)
    prepare(store, at_ns=NOW_NS)
    bench = Bench(store)
    bench.order()
    bench.model_due(76.0)
    bench.result({"sample_id": "S-2", "test_name": "pH", "result": 9.9, "material_lot": "LOT/1"})
    stages = [json.loads(body)["stage"] for (body,) in bench.connection.execute("SELECT body FROM prediction")]
    topics = [topic for (topic,) in bench.connection.execute("SELECT topic FROM outbox")]
    assert stages[0] == Stage.SHADOW.name.lower()
    assert not any("/prediction/" in topic for topic in topics)
    assert any("/disposition/" in topic for topic in topics)


def test_a_database_that_has_lost_committed_lines_is_noticed_counted_and_goes_on_with_new_ids(store):
    with closing(sqlite3.connect(store / "state.db")) as connection:
        before = connection.serialize()
    fill(store, "S-2", "S-3")
    later = {row[0] for row in rows(store, "SELECT disposition_id FROM disposition")}
    for suffix in ("-wal", "-shm"):
        (store / f"state.db{suffix}").unlink(missing_ok=True)
    (store / "state.db").write_bytes(before)
    prepare(store, at_ns=NOW_NS)
    assert latches(store) == {"STORE_ROLLED_BACK"}
    kind, body = rows(store, "SELECT kind, body FROM audit ORDER BY seq DESC LIMIT 1")[0]
    assert kind == "store_rolled_back"
    assert json.loads(body)["lines_lost"] > 0
    fill(store, "S-2", "S-3")
    again = {row[0] for row in rows(store, "SELECT disposition_id FROM disposition")}
    assert len(again) == 3
    assert len(again & later) == 1  # what the old copy had; all that came after it got other ids


def acknowledged(store, code):
    """Take an alarm down by a command while no gateway runs."""
    configuration = store.parent / "labline.toml"
    configuration.write_text(CONFIGURATION)
    settings, _sha256 = read(configuration)
    perform(settings, AcknowledgeAlarm(code=code), path=configuration, sign_in=None, reason="r")


def test_an_act_on_a_store_that_has_lost_lines_does_not_hide_that(store):
    with closing(open_state(store)) as connection:
        connection.execute("INSERT INTO latch VALUES ('MODEL_DRIFT_X', 0, '{}')")
    with closing(sqlite3.connect(store / "state.db")) as connection:
        before = connection.serialize()
    fill(store, "S-2", "S-3")
    for suffix in ("-wal", "-shm"):
        (store / f"state.db{suffix}").unlink(missing_ok=True)
    (store / "state.db").write_bytes(before)
    acknowledged(store, "MODEL_DRIFT_X")
    prepare(store, at_ns=NOW_NS)
    assert latches(store) == {"STORE_ROLLED_BACK"}


def test_what_a_command_has_written_while_no_gateway_runs_is_witnessed_beside_the_store(store):
    with closing(open_state(store)) as connection:
        connection.execute("INSERT INTO latch VALUES ('MODEL_DRIFT_X', 0, '{}')")
    acknowledged(store, "MODEL_DRIFT_X")
    with closing(read_state(store)) as connection:
        assert read_head_file(store) == head_of(connection)
    prepare(store, at_ns=NOW_NS)
    assert latches(store) == set()


def test_what_is_salvaged_is_what_holds_and_is_put_back_where_it_is_missing(store):
    with closing(sqlite3.connect(store / "state.db")) as connection:
        connection.create_function("evidence_hash", -1, lambda *_: "wrong")
        connection.execute("UPDATE dead_letter SET topic = 'x'")
        connection.execute("UPDATE lot SET client_id = 'somebody'")
        connection.commit()
    unsound(store)
    prepare(store, at_ns=NOW_NS)
    (file,) = quarantined(store)
    with closing(open_state(store)) as connection:
        salvaged = salvage(file, into=connection, at_ns=NOW_NS)
    assert salvaged.damaged["lot"] == 1
    assert salvaged.put_back["lab_result"] == salvaged.holding["lab_result"] == 1
    assert rows(store, "SELECT count(*) FROM lab_result_checked WHERE holds") == [(1,)]
    assert rows(store, "SELECT count(*) FROM outbox_checked WHERE NOT holds") == [(0,)]
    assert [row[0] for row in rows(store, "SELECT kind FROM audit ORDER BY seq")] == ["store_quarantined", "salvaged"]


def test_a_trail_whose_words_are_damaged_is_told_and_not_stumbled_over(store):
    with closing(sqlite3.connect(store / "state.db")) as connection:
        connection.execute("DROP TRIGGER audit_is_append_only_update")
        connection.execute("UPDATE audit SET body = replace(body, 'lab_result ', 'lab_?esult ')")
        connection.commit()
    findings = check(store, gently=False)
    assert any("lab_?esult" in problem and "missing or changed" in problem for problem in findings.wrong)


def test_a_salvaged_store_and_the_one_begun_since_are_one_again(store):
    """A lot on hold in the old one was released in the new one; a result has a newer version in each of them."""
    result = {"sample_id": "S-1", "test_name": "pH", "material_lot": "LOT/1"}
    unsound(store)
    prepare(store, at_ns=NOW_NS)
    bench = Bench(store)
    bench.order()
    bench.result({**result, "result": 7.1, "result_version": 2})
    bench.result({**result, "sample_id": "S-2", "result": 7.2})
    bench.connection.execute("DELETE FROM outbox")
    assert rows(store, "SELECT recommendation, latched FROM lot") == [("review", 0)]  # it may have been on hold before
    (file,) = quarantined(store)
    salvaged = salvage(file, into=bench.connection, at_ns=NOW_NS)
    bench.connection.close()
    assert salvaged.merged == {"lot": 1, "job_order": 0}
    assert rows(store, "SELECT recommendation, latched, holds FROM lot_checked") == [("hold", 1, 1)]
    versions = "SELECT sample_id, result_version, current, holds FROM lab_result_checked ORDER BY 1, 2"
    assert rows(store, versions) == [("S-1", 1, 0, 1), ("S-1", 2, 1, 1), ("S-2", 1, 1, 1)]
    assert rows(store, "SELECT count(*), sum(retain), min(holds) FROM outbox_checked")[0][1:] == (0, 1)
    assert check(store, gently=False).wrong == []


def test_what_both_stores_know_with_other_content_is_told_and_stays_where_it_is(store):
    unsound(store)
    prepare(store, at_ns=NOW_NS)
    bench = Bench(store)
    bench.result({"sample_id": "S-1", "test_name": "pH", "material_lot": "LOT/1", "result": 7.1})  # again, as version 1
    (file,) = quarantined(store)
    salvaged = salvage(file, into=bench.connection, at_ns=NOW_NS)
    again = salvage(file, into=bench.connection, at_ns=NOW_NS)
    bench.connection.close()
    assert salvaged.differing["lab_result"] == 1
    assert salvaged.put_back["lab_result"] == 0
    assert again.put_back == dict.fromkeys(again.put_back, 0)  # once is enough
    assert again.differing["lab_result"] == 1


def test_a_salvage_that_fails_in_the_middle_puts_nothing_back(store, monkeypatch):
    unsound(store)
    prepare(store, at_ns=NOW_NS)
    (file,) = quarantined(store)

    def broken(*_arguments, **_more):
        raise OSError("the disk, says the test")

    monkeypatch.setattr(audit, "append", broken)
    with closing(open_state(store)) as connection, pytest.raises(OSError, match="the disk"):
        salvage(file, into=connection, at_ns=NOW_NS)
    assert rows(store, "SELECT count(*) FROM lab_result") == [(0,)]


def test_a_backup_is_verified_and_restoring_it_latches_an_alarm_and_salts_ids_anew(store, tmp_path):
    manifest = backup(store, tmp_path / "backup", at_ns=NOW_NS)
    waiting = rows(store, "SELECT message_id, payload FROM outbox ORDER BY seq")
    assert manifest["head"]["seq"] == rows(store, "SELECT max(seq) FROM audit")[0][0]
    fill(store, "S-2")
    before = {row[0] for row in rows(store, "SELECT disposition_id FROM disposition")}
    about = restore(tmp_path / "backup", store, at_ns=NOW_NS + 1)
    prepare(store, at_ns=NOW_NS + 2)
    assert latches(store) == {"STORE_RESTORED"}
    assert rows(store, "SELECT message_id, payload FROM outbox ORDER BY seq") == waiting  # sent again as they were
    assert (store / about["replaced"] / "state.db").exists()
    fill(store, "S-2")
    again = {row[0] for row in rows(store, "SELECT disposition_id FROM disposition")}
    assert len(again - before) == 1
    assert check(store, gently=False).ok


@pytest.mark.parametrize("moves", range(7))
def test_a_restore_that_was_cut_short_is_finished_at_the_next_start_and_nothing_is_lost(
    store, tmp_path, monkeypatch, moves
):
    """The store that is replaced has a write-ahead log, as a killed gateway leaves it."""
    backup(store, tmp_path / "backup", at_ns=NOW_NS)
    live = sqlite3.connect(store / "state.db")
    live.execute("PRAGMA journal_mode = WAL")
    live.close()
    bench = Bench(store)
    for number in range(2, 30):
        bench.result({"sample_id": f"S-{number}", "test_name": "pH", "result": 7.0, "material_lot": "LOT/1"})
    killed = tmp_path / "killed"
    shutil.copytree(store, killed)
    bench.connection.close()
    assert (killed / "state.db-wal").stat().st_size
    renaming, left = Path.rename, iter(range(moves))

    def cut(self, target):
        moving = "replaced" in str(target) or str(self).endswith(".restoring")
        if moving and next(left, None) is None:
            raise KeyboardInterrupt
        return renaming(self, target)

    with monkeypatch.context() as power, suppress(KeyboardInterrupt):
        power.setattr(Path, "rename", cut)
        restore(tmp_path / "backup", killed, at_ns=NOW_NS + 1)
    prepare(killed, at_ns=NOW_NS + 2)
    assert latches(killed) == {"STORE_RESTORED"}
    assert rows(killed, "SELECT count(*) FROM lab_result") == [(1,)]
    assert check(killed, gently=False).ok
    (replaced,) = (killed / "replaced").iterdir()
    assert rows(replaced, "SELECT count(*) FROM lab_result") == [(29,)]


def test_a_backup_that_was_changed_is_not_restored(store, tmp_path):
    backup(store, tmp_path / "backup", at_ns=NOW_NS)
    with (tmp_path / "backup" / "state.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    before = (store / "state.db").read_bytes()
    with pytest.raises(LablineError, match="not what was backed up"):
        restore(tmp_path / "backup", store, at_ns=NOW_NS)
    assert (store / "state.db").read_bytes() == before


def test_the_full_check_finds_a_changed_row_a_missing_record_and_a_changed_line(store):
    assert check(store, gently=False).ok
    with closing(sqlite3.connect(store / "state.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM lab_result")
        connection.execute("UPDATE context_change SET kind = 'lot_closed'")
    findings = check(store, gently=False)
    assert any("lab_result" in wrong and "missing or changed" in wrong for wrong in findings.wrong)
    assert any("context_change" in wrong and "hash" in wrong for wrong in findings.wrong)


def test_a_lot_whose_earlier_result_is_damaged_stays_on_hold_and_says_so(store):
    with closing(sqlite3.connect(store / "state.db")) as connection, connection:
        connection.execute("UPDATE lab_result SET body = replace(body, '9.9', '7.0')")
    bench = Bench(store)
    bench.result({"sample_id": "S-2", "test_name": "pH", "result": 7.0, "material_lot": "LOT/1", "retest_of": "S-0"})
    body = json.loads(
        bench.connection.execute("SELECT body FROM disposition ORDER BY rowid DESC LIMIT 1").fetchone()[0]
    )
    assert "EVIDENCE_DAMAGED" in [reason["code"] for reason in body["reasons"]]
    assert body["recommendation"] == "hold"  # as before: what it was assessed as still holds
    assert [row[0] for row in bench.connection.execute("SELECT code FROM latch")] == ["EVIDENCE_DAMAGED"]
    lines, wrong = audit.verify(bench.connection)
    assert lines
    assert wrong is None


def test_a_command_that_cannot_write_says_so_and_changes_nothing(store, monkeypatch):
    def unable(connection, **_options):
        connection.execute("INSERT INTO latch VALUES ('MODEL_DRIFT_X', 0, '{}')")
        connection.execute("INSERT INTO latch VALUES ('MODEL_DRIFT_X', 0, '{}')")

    monkeypatch.setattr(decide_batch, "decide_batch", unable)
    with pytest.raises(StoreUnavailableError, match="nothing is changed"):
        acknowledged(store, "X")
    assert latches(store) == set()
