"""A plant whose lots are made through the gateway's own doors: each event is decided and committed as at work."""

import json
import random
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gateway.contract.acts import identity_of_act
from gateway.contract.identity import sha256_hex
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.mes_messages import context_change
from gateway.contract.times import rfc3339
from gateway.deadlines import ClockReading
from gateway.decisions.table import windows_needed
from gateway.events import (
    ActRequested,
    ContextChanged,
    Event,
    FollowUpDue,
    GatewayAlarmChanged,
    ModelDue,
    ResultArrived,
    TimerDue,
)
from gateway.history.windows import TagWindow, WindowRequest
from gateway.ingest.event_queue import Pending
from gateway.lab.review.review import Review, review_of
from gateway.records.acts import Acknowledge, AcknowledgeAlarm, Act, Answer, ResumeWrites
from gateway.records.deliveries import Origin
from gateway.records.follow_ups import FollowUp
from gateway.records.laboratory import ResultStatus
from gateway.records.timers import Timer
from gateway.records.user_acts import AddUser
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.codec import decode
from gateway.store.database import open_state
from gateway.store.queries.review_facts import review_facts
from gateway.store.transaction.decide_batch import decide_batch
from gateway.time_units import SECOND_NS
from simulator.bench.review.line import BAD, LEVELS, TAG_LEVELS, TESTS, UNITS, the_line

MINUTE_NS = 60 * SECOND_NS
LOT_MINUTES = 60
_BEGUN_NS = 1_800_000_000 * SECOND_NS
OWNER = Credential(kind=CredentialKind.OS_USER, subject="bench", owns_store=True)
_PEOPLE = (("anna", "Anna Q.", Role.QUALITY), ("bert", "Bert Q.", Role.QUALITY),
           ("cleo", "Cleo C.", Role.QUALITY), ("olga", "Olga O.", Role.OPERATOR),
           ("sven", "Sven S.", Role.SUPERVISOR))  # fmt: skip
_INTERFACE = LimsInterface(source="lims", analytes=TESTS, assume_status=ResultStatus.ENTERED)


class Plant:
    """A line with a store; each verb is one event."""

    def __init__(self, directory: Path, *, seed: int, results_per_test: int) -> None:
        self.chance = random.Random(seed)
        self.line = the_line()
        self.connection: sqlite3.Connection = open_state(directory)
        self.connection.execute("PRAGMA synchronous = OFF")  # a bench's store outlives no loss of power
        self.now_ns = _BEGUN_NS
        self.results_per_test = results_per_test
        self._deliveries = 0
        self.windows: dict[str, list[tuple[float, float, int]]] = {}  # by tag: (share of the lot, value, status)
        self.levels = dict(TAG_LEVELS)
        for user_id, name, role in (("head", "Q. Head", None), *_PEOPLE):
            roles = tuple(Role) if role is None else (role,)
            os_user = "bench" if role is None else None
            self.act(AddUser(user_id=user_id, full_name=name, roles=roles, os_user=os_user), OWNER, "set up")
        self.context("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")

    # --- verbs ----------------------------------------------------------------------------------------------

    def commit(self, event: Event, windows: Mapping[WindowRequest, TagWindow] | None = None) -> Any:
        """Decide and commit an event; return what came of the batch."""
        self.connection.execute("BEGIN IMMEDIATE")
        outcome = decide_batch(self.connection, line=self.line, batch=(Pending(event, windows=windows or {}),))
        self.connection.execute("COMMIT")
        return outcome

    def later(self, minutes: float) -> None:
        """Let time pass."""
        self.now_ns += int(minutes * MINUTE_NS)

    def at(self) -> ClockReading:
        """Return all clocks."""
        return ClockReading(wall_ns=self.now_ns, latest_ns=self.now_ns, boot_ns=self.now_ns, boot_id="bench")

    def origin(self, topic: str, payload: bytes) -> Origin:
        """Return where a message comes from."""
        self._deliveries += 1
        return Origin(session="labline-in", topic=topic, message_number=self._deliveries, redelivered=False,
                      payload_sha256=sha256_hex(payload))  # fmt: skip

    def act(self, act: Act, by: Credential | str, reason: str = "looked at") -> Answer:
        """Ask for an act, by a user and password where only the user is named; return the answer."""
        self.now_ns += SECOND_NS
        credential = Credential(kind=CredentialKind.PASSWORD, subject=by) if isinstance(by, str) else by
        event_id = identity_of_act(act, at_ns=self.now_ns, by=credential.identity)
        event = ActRequested(event_id=event_id, at=self.at(), act=act, credential=credential, reason=reason)
        answer: Answer = self.commit(event).answers[event_id]
        return answer

    def result(self, lot: str, test: str, value: object, sample: str, **fields: object) -> None:
        """Have the laboratory send a result; times are those of a sample that was drawn five minutes ago."""
        document = {
            "sample_id": sample, "test_id": test, "value": value, "unit": UNITS[test], "status": "approved",
            "material_lot_id": lot, "sampled_at": self.time(-5), "analysed_at": self.time(-3),
            "approved_at": self.time(-1), **fields,
        }  # fmt: skip
        payload = json.dumps({name: given for name, given in document.items() if given is not None}).encode()
        read = lab_result(payload, _INTERFACE, now_ns=self.now_ns)
        event = ResultArrived(
            at=self.at(), origin=self.origin("lims/results/qc", payload), result=read, payload=payload
        )
        self.commit(event, self._windows(event))

    def control(self, sample: str, value: float) -> None:
        """Have the laboratory measure its control material."""
        self.result("", "Viscosity", round(value, 2), sample, material_lot_id=None, control_id="OIL")

    def context(self, kind: str, **fields: object) -> None:
        """Have production tell something."""
        payload = json.dumps({"event": kind, "at": rfc3339(self.now_ns), **fields}).encode()
        change = context_change(payload, now_ns=self.now_ns)
        origin = self.origin("mes/context/x", payload)
        self.commit(ContextChanged(at=self.at(), origin=origin, change=change, payload=payload))

    def model_due(self, model: str = "viscosity") -> None:
        """Have a model asked, by what the tags show now."""
        event = ModelDue(event_id=f"due-{model}-{self.now_ns}", at=self.at(), model=model)
        self.commit(event, self._windows(event))

    def timer(self, timer: Timer) -> None:
        """Have a timer run out."""
        self.commit(TimerDue(event_id=f"{timer}-{self.now_ns}", at=self.at(), timer=timer))

    def alarm(self, code: str = "DISK_LOW", *, stands: bool = True) -> None:
        """Have a condition of the gateway begin, or end."""
        event_id = f"{code}-{self.now_ns}"
        self.commit(GatewayAlarmChanged(event_id=event_id, at=self.at(), code=code, stands=stands, latched=False))

    def acknowledge(self, code: str = "DISK_LOW") -> None:
        """Have a supervisor acknowledge an alarm."""
        self.act(Acknowledge(alarm_id=f"gateway/{code}"), "sven")

    def follow(self) -> None:
        """Take up what has been left for later."""
        for event_id, body in self.connection.execute("SELECT event_id, body FROM follow_up ORDER BY rowid").fetchall():
            event = FollowUpDue(event_id=event_id, at=self.at(), follow_up=decode(FollowUp, body))
            self.commit(event, self._windows(event))

    def sent(self) -> None:
        """Have the broker take what waits."""
        self.connection.execute("DELETE FROM outbox WHERE parked IS NULL")

    def tidy(self) -> None:
        """Have people take down what the last lot has left: latched alarms, and a stop of all writing."""
        for (code,) in self.connection.execute("SELECT code FROM latch").fetchall():
            self.act(AcknowledgeAlarm(code=code), "anna", "checked")
        stop = self.connection.execute("SELECT stopped, at_ns FROM setpoint_stop ORDER BY seq DESC LIMIT 1").fetchone()
        if stop is not None and stop["stopped"]:
            self.act(ResumeWrites(stopped_at=rfc3339(stop["at_ns"])), "sven", "repaired")

    def time(self, minutes: float) -> str:
        """Return the instant so many minutes from now."""
        return rfc3339(self.now_ns + int(minutes * MINUTE_NS))

    # --- what is looked at ------------------------------------------------------------------------------------

    def review(self, lot: str) -> Review:
        """Return the review of a lot."""
        facts = review_facts(self.connection, self.line, lot, at_ns=self.now_ns)
        if facts is None:
            raise LookupError(lot)
        return review_of(facts)

    def _windows(self, event: Event) -> dict[WindowRequest, TagWindow]:
        return {request: self._window(request) for request in windows_needed(event, self.line)}

    def _window(self, request: WindowRequest) -> TagWindow:
        """Return what a tag showed: steps over the lot, with noise; ``windows`` says what else it did."""
        length_ns = max(1, request.end_ns - request.start_ns)
        steps = self.windows.get(request.tag)
        if steps is None:
            level, noise = self.levels[request.tag]
            steps = [(number / 60, level + self.chance.gauss(0.0, noise), 0) for number in range(60)]
        shares, values, statuses = zip(*steps, strict=True)
        return TagWindow(
            tag=request.tag, start_ns=request.start_ns, end_ns=request.end_ns,
            held_ns=np.array([request.start_ns + int(share * length_ns) for share in shares], np.int64),
            values=np.array(values, np.float64), statuses=np.array(statuses, np.uint32),
            confirmed_ns=request.end_ns,
        )  # fmt: skip


class Lot:
    """A lot while it is made; faults are planted at three moments: begun, halfway, and measured."""

    def __init__(self, plant: Plant, name: str) -> None:
        self.plant = plant
        self.name = name
        self.skipped: set[str] = set()  # tests that the laboratory does not do
        self.supplier: str | None = "Acme"
        self.acknowledged_after: float | None = 1.0  # minutes
        self.control: float | None = None  # what the control after its results shows
        self.phases_end = True
        self.told_of_end = True

    def sample(self, number: int = 1) -> str:
        """Return the name of a sample of it."""
        return f"S-{self.name}-{number}"

    def value(self, test: str) -> float:
        """Return a value in the middle of the limits."""
        level, sigma = LEVELS[test]
        return round(level + max(-2.0, min(2.0, self.plant.chance.gauss(0.0, 1.0))) * sigma, 3)

    def begin(self) -> None:
        """Have production begin it, with its material and its first phase."""
        plant = self.plant
        plant.windows.clear()
        plant.context("lot_started", material_lot_id=self.name, job_order_id="WO-1", equipment_id="R1")
        supplier = {} if self.supplier is None else {"supplier": self.supplier}
        for number in (1, 2):
            plant.context("material_consumed", material_lot_id=self.name, consumed_lot_id=f"RM-{self.name}-{number}",
                          consumed_definition_id="MONOMER", equipment_id="R1", **supplier)  # fmt: skip
        plant.later(1)
        plant.context("phase_started", equipment_id="R1", phase="charge")

    def run(self) -> None:
        """Let it run: the model is asked, an alarm calls and is acknowledged."""
        plant = self.plant
        for _tick in range(5):
            plant.later(4)
            plant.model_due()
        plant.alarm()
        if self.acknowledged_after is not None:
            plant.later(self.acknowledged_after)
            plant.acknowledge()
        plant.alarm(stands=False)
        plant.context("phase_ended", equipment_id="R1", phase="charge")
        plant.later(1)
        plant.context("phase_started", equipment_id="R1", phase="react")

    def measure(self) -> None:
        """Have the laboratory measure it: each test on several samples, between two controls."""
        plant = self.plant
        plant.control(f"QC-{self.name}-before", 50.0 + plant.chance.uniform(-1.5, 1.5))
        for number in range(1, plant.results_per_test + 1):
            plant.later(0.5)
            for test in TESTS:
                if test not in self.skipped:
                    plant.result(self.name, test, self.value(test), self.sample(number))
        plant.control(f"QC-{self.name}-after", self.control or 50.0 + plant.chance.uniform(-1.5, 1.5))

    def end(self) -> None:
        """Have production end it; what follows is done, and what waits is sent."""
        plant = self.plant
        plant.later(2)
        if self.phases_end:
            plant.context("phase_ended", equipment_id="R1", phase="react")
        plant.later(1)
        if self.told_of_end:
            plant.context("lot_ended", material_lot_id=self.name, equipment_id="R1")
        plant.follow()
        plant.sent()


def all_bad(minutes: float = 20) -> list[tuple[float, float, int]]:
    """Return a tag that is bad for so many minutes of a lot."""
    share = minutes / LOT_MINUTES
    return [(0.0, 78.0, 0), (0.3, 0.0, BAD), (0.3 + share, 78.1, 0), (0.95, 78.2, 0)]
