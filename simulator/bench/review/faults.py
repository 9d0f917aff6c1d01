"""What is planted in lots, one row each: how, and which exception must report it.

Nearly everything goes through the doors that it would come by; a record is damaged by hand, and a broker and a system
over HTTP refuse what they are sent.
"""

from gateway.lab.review.codes import ReviewCode
from simulator.bench.review.fault import Fault
from simulator.bench.review.laboratory_faults import LABORATORY_FAULTS, result
from simulator.bench.review.making_faults import MAKING_FAULTS
from simulator.bench.review.record_faults import RECORD_FAULTS

FAULTS: tuple[Fault, ...] = (
    *LABORATORY_FAULTS,
    *MAKING_FAULTS,
    *RECORD_FAULTS,
    # the last: its series needs the results of many lots before it has limits
    Fault(kind="out of trend", how="water 0.75 where all others are 0.5", code=ReviewCode.RESULT_OUT_OF_TREND,
          measured=result("Water", 0.75)),
)  # fmt: skip
