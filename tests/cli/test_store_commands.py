"""The commands around the store, on a gateway that ran: backup, restore, salvage, retries, audit, history."""

import asyncio
import csv
import json
import shutil
import subprocess
import sys
import time
from contextlib import closing

import pytest

from gateway.contract.times import rfc3339
from gateway.store.audit.heads import HeadFile, head_of
from gateway.store.audit.trail import line_hash
from gateway.store.database import open_state, read_state
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from simulator.bench.served import CHUNKED_SAMPLES, add_chunks
from simulator.gateway_process import ask
from tests.fixtures.people import ADDED_BY_COMMAND


@pytest.fixture(scope="session")
def left_by_a_run(tmp_path_factory):
    """What one run has left, for all tests that begin with it: a folder, and what was told."""
    return tmp_path_factory.mktemp("ran") / "store", []


@pytest.fixture
async def ran(bench_line, left_by_a_run):
    """A line whose gateway has judged a result, met a dead letter and heard its tags, and has stopped."""
    store, messages = left_by_a_run
    if store.exists():
        shutil.copytree(store, bench_line.folder / "store")
        bench_line.messages += messages
        return bench_line
    async with bench_line.gateway():
        await bench_line.result(sample_id="S-1", test_id="pH", value=9.9, material_lot_id="L", product="FG-100")
        await bench_line.disposition_of("S-1")
        await bench_line.publish("lims/results/qc", b"no JSON at all")
        await bench_line.until(lambda topic, _document: topic == "dead-letter")
        await bench_line.until(lambda topic, document: topic.startswith("prediction/") and document["value"])
        await bench_line.until(lambda topic, _document: topic == "audit/head")
    shutil.copytree(bench_line.folder / "store", store)
    messages += bench_line.messages
    return bench_line


def labline(line, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments, "--config", str(line.configuration)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout + done.stderr


async def test_heads_that_were_published_witness_the_trail(ran, tmp_path):
    heads = [document for topic, document in ran.messages if topic == "audit/head"]
    assert heads
    witness = tmp_path / "witness.jsonl"
    witness.write_text("".join(json.dumps(head) + "\n" for head in heads))
    found = await ask("audit", "verify", "--config", str(ran.configuration), "--witness", str(witness))
    assert found["audit"] == "ok"
    assert found["witnesses"] == len(heads)
    forged = {**heads[-1], "hash": "0" * 64}
    witness.write_text(json.dumps(forged))
    assert "signature of head" in labline(ran, "audit", "verify", "--witness", str(witness), code=1)
    witness.write_text("not JSON")
    assert "holds no witnesses" in labline(ran, "audit", "verify", "--witness", str(witness), code=2)


async def test_an_exported_trail_is_verified_by_a_python_that_knows_nothing_of_labline(ran, tmp_path):
    folder = tmp_path / "trail"
    labline(ran, "audit", "export", "--to", str(folder))
    bare = [sys.executable, "-I", "-S", str(folder / "verify.py")]
    assert subprocess.run(bare, check=False, capture_output=True).returncode == 0
    lines = (folder / "lines.jsonl").read_text()
    (folder / "lines.jsonl").write_text(lines.replace('"hold', '"rele', 1))
    done = subprocess.run(bare, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "has been changed" in done.stdout
    (folder / "lines.jsonl").write_text("\n".join(lines.splitlines()[:-2]) + "\n")
    assert subprocess.run(bare, check=False, capture_output=True).returncode == 1  # cut, but a signed head knows


async def test_archiving_takes_old_lines_out_and_the_rest_still_verifies(ran, tmp_path):
    labline(ran, *ADDED_BY_COMMAND)
    labline(ran, "audit", "archive", "--before", "2000-01-01", "--to", str(tmp_path / "none"), code=2)
    folder = tmp_path / "archive"
    labline(ran, "audit", "archive", "--before", "2999-01-01", "--to", str(folder))
    assert subprocess.run([sys.executable, str(folder / "verify.py")], check=False).returncode == 0
    found = await ask("audit", "verify", "--config", str(ran.configuration))
    assert (found["audit"], found["lines"]) == ("ok", 1)  # that it was archived
    async with ran.gateway():
        await ran.result(sample_id="S-2", test_id="pH", value=7.0, material_lot_id="L2", product="FG-100")
        await ran.disposition_of("S-2")
    assert (await ask("audit", "verify", "--config", str(ran.configuration)))["audit"] == "ok"
    witness = tmp_path / "witness.jsonl"
    witness.write_text(json.dumps(next(document for topic, document in ran.messages if topic == "audit/head")))
    assert "with the archive that holds it" in labline(ran, "audit", "verify", "--witness", str(witness), code=1)
    labline(ran, "audit", "verify", "--witness", str(witness), "--archive", str(folder))
    assert "is no archive" in labline(ran, "audit", "verify", "--archive", str(tmp_path), code=2)
    lines = (folder / "lines.jsonl").read_text()
    (folder / "lines.jsonl").write_text(lines.replace('"hold', '"rele', 1))
    assert "does not hold" in labline(ran, "audit", "verify", "--archive", str(folder), code=2)


async def test_who_owns_the_disk_and_says_that_what_was_witnessed_is_archived_is_found_out(ran, tmp_path):
    """All lines are taken out, an archive is claimed, and the rest is signed with the store's own key."""
    witness = tmp_path / "witness.jsonl"
    witness.write_text(json.dumps([document for topic, document in ran.messages if topic == "audit/head"][-1]))
    store = ran.folder / "store"
    with closing(open_state(store)) as connection, HeadFile(store) as head_file:
        head = head_of(connection)
        (trigger,) = connection.execute(SQL["audit_delete_trigger"]).fetchone()
        connection.execute(SQL["drop_audit_delete_trigger"])
        connection.execute("DELETE FROM audit")
        connection.execute("DELETE FROM signed_head")
        connection.execute(trigger)
        claimed = {"first_seq": 1, "last_seq": head.seq, "last_hash": "f" * 64, "file_sha256": "0" * 64}
        connection.execute(SQL["insert_archive"], claimed)
        line = {"seq": head.seq + 1, "at_ns": 1, "kind": "audit_archived", "subject": "0" * 64,
                "body": json.dumps(claimed), "previous": "f" * 64}  # fmt: skip
        connection.execute(SQL["append_audit"], {**line, "hash": line_hash(**line)})
        head_file.witness(connection)
    told = labline(ran, "audit", "verify", "--witness", str(witness), code=1)
    assert "with the archive that holds it" in told


async def test_a_backup_taken_while_the_gateway_runs_is_restored_and_stands_alarmed_until_acknowledged(ran, tmp_path):
    async with ran.gateway():
        labline(ran, "backup", "--to", str(tmp_path / "backup"))
        await ran.result(sample_id="S-2", test_id="pH", value=9.9, material_lot_id="L2", product="FG-100")
        lost = (await ran.disposition_of("S-2"))["id"]
        assert "is in use by process" in labline(ran, "restore", "--from", str(tmp_path / "backup"), code=2)
    labline(ran, "restore", "--from", str(tmp_path / "backup"))
    ran.messages.clear()
    async with ran.gateway():
        status = await ran.until(lambda topic, document: topic == "status" and document["degraded"])
        assert "STORE_RESTORED" in status["degraded"]
        assert set(status["stage"].values()) == {"shadow"}
        await ran.result(sample_id="S-2", test_id="pH", value=9.9, material_lot_id="L2", product="FG-100")
        assert (await ran.disposition_of("S-2"))["id"] != lost
        async with asyncio.timeout(90):
            while "STORE_UNCHECKED" in (standing := await _latched(ran)):  # passes by itself
                await asyncio.sleep(0.05)
        labline(ran, *ADDED_BY_COMMAND)
        for code in standing:  # the broker, too, has a head that is now unknown
            labline(ran, "audit", "acknowledge", code, "--reason", "restored on purpose")
        await ran.until(lambda topic, document: topic == "status" and "advise" in document["stage"].values())


async def _latched(line):
    return (await ask("buffer", "status", "--config", str(line.configuration)))["latched"].split(", ")


async def test_a_dead_letter_is_listed_and_tried_again_when_a_person_asks(ran):
    (letter,) = (await ask("buffer", "dead-letters", "--config", str(ran.configuration)))["dead_letters"]
    assert letter["topic"] == "lims/results/qc"
    (traced,) = json.loads(labline(ran, "audit", "trace", letter["id"], "--json"))["found"]
    (event,) = traced["leads_to"]
    assert (traced["kind"], event["kind"], event["topic"]) == ("dead letter", "event", "lims/results/qc")
    (event,) = json.loads(labline(ran, "audit", "trace", event["id"], "--json"))["found"]
    assert letter["id"] in [each["id"] for each in event["leads_to"]]
    labline(ran, *ADDED_BY_COMMAND)
    labline(ran, "buffer", "retry", letter["id"])
    assert "there is no dead letter" in labline(ran, "buffer", "retry", "nothing", code=2)
    ran.messages.clear()
    async with ran.gateway():
        again = await ran.until(lambda topic, _document: topic == "dead-letter")
        assert again["id"] != letter["id"]
    (letter,) = (await ask("buffer", "dead-letters", "--config", str(ran.configuration)))["dead_letters"]
    assert (letter["id"], letter["times"], letter["state"]) == (again["id"], 2, "tried again")


async def test_a_store_that_is_garbage_is_set_aside_and_what_holds_is_salvaged(ran):
    state = ran.folder / "store" / "state.db"
    content = bytearray(state.read_bytes())
    content[:100] = b"x" * 100
    state.write_bytes(content)
    ran.messages.clear()
    async with ran.gateway():
        status = await ran.until(lambda topic, document: topic == "status" and document["degraded"])
        assert "STORE_QUARANTINED" in status["degraded"]
    found = json.loads(labline(ran, "buffer", "salvage", "--json", code=1))
    assert "not a database" in found["why"]
    assert "lab_result" in found["not_read_to_the_end"]
    assert found["left_behind"] == {"delivery": None, "follow_up": None, "sample_request": None}


def waiting_in(line):
    with closing(read_state(line.folder / "store")) as connection:
        return [tuple(row) for row in connection.execute("SELECT message_id, topic, payload FROM outbox ORDER BY seq")]


async def test_what_waits_is_exported_as_it_is(ran, tmp_path):
    async with ran.gateway():
        await ran.broker.mosquitto.kill()
        async with asyncio.timeout(90):
            while not waiting_in(ran):
                await asyncio.sleep(0.1)
    file = tmp_path / "waiting.jsonl"
    labline(ran, "buffer", "export", "--to", str(file))
    told = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(each["message_id"], each["topic"], each["payload"].encode()) for each in told] == waiting_in(ran)
    assert told
    assert all(each["holds"] for each in told)
    assert "cannot be written" in labline(ran, "buffer", "export", "--to", str(file), code=2)


async def test_history_of_hours_is_exported_from_its_chunks_and_from_what_is_not_sealed_yet(ran, tmp_path):
    begin_ns = await add_chunks(ran.folder / "store", before_ns=time.time_ns() - 3600 * SECOND_NS)
    for form in ("csv", "parquet"):
        labline(ran, "history", "export", "--to", str(tmp_path / f"a.{form}"), "--tag", "reactor_temperature",
                "--from", rfc3339(begin_ns), "--format", form)  # fmt: skip
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    chunked = [float(row["value"]) for row in rows[:CHUNKED_SAMPLES]]
    assert chunked == [float(at % 100) for at in range(CHUNKED_SAMPLES)]
    assert len(rows) > CHUNKED_SAMPLES
    assert rows == sorted(rows, key=lambda row: row["counts_from"])
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    values = pq.read_table(tmp_path / "a.parquet").column("value").to_pylist()
    assert [repr(value) for value in values] == [row["value"] for row in rows]


async def test_history_is_exported_as_csv_and_as_parquet_with_the_same_samples(ran, tmp_path):
    labline(ran, "history", "export", "--to", str(tmp_path / "a.csv"), "--tag", "reactor_temperature")
    labline(ran, "history", "export", "--to", str(tmp_path / "a.parquet"), "--tag", "reactor_temperature",
            "--format", "parquet")  # fmt: skip
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    table = pq.read_table(tmp_path / "a.parquet")
    assert len(rows) == len(table) > 3
    assert [row["value"] for row in rows] == [repr(value) for value in table.column("value").to_pylist()]
    assert {row["quality"] for row in rows} >= {"good"}
    assert rows == sorted(rows, key=lambda row: row["counts_from"])
    assert "no tag x is configured" in labline(
        ran, "history", "export", "--to", str(tmp_path / "b"), "--tag", "x", code=2
    )


async def test_results_from_a_file_are_judged_once_however_often_it_is_sent(bench_line, tmp_path):
    file = tmp_path / "results.csv"
    file.write_text(
        "sample_id;test_id;value;unit;material_lot\nS-1;pH;9,9;pH;L-1\nS-2;pH;7,1;pH;L-2\nS-3;pH;9,9,9;pH;L-3\n"
    )
    form = ("lab", "import", str(file), "--decimal-comma")
    async with bench_line.gateway():
        assert "nothing was sent" in await beside(bench_line, *form, code=1)
        for _ in range(2):
            told = json.loads(await beside(bench_line, *form, "--only-good", "--json", code=1))
            assert (told["rows"], told["readable"], told["sent"], told["refused"][0]["line"]) == (3, 2, 3, 4)
        assert (await bench_line.disposition_of("S-1"))["material_lot_id"] == "L-1"
        await bench_line.disposition_of("S-2")
    with closing(read_state(bench_line.folder / "store")) as connection:
        assert connection.execute("SELECT count(*) FROM lab_result").fetchone()[0] == 3
        assert connection.execute("SELECT count(*) FROM disposition").fetchone()[0] == 3


async def test_a_file_that_nobody_takes_is_said_and_nothing_is_lost(bench_line, tmp_path):
    file = tmp_path / "results.csv"
    file.write_text("sample_id,test_id,value\nS-1,pH,9.9\n")
    assert "1 of 1 rows can be read, 0 sent" in await beside(bench_line, "lab", "import", str(file), "--dry-run")
    assert "has no column Probe" in await beside(
        bench_line, "lab", "import", str(file), "--column", "sample_id=Probe", code=2
    )
    await bench_line.broker.mosquitto.kill()
    assert "0 of 1 rows were sent" in await beside(bench_line, "lab", "import", str(file), code=2)


async def beside(line, *arguments, code=0):
    """Run a command beside the ends that listen."""
    return await asyncio.to_thread(labline, line, *arguments, code=code)
