"""Somebody who can write the database file adds or takes out rows, with right hashes: none gives anybody authority."""

import json
import shutil
import sqlite3
from contextlib import closing, contextmanager

import pytest

from gateway.contract.lot_decisions import basis_sha256
from gateway.events import StoreChecked
from gateway.inference.signed_stages import with_signed_stages
from gateway.ingest.event_queue import EventQueue
from gateway.line.definition import Stage
from gateway.people.passwords import hashed, matches
from gateway.records.acts import (
    ActOutcome,
    ArchiveAudit,
    DecideLot,
    StopWrites,
)
from gateway.records.lot_decisions import Verdict
from gateway.records.outgoing import AuditEntry
from gateway.records.user_acts import AddUser, ChangeUser, EnrollKey, SetPassword
from gateway.records.users import Credential, CredentialKind, Role
from gateway.runtime.store_checks import AuthorityWatch
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import evidence_hash
from gateway.store.audit.governed import governing, take_written
from gateway.store.audit.heads import HeadFile, head_of, load_signer
from gateway.store.care.checking import check
from gateway.store.care.opening import prepare
from gateway.store.database import STATE_FILE, open_state, read_state
from gateway.store.queries.authority import authority_in, not_vouched_for
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.setpoints import stop_of
from gateway.store.queries.signed_stages import signed_stages
from gateway.store.queries.users import keys_of_all, sign_in, user_named, user_of, users_of_all
from gateway.store.statements import SQL
from tests.fixtures.building import moment
from tests.fixtures.deciding import DRUMS
from tests.fixtures.store_bench import viscosity
from tests.people.test_lot_decisions import LOT, Deciding, by
from tests.people.test_stages import Staging

KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
OTHER_KEY = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
FORGED = hashed("a password that I know")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with people, a key, a signed stage, a rejected lot and a stop; its gateway has ended in order."""
    directory = tmp_path_factory.mktemp("made")
    bench = Deciding(directory)
    with closing(bench.connection), HeadFile(directory) as head_file:
        bench.act(SetPassword(user_id="anna", password_hash=hashed("a password of hers")), credential=by("anna"))
        bench.act(AddUser(user_id="carl", full_name="Carl A.", roles=(Role.SUPERVISOR, Role.ENGINEER)))
        bench.act(ChangeUser(user_id="carl", roles=(Role.VIEWER,)))
        bench.act(EnrollKey(user_id="anna", public_key=KEY, label="T-07"))
        bench.result(viscosity(100.0))
        assert bench.divide().outcome is ActOutcome.DONE
        act = DecideLot(material_lot_id=LOT, verdict=Verdict.REJECT, basis_sha256=basis_sha256(bench.basis()))
        assert bench.act(act, credential=by("anna")).outcome is ActOutcome.DONE
        bench.sha256 = bench.line.model_named("viscosity").bundle.identity.sha256
        assert Staging.stage(bench, "shadow").outcome is ActOutcome.DONE
        assert bench.act(StopWrites()).outcome is ActOutcome.DONE
        head_file.witness(bench.connection)
    return directory, bench.line


@pytest.fixture
def store(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "store")
    return tmp_path / "store"


def edit(directory, script):
    with closing(sqlite3.connect(directory / STATE_FILE, isolation_level=None)) as connection:
        connection.create_function("evidence_hash", -1, evidence_hash, deterministic=True)
        connection.executescript(script)


def is_unknown(user_id):
    return lambda connection: user_named(connection, user_id) is None


def no_password_of_mine(connection):
    password = sign_in(connection, "anna", "here").password
    return password is None or not matches("a password that I know", password.password_hash)


def is_shadow(connection):
    return "viscosity" in signed_stages(connection).unknown


def is_stopped(connection):
    return stop_of(connection) is not None


def decision_is_in_doubt(connection):
    decided = decision_of_lot(connection, LOT)
    return decided.decision is None and decided.damaged != ()


def part_is_in_doubt(connection):
    of_lot = parts_of_lot(connection, LOT)
    return of_lot.parts == () and of_lot.damaged != ()


def nobody(account):
    return lambda connection: user_of(connection, Credential(kind=CredentialKind.OS_USER, subject=account)) is None


def no_session_of_quality(connection):
    credential = Credential(kind=CredentialKind.SESSION, subject="anna", session="ab")
    return user_of(connection, credential) is None


EDITS = {
    "a viewer becomes quality": (
        ("INSERT INTO user_version (user_id, full_name, roles, disabled, at_ns, changed_by) "
        "VALUES ('carl', 'Carl A.', 'quality,administrator', 0, 1, 'Anna Q.')"), is_unknown("carl")),
    "a new user of my account": (
        ("INSERT INTO user_version (user_id, full_name, roles, os_user, disabled, at_ns, changed_by) "
        "VALUES ('mallory', 'M.', 'quality', 'mallory', 0, 1, 'Anna Q.')"), nobody("mallory")),
    "the newest of a user is taken out": (
        "DELETE FROM user_version WHERE seq = (SELECT max(seq) FROM user_version WHERE user_id = 'carl')",
        is_unknown("carl")),
    "a user in place": (
        ("CREATE TEMP TABLE kept AS SELECT * FROM user_version WHERE user_id = 'olga'; "
        "UPDATE kept SET roles = 'quality', hash = NULL; DELETE FROM user_version WHERE user_id = 'olga'; "
        "INSERT INTO user_version SELECT * FROM kept"), is_unknown("olga")),
    "a password": (
        f"INSERT INTO user_password (user_id, password_hash, must_change, at_ns) VALUES ('anna', '{FORGED}', 0, 1)",
        no_password_of_mine),
    "a key": (
        (f"INSERT INTO user_key (key_id, user_id, public_key, label, revoked, at_ns) "
        f"VALUES ('mine', 'anna', '{OTHER_KEY}', 'x', 0, 1)"),
        lambda connection: [key.public_key for key in keys_of_all(connection)] == [KEY]),
    "a session": (
        ("INSERT INTO console_session (token_sha256, user_id, password_seq, opened_ns, used_ns, expires_ns, "
        "expires_boot_ns, boot_id) SELECT 'ab', 'anna', max(seq), 1, 1, 9e18, 9e18, 'b' FROM user_password "
        "WHERE user_id = 'anna'"), no_session_of_quality),
    "writing is resumed": (
        "INSERT INTO setpoint_stop (stopped, at_ns, person, reason, event_id) VALUES (0, 9, 'Q. Head', 'ok', 'e')",
        is_stopped),
    "the stop is taken out": ("DELETE FROM setpoint_stop", is_stopped),
    "a stage": (
        ("INSERT INTO stage_change (model, stage, record_id, at_ns, body) SELECT model, 'automatic', record_id, at_ns, "
        "replace(body, '\"shadow\"', '\"automatic\"') FROM stage_change"), is_shadow),
    "the stage is taken out": ("DELETE FROM stage_change", is_shadow),
    "a released lot": (
        ("INSERT INTO lot_decision (record_id, material_lot_id, verdict, state, at_ns, body) SELECT record_id, "
        "material_lot_id, 'release', state, at_ns, replace(body, '\"reject\"', '\"release\"') FROM lot_decision"),
        decision_is_in_doubt),
    "the rejection is taken out": ("DELETE FROM lot_decision", decision_is_in_doubt),
    "a part is taken out": ("DELETE FROM lot_part", part_is_in_doubt),
    "a part of another lot": ("UPDATE lot_part SET material_lot_id = 'LOT/2'", part_is_in_doubt),
    "a signature": (
        ("INSERT INTO signature (signature_id, record_kind, record_id, record_version, record_sha256, user_id, "
        "printed_name, role, meaning, signed_ns, event_id) SELECT 's2', record_kind, record_id, record_version, "
        "record_sha256, 'bert', 'Bert Q.', role, meaning, signed_ns, event_id FROM signature "
        "WHERE record_kind = 'decide_lot'"), decision_is_in_doubt),
    "a signed act is done again": (
        "DELETE FROM signing_state WHERE record_id = (SELECT record_id FROM lot_decision LIMIT 1) AND state = 'done'",
        decision_is_in_doubt),
}  # fmt: skip


@contextmanager
def at_work(directory):
    """The authority of a gateway that runs, and its connections for writing and for reading."""
    with (
        governing(directory, authority_in(directory)) as authority,
        closing(open_state(directory)) as writing,
        closing(read_state(directory)) as reading,
    ):
        yield authority, writing, reading


async def reports(directory, authority):
    """What is put on record of rows that were met, or that are found by looking."""
    inbox = EventQueue()
    watch = AuthorityWatch(directory, authority=authority, clock=_Clock(), inbox=inbox)
    for _ in range(2):
        await watch.look(all_tables=True)
    watch.report()
    watch.report()  # each once
    return [pending.event for pending in await inbox.take(most=10)] if len(inbox) else []


class _Clock:
    def now(self):
        return moment(10**18)


@pytest.mark.parametrize("when", ["while it runs", "before it starts"])
@pytest.mark.parametrize("name", EDITS)
async def test_a_row_by_hand_gives_nobody_anything_and_is_reported(store, name, when):
    script, holds = EDITS[name]
    if when == "before it starts":
        edit(store, script)
        prepare(store, at_ns=10**18)
    with at_work(store) as (authority, writing, reading):
        if when == "while it runs":
            edit(store, script)
        assert holds(writing)
        assert holds(reading)
        (event,) = await reports(store, authority)
    assert isinstance(event, StoreChecked)
    assert event.damaged
    assert check(store, gently=False).wrong


def test_untouched_everybody_is_who_they_are(store):
    with at_work(store) as (authority, writing, reading):
        for connection in (writing, reading):
            assert {user.user_id for user in users_of_all(connection)} == {"anna", "bert", "carl", "olga", "q.head"}
            assert user_named(connection, "carl").roles == (Role.VIEWER,)
            assert matches("a password of hers", sign_in(connection, "anna", "here").password.password_hash)
            assert decision_of_lot(connection, LOT).decision.verdict is Verdict.REJECT
            assert [item.part.name for item in parts_of_lot(connection, LOT).parts] == [DRUMS]
            assert signed_stages(connection).unknown == frozenset()
            assert is_stopped(connection)
        assert authority.refused == {}
        assert not_vouched_for(store, authority, all_tables=True) == {}


def change_carl(connection, roles="operator"):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO user_version (user_id, full_name, roles, disabled, at_ns, changed_by) "
        "VALUES ('carl', 'Carl A.', ?, 0, 1, 'x')", (roles,))  # fmt: skip
    audit.append(connection, (AuditEntry(kind="user_changed", subject="carl", body={}),), at_ns=1)


def test_what_the_gateway_writes_counts_at_once_and_a_transaction_that_is_lost_leaves_nothing(store):
    with at_work(store) as (authority, writing, reading):
        change_carl(writing)
        assert user_named(writing, "carl").roles == (Role.OPERATOR,)
        writing.execute("ROLLBACK")
        assert not take_written(writing, authority)
        assert user_named(writing, "carl").roles == user_named(reading, "carl").roles == (Role.VIEWER,)
        change_carl(writing)
        writing.execute("COMMIT")
        assert take_written(writing, authority)
        assert user_named(writing, "carl").roles == user_named(reading, "carl").roles == (Role.OPERATOR,)
        assert authority.refused == {}


def test_a_reader_that_began_before_a_change_is_no_finding(store):
    with at_work(store) as (authority, writing, reading):
        reading.execute("BEGIN")
        assert user_named(reading, "carl").roles == (Role.VIEWER,)
        change_carl(writing)
        writing.execute("COMMIT")
        authority.take([(f'lot_part ["{LOT}/new",2]', "ab")])
        take_written(writing, authority)
        assert user_named(reading, "carl").roles == (Role.VIEWER,)
        assert parts_of_lot(reading, LOT).damaged == ()
        assert authority.refused == {}


def forge_line(directory):
    """Make carl quality, with a line of the trail that vouches for it and follows the chain."""
    script, _holds = EDITS["a viewer becomes quality"]
    edit(directory, script)
    with closing(sqlite3.connect(directory / STATE_FILE, isolation_level=None)) as connection:
        seq, digest = connection.execute("SELECT seq, hash FROM user_version ORDER BY seq DESC").fetchone()
        last, previous = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC").fetchone()
        vouched = {f'user_version ["carl",{seq}]': digest}
        line = {"seq": last + 1, "at_ns": 1, "kind": "user_changed", "subject": "carl", "previous": previous,
                "body": json.dumps({"authorises": True, "vouched": vouched}, separators=(",", ":"))}  # fmt: skip
        line["hash"] = audit.line_hash(**line)
        connection.execute(
            "INSERT INTO audit (seq, at_ns, kind, subject, body, previous, hash) "
            "VALUES (:seq, :at_ns, :kind, :subject, :body, :previous, :hash)", line)  # fmt: skip


def test_a_line_of_the_trail_that_somebody_adds_while_the_gateway_runs_gives_nothing_then_or_later(store):
    with at_work(store) as (_authority, writing, reading), HeadFile(store) as head_file:
        change_carl(writing, "viewer")
        writing.execute("COMMIT")
        take_written(writing, _authority)
        forge_line(store)
        assert user_named(reading, "carl") is None
        writing.execute("BEGIN IMMEDIATE")
        audit.append(writing, (AuditEntry(kind="x", subject="y", body={}),), at_ns=1)
        writing.execute("COMMIT")
        head_file.witness(writing)
    prepare(store, at_ns=10**18)
    with at_work(store) as (_authority, writing, reading):
        assert user_named(writing, "carl") is user_named(reading, "carl") is None
    assert any("are not the gateway's own" in problem for problem in check(store, gently=False).wrong)


def test_a_line_of_the_trail_that_somebody_adds_before_the_start_gives_nothing(store):
    forge_line(store)
    for _start in range(2):
        prepare(store, at_ns=10**18)
        with at_work(store) as (_authority, writing, reading), HeadFile(store) as head_file:
            assert user_named(writing, "carl") is user_named(reading, "carl") is None
            head_file.witness(writing)
    assert any("are not the gateway's own" in problem for problem in check(store, gently=False).wrong)


def test_a_store_that_is_said_to_need_vouching_anew_gives_nothing(store):
    edit(store, EDITS["a viewer becomes quality"][0])
    edit(store, "UPDATE store SET vouched_schema = 0")
    prepare(store, at_ns=10**18)
    with at_work(store) as (_authority, writing, reading):
        assert user_named(writing, "carl") is user_named(reading, "carl") is None


def test_a_line_that_was_edited_vouches_for_nothing(store):
    script, _holds = EDITS["a viewer becomes quality"]
    edit(store, script)
    edit(store, "DROP TRIGGER audit_is_append_only_update; UPDATE audit SET body = replace(body, '\"vouched\":{', "
         "'\"vouched\":{' || (SELECT '\"user_version [\\\"carl\\\",' || seq || ']\":\"' || hash || '\",' "
         "FROM user_version ORDER BY seq DESC LIMIT 1)) WHERE kind = 'user_changed'")  # fmt: skip
    with at_work(store) as (authority, writing, _reading):
        assert user_named(writing, "carl") is None
        assert any("has been changed" in why for why in authority.refused.values())


def test_after_archiving_the_trail_everybody_is_who_they_were(made, store):
    signer = load_signer(line="acme", directory=store, credential=None, make_key=True)
    bench = Deciding.__new__(Deciding)
    with closing(open_state(store)) as connection:
        last = head_of(connection)
        first = connection.execute("SELECT min(seq) FROM audit").fetchone()[0]
        bench.connection, bench.line, bench.now_ns, bench.deliveries, bench.directory = (
            connection,
            made[1],
            10**18,
            0,
            store,
        )
        act = ArchiveAudit(file="x", file_sha256="ab", first_seq=first, last_seq=last.seq, last_hash=last.hash,
                           public_key=signer.public_key, rows={})  # fmt: skip
        answer = bench.act(act)
        assert answer.outcome is ActOutcome.DONE, answer.why
        assert connection.execute("SELECT min(seq) FROM audit").fetchone()[0] > last.seq
    test_untouched_everybody_is_who_they_are(store)


def test_a_point_that_is_settled_by_hand_is_not_settled(store):
    edit(store, f"INSERT INTO settlement VALUES ('p1', '{LOT}', 'Anna Q.', 'ok', 1, 'e', NULL)")
    with at_work(store) as (authority, writing, _reading):
        (row,) = writing.execute(SQL["settled_of_lot"], {"material_lot_id": LOT}).fetchall()
        assert not row["holds"]
        assert "settlement p1" in authority.refused


def test_the_line_that_runs_keeps_its_stage_as_signed(made, store):
    with at_work(store) as (_authority, _writing, reading):
        assert with_signed_stages(made[1], signed_stages(reading)).model_named("viscosity").stage is Stage.SHADOW
