"""What an edge node reports of the messages that the gateway publishes. Pure; it runs in the transaction of the cause.

It reports what is published, so nothing of a model in shadow. It never reports a setpoint that is suggested: such
advice expires, and is looked at once more before it is sent. What a host reads is a record, not an order.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.contract.publications import DISPOSITION as DISPOSITION_MESSAGE
from gateway.contract.publications import GUIDANCE as GUIDANCE_MESSAGE
from gateway.contract.publications import PREDICTION
from gateway.contract.sinks.rule import messages_of
from gateway.contract.sparkplug.metrics import DISPOSITION, GUIDANCE, HOLD, OF_NODE, Value, prediction_subject
from gateway.contract.sparkplug.topics import device_of
from gateway.deadlines import Deadline
from gateway.line.sinks import SinkMessage
from gateway.records.outgoing import OutgoingMessage

_HOLDS = frozenset({"hold", "reject"})  # what people decide that keeps a lot back


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Values of the metrics of one subject, by name. ``expires``: from then on they are stale."""

    device: str
    subject: str
    values: Mapping[str, Value]
    expires: Deadline | None = None


def reports_of(message: OutgoingMessage, *, topic_root: str, devices: Collection[str]) -> tuple[Report, ...]:
    """Return what is reported of a message, nothing of most; ``devices``: what is of no device is the node's."""
    if not message.payload or not message.topic.startswith(f"{topic_root}/"):
        return ()
    publication = message.topic.removeprefix(f"{topic_root}/").split("/", 1)[0]
    if publication == PREDICTION.name:
        return (_prediction(json.loads(message.payload), message.expires),)
    if publication == GUIDANCE_MESSAGE.name:
        return (_guidance(json.loads(message.payload), devices),)
    if publication == DISPOSITION_MESSAGE.name:
        return _disposition(json.loads(message.payload))
    return ()


def _prediction(document: Mapping[str, Any], expires: Deadline | None) -> Report:
    folder, verdict = document["analyte"], document["verdict"]
    accepted = verdict["accepted"] is True
    numbers = {
        "Predicted": document["value"],
        "Predicted low": document["low"],
        "Predicted high": document["high"],
        "Probability out of specification": document["probability_out_of_specification"],
    }
    values: dict[str, Value] = {name: number if accepted else None for name, number in numbers.items()}
    values |= {
        "Verdict": "accepted" if accepted else "abstained",
        "Reasons": _codes(verdict["reasons"]),
        "Lot": document["material_lot_id"],
    }
    return Report(
        device=device_of(document["equipment_id"]),
        subject=prediction_subject(folder),
        values={f"{folder}/{name}": value for name, value in values.items()},
        expires=expires,
    )


def _guidance(document: Mapping[str, Any], devices: Collection[str]) -> Report:
    equipment = document["equipment_id"]
    device = OF_NODE if equipment is None else device_of(equipment)
    moves = document["suggestion"] is not None or document["kind"] == "setpoint"
    return Report(
        device=device if device in devices else OF_NODE,
        subject=GUIDANCE,
        values={
            "Guidance/Id": document["id"],
            "Guidance/Kind": document["kind"],
            "Guidance/State": document["state"],
            "Guidance/Severity": document["severity"],
            "Guidance/Title": None if moves else document["title"],
            "Guidance/Lot": document["material_lot_id"],
        },
    )


def _disposition(document: Mapping[str, Any]) -> tuple[Report, ...]:
    """Return what is said of a lot: its release, and that one is taken back, by the rule of the systems over HTTP."""
    kinds = messages_of(SinkMessage.DISPOSITION, document)
    decision = document["decision"]
    decided = decision["decision"] if decision is not None and decision["stands"] is True else None
    if decided == "release" and SinkMessage.RELEASE not in kinds:
        decided = None
    general: dict[str, Value] = {
        "Lot": document["material_lot_id"],
        "Provisional": document["provisional"],
        "Reasons": _codes(document["reasons"]),
    }
    of_lot = {**general, "Recommendation": document["recommendation"], "Decision": decided}
    stated = Report(
        device=OF_NODE,
        subject=DISPOSITION,
        values={f"Disposition/{name}": value for name, value in of_lot.items()},
    )
    held = decided in _HOLDS if decided is not None else document["recommendation"] == "hold"
    if not held and SinkMessage.HOLD not in kinds:
        return (stated,)
    return (stated, Report(device=OF_NODE, subject=HOLD, values={f"Hold/{name}": general[name] for name in general}))


def _codes(reasons: list[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(str(reason["code"]) for reason in reasons))
