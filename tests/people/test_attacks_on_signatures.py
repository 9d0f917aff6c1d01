"""Attacks on what is signed and written: signers who lose their role, and rows with a right hash that nobody wrote."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.records.acts import ActOutcome, StopWrites
from gateway.records.user_acts import AddUser, ChangeUser
from gateway.records.users import Role
from gateway.store.audit.evidence import evidence_hash
from gateway.store.audit.verifying import verify
from gateway.store.database import STATE_FILE
from tests.fixtures.writes import WritingBench
from tests.people.test_signatures import TWO, Signing


@pytest.fixture
def bench(tmp_path):
    bench = Signing(tmp_path, TWO)
    with closing(bench.connection):
        yield bench


def edited(directory, script):
    with closing(sqlite3.connect(directory / STATE_FILE)) as connection:
        connection.create_function("evidence_hash", -1, evidence_hash, deterministic=True)
        connection.executescript(script)


def wrong(bench):
    return verify(bench.directory, line=bench.line.path, own_key=None).wrong


def test_a_signature_of_somebody_who_has_lost_the_role_counts_no_more(bench):
    bench.policy(replace(TWO, count=3))
    assert bench.act(AddUser(user_id="cara", full_name="Cara Q.", roles=(Role.QUALITY,))).outcome is ActOutcome.DONE
    pending = bench.settle()
    assert bench.sign(pending).outcome is ActOutcome.PENDING
    assert bench.act(ChangeUser(user_id="bert", roles=(Role.VIEWER,))).outcome is ActOutcome.DONE
    refused = bench.sign(pending, "cara")
    assert (refused.outcome, refused.why) == (ActOutcome.REFUSED, "bert, who has signed this, is not quality any more")
    assert bench.settled() == []


_ANOTHER_SIGNATURE = """
INSERT INTO signature (signature_id, record_kind, record_id, record_version, record_sha256, user_id, printed_name,
                       role, meaning, signed_ns, event_id)
SELECT 's2', record_kind, record_id, record_version, record_sha256, 'bert', 'Bert Q.', role, meaning, signed_ns,
       event_id FROM signature
"""
_DONE = """
INSERT INTO signing_state (record_id, state, at_ns, person, why) SELECT record_id, 'done', 1, 'x', '' FROM signed_record
"""
_ANOTHER_AUTHOR = """
CREATE TEMP TABLE kept AS SELECT * FROM signed_record;
UPDATE kept SET author_id = 'bert', hash = NULL;
DELETE FROM signed_record;
INSERT INTO signed_record SELECT * FROM kept
"""
_ANOTHER_TAG = """
INSERT INTO setpoint_intent (intent_id, guidance_id, tag, state, open, automatic, issued_ns, body, event_id)
SELECT 'mine', guidance_id, 'other', state, open, 0, issued_ns, body, event_id FROM setpoint_intent
"""


@pytest.mark.parametrize(
    "script", [_ANOTHER_SIGNATURE, "DELETE FROM signature", _DONE, _ANOTHER_AUTHOR],
    ids=["another signature", "none", "done", "another author"],
)  # fmt: skip
def test_what_is_written_by_hand_of_signatures_with_a_right_hash_is_found(bench, script):
    bench.settle()
    assert wrong(bench) == []
    edited(bench.directory, script)
    assert any("sign" in problem for problem in wrong(bench))


@pytest.mark.parametrize("script", [
    "UPDATE setpoint_intent SET state = 'open', open = 1, automatic = 0",
    "UPDATE setpoint_intent SET state = 'written', open = 0, written_ns = 1",
    _ANOTHER_TAG,
    "DELETE FROM setpoint_intent",
    "DELETE FROM setpoint_stop",
    "INSERT INTO setpoint_stop (stopped, at_ns, person, reason, event_id) VALUES (0, 9, 'Q. Head', 'ok', 'e')",
], ids=["by a person", "written", "another tag", "none", "no stop", "resumed"])  # fmt: skip
def test_what_is_written_by_hand_of_setpoints_with_a_right_hash_is_found(tmp_path, script):
    bench = WritingBench(tmp_path)
    with closing(bench.connection):
        bench.suggest()
        assert bench.act(StopWrites()).outcome is ActOutcome.DONE
        assert wrong(bench) == []
        edited(bench.directory, script)
        assert any("setpoint_" in problem for problem in wrong(bench))
