"""Case 15 of attacks.md: what is refused again and again is kept once, counted, and within a quota."""

import json
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import app
from gateway.contract.refusals import Refusal, refusal
from gateway.events import MessageRefused
from gateway.records.acts import ActOutcome, RetryMessages
from gateway.store import dead_letters
from gateway.store.care.checking import check
from gateway.store.care.salvage import salvage
from gateway.store.statements import SQL
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.building import moment, new_state
from tests.fixtures.store_bench import Bench


class Letters(Bench):
    """A store that messages are refused in."""

    def refused(self, payload, topic="lims/results/qc", code=Refusal.NOT_JSON):
        self.now_ns += 1_000_000
        event = MessageRefused(
            at=moment(self.now_ns), origin=self.origin(topic, payload), payload=payload,
            reasons=(refusal(code, "It is no JSON."),),
        )  # fmt: skip
        return self.commit(event)

    def listed(self, most=100):
        return [dict(row) for row in self.connection.execute(SQL["dead_letters"], {"most": most})]

    def kept_bytes(self):
        ((counted, real),) = self.rows(
            "SELECT (SELECT bytes FROM dead_letter_payloads), (SELECT ifnull(sum(bytes), 0) FROM dead_letter_payload)"
        )
        assert counted == real
        return counted

    def rows(self, query):
        return [tuple(row) for row in self.connection.execute(query)]


@pytest.fixture
def bench(tmp_path):
    made = Letters(tmp_path)
    with closing(made.connection):
        yield made


def test_attacks_15_200_equal_messages_are_kept_once_and_counted(bench):
    payload = b"x" * 200_000
    for _ in range(200):
        bench.refused(payload)
    (line,) = bench.listed()
    assert (line["times"], line["bytes"], line["holds"]) == (200, 200_000, 1)
    assert line["at_ns"] - line["first_ns"] == 199_000_000
    assert bench.rows("SELECT count(*) FROM event") == [(200,)]  # each has come, and is on record
    assert bench.kept_bytes() < 210_000
    ((size,),) = bench.rows("SELECT sum(length(payload)) FROM dead_letter")
    assert size < 200 * 100


def test_attacks_15_another_topic_reason_or_payload_is_a_line_of_its_own(bench):
    for _ in range(2):
        bench.refused(b"rubbish")
        bench.refused(b"rubbish", topic="mes/context/x")
        bench.refused(b"rubbish", code=Refusal.TOO_LARGE)
        bench.refused(b"other rubbish")
    assert [line["times"] for line in bench.listed()] == [2, 2, 2, 2]
    assert bench.rows("SELECT count(*) FROM dead_letter_payload") == [(2,)]


def asked_again(bench, line):
    """Ask for a dead letter to be tried again; return the answer."""
    return bench.act(RetryMessages(message_ids=(line["dead_letter_id"],), all_parked=False))


def test_attacks_15_payloads_have_a_quota_and_the_evidence_of_each_stays(bench, monkeypatch):
    monkeypatch.setattr(dead_letters.keep, "__kwdefaults__", {"quota_bytes": 50_000})
    for number in range(20):
        bench.refused(b"%d" % number + b"x" * 10_000)
    assert 0 < bench.kept_bytes() <= 50_000
    lines = bench.listed()
    assert len(lines) == 20
    assert [line["bytes"] is None for line in lines] == [False] * 4 + [True] * 16  # the newest are kept
    assert all(line["holds"] for line in lines)
    assert "kept no longer" in asked_again(bench, lines[-1]).why
    assert asked_again(bench, lines[0]).outcome is ActOutcome.DONE
    ((_key, topic, payload, _person, holds),) = bench.rows(SQL["retries"])
    assert (topic, payload, holds) == ("lims/results/qc", b"19" + b"x" * 10_000, 1)


def test_attacks_15_a_store_whose_quota_has_taken_payloads_passes_the_full_check(bench, monkeypatch):
    monkeypatch.setattr(dead_letters.keep, "__kwdefaults__", {"quota_bytes": 5_000})
    for number in range(10):
        bench.refused(b"%d" % number + b"x" * 1_000)
    assert bench.rows("SELECT count(*) < 10 FROM dead_letter_payload") == [(1,)]
    findings = check(bench.directory, gently=False)
    assert (findings.damaged, findings.wrong) == (0, [])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3000)), min_size=1, max_size=30))
def test_attacks_15_whatever_comes_what_is_kept_is_within_the_quota_and_the_newest_is_whole(tmp_path_factory, sent):
    with closing(new_state(tmp_path_factory.mktemp("store"))) as connection:
        for number, size in sent:
            payload = b"%d" % number * size
            reference = dead_letters.keep(connection, payload, quota_bytes=8_000)
            (total,) = connection.execute("SELECT sum(bytes) FROM dead_letter_payload").fetchone()
            assert total <= max(8_000, len(payload) + 512)
            key = reference.removeprefix(b"sha256:").decode()
            query = "SELECT payload, holds FROM dead_letter_payload_checked WHERE payload_sha256 = ?"
            assert tuple(connection.execute(query, (key,)).fetchone()) == (payload, 1)


def test_attacks_15_a_damaged_payload_is_said_and_not_tried_again(bench):
    bench.refused(b"rubbish")
    bench.connection.execute("UPDATE dead_letter_payload SET payload = x'00'")
    (line,) = bench.listed()
    assert not line["holds"]
    assert "does not match" in asked_again(bench, line).why


def test_attacks_15_salvage_puts_the_payloads_back(bench, tmp_path_factory):
    for _ in range(3):
        bench.refused(b"rubbish")
    bench.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(new_state(tmp_path_factory.mktemp("new"))) as connection:
        salvage(bench.directory / "state.db", into=connection, at_ns=1)
        (row,) = connection.execute(SQL["dead_letters"], {"most": 9}).fetchall()
        assert (row["times"], row["bytes"], row["holds"]) == (3, 7, 1)


def test_attacks_15_the_command_lists_one_line_with_its_count(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    bench = Letters(store)
    with closing(bench.connection):
        for _ in range(3):
            bench.refused(b"rubbish")
    line = next(each for each in MINIMAL.splitlines() if each.startswith("directory"))
    configuration = written(tmp_path, MINIMAL.replace(line, f'directory = "{store}"'))
    told = CliRunner().invoke(app, ["buffer", "dead-letters", "--config", str(configuration), "--json"])
    assert told.exit_code == 0, told.output
    (letter,) = json.loads(told.output)["dead_letters"]
    assert (letter["times"], letter["bytes"], letter["topic"]) == (3, 7, "lims/results/qc")
