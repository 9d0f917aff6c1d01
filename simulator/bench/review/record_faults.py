"""Faults in what people decide of a lot and production tells of it."""

from gateway.contract.lot_decisions import basis_sha256
from gateway.lab.review.codes import ReviewCode
from gateway.records.acts import Answer, DecideLot, SettlePoint, SignPending
from gateway.records.certificate_acts import SignCertificate, WithdrawCertificate
from gateway.records.certificates import CertificateDrafted
from gateway.records.lot_decisions import Verdict
from gateway.records.user_acts import ChangeUser
from gateway.store.queries.certificates import certificates_of_lot
from gateway.store.queries.lot_decisions import basis_of
from gateway.store.queries.lots import lot_on_record, open_points_of
from simulator.bench.review.fault import Fault, Step
from simulator.bench.review.laboratory_faults import result, retest
from simulator.bench.review.plant import OWNER, Lot


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


def _settled(lot: Lot) -> Answer:
    """Have quality settle a retest; it waits for a second signature."""
    retest(lot)
    points = open_points_of(lot.plant.connection, lot.name)
    point = next(item for item in points if item.point.can_be_settled)
    act = SettlePoint(material_lot_id=lot.name, point_id=point.point.point_id)
    return lot.plant.act(act, "anna", "OOS-12")


def _waits_for_signature(lot: Lot) -> None:
    _settled(lot)


def _second_signature(user_id: str, *, hours: float = 0.1) -> Step:
    """Return the step of a retest that is settled, with a second signature some hours later."""

    def step(lot: Lot) -> None:
        waits = _settled(lot)
        lot.plant.later(60 * hours)
        second = SignPending(record_id=waits.details["record_id"], sha256=waits.details["sha256"])
        lot.plant.act(second, user_id, "seen")

    return step


def _signed_by_one_name(lot: Lot) -> None:
    """Have a second user sign by the name that the first had then: two of one name are refused at any one time."""
    waits, plant = _settled(lot), lot.plant
    second = SignPending(record_id=waits.details["record_id"], sha256=waits.details["sha256"])
    for user_id, name in (("anna", "Anna P."), ("cleo", "Anna Q.")):
        plant.act(ChangeUser(user_id=user_id, full_name=name), OWNER, "another name")
    plant.act(second, "cleo", "seen")
    for user_id, name in (("cleo", "Cleo C."), ("anna", "Anna Q.")):
        plant.act(ChangeUser(user_id=user_id, full_name=name), OWNER, "another name")


def _decided_by_who_settled(lot: Lot) -> None:
    _second_signature("bert")(lot)
    lot.plant.follow()
    _decide(lot, Verdict.RELEASE)


def _certified(lot: Lot) -> CertificateDrafted:
    """Have quality release the lot and sign its certificate."""
    plant = lot.plant
    _decide(lot, Verdict.RELEASE)
    plant.follow()
    drafted = max(certificates_of_lot(plant.connection, lot.name)[0], key=lambda item: item.drafted.draft).drafted
    act = SignCertificate(certificate_id=drafted.certificate_id, version=drafted.version, sha256=drafted.sha256)
    plant.act(act, "anna", "complete")
    return drafted


def _questioned(lot: Lot) -> None:
    _certified(lot)
    lot.plant.later(1)
    result("Viscosity", 100.2)(lot)
    lot.plant.follow()


def _withdrawn(lot: Lot) -> None:
    drafted = _certified(lot)
    lot.plant.later(1)
    withdraw = WithdrawCertificate(certificate_id=drafted.certificate_id, version=drafted.version)
    lot.plant.act(withdraw, "bert", "sent to another customer")


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
    Fault(kind="signature late", how="the second one comes after 25 h", code=ReviewCode.SIGNATURE_LATE,
          ended=_second_signature("bert", hours=25)),
    Fault(kind="signed by one person", how="a second user signs by the name of the first",
          code=ReviewCode.SIGNED_BY_ONE_PERSON, ended=_signed_by_one_name),
    Fault(kind="settled and decided by one", how="who settled a point releases the lot alone",
          code=ReviewCode.SETTLED_AND_DECIDED_BY_ONE, ended=_decided_by_who_settled),
    Fault(kind="certificate in question", how="a result comes after it was issued",
          code=ReviewCode.CERTIFICATE_QUESTIONED, ended=_questioned),
    Fault(kind="certificate withdrawn", how="quality withdraws it", code=ReviewCode.CERTIFICATE_WITHDRAWN,
          ended=_withdrawn),
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
