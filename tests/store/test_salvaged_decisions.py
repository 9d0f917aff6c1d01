"""Two stores of one line made one again: what the one has let go is not let go again because the other knows it so."""

from contextlib import closing

import pytest

from gateway.records.certificates import CertificateState
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.store.care.salvage import salvage
from gateway.store.database import open_state
from gateway.store.queries.certificates import certificates_of_lot
from gateway.store.queries.lot_decisions import decision_of_lot
from tests.fixtures.certifying import Certifying
from tests.fixtures.deciding import LOT, Deciding
from tests.fixtures.store_bench import viscosity

OTHER = "LOT/9"


def stores(tmp_path, kind=Deciding):
    """Return the store in use, and another of the same line, whose rows have higher numbers."""
    benches = []
    for name in ("present", "other"):
        (tmp_path / name).mkdir()
        benches.append(kind(tmp_path / name))
    present, other = benches
    other.context("lot_started", material_lot_id=OTHER, job_order_id="WO-1", equipment_id="R1")
    other.result(viscosity(100.0, sample_id="S-9", material_lot_id=OTHER))
    for verdict in (Verdict.HOLD, Verdict.RELEASE):
        other.decide(verdict, lot=OTHER)
    return present, other


def salvaged(present, other):
    """Make the stores one; return what is decided on the lot then, as a gateway reads it that starts."""
    for bench in (present, other):
        bench.connection.close()
    with closing(open_state(present.directory)) as into:
        found = salvage(other.directory / "state.db", into=into, at_ns=present.now_ns + 10**9)
    present.connection = open_state(present.directory)
    known = decision_of_lot(present.connection, LOT)
    assert known.damaged == ()
    return known.decision, found


@pytest.fixture
def both(tmp_path):
    present, other = stores(tmp_path)
    for bench in (present, other):
        bench.result(viscosity(100.0))
    yield present, other
    present.connection.close()


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.REJECT])
def test_an_old_release_does_not_replace_what_was_decided_since(both, verdict):
    present, other = both
    other.decide(Verdict.RELEASE)
    present.decide(verdict, "bert")
    decision, found = salvaged(present, other)
    assert (decision.verdict, decision.state) == (verdict, DecisionState.STANDS)
    assert found.differing["lot_decision"] == 1


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.REJECT])
def test_what_was_held_in_the_other_store_is_held_whatever_a_backup_says(both, verdict):
    present, other = both
    present.decide(Verdict.RELEASE)
    other.decide(verdict)
    decision, _found = salvaged(present, other)
    assert (decision.verdict, decision.state) == (verdict, DecisionState.STANDS)


def test_two_releases_that_differ_release_nothing(both):
    present, other = both
    present.decide(Verdict.RELEASE, "bert")
    other.decide(Verdict.RELEASE, "anna")
    assert salvaged(present, other)[0].state is DecisionState.LAPSED


def test_a_release_that_only_the_other_store_knows_counts_on_the_same_facts_alone(tmp_path):
    present, other = stores(tmp_path)
    other.result(viscosity(100.0))
    other.decide(Verdict.RELEASE)
    decision, found = salvaged(present, other)
    assert (decision.verdict, decision.state) == (Verdict.RELEASE, DecisionState.STANDS)
    assert salvage(other.directory / "state.db", into=present.connection, at_ns=1).put_back["lot_decision"] == 0
    assert found.put_back["lot_decision"] > 0
    present.connection.close()


def test_a_release_that_only_the_other_store_knows_lapses_where_more_is_known_here(both):
    present, other = both
    other.decide(Verdict.RELEASE)
    present.result(viscosity(101.0, sample_id="S-2"))
    assert salvaged(present, other)[0].state is DecisionState.LAPSED


def test_a_withdrawn_certificate_is_not_signed_again_and_one_withdrawn_there_is_not_here(tmp_path):
    for withdrawn in ("present", "other"):
        folder = tmp_path / withdrawn
        folder.mkdir()
        present, other = stores(folder, Certifying)
        for bench in (present, other):
            bench.released()
            bench.sign()
        (present if withdrawn == "present" else other).withdraw()
        salvaged(present, other)
        (version,) = {item.state for item in certificates_of_lot(present.connection, LOT)[0]}
        assert version is CertificateState.WITHDRAWN
        present.connection.close()
