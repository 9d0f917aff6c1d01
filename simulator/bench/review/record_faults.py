"""Faults in what people decide of a lot and production tells of it."""

from gateway.contract.lot_decisions import basis_sha256
from gateway.lab.review.codes import ReviewCode
from gateway.records.acts import DecideLot, SettlePoint
from gateway.records.lot_decisions import Verdict
from gateway.store.queries.lot_decisions import basis_of
from gateway.store.queries.lots import lot_on_record, open_points_of
from simulator.bench.review.fault import Fault
from simulator.bench.review.laboratory_faults import result, retest
from simulator.bench.review.plant import Lot


def _decide(lot: Lot, verdict: Verdict) -> None:
    """Have quality decide on a lot, over the points that speak against a release."""
    plant = lot.plant
    known = lot_on_record(plant.connection, lot.name)
    basis = None if known is None else basis_of(plant.connection, known)
    shown = "" if basis is None else basis_sha256(basis)
    over = len(known.against_release) if known is not None and verdict is Verdict.RELEASE else 0
    act = DecideLot(material_lot_id=lot.name, verdict=verdict, basis_sha256=shown, over_open_points=over)
    plant.act(act, "anna", "inspected")


def _hold_lifted(lot: Lot) -> None:
    _decide(lot, Verdict.HOLD)
    lot.plant.later(1)
    _decide(lot, Verdict.RELEASE)


def _waits_for_signature(lot: Lot) -> None:
    retest(lot)
    points = open_points_of(lot.plant.connection, lot.name)
    point = next(item for item in points if item.point.can_be_settled)
    lot.plant.act(SettlePoint(material_lot_id=lot.name, point_id=point.point.point_id), "anna", "OOS-12")


def _decision_lapsed(lot: Lot) -> None:
    _decide(lot, Verdict.RELEASE)
    lot.plant.later(1)
    result("Viscosity", 100.2)(lot)


def _over_open_points(lot: Lot) -> None:
    retest(lot)
    _decide(lot, Verdict.RELEASE)


# --- production ------------------------------------------------------------------------------------------------------


def _contradicted(lot: Lot) -> None:
    lot.plant.context("lot_started", material_lot_id=lot.name, job_order_id="WO-1", equipment_id="R2")


def _held_material(lot: Lot) -> None:
    plant, material = lot.plant, f"RM-HELD-{lot.name}"
    plant.context("lot_started", material_lot_id=material, equipment_id="TANK", material_definition_id="FG-100")
    plant.result(material, "Viscosity", 130.0, f"S-{material}", material_definition_id="FG-100")
    plant.context("material_consumed", material_lot_id=lot.name, consumed_lot_id=material, supplier="Acme")


def _no_supplier(lot: Lot) -> None:
    lot.supplier = None


def _phase_twice(lot: Lot) -> None:
    lot.plant.context("phase_started", equipment_id="R1", phase="react")


def _phase_open(lot: Lot) -> None:
    lot.phases_end = False


def _never_ended(lot: Lot) -> None:
    lot.told_of_end = False


def _late(lot: Lot) -> None:
    lot.plant.later(2)
    lot.plant.result(lot.name, "Viscosity", 100.1, lot.sample(90), sampled_at=lot.plant.time(-0.5),
                     analysed_at=lot.plant.time(-0.2), approved_at=lot.plant.time(-0.1))  # fmt: skip


RECORD_FAULTS: tuple[Fault, ...] = (
    Fault(kind="hold lifted", how="quality holds the lot, then releases it", code=ReviewCode.HOLD_LIFTED,
          ended=_hold_lifted),
    Fault(kind="sampled after the end", how="drawn after lot_ended", code=ReviewCode.SAMPLED_AFTER_END, ended=_late),
    Fault(kind="signature missing", how="a point waits for a second signature", code=ReviewCode.SIGNATURE_MISSING,
          measured=_waits_for_signature),
    Fault(kind="decision lapsed", how="a result comes after the release", code=ReviewCode.DECISION_LAPSED,
          ended=_decision_lapsed),
    Fault(kind="decided over open points", how="quality releases over a retest",
          code=ReviewCode.DECIDED_OVER_OPEN_POINTS, ended=_over_open_points),
    Fault(kind="context contradicted", how="production names another equipment",
          code=ReviewCode.CONTEXT_CONTRADICTED, running=_contradicted),
    Fault(kind="material on hold", how="a lot that failed goes in", code=ReviewCode.CONSUMED_LOT_IN_QUESTION,
          running=_held_material),
    Fault(kind="supplier unknown", how="material without a supplier", code=ReviewCode.SUPPLIER_UNKNOWN,
          before=_no_supplier),
    Fault(kind="phase out of order", how="a phase is started twice", code=ReviewCode.PHASE_OUT_OF_ORDER,
          running=_phase_twice),
    Fault(kind="phase without an end", how="nobody tells its end", code=ReviewCode.PHASE_NOT_ENDED,
          before=_phase_open),
    Fault(kind="lot not ended", how="nobody tells its end", code=ReviewCode.LOT_NOT_ENDED, before=_never_ended),
)  # fmt: skip
