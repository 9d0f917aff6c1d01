"""Faults in what the laboratory says of a lot."""

from gateway.events import (
    SpecificationStated,
)
from gateway.lab.review.codes import ReviewCode
from gateway.records.laboratory import Specification
from simulator.bench.review.fault import Fault, Step
from simulator.bench.review.plant import Lot


def result(test: str, value: object, number: int = 90, **fields: object) -> Step:
    """Return the step of one more result, of the sample with this number."""

    def step(lot: Lot) -> None:
        lot.plant.result(lot.name, test, value, lot.sample(number), **fields)

    return step


def _timed(**minutes: float) -> Step:
    """Return the step of one more result with other times, in minutes from now."""

    def step(lot: Lot) -> None:
        times = {name: lot.plant.time(offset) for name, offset in minutes.items()}
        lot.plant.result(lot.name, "Viscosity", 100.1, lot.sample(90), **times)

    return step


def _versions(first: object, second: object, **fields: object) -> Step:
    def step(lot: Lot) -> None:
        lot.plant.result(lot.name, "Viscosity", first, lot.sample(90), result_version=1)
        lot.plant.later(1)
        lot.plant.result(lot.name, "Viscosity", second, lot.sample(90), result_version=2, **fields)

    return step


def _skip(test: str) -> Step:
    def step(lot: Lot) -> None:
        lot.skipped.add(test)

    return step


def _unknown_test(lot: Lot) -> None:
    lot.plant.result(lot.name, "pH", 5.0, lot.sample(90), test_id="Colour", unit="Hazen")


def retest(lot: Lot) -> None:
    """Have a second sample repeat the first."""
    lot.plant.result(lot.name, "Viscosity", 100.4, lot.sample(90))
    lot.plant.result(lot.name, "Viscosity", 100.5, lot.sample(91), retest_of=lot.sample(90))


def _other_product(lot: Lot) -> None:
    lot.plant.result(lot.name, "Viscosity", 100.0, lot.sample(90), material_definition_id="FG-200")


def _control(lot: Lot) -> None:
    lot.control = 56.0


def _specification(lot: Lot) -> None:
    plant = lot.plant
    stated = Specification(product="FG-100", analyte="ph", lower=6.4, upper=7.6, version=f"v-{lot.name}", required=True)
    payload = f"specification {lot.name}".encode()
    plant.commit(SpecificationStated(at=plant.at(), origin=plant.origin("erp/specification", payload),
                                     specification=stated, withdrawn=False, payload=payload))  # fmt: skip


LABORATORY_FAULTS: tuple[Fault, ...] = (
    Fault(kind="out of specification", how="viscosity 112 of 95 to 105", code=ReviewCode.RESULT_OUTSIDE,
          measured=result("Viscosity", 112.0)),
    Fault(kind="near a limit", how="viscosity 104.8 of 95 to 105", code=ReviewCode.RESULT_NEAR_LIMIT,
          measured=result("Viscosity", 104.8)),
    Fault(kind="no limits", how="a test without a specification", code=ReviewCode.RESULT_WITHOUT_LIMITS,
          measured=_unknown_test),
    Fault(kind="test missing", how="no pH is measured", code=ReviewCode.TEST_MISSING, before=_skip("pH")),
    Fault(kind="not approved", how="a result stays entered", code=ReviewCode.RESULT_NOT_FINAL,
          measured=result("Viscosity", 100.3, status="entered")),
    Fault(kind="corrected", how="version 2 says 100.9 instead of 99.1", code=ReviewCode.RESULT_CORRECTED,
          measured=_versions(99.1, 100.9)),
    Fault(kind="corrected from a failure", how="version 1 was 115, version 2 is 101",
          code=ReviewCode.RESULT_CORRECTED_FROM_FAILURE, measured=_versions(115.0, 101.0)),
    Fault(kind="withdrawn", how="version 2 is rejected", code=ReviewCode.RESULT_WITHDRAWN,
          measured=_versions(100.0, 100.0, status="rejected")),
    Fault(kind="retest", how="a second sample repeats the first, without a reason",
          code=ReviewCode.RETEST_WITHOUT_REASON, measured=retest),
    Fault(kind="censored at a limit", how="water <0.21, limit 0.2", code=ReviewCode.RESULT_CENSORED_AT_LIMIT,
          measured=result("Water", "<0.21")),
    Fault(kind="other unit", how="viscosity 0.1 Pa.s", code=ReviewCode.RESULT_UNIT_CONVERTED,
          measured=result("Viscosity", 0.1, unit="Pa.s")),
    Fault(kind="other product", how="a result of FG-200", code=ReviewCode.RESULT_OF_OTHER_SCOPE,
          measured=_other_product),
    Fault(kind="control failed", how="the control is six sigmas out", code=ReviewCode.CONTROL_FAILED,
          running=_control),
    Fault(kind="specification changed", how="another version while the lot is made",
          code=ReviewCode.SPECIFICATION_CHANGED, running=_specification),
    Fault(kind="sampled before the start", how="drawn 90 min ago", code=ReviewCode.SAMPLED_BEFORE_START,
          measured=_timed(sampled_at=-90)),
    Fault(kind="analysed before sampled", how="analysed 9 min ago, drawn 5 min ago",
          code=ReviewCode.ANALYSED_BEFORE_SAMPLED, measured=_timed(analysed_at=-9)),
    Fault(kind="approved before analysed", how="approved 4 min ago, analysed 3 min ago",
          code=ReviewCode.APPROVED_BEFORE_ANALYSED, measured=_timed(approved_at=-4)),
    Fault(kind="time ahead", how="approved in four minutes", code=ReviewCode.TIME_AHEAD_OF_CLOCK,
          measured=_timed(approved_at=4)),
    Fault(kind="deviation", how="a result far outside, with its draft", code=ReviewCode.DEVIATION_OPEN,
          measured=result("Viscosity", 118.0)),
)  # fmt: skip
