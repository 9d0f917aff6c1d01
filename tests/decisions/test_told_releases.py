"""What others are told of a release: never one that does not count, and always that one counts no more."""

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from gateway.cli.lot_decision import decision_document
from gateway.console.views.lot import lot_view
from gateway.contract.sparkplug.reports import reports_of
from gateway.database.writer import Writer
from gateway.knowledge.kinds.lots import lot as lot_found
from gateway.line.sinks import SinkMessage
from gateway.publish.holding_back import HoldingBack
from gateway.records.lot_decisions import Verdict
from gateway.records.outgoing import OutgoingMessage
from gateway.store.database import open_state
from gateway.store.outbox import Queued
from gateway.store.queries.lots import lot_on_record
from gateway.store.queries.readers import Reader
from gateway.store.queries.tracing import trace
from gateway.time_units import SECOND_NS
from simulator.rest_systems import RestSystem, serving
from tests.copilot.plant import asking
from tests.fixtures import store_bench
from tests.fixtures.building import moment
from tests.fixtures.certifying import GATING, MES, Certifying, told
from tests.fixtures.deciding import LOT
from tests.fixtures.listeners import of_sending
from tests.fixtures.seeing import SEES_ALL
from tests.fixtures.sinks import HandClock
from tests.fixtures.sinks import told as serving_sinks
from tests.fixtures.store_bench import viscosity


@pytest.fixture
def bench(tmp_path):
    bench = Certifying(tmp_path, GATING)
    bench.line = replace(bench.line, sinks=(MES,))
    with closing(bench.connection):
        yield bench


def reported(bench):
    """Return what the edge node says of the newest disposition: the decision, and the lot on hold."""
    rows = bench.rows("SELECT topic, payload FROM outbox WHERE topic LIKE '%/disposition/%' ORDER BY seq DESC LIMIT 1")
    ((topic, payload),) = rows
    message = OutgoingMessage(message_id="m", lane=0, topic=topic, payload=payload, retain=True)
    values = {}
    for report in reports_of(message, topic_root=bench.line.topic_root, devices=()):
        values |= report.values
    return values["Disposition/Decision"], values.get("Hold/Lot")


def test_a_release_that_lapses_is_taken_back_whatever_is_recommended_then(bench):
    bench.requirements()
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    assert (told(bench), reported(bench)) == (["release"], ("release", None))
    bench.result(viscosity(101.0, result_version=2))  # as good as before, but nobody has decided on it
    newest = bench.newest()
    assert (newest["recommendation"], newest["decision"]["stands"]) == ("release", False)
    assert "RELEASE_TAKEN_BACK" in newest["flags"]
    assert (told(bench), reported(bench)) == (["release", "hold"], (None, LOT))
    bench.result(viscosity(101.0, sample_id="S-2"))
    assert "RELEASE_TAKEN_BACK" not in bench.newest()["flags"]
    assert told(bench) == ["release", "hold"]  # it is told once
    bench.decide(Verdict.RELEASE)
    assert (told(bench), reported(bench)) == (["release", "hold", "release"], ("release", None))


def test_an_edge_node_tells_no_release_that_waits_for_a_certificate_and_holds_one_that_lost_it(bench):
    bench.released()
    assert bench.newest()["decision"]["stands"] is True
    assert reported(bench) == (None, None)
    bench.sign()
    assert reported(bench) == ("release", None)
    bench.withdraw()
    assert (told(bench), reported(bench)) == (["release", "hold"], (None, LOT))


def test_a_certificate_that_was_signed_over_an_earlier_release_lets_no_later_one_go(bench):
    """Somebody releases again before the gateway has found the time to question the certificate."""
    bench.released()
    bench.sign()
    bench.result(viscosity(99.0, result_version=2))
    bench.decide(Verdict.RELEASE)
    assert "AWAITS_CERTIFICATE" in bench.newest()["flags"]
    assert told(bench) == ["release", "hold"]
    bench.follow_up()
    bench.reissue()
    bench.sign()
    assert told(bench) == ["release", "hold", "release"]


# --- directly before it is told ------------------------------------------------------------------------------------


def dispatched(bench, directory, *changes):
    """Return what a system has been told after each change of the store, and why what it was not told waits."""

    async def session():
        system = RestSystem()
        heard = []
        async with serving(system), serving_sinks(directory, system.port) as line:
            for statement in changes:
                await line.writer.run(lambda store, text=statement: store.execute(text))
                await line.after(5.0)
                kinds = [call.headers["x-labline-kind"] for call in system.effects]
                ((answer,),) = (await line.rows("answer"))[-1:]
                heard.append((kinds, answer))
        return heard

    return asyncio.run(session())


def released_lot(bench):
    bench.requirements()
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    assert told(bench) == ["release"]


def of_dispositions(bench):
    """Have a lot released whose dispositions are all told."""
    bench.line = replace(bench.line, sinks=(replace(MES, messages=frozenset({SinkMessage.DISPOSITION})),))
    bench.requirements()
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)


LATCHED = "INSERT INTO latch (code, at_ns, body) VALUES ('STORE_RESTORED', 1, '{}')"
TO_JUDGE = f"INSERT INTO lot_to_judge (material_lot_id, cause, at_ns) VALUES ('{LOT}', 'x', 1)"


@pytest.mark.parametrize(
    ("change", "undone", "why"),
    [
        (LATCHED, "DELETE FROM latch", "forgotten"),
        (TO_JUDGE, "DELETE FROM lot_to_judge", "about to be judged again"),
    ],
)
def test_a_release_waits_while_it_cannot_be_relied_on_and_is_told_then(bench, tmp_path, change, undone, why):
    """A backup that was put back, or a gateway that was killed before it could judge the lot again."""
    released_lot(bench)
    (before, answer), (after, _answer) = dispatched(bench, tmp_path, change, undone)
    assert (before, after) == ([], ["release"])
    assert why in answer


def test_a_system_that_is_told_every_disposition_is_told_of_no_release_of_a_backup_either(bench, tmp_path):
    of_dispositions(bench)
    (before, _why), (after, _answer) = dispatched(bench, tmp_path, LATCHED, "DELETE FROM latch")
    assert (before, after) == ([], ["disposition", "disposition"])


def test_that_a_release_lapsed_waits_for_nothing(bench, tmp_path):
    of_dispositions(bench)
    bench.result(viscosity(120.0, sample_id="S-2"))
    assert len(dispatched(bench, tmp_path, LATCHED)[0][0]) == 3


def test_no_release_of_a_lot_is_told_one_of_whose_records_was_changed_by_hand(bench, tmp_path):
    released_lot(bench)
    ((kinds, answer),) = dispatched(bench, tmp_path, "UPDATE assessment SET asks = 'hold'")
    assert kinds == []
    assert "does not hold" in answer


def test_what_is_said_of_a_lot_last_is_the_newest_though_the_clock_was_set_back(bench, tmp_path, monkeypatch):
    latest_ns = bench.now_ns
    monkeypatch.setattr(store_bench, "moment", lambda at_ns: moment(at_ns, latest_ns=max(at_ns, latest_ns)))
    bench.requirements()
    bench.result(viscosity(100.0))
    bench.now_ns -= 3600 * SECOND_NS
    bench.decide(Verdict.RELEASE)
    assert sent_on(bench, tmp_path) == ([None, True], [])
    assert dispatched(bench, tmp_path, "SELECT 1")[0][0] == ["release"]
    bench.result(viscosity(120.0, sample_id="S-2"))
    newest = lot_on_record(bench.connection, LOT).disposition
    assert (newest.recommendation.value, newest.previous.value) == ("hold", "release")


def test_a_hold_waits_for_nothing(bench, tmp_path):
    released_lot(bench)
    bench.result(viscosity(120.0, sample_id="S-2"))
    assert dispatched(bench, tmp_path, LATCHED)[0][0] == ["hold"]


def sent(bench, directory, topic, *changes):
    """Return what goes to the broker of what waits on a topic, and the alarms."""

    async def session():
        async with Writer(partial(open_state, directory), name="store") as writer, Reader(directory) as reader:
            for statement in changes:
                await writer.run(lambda store, text=statement: store.execute(text))
            alarms = []
            holding_back = HoldingBack(
                session=SimpleNamespace(largest_packet_bytes=10**6), reader=reader, writer=writer, line=bench.line,
                present=lambda _tag: None, clock=HandClock(), listener=of_sending(alarm=alarms.append),
            )  # fmt: skip
            rows = "SELECT seq, message_id, lane, topic, payload, retain FROM outbox WHERE topic LIKE ? ORDER BY seq"
            waiting = [Queued(*row, None, False, True) for row in bench.rows(rows, f"%/{topic}/%")]
            return [json.loads(item.payload) for item in waiting if not await holding_back.holds(item)], alarms

    return asyncio.run(session())


def sent_on(bench, directory, *changes):
    """Return of each disposition that goes to the broker whether a decision in it counts, and the alarms."""
    documents, alarms = sent(bench, directory, "disposition", *changes)
    return [None if one["decision"] is None else one["decision"]["stands"] for one in documents], alarms


def test_a_release_that_waits_for_the_broker_is_not_sent_once_something_newer_is_said_of_the_lot(bench, tmp_path):
    released_lot(bench)
    assert sent_on(bench, tmp_path) == ([None, True], [])
    bench.result(viscosity(120.0, sample_id="S-2"))
    assert sent_on(bench, tmp_path) == ([None, False], [])
    assert bench.rows("SELECT reason, count(*) FROM departure GROUP BY reason") == [("superseded", 1)]


def test_a_release_of_a_backup_that_was_put_back_is_kept_until_a_person_wants_it_sent(bench, tmp_path):
    released_lot(bench)
    assert sent_on(bench, tmp_path, LATCHED) == ([None], ["PUBLISH_REFUSED"])
    ((parked,),) = bench.rows("SELECT parked FROM outbox WHERE parked IS NOT NULL")
    assert "acknowledge" in parked


def test_a_certificate_of_a_backup_that_was_put_back_is_kept_too_but_not_that_it_is_in_force_no_more(bench, tmp_path):
    """It may have been withdrawn since."""
    bench.released()
    bench.sign()
    bench.printed()
    bench.withdraw()
    documents, alarms = sent(bench, tmp_path, "certificate", LATCHED)
    assert ([one["state"] for one in documents], alarms) == (["draft", "draft", "withdrawn"], ["PUBLISH_REFUSED"])
    documents, alarms = sent(bench, tmp_path, "certificate", "DELETE FROM latch", "UPDATE outbox SET parked = NULL")
    assert ([one["state"] for one in documents], alarms) == (["draft", "draft", "signed", "withdrawn"], [])


# --- what people are shown -----------------------------------------------------------------------------------------


def shown(bench):
    """Return what console, command line, answers and search say of the release of the lot."""
    snapshot = SimpleNamespace(line=bench.line, seen=SEES_ALL.seen)
    console = lot_view(bench.connection, snapshot, LOT).decision
    commands = decision_document(bench.connection, LOT)["decision"]
    with asking(bench) as ask:
        answers = [
            ask(text).text
            for text in (f"Status of lot {LOT}?", f"Who released lot {LOT}?", "Which lots were released?")
        ]
    return console, commands, answers, lot_found(bench.connection, LOT).text


def test_wherever_a_release_is_shown_it_says_that_its_certificate_is_awaited(bench):
    bench.released()
    console, commands, answers, _search = shown(bench)
    assert (console.awaits_certificate, commands["awaits_certificate"]) == (True, True)
    assert all("certificate" in answer for answer in answers), answers
    bench.sign()
    console, commands, answers, _search = shown(bench)
    assert (console.awaits_certificate, commands["awaits_certificate"]) == (False, False)
    assert not any("certificate" in answer for answer in answers), answers


def test_a_search_says_of_a_release_that_it_has_lapsed(bench):
    released_lot(bench)
    assert "lapsed" not in shown(bench)[3]
    bench.result(viscosity(101.0, result_version=2))
    assert "lapsed: release Anna Q." in shown(bench)[3]
    bench.decide(Verdict.REJECT)
    assert shown(bench)[3].count("Anna Q.") >= 2
    assert ": release" in shown(bench)[3]


def test_a_trace_shows_a_lot_as_held_whose_row_asks_for_less_care_than_the_trail(bench):
    bench.result(viscosity(120.0))
    bench.connection.execute("UPDATE lot SET recommendation = 'release', latched = 0")
    (lot,) = trace(bench.connection, LOT)
    assert (lot.details["recommendation"], lot.holds) == ("hold", False)
