"""Whatever people, laboratory and production do to the parts of a lot in whatever order: what is told is released."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.sinks.rule import AWAITS_CERTIFICATE
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.records.lot_parts import part_id_of
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.lots import lot_on_record
from gateway.time_units import SECOND_NS
from tests.fixtures.certifying import ACME, Certifying
from tests.fixtures.deciding import DRUMS, LOT, REST
from tests.fixtures.store_bench import viscosity

GATING = replace(ACME, release_needs_certificate=True)
RELEASE = Verdict.RELEASE
QUANTITIES = {DRUMS: "5 kg", REST: "1e3 kg"}


class Told(Certifying):
    """A lot that is made, and parts of it of which the newest result is bad."""

    def __init__(self, directory, requirement):
        super().__init__(directory, requirement)
        self.bad, self.number = set(), 0
        self.made()

    def step(self, what, part):
        """Do one step; what is refused changes nothing."""
        self.number += 1
        self.now_ns += SECOND_NS
        getattr(self, f"do_{what}")(part)

    def do_divide(self, part):
        self.divide(part, f"{self.number} kg")

    def do_undo(self, part):
        self.put_back(part)

    def do_decide_part(self, part):
        known = lot_on_record(self.connection, part_id_of(LOT, part))
        if known is not None and known.disposition is not None:
            self.decide_part(RELEASE, part, over=len(known.against_release))

    def do_decide_lot(self, _part):
        self.decide(RELEASE, over=len(lot_on_record(self.connection, LOT).against_release))

    def do_result(self, _part):
        self.result(viscosity(101.0, sample_id=f"S-{self.number}"))

    def do_good(self, part):
        self._of_part(part, 101.0)
        self.bad.discard(part)

    def do_bad(self, part):
        self._of_part(part, 130.0)
        self.bad.add(part)

    def _of_part(self, part, value):
        self.result(viscosity(value, sample_id=part, material_lot_id=part_id_of(LOT, part),
                              result_version=self.number))  # fmt: skip

    def do_certify_lot(self, _part):
        self.follow_up()
        self.sign()

    def do_certify_part(self, part):
        self.follow_up()
        self.draft(part=part)
        for version in [item for item in self.certificates() if item.drafted.content.part_name == part][-1:]:
            self.sign(version)

    def do_withdraw(self, _part):
        for version in [item for item in self.certificates() if item.state.value == "signed"][:1]:
            self.withdraw(version)

    def do_quantity(self, part):
        self.context("lot_ended", material_lot_id=LOT, equipment_id="R1", quantity=QUANTITIES[part])

    def is_told(self, kind, named_by, name, decided_in):
        """Return whether the newest message about a lot or part says that it is released."""
        documents = [document for document in self.sent(kind) if document[named_by] == name]
        decided = documents[-1][decided_in] if documents else None
        released = decided is not None and decided["decision"] == "release" and decided["stands"]
        return released and AWAITS_CERTIFICATE not in documents[-1]["flags"]


STEP = st.tuples(
    st.sampled_from(["divide", "undo", "undo", "decide_part", "decide_lot", "decide_lot", "result", "good", "bad",
                     "certify_lot", "certify_part", "withdraw", "quantity"]),
    st.sampled_from([DRUMS, REST]),
)  # fmt: skip


@settings(max_examples=4)
@given(st.sampled_from([ACME, GATING]), st.lists(STEP, min_size=10, max_size=18))
def test_a_lot_is_told_as_released_only_while_a_person_has_released_all_of_it(requirement, steps):
    with TemporaryDirectory() as directory:
        bench = Told(Path(directory), requirement)
        with closing(bench.connection):
            for step in steps:
                bench.step(*step)
                if not bench.is_told("disposition", "material_lot_id", LOT, "decision"):
                    continue
                decision, of_lot = bench.decision(), parts_of_lot(bench.connection, LOT)
                names = {item.part.name for item in of_lot.parts}
                assert (decision.verdict, decision.state, of_lot.damaged) == (RELEASE, DecisionState.STANDS, ()), step
                assert set(decision.basis.parts) <= names, step
                assert all(bench.is_told("lot-part", "part", name, "part_decision") for name in names), step
                declared = {row[0] for row in bench.rows("SELECT part_id FROM lot_part")}
                assert not [part for part in bench.bad if part_id_of(LOT, part) in declared], step
