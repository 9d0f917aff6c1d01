"""A line by its configuration, and messages by the doors of the running gateway: bytes in, dispositions out."""

import json
import tomllib
from pathlib import Path

from gateway.config.line_definition import define_line
from gateway.config.tables import Settings
from gateway.contract.identity import sha256_hex
from gateway.contract.times import rfc3339
from gateway.decisions.table import windows_needed
from gateway.events import FollowUp, FollowUpDue
from gateway.history.rings import Rings
from gateway.ingest.event_queue import Pending
from gateway.runtime.wiring import inbound_intake
from gateway.store.codec import decode
from gateway.store.statements import SQL
from gateway.store.transaction.decide_batch import decide_batch
from gateway.store.transaction.restated import MEANT_AFTER_NS, meant
from gateway.time_units import seconds_to_ns
from gateway.transport.mqtt_connection import Delivery
from tests.building import NOW_NS, moment, new_state

CONFIGURATION = """
[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"

[store]
directory = "store"

[mqtt]
host = "localhost"
client_id = "labline-line-1"

[mes]
topic = "mes/context/#"

[master_data]
topic = "mes/specifications/#"

[lims]
topic = "lims/results/#"
assume_status = "validated"
[lims.analytes]
"pH" = "ph"
"Viscosity" = "viscosity"

[[specification]]
product = "FG-100"
analyte = "ph"
lower = 6.5
upper = 7.5
version = "1"

[[specification]]
product = "FG-100"
analyte = "viscosity"
lower = 95.0
upper = 105.0
target = 100.0
unit = "mPa.s"
version = "3"
"""


class _Queue:
    """Takes what the intake queues, to be decided at once."""

    def __init__(self):
        self.waiting = []

    def put(self, event, _urgency, committed=lambda: None, windows=None):
        self.waiting.append(Pending(event, committed, windows or {}))


class Laboratory:
    """One verb for each door; ``recommended``: the last word on each lot, as the broker retains it."""

    def __init__(self, directory, *, configuration=CONFIGURATION, more="", mapping="canonical", **lims):
        document = tomllib.loads(configuration + more)
        document["lims"] |= {"mapping": mapping, **lims}
        self.settings = Settings.model_validate(document)
        self.line = define_line(self.settings, path=Path(directory) / "labline.toml")
        self.connection = new_state(directory)
        self.now_ns = NOW_NS
        self._queue = _Queue()
        self._number = 0
        self._intake = inbound_intake(self.settings, inbox=self._queue, now=lambda: moment(self.now_ns))
        self._intake.session = self
        self.acknowledged = 0

    def acknowledge(self, _delivery):
        self.acknowledged += 1
        return True

    def pause(self):
        pass

    def resume(self):
        pass

    def close(self):
        self.connection.close()

    # --- in ---------------------------------------------------------------------------------------------

    def send(self, topic, payload):
        """Deliver a message of the broker: bytes, or a document."""
        payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._number += 1
        self.now_ns += seconds_to_ns(1)
        self._intake.take(Delivery(session="labline-in", topic=topic, payload=payload, redelivered=False, qos=1,
                                   message_number=self._number, generation=1))  # fmt: skip
        self._decide()

    def lims(self, payload):
        self.send("lims/results/qc", payload)

    def result(self, test, value, lot="L", **fields):
        """A canonical result; each is of a sample of its own unless one is named."""
        sample = fields.pop("sample_id", f"S-{test}-{sha256_hex(repr((test, value, lot, fields)).encode())[:6]}")
        unit = {"unit": "mPa.s"} if test == "Viscosity" else {}
        self.lims({"sample_id": sample, "test_name": test, "result": value, "status": "approved", **unit,
                   **({} if lot is None else {"material_lot": lot}), "product": "FG-100", **fields})  # fmt: skip

    def mes(self, event, *, at_seconds=-3600, **fields):
        self.send("mes/context/x", {"event": event, "at": self.at(at_seconds), **fields})

    def specification(self, **fields):
        self.send("mes/specifications/x", fields)

    def at(self, seconds):
        """An instant, from the bench's beginning."""
        return rfc3339(NOW_NS + seconds_to_ns(seconds))

    def _decide(self):
        while self._queue.waiting:
            pending = self._queue.waiting.pop(0)
            self.commit(pending)

    def commit(self, pending):
        windows = Rings({}, capacity=1).windows(windows_needed(pending.event, self.line))
        self.begin()
        decide_batch(self.connection, line=self.line, batch=(Pending(pending.event, windows=windows),))
        self.end()
        pending.committed()

    def begin(self):
        self.connection.execute("BEGIN IMMEDIATE")

    def end(self):
        self.connection.execute("COMMIT")

    def wait(self, seconds=0.0):
        """Let time pass: take up what decisions have left for later, and what was said again and left standing."""
        self.now_ns += seconds_to_ns(seconds)
        until_ns = self.now_ns - MEANT_AFTER_NS
        for row in self.connection.execute(SQL["restated_since"], {"until_ns": until_ns, "most": 100}).fetchall():
            self.commit(Pending(meant(tuple(row), moment(self.now_ns))))
        while rows := self.connection.execute(SQL["follow_ups"], {"most": 100}).fetchall():
            for event_id, body in rows:
                follow_up = decode(FollowUp, body)
                self.commit(Pending(FollowUpDue(event_id=event_id, at=moment(self.now_ns), follow_up=follow_up)))

    # --- out --------------------------------------------------------------------------------------------

    def sent(self, kind):
        """Every message of a kind, in its order."""
        rows = self.connection.execute("SELECT payload FROM outbox ORDER BY seq").fetchall()
        documents = [json.loads(payload) for (payload,) in rows if payload]
        return [document for document in documents if document["schema"] == f"labline.{kind}/1"]

    def disposition(self, lot="L"):
        """The last word on a lot."""
        return next(each for each in reversed(self.sent("disposition")) if each["material_lot_id"] == lot)

    def recommended(self, lot="L"):
        return self.disposition(lot)["recommendation"]

    def ever(self, lot="L"):
        """Every recommendation that was told of a lot."""
        return [each["recommendation"] for each in self.sent("disposition") if each["material_lot_id"] == lot]

    def codes(self, lot="L"):
        return {reason["code"] for reason in self.disposition(lot)["reasons"]}

    def letters(self):
        return [{reason["code"] for reason in letter["reasons"]} for letter in self.sent("dead-letter")]
