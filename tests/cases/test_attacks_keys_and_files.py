"""Keys, witnesses, archives and files of the store: nobody is taken for the line, and nothing is left to others."""

import json
import os
import stat
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import cli
from gateway.contract.payloads.audit_head import audit_head_payload
from gateway.contract.refusals import MessageRefusedError
from gateway.database import file_permissions
from gateway.errors import LablineError, StoreUnavailableError
from gateway.events import ActRequested, HeadWitnessed
from gateway.ingest.audit_head import understand_head
from gateway.ingest.event_queue import Pending
from gateway.records.acts import ActOutcome
from gateway.records.outgoing import Head
from gateway.store.audit.archive import export, export_to_archive
from gateway.store.audit.heads import HeadFile, HeadSigner, former_line, head_of, load_signer
from gateway.store.audit.verifying import verify
from gateway.store.care.backup import backup, restore
from gateway.store.care.opening import prepare
from gateway.store.database import locked, open_state
from gateway.store.statements import SQL
from gateway.store.transaction.decide_batch import decide_batch
from gateway.transport.mqtt_messages import Delivery
from tests.fixtures.building import NOW_NS, moment
from tests.fixtures.building import line as line_definition
from tests.fixtures.people import OWNER
from tests.fixtures.store_bench import Bench

_LINE = "acme/lyon/polymers/line-1"
_RESULT = {
    "sample_id": "S-1",
    "test_name": "pH",
    "result": 7.0,
    "spec_min": 6.5,
    "spec_max": 7.5,
    "material_lot": "L/1",
}


def a_signer(line=_LINE):
    return HeadSigner(line=line, private_key=Ed25519PrivateKey.generate())


def signed(connection, signer):
    """Sign the present head, as the gateway does every fifteen seconds; return its message."""
    head = signer.sign(head_of(connection), NOW_NS)
    connection.execute(SQL["insert_signed_head"], {
        "seq": head.head.seq, "hash": head.head.hash, "at_ns": NOW_NS, "public_key": head.public_key,
        "signature": head.signature, "line": head.line,
    })  # fmt: skip
    return audit_head_payload(head).encoded()


@pytest.fixture
def line(tmp_path):
    """A store with some lines and a signed head: (its directory, its signer, the head as published)."""
    directory = tmp_path / "store"
    directory.mkdir()
    prepare(directory, at_ns=NOW_NS)
    bench, signer = Bench(directory), a_signer()
    bench.order()
    bench.with_users()
    bench.result(_RESULT)
    published = signed(bench.connection, signer)
    bench.connection.close()
    return directory, signer, published


def delivered(payload):
    return Delivery(session="labline", topic="root/audit/head", payload=payload, message_number=1, redelivered=False,
                    qos=1, generation=1)  # fmt: skip


# --- a head at the broker -------------------------------------------------------------------------------


def test_attacks_10_a_forged_head_at_the_broker_is_refused_and_not_believed():
    own = a_signer()
    understand = understand_head(frozenset({own.public_key}))
    bare = json.dumps({"seq": 2_000_000_000, "hash": "00"}).encode()
    head = Head(seq=2_000_000_000, hash="00")
    by_another = audit_head_payload(a_signer().sign(head, NOW_NS)).encoded()
    right = json.loads(audit_head_payload(own.sign(Head(seq=1, hash="ab"), NOW_NS)).encoded())
    for forged in (bare, by_another, *(json.dumps({**right, **change}).encode() for change in (
        {"seq": 2_000_000_000}, {"hash": "00"}, {"line": "another"}, {"signature": "00"}, {"signature": "zz"},
        {"public_key": a_signer().public_key},
    ))):  # fmt: skip
        with pytest.raises(MessageRefusedError):
            understand(delivered(forged), None, moment(NOW_NS))


def test_attacks_10_a_head_that_the_line_has_signed_is_a_witness():
    own = a_signer()
    head = Head(seq=7, hash="ab")
    event = understand_head(frozenset({own.public_key}))(
        delivered(audit_head_payload(own.sign(head, NOW_NS)).encoded()), None, moment(NOW_NS)
    )
    assert isinstance(event, HeadWitnessed)
    assert event.head == head


# --- the key ---------------------------------------------------------------------------------------------


def test_attacks_11_a_command_without_the_credential_makes_no_key(line):
    directory, _signer, _published = line
    with pytest.raises(StoreUnavailableError, match="no audit key"):
        load_signer(line=_LINE, directory=directory, credential=None, make_key=False)
    assert not (directory / "audit_key.pem").exists()


def archive(connection, folder, **options):
    """Archive as the command does where no gateway runs; return how many lines."""
    act = export_to_archive(connection, folder, line=_LINE, **options)
    event = ActRequested(event_id="archive", at=moment(options["at_ns"]), act=act, credential=OWNER, reason="")
    connection.execute("BEGIN IMMEDIATE")
    outcome = decide_batch(connection, line=line_definition(), batch=(Pending(event),), lots_later=True)
    connection.execute("COMMIT")
    assert outcome.answers["archive"].outcome is ActOutcome.DONE
    return act.last_seq - act.first_seq + 1


def test_attacks_11_archiving_with_a_key_that_has_signed_no_head_takes_nothing_out(line, tmp_path):
    directory, _signer, _published = line
    with closing(open_state(directory)) as connection:
        before = connection.execute("SELECT count(*) FROM audit").fetchone()[0]
        with pytest.raises(LablineError, match="has signed no head of this line"):
            archive(connection, tmp_path / "a", before_ns=NOW_NS + 1, signer=a_signer(), at_ns=NOW_NS)
        assert connection.execute("SELECT count(*) FROM audit").fetchone()[0] == before
    assert not (tmp_path / "a").exists()


# --- witnesses and archives ------------------------------------------------------------------------------


def archived(line, folder):
    directory, signer, _published = line
    with closing(open_state(directory)) as connection:
        return archive(connection, folder, before_ns=NOW_NS + 10**18, signer=signer, at_ns=NOW_NS)


def test_attacks_12_after_everything_is_archived_a_witness_is_still_of_the_lines_key(line, tmp_path):
    directory, _signer, published = line
    witness = tmp_path / "heads.jsonl"
    witness.write_bytes(published + b"\n")
    archived(line, tmp_path / "archive")
    found = verify(directory, line=_LINE, own_key=None, witness=witness, archives=[tmp_path / "archive"])
    assert (found.wrong, found.notes) == ([], [])
    forged = json.loads(audit_head_payload(a_signer().sign(Head(seq=1, hash="00"), NOW_NS)).encoded())
    witness.write_text(json.dumps(forged))
    found = verify(directory, line=_LINE, own_key=None, witness=witness, archives=[tmp_path / "archive"])
    assert any("signed with another key" in each for each in found.wrong)


def test_after_archiving_records_are_vouched_for_by_the_archive_and_edits_of_them_are_found_with_it(line, tmp_path):
    directory, _signer, _published = line
    archived(line, tmp_path / "archive")
    found = verify(directory, line=_LINE, own_key=None)
    assert found.wrong == []
    assert any("--archive" in each for each in found.notes)
    with closing(open_state(directory)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("INSERT INTO lot (material_lot_id, recommendation) VALUES ('L/9', 'release')")
    assert any("lot L/9" in each for each in verify(directory, line=_LINE, own_key=None).wrong)
    with closing(open_state(directory)) as connection:
        connection.execute("DELETE FROM lot WHERE material_lot_id = 'L/9'")
        connection.execute("DELETE FROM disposition")
    whole = verify(directory, line=_LINE, own_key=None, archives=[tmp_path / "archive"])
    assert any(each.startswith("disposition ") and "is missing" in each for each in whole.wrong)


@pytest.mark.parametrize("content", ["", "\n\n", "[]"])
def test_attacks_13_an_empty_witness_file_witnesses_nothing_and_is_refused(line, tmp_path, content):
    (tmp_path / "heads").write_text(content)
    with pytest.raises(LablineError, match="holds no witnesses"):
        verify(line[0], line=_LINE, own_key=None, witness=tmp_path / "heads")


def test_a_witness_of_another_line_is_told(line, tmp_path):
    directory, signer, _published = line
    other = HeadSigner(line="acme/lyon/polymers/line-2", private_key=signer.private_key)
    with closing(open_state(directory)) as connection:
        head = audit_head_payload(other.sign(head_of(connection), NOW_NS)).encoded()
    (tmp_path / "heads").write_bytes(head)
    found = verify(directory, line=_LINE, own_key=None, witness=tmp_path / "heads")
    assert any("of line acme/lyon/polymers/line-2, not of" in each for each in found.wrong)


def test_first_plant_04_a_renamed_line_is_named_as_the_reason_and_is_no_tampering(line):
    directory, _signer, _published = line
    found = verify(directory, line="acme/lyon/polymers/line-one", own_key=None)
    assert found.wrong == []
    assert any("[site] was renamed" in each and _LINE in each for each in found.notes)


def test_first_plant_04_a_start_under_another_name_is_said_in_the_log(line):
    directory, _signer, _published = line
    with closing(open_state(directory)) as connection:
        assert former_line(connection, _LINE) is None
        assert former_line(connection, "acme/lyon/polymers/line-one") == _LINE


def test_first_plant_04_of_heads_without_a_name_a_rename_is_named_as_a_possible_reason(line):
    directory, _signer, _published = line
    with closing(open_state(directory)) as connection:
        connection.execute("UPDATE signed_head SET line = NULL")
    assert verify(directory, line=_LINE, own_key=None).wrong == []
    found = verify(directory, line="acme/lyon/polymers/line-one", own_key=None)
    assert any("signature" in each for each in found.wrong)
    assert any("was renamed" in each for each in found.notes)


# --- files -----------------------------------------------------------------------------------------------


def modes(folder):
    return {path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


def test_attacks_17_store_backup_and_archive_are_closed_to_others_whatever_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        directory = tmp_path / "var" / "store"
        with locked(directory):
            prepare(directory, at_ns=NOW_NS)
            bench, signer = (
                Bench(directory),
                load_signer(line=_LINE, directory=directory, credential=None, make_key=True),
            )
            with HeadFile(directory) as head_file:
                bench.order()
                bench.with_users()
                head_file.witness(bench.connection)
            signed(bench.connection, signer)
            archive(bench.connection, tmp_path / "kept" / "archive", before_ns=NOW_NS + 1, signer=signer, at_ns=NOW_NS)
            export(bench.connection, tmp_path / "kept" / "export", line=_LINE, at_ns=NOW_NS)
            backup(directory, tmp_path / "kept" / "backup", at_ns=NOW_NS)
            assert "state.db-wal" in modes(directory)
            found = {**modes(tmp_path / "var"), **modes(tmp_path / "kept")}
            bench.connection.close()
    finally:
        os.umask(before)
    assert found.pop("store/audit_key.pem") == 0o600
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o027} == {}


def test_attacks_17_a_store_of_before_is_closed_at_its_next_opening(line):
    directory, _signer, _published = line
    (directory / "state.db").chmod(0o644)
    open_state(directory).close()
    assert stat.S_IMODE((directory / "state.db").stat().st_mode) == 0o640


def test_attacks_07_what_a_restore_by_root_leaves_belongs_to_the_directorys_owner(line, tmp_path, monkeypatch):
    directory, _signer, _published = line
    backup(directory, tmp_path / "backup", at_ns=NOW_NS)
    given = {}
    somebody = (4711, 4712)
    owner = file_permissions._owner
    monkeypatch.setattr(file_permissions, "_owner", lambda path: somebody if path == directory else owner(path))
    monkeypatch.setattr(file_permissions.os, "geteuid", lambda: 0)
    monkeypatch.setattr(file_permissions.os, "chown", lambda path, uid, gid: given.update({str(path): (uid, gid)}))
    directory.chmod(0o700)
    with locked(directory):
        restore(tmp_path / "backup", directory, at_ns=NOW_NS)
    restored = {name.rsplit("/", 1)[1] for name in given}
    assert {"labline.lock", "state.db.restoring", "restored.json.new", "replaced"} <= restored
    assert str(directory) not in given
    assert all(given[str(directory / name)] == somebody for name in ("labline.lock", "state.db.restoring", "replaced"))
    assert stat.S_IMODE((directory / "state.db").stat().st_mode) == 0o600


def test_first_plant_14_a_backup_without_rights_is_told_in_a_sentence(line, tmp_path, monkeypatch):
    directory, _signer, _published = line

    def denied(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.is_file", denied)
    with pytest.raises(LablineError, match="cannot be read: Permission denied"):
        backup(directory, tmp_path / "backup", at_ns=NOW_NS)
    monkeypatch.undo()
    monkeypatch.setattr("pathlib.Path.mkdir", denied)
    with pytest.raises(LablineError, match="cannot be made: Permission denied"):
        backup(directory, tmp_path / "backup", at_ns=NOW_NS)


def test_first_plant_14_any_command_without_rights_ends_with_a_sentence(monkeypatch, capsys):
    def denied(**_options):
        raise PermissionError(13, "Permission denied", "/var/lib/labline/state.db")

    monkeypatch.setattr(cli, "app", denied)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "/var/lib/labline/state.db: Permission denied" in told
    assert "service's user" in told
