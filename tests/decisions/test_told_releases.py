"""What others are told of a release: never one that does not count, and always that one counts no more."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.sparkplug.reports import reports_of
from gateway.line.sinks import Sink, SinkMessage
from gateway.records.lot_decisions import Verdict
from gateway.records.outgoing import OutgoingMessage
from tests.fixtures.certifying import ACME, Certifying
from tests.fixtures.deciding import LOT
from tests.fixtures.store_bench import viscosity

MES = Sink(name="mes", template="generic", messages=frozenset({SinkMessage.HOLD, SinkMessage.RELEASE}))
GATING = replace(ACME, release_needs_certificate=True)


@pytest.fixture
def bench(tmp_path):
    bench = Certifying(tmp_path, GATING)
    bench.line = replace(bench.line, sinks=(MES,))
    with closing(bench.connection):
        yield bench


def told(bench):
    return [row[0] for row in bench.rows("SELECT kind FROM delivery WHERE sink = 'mes' ORDER BY seq")]


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
