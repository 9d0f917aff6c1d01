"""What a part takes over of a lot with many results is the same, whether all is compared or only what has changed."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.records.acts import ActOutcome, SettlePoint
from gateway.records.lot_decisions import Verdict
from gateway.store.facts.lot import part_copies
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lots import lot_on_record
from tests.fixtures.deciding import DRUMS, LOT, REST, Deciding, by
from tests.fixtures.store_bench import viscosity

PART = f"{LOT}/{DRUMS}"
OF_EACH = ("SELECT subject, kind, asks, failed, approved, body, hash FROM assessment"
           " WHERE material_lot_id = ? ORDER BY subject")  # fmt: skip


class Copying(Deciding):
    """A store in which parts of a lot with more assessments than ``most`` are judged by what has changed of it."""

    def __init__(self, directory, most):
        self.most = most
        super().__init__(directory)
        self.connection.execute("PRAGMA synchronous = OFF")
        self.divide(DRUMS, "1000 kg")
        self.divide(REST, "500 kg")

    def commit(self, event, windows=None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(part_copies, "MOST_COPIED", self.most)
            return super().commit(event, windows)

    def step(self, what, sample, value, names):
        """Do one step; what cannot be done leaves all as it is."""
        if what == "result":
            self.result(viscosity(value, sample_id=f"S-{sample}", **names))
        elif what == "withdrawal":
            self.result(viscosity(value, sample_id=f"S-{sample}", status="rejected"))
        elif what == "result of the part":
            self.result(viscosity(value, sample_id=f"P-{sample}", material_lot_id=PART))
        elif what == "unknown test":
            self.result(viscosity(value, sample_id=f"U-{sample}", test_id="unknown test"))
        elif what == "material":
            self.context("material_consumed", material_lot_id=LOT, consumed_lot_id=f"RAW-{sample}")
        elif what == "bad material":
            self.result(viscosity(value, sample_id="R", material_lot_id=f"RAW-{sample}",
                                  material_definition_id="FG-100"))  # fmt: skip
        elif what == "quantity":
            self.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity=f"{sample} t")
        elif what == "settle":
            self.settle()
        else:
            self.decide_what(what, value)

    def settle(self):
        for item in [item for item in lot_on_record(self.connection, LOT).open_points if item.can_be_settled][:1]:
            self.act(SettlePoint(material_lot_id=LOT, point_id=item.point.point_id), credential=by("anna"))

    def decide_what(self, what, value):
        verdict = Verdict.RELEASE if value < 110 else Verdict.HOLD
        known = lot_on_record(self.connection, PART if what == "the part" else LOT)
        if known.disposition is None:
            return
        over = len(known.against_release)
        if what == "the part":
            self.decide_part(verdict, over=over)
        else:
            self.decide(verdict, over=over)

    def stands(self, lot):
        """What is known and said of a lot or part."""
        known, decided = lot_on_record(self.connection, lot), decision_of_lot(self.connection, lot).decision
        return (
            self.rows(OF_EACH, lot), known.recommendation, known.latched, known.damaged,
            known.disposition and known.disposition.missing_tests,
            decided and (decided.verdict, decided.state),
        )  # fmt: skip


STEP = st.tuples(
    st.sampled_from(["result", "result", "result", "withdrawal", "result of the part", "unknown test", "material",
                     "bad material", "quantity", "settle", "the part", "the part", "the lot"]),
    st.integers(1, 3),
    st.sampled_from([100.0, 101.0, 120.0]),
    st.sampled_from([{}, {}, {"material_definition_id": "FG-200"}, {"client_id": "ACME"}, {"client_id": "BETA"}]),
)  # fmt: skip


@settings(max_examples=4)
@given(st.lists(STEP, min_size=6, max_size=14))
def test_parts_stand_the_same_whether_all_of_their_lot_is_compared_or_what_has_changed(steps):
    with TemporaryDirectory() as of_all, TemporaryDirectory() as of_changes:
        whole, partly = Copying(Path(of_all), 10**6), Copying(Path(of_changes), 0)
        with closing(whole.connection), closing(partly.connection):
            for step in steps:
                partly.now_ns = whole.now_ns
                whole.step(*step)
                partly.step(*step)
                for lot in (LOT, PART, f"{LOT}/{REST}"):
                    assert partly.stands(lot) == whole.stands(lot), step


def test_of_a_lot_with_many_results_a_part_reads_what_has_changed(tmp_path, monkeypatch):
    bench = Copying(tmp_path, 3)
    with closing(bench.connection):
        for number in range(5):
            bench.result(viscosity(100.0, sample_id=f"S-{number}"))
        assert bench.decide_part(Verdict.RELEASE).outcome is ActOutcome.DONE
        seen = []
        monkeypatch.setattr(part_copies, "standing_of_lot", lambda *_: seen.append(1))
        bench.result(viscosity(101.0, sample_id="S-9"))
        assert seen == []
        assert decision_of_lot(bench.connection, PART).decision.state.value == "lapsed"
        assert bench.newest_part()["part_recommendation"] == "release"
        bench.result(viscosity(120.0, sample_id="S-9", result_version=2))
        assert bench.newest_part()["part_recommendation"] == "hold"
        assert bench.decide_part(Verdict.RELEASE).outcome is ActOutcome.REFUSED


def test_a_copy_that_was_missed_is_taken_over_with_the_next_look(tmp_path):
    bench = Copying(tmp_path, 3)
    with closing(bench.connection):
        for number in range(5):
            bench.result(viscosity(100.0, sample_id=f"S-{number}"))
        rows = bench.rows(OF_EACH, PART)
        missed = "UPDATE assessment SET of_hash = 'x' WHERE material_lot_id = ? AND sample_id = 'S-1'"
        bench.connection.execute(missed, (PART,))
        bench.connection.execute("DELETE FROM assessment WHERE material_lot_id = ? AND sample_id = 'S-2'", (PART,))
        bench.result(viscosity(100.0, sample_id="P", material_lot_id=PART))
        assert [row for row in bench.rows(OF_EACH, PART) if row[0].startswith("lot ")] == [
            row for row in rows if row[0].startswith("lot ")]  # fmt: skip
        assert bench.rows("SELECT count(*) FROM assessment WHERE of_hash = 'x'") == [(0,)]
