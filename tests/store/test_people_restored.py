"""A restore takes roles, passwords and keys back to what they were: it says whose, and an audit line keeps it."""

import json
from contextlib import closing

from gateway.cli.backup import _show_people
from gateway.people.passwords import hashed
from gateway.records.user_acts import AddUser, ChangeUser, EnrollKey, SetPassword
from gateway.records.users import Role
from gateway.store.care.backup import backup, restore
from gateway.store.care.opening import prepare
from gateway.store.database import STATE_FILE, open_state
from gateway.store.queries.users import user_named
from tests.fixtures.building import NOW_NS
from tests.people.test_lot_decisions import Deciding

KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def test_a_restore_names_everybody_who_is_as_before_and_keeps_that_on_record(tmp_path, capsys):
    store = tmp_path / "store"
    store.mkdir()
    bench = Deciding(store)
    with closing(bench.connection):
        backup(store, tmp_path / "backup", at_ns=NOW_NS)
        bench.act(ChangeUser(user_id="olga", disabled=True))
        bench.act(ChangeUser(user_id="bert", roles=(Role.VIEWER,)))
        bench.act(SetPassword(user_id="anna", password_hash=hashed("a password of hers")))
        bench.act(EnrollKey(user_id="anna", public_key=KEY, label="T-07"))
        bench.act(AddUser(user_id="nina", full_name="Nina N.", roles=(Role.OPERATOR,)))
    about = restore(tmp_path / "backup", store, at_ns=NOW_NS)
    people = {person["user"]: person for person in about["people"]}
    assert {user: person["changed"] for user, person in people.items()} == {
        "anna": ["password", "keys"],
        "bert": ["roles"],
        "nina": ["unknown again"],
        "olga": ["disabled"],
    }
    assert (people["bert"]["roles"], people["olga"]["disabled"]) == (["viewer", "quality"], [True, False])
    prepare(store, at_ns=NOW_NS)
    with closing(open_state(store)) as connection:
        assert user_named(connection, "bert").roles == (Role.QUALITY,)
        ((body,),) = connection.execute("SELECT body FROM audit WHERE kind = 'store_restored'").fetchall()
        assert json.loads(body)["people"] == about["people"]
        assert connection.execute("SELECT count(*) FROM console_session").fetchone()[0] == 0
    _show_people(about)
    said = capsys.readouterr().err
    assert "olga: disabled ENABLED AGAIN" in said
    assert "bert: roles (roles: viewer -> quality)" in said


def test_where_the_replaced_store_cannot_be_read_that_is_said(tmp_path, capsys):
    store = tmp_path / "store"
    store.mkdir()
    with closing(Deciding(store).connection):
        backup(store, tmp_path / "backup", at_ns=NOW_NS)
    for name in (STATE_FILE, f"{STATE_FILE}-wal", f"{STATE_FILE}-shm"):
        (store / name).unlink(missing_ok=True)
    (store / STATE_FILE).write_bytes(b"no database at all" * 400)
    about = restore(tmp_path / "backup", store, at_ns=NOW_NS)
    assert about["people"] is None
    _show_people(about)
    assert "not known" in capsys.readouterr().err
