"""What people have signed, edited in the database by hand: the trail notices it, also with right hashes."""

import json
import shutil
from contextlib import closing

import pytest

from gateway.contract.lot_decisions import basis_sha256
from gateway.people.passwords import hashed
from gateway.records.acts import ActOutcome, DecideLot
from gateway.records.lot_decisions import Verdict
from gateway.records.user_acts import SetPassword
from gateway.store.audit.evidence import with_hash
from gateway.store.care.checking import check
from gateway.store.database import open_state
from tests.fixtures.store_bench import viscosity
from tests.people.test_lot_decisions import Deciding, by
from tests.people.test_stages import Staging

EDITS = {
    "signature": {"printed_name": "Somebody"},
    "signature ": {"meaning": "review"},
    "signature  ": {"signed_ns": 1},
    "signature   ": {"record_sha256": "ab"},
    "signed_record": {"subject": "ANOTHER"},
    "signing_state": {"state": "withdrawn"},
    "lot_decision": {"verdict": "release"},
    "stage_change": {"stage": "automatic"},
    "user_version": {"roles": "administrator,quality"},
    "user_password": {"password_hash": "one that I know"},
}


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A store with a signed decision on a lot and a signed stage."""
    directory = tmp_path_factory.mktemp("signed")
    bench = Deciding(directory)
    with closing(bench.connection):
        bench.act(SetPassword(user_id="anna", password_hash=hashed("a password of hers")), credential=by("anna"))
        bench.result(viscosity(100.0))
        act = DecideLot(material_lot_id="LOT/1", verdict=Verdict.REJECT, basis_sha256=basis_sha256(bench.basis()))
        assert bench.act(act, credential=by("anna")).outcome is ActOutcome.DONE
        bench.sha256 = bench.line.model_named("viscosity").bundle.identity.sha256
        assert Staging.stage(bench, "shadow").outcome is ActOutcome.DONE
    return directory


@pytest.fixture
def store(signed, tmp_path):
    shutil.copytree(signed, tmp_path / "store")
    return tmp_path / "store"


def wrong(store):
    return check(store, gently=False).wrong


def test_untouched_it_holds(store):
    assert wrong(store) == []


@pytest.mark.parametrize("named", EDITS)
@pytest.mark.parametrize("hashed_anew", [False, True], ids=["plain", "with a right hash"])
def test_an_edit_by_hand_is_noticed(store, named, hashed_anew):
    table, edit = named.strip(), EDITS[named]
    with closing(open_state(store, vouching=False)) as connection:
        row = dict(connection.execute(f"SELECT rowid AS number, * FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone())
        number = row.pop("number")
        row.pop("hash")
        changed = with_hash(table, {**row, **edit}) if hashed_anew else edit
        columns = ", ".join(f"{name} = :{name}" for name in changed)
        connection.execute(f"UPDATE {table} SET {columns} WHERE rowid = {number}", changed)
    assert any(table in problem for problem in wrong(store)), json.dumps(wrong(store))


@pytest.mark.parametrize("table", ["signature", "signed_record", "signing_state", "lot_decision", "stage_change"])
def test_a_row_that_was_deleted_by_hand_is_noticed(store, table):
    with closing(open_state(store, vouching=False)) as connection:
        connection.execute(f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
    assert any(table in problem for problem in wrong(store))


def test_a_signature_that_nobody_gave_is_noticed(store):
    with closing(open_state(store, vouching=False)) as connection:
        connection.execute(
            "INSERT INTO signature (signature_id, record_kind, record_id, record_version, record_sha256, user_id, "
            "printed_name, role, meaning, signed_ns, event_id) "
            "SELECT 'forged', record_kind, record_id, record_version, record_sha256, "
            "'bert', 'Bert Q.', role, meaning, signed_ns, event_id FROM signature LIMIT 1"
        )
    assert any("forged" in problem for problem in wrong(store))
