"""Faults while a lot is made: its tags, alarms, guidance, the models, the gateway and its messages."""

from gateway.contract.refusals import Refusal, refusal
from gateway.events import (
    ConfigurationReloaded,
    GapNoticed,
    GatewayStarted,
    GatewayStopped,
    MessageRefused,
    SetpointWriteBegun,
    SetpointWriteEnded,
    VersionTaken,
)
from gateway.lab.review.codes import ReviewCode
from gateway.records.acts import AnswerGuidance, Shelve, StopWrites
from gateway.records.laboratory import ResultReference
from gateway.records.people import Act as GuidanceAct
from gateway.records.process import Gap, GapKind
from gateway.records.setpoints import SetpointIntent, WriteState
from gateway.records.timers import Timer
from gateway.store.queries.setpoints import open_intents
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from simulator.bench.review.fault import Fault, Step
from simulator.bench.review.laboratory_faults import result
from simulator.bench.review.line import DOSING
from simulator.bench.review.plant import Lot, all_bad


def _tag(name: str, steps: list[tuple[float, float, int]]) -> Step:
    def step(lot: Lot) -> None:
        lot.plant.windows[name] = steps

    return step


_OUTSIDE = [(0.0, 120.0, 0), (0.4, 141.5, 0), (0.45, 120.4, 0), (0.8, 120.1, 0)]
_STUCK = [(number / 60, 2.0 + 0.001 * (number % 7), 0) for number in range(20)] + [(0.35, 2.0005, 0)]


def _gap(kind: GapKind, subject: str) -> Step:
    def step(lot: Lot) -> None:
        plant, until_ns = lot.plant, lot.plant.now_ns
        gap = Gap(gap_id=f"gap-{lot.name}", kind=kind, subject=subject, from_ns=until_ns - 90 * SECOND_NS,
                  until_ns=until_ns)  # fmt: skip
        plant.commit(GapNoticed(event_id=gap.gap_id, at=plant.at(), gap=gap))

    return step


# --- alarms, guidance, setpoints ---------------------------------------------------------------------------------


def _acknowledged_after(minutes: float | None) -> Step:
    def step(lot: Lot) -> None:
        lot.acknowledged_after = minutes

    return step


def _shelve(lot: Lot) -> None:
    lot.plant.alarm("BUFFER_FILLING")
    lot.plant.act(Shelve(alarm_id="gateway/BUFFER_FILLING", seconds=600.0), "sven", "known, maintenance is called")
    lot.plant.alarm("BUFFER_FILLING", stands=False)


def _warned(lot: Lot) -> str:
    """Have the model warn of the lot; return the guidance."""
    plant = lot.plant
    plant.windows["temperature"] = [(0.0, 86.0, 0)]
    plant.later(1)
    plant.model_due()
    del plant.windows["temperature"]
    row = plant.connection.execute(
        "SELECT guidance_id FROM guidance WHERE open = 1 ORDER BY rowid DESC LIMIT 1"
    ).fetchone()
    return str(row[0])


def _rejected(lot: Lot) -> None:
    guidance_id = _warned(lot)
    lot.plant.act(AnswerGuidance(guidance_id=guidance_id, answer=GuidanceAct.REJECT), "olga", "cleaning in progress")
    lot.plant.later(1)
    lot.plant.model_due()


def _expired(lot: Lot) -> None:
    _warned(lot)
    lot.plant.later(15)
    lot.plant.timer(Timer.EXPIRE_GUIDANCE)
    lot.plant.model_due()


def _stop_writes(lot: Lot) -> None:
    lot.plant.act(StopWrites(), "olga", "a leak at the feed")


def _written(state: WriteState) -> Step:
    """Return the step of a move of the dosing that ends so."""

    def step(lot: Lot) -> None:
        """Have a move made, and look whether the plant stands where it was to."""
        plant = lot.plant
        intent = _intent(lot)
        key, stands = intent.intent_id, intent.from_value if state is WriteState.MISMATCH else intent.to_value
        plant.commit(SetpointWriteBegun(event_id=f"begin-{key}", at=plant.at(), intent_id=key,
                                        before=intent.from_value))  # fmt: skip
        for ended in (WriteState.FOLLOWING, state) if state is WriteState.NOT_FOLLOWED else (state,):
            plant.commit(SetpointWriteEnded(event_id=f"{ended}-{key}", at=plant.at(), intent_id=key, state=ended,
                                            before=intent.from_value, written=intent.to_value,
                                            read_back=stands))  # fmt: skip
        plant.levels[DOSING] = (stands, 0.0)
        plant.later(1)
        plant.model_due("ph")

    return step


def _intent(lot: Lot) -> SetpointIntent:
    """Have the model suggest a move of the dosing towards its middle; a person approves what is left to people."""
    plant = lot.plant
    low = plant.levels[DOSING][0] < 4.5  # pH 7.7 or 6.3 of 6.5 to 7.5
    plant.windows["acid"] = [(0.0, 3.6 if low else 6.4, 0)]
    plant.later(1)
    plant.model_due("ph")
    del plant.windows["acid"]
    if not open_intents(plant.connection):
        row = plant.connection.execute(
            "SELECT guidance_id FROM guidance WHERE open = 1 AND kind = 'setpoint' ORDER BY rowid DESC LIMIT 1"
        ).fetchone()
        plant.act(AnswerGuidance(guidance_id=str(row[0]), answer=GuidanceAct.APPROVE), "sven", "seen")
    ((intent, _state),) = open_intents(plant.connection)
    return intent


# --- models and the gateway ---------------------------------------------------------------------------------------


def _version_taken(lot: Lot) -> None:
    plant = lot.plant
    plant.commit(VersionTaken(event_id=f"version-{lot.name}", at=plant.at(), model="viscosity", version="1.0.1",
                              bundle_sha256="cd" * 32, stage="advise"))  # fmt: skip


def _drifts(lot: Lot) -> None:
    """Have the laboratory measure what the model does not predict: the temperature says 93, and it is 100."""
    lot.plant.windows["temperature"] = [(0.0, 85.0, 0)]
    for number in range(6):
        lot.plant.later(1)
        result("Viscosity", 100.0, number=80 + number)(lot)
    del lot.plant.windows["temperature"]


def _abstained(lot: Lot) -> None:
    lot.plant.windows["temperature"] = all_bad(60)
    for _tick in range(12):
        lot.plant.later(1)
        lot.plant.model_due()
    del lot.plant.windows["temperature"]


def _reloaded(lot: Lot) -> None:
    plant = lot.plant
    plant.commit(ConfigurationReloaded(event_id=f"reload-{lot.name}", at=plant.at(), configuration_sha256="ef" * 32,
                                       changed=("specification[2].upper",)))  # fmt: skip


def _restarted(lot: Lot) -> None:
    plant = lot.plant
    plant.commit(GatewayStopped(event_id=f"stop-{lot.name}", at=plant.at()))
    plant.later(1)
    plant.commit(GatewayStarted(event_id=f"start-{lot.name}", at=plant.at(), version="0.1.0",
                                configuration_sha256="ef" * 32, bundles={}, stages={}))  # fmt: skip


def _damaged(lot: Lot) -> None:
    lot.plant.connection.execute(
        "UPDATE lab_result SET analyte = 'changed' WHERE rowid = (SELECT max(rowid) FROM lab_result"
        " WHERE material_lot_id = ?)", (lot.name,),
    )  # fmt: skip


# --- messages ------------------------------------------------------------------------------------------------------


def _refused_message(lot: Lot) -> None:
    plant, payload = lot.plant, f"broken {lot.name}".encode()
    about = ResultReference(source="lims", sample_id=lot.sample(95), test_id="pH", lots=(lot.name,))
    plant.commit(MessageRefused(at=plant.at(), origin=plant.origin("lims/results/qc", payload), payload=payload,
                                reasons=(refusal(Refusal.NOT_JSON, "is no JSON"),), about=about))  # fmt: skip


def _parked(lot: Lot) -> None:
    lot.plant.connection.execute(
        "UPDATE outbox SET parked = 'refused' WHERE topic LIKE '%/disposition/' || ?", (lot.name,)
    )


def _refused_delivery(lot: Lot) -> None:
    result("Viscosity", 120.0)(lot)
    plant = lot.plant
    rows = plant.connection.execute("SELECT seq FROM delivery WHERE material_lot_id = ?", (lot.name,)).fetchall()
    for (seq,) in rows:
        answered = {"seq": seq, "state": "refused", "answer": "answered 400", "at_ns": plant.now_ns}
        plant.connection.execute(SQL["delivery_not_sent"], answered)


MAKING_FAULTS: tuple[Fault, ...] = (
    Fault(kind="tag outside", how="agitator 141.5 of 100 to 140 for 3 min", code=ReviewCode.TAG_OUTSIDE_RANGE,
          measured=_tag("agitator", _OUTSIDE)),
    Fault(kind="tag bad", how="feed is bad for 20 min", code=ReviewCode.TAG_UNKNOWN,
          measured=_tag("feed", [(share, 10.0, status) for share, _value, status in all_bad()])),
    Fault(kind="sensor stuck", how="pressure shows one value for 39 min", code=ReviewCode.TAG_STUCK,
          measured=_tag("pressure", _STUCK)),
    Fault(kind="gap", how="the source was away for 90 s", code=ReviewCode.DATA_GAP,
          running=_gap(GapKind.DISCONNECTED, "plc1")),
    Fault(kind="clock set", how="the clock was set by 90 s", code=ReviewCode.CLOCK_CORRECTED,
          running=_gap(GapKind.CLOCK_SET, "clock")),
    Fault(kind="alarm not acknowledged", how="nobody acknowledges it", code=ReviewCode.ALARM_UNACKNOWLEDGED,
          before=_acknowledged_after(None)),
    Fault(kind="alarm acknowledged late", how="after 14 min", code=ReviewCode.ALARM_ACKNOWLEDGED_LATE,
          before=_acknowledged_after(14)),
    Fault(kind="alarm shelved", how="shelved for 10 min", code=ReviewCode.ALARM_SUPPRESSED, running=_shelve),
    Fault(kind="guidance rejected", how="an operator rejects a warning", code=ReviewCode.GUIDANCE_REJECTED,
          running=_rejected),
    Fault(kind="guidance expired", how="nobody answers a warning for 15 min", code=ReviewCode.GUIDANCE_EXPIRED,
          running=_expired),
    Fault(kind="write overridden", how="a person moves the setpoint meanwhile", code=ReviewCode.WRITE_OVERRIDDEN,
          running=_written(WriteState.OVERRIDDEN)),
    Fault(kind="write failed", how="the PLC reads back another value", code=ReviewCode.WRITE_FAILED,
          running=_written(WriteState.MISMATCH)),
    Fault(kind="write not followed", how="the feedback does not follow the setpoint",
          code=ReviewCode.WRITE_NOT_FOLLOWED, running=_written(WriteState.NOT_FOLLOWED)),
    Fault(kind="write by itself", how="stage automatic moves a setpoint", code=ReviewCode.WRITE_AUTOMATIC,
          running=_written(WriteState.WRITTEN)),
    Fault(kind="model drifts", how="six results 7 above its predictions", code=ReviewCode.MODEL_DEMOTED,
          running=_drifts),
    Fault(kind="writes stopped", how="an operator stops all writing", code=ReviewCode.WRITES_STOPPED,
          running=_stop_writes),
    Fault(kind="model changed", how="another version is taken", code=ReviewCode.MODEL_CHANGED, running=_version_taken),
    Fault(kind="model abstained", how="its input is bad at 12 of 17 ticks", code=ReviewCode.MODEL_ABSTAINED,
          running=_abstained),
    Fault(kind="configuration changed", how="a reload while the lot is made", code=ReviewCode.CONFIGURATION_CHANGED,
          running=_reloaded),
    Fault(kind="gateway restarted", how="a stop and a start", code=ReviewCode.GATEWAY_RESTARTED, running=_restarted),
    Fault(kind="gateway stopped", how="a stop and a start", code=ReviewCode.GATEWAY_STOPPED, running=_restarted),
    Fault(kind="record damaged", how="a result is changed by hand", code=ReviewCode.RECORDS_DAMAGED, ended=_damaged),
    Fault(kind="message refused", how="a broken message names the lot", code=ReviewCode.MESSAGE_REFUSED,
          measured=_refused_message),
    Fault(kind="message parked", how="the broker refuses the disposition", code=ReviewCode.MESSAGE_NOT_SENT,
          measured=_parked),
    Fault(kind="delivery refused", how="the MES answers 400", code=ReviewCode.DELIVERY_FAILED,
          measured=_refused_delivery),
)  # fmt: skip
