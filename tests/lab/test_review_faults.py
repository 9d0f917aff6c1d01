"""No planted fault is missed: each kind once in a lot of the bench's plant, and the others as rows of facts."""

import pytest

from gateway.lab.review.codes import ReviewCode
from gateway.lab.review.facts import (
    GuidanceRow,
    PointRow,
    SignedRow,
    UseRow,
    WriteRow,
)
from gateway.lab.review.process_window import LotProcess
from gateway.lab.review.review import review_of
from gateway.time_units import SECOND_NS
from simulator.bench.review.faults import FAULTS
from simulator.bench.review.measured import SMALL_LOTS, run
from tests.fixtures.building import NOW_NS
from tests.lab.test_review import nothing_of


@pytest.fixture(scope="module")
def lots():
    return run(lots=SMALL_LOTS, seed=1, results_per_test=1)


def test_no_planted_fault_is_missed(lots):
    assert set(lots.planted) == {fault.kind for fault in FAULTS}
    assert lots.missed == []


def test_a_lot_without_a_fault_has_nothing_to_read(lots):
    assert [item.text for review in lots.in_clean_lots for item in review.exceptions] == []
    assert lots.in_clean_lots


def point(code, *, settled=0, kind="result"):
    return PointRow("p", code, "what speaks against it", "review", settled, "result r", kind, "S", "ph", None, NOW_NS)


def signed(user, name):
    return SignedRow("r", "decide_lot", "done", NOW_NS, 0, user, name, NOW_NS)


def rejected(reason):
    return GuidanceRow("g", "warning", "rejected", "warning", "Viscosity rises", NOW_NS, 1, reason)


LATER = LotProcess(material_lot_id="L", from_ns=NOW_NS + 30 * SECOND_NS, until_ns=NOW_NS + 60 * SECOND_NS,
                   begins_with_lot=False, tags=())  # fmt: skip
PLANTED = {
    ReviewCode.RESULT_UNIT_UNCLEAR: {"points": (point("UNIT_MISMATCH"),)},
    ReviewCode.RESULT_RETESTED: {"points": (point("RETEST", settled=1),)},
    ReviewCode.POINT_OPEN: {"points": (point("LOT_NAME_ALIKE", kind="likeness"),)},
    ReviewCode.POINT_SETTLED: {"points": (point("LOT_NAME_ALIKE", settled=1),)},
    ReviewCode.PROCESS_NOT_READ: {},
    ReviewCode.PROCESS_READ_IN_PART: {"process": LATER},
    ReviewCode.GUIDANCE_REJECTED_WITHOUT_REASON: {"guidance": (rejected(" "),)},
    ReviewCode.STORE_IN_DOUBT: {"in_doubt": True, "latches": ("STORE_DAMAGED",)},
    ReviewCode.TOO_MUCH_TO_LOOK_AT: {"cut": ("results",)},
    ReviewCode.LOT_START_UNKNOWN: {"lot": nothing_of().lot._replace(started_ns=None)},
}  # fmt: skip


def test_every_code_is_planted_somewhere():
    assert {fault.code for fault in FAULTS} | PLANTED.keys() == set(ReviewCode)


@pytest.mark.parametrize("code", PLANTED)
def test_what_is_planted_in_the_facts_is_reported(code):
    assert code in {item.code for item in review_of(nothing_of(**PLANTED[code])).exceptions}


def test_what_is_as_it_should_be_is_not_reported():
    quiet = nothing_of(
        process=LotProcess(material_lot_id="L", from_ns=NOW_NS, until_ns=NOW_NS + 60 * SECOND_NS,
                           begins_with_lot=True, tags=()),
        signed=(signed("anna", "Anna Q."), signed("bert", "Bert Q.")),
        writes=(WriteRow("i", "feed", "written", 0, NOW_NS, 1.0, 2.0),),
        uses=(UseRow("RM", "M", "Acme", NOW_NS, None), UseRow("RM-2", "M", None, NOW_NS, "release")),
    )  # fmt: skip
    assert review_of(quiet).exceptions == ()
