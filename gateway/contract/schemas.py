"""JSON Schema of every payload, out and in, and AsyncAPI of every topic. Pure.

What goes out comes from the models that produce the bytes, what comes in from the tables by which it is read.
``make schemas`` writes them into ``docs/schema``; a test holds what stands there against the models.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.contract.payloads.audit_head import AuditHeadPayload
from gateway.contract.payloads.board import BoardPayload
from gateway.contract.payloads.control import ControlPayload
from gateway.contract.payloads.dead_letter import DeadLetterPayload
from gateway.contract.payloads.deviation import DeviationPayload
from gateway.contract.payloads.disposition import DispositionPayload
from gateway.contract.payloads.guidance import GuidancePayload
from gateway.contract.payloads.outcome import OutcomePayload
from gateway.contract.payloads.parts import Payload
from gateway.contract.payloads.prediction import PredictionPayload
from gateway.contract.payloads.sample_request import SampleRequestPayload
from gateway.contract.payloads.status import StatusPayload
from gateway.contract.received import context_schema, response_schema, result_schema, specification_schema

# name of the schema -> (its model, its topic below the line's root, whether the newest is retained)
PUBLISHED: dict[str, tuple[type[Payload], str, bool]] = {
    "guidance": (GuidancePayload, "guidance/{id}", False),
    "board": (BoardPayload, "board", True),
    "prediction": (PredictionPayload, "prediction/{equipment}/{analyte}", True),
    "disposition": (DispositionPayload, "disposition/{lot}", True),
    "deviation": (DeviationPayload, "deviation/{id}", False),
    "sample-request": (SampleRequestPayload, "sample-request/{id}", False),
    "control": (ControlPayload, "control/{analyte}", False),
    "outcome": (OutcomePayload, "outcome/{terminal}", False),
    "audit-head": (AuditHeadPayload, "audit/head", True),
    "dead-letter": (DeadLetterPayload, "dead-letter", False),
    "status": (StatusPayload, "status", True),
}
_ROOT = "{enterprise}/{site}/{area}/{line}/quality"
_NEVER = "never"
# name of the schema -> after how long a message of it expires, by MQTT 5's message expiry and by its expires_at
EXPIRES: Mapping[str, str] = {
    "guidance": (
        "warnings and setpoints when they are proposed: after the model's expires_after; holds, reviews and changes of "
        "state: never"
    ),
    "board": "after 60 s; it is told anew each 30 s, and when guidance changes",
    "prediction": "after three times the model's every",
    "disposition": "never; cleared by an empty message once the lot is closed",
    "status": "never; the broker publishes the offline one as the will",
}
_ENCODED = "percent-encoded where it holds / + # % or control characters, cut with a hash beyond 128 bytes; empty: %"
_PARAMETERS: Mapping[str, str] = {
    "id": "the message's own id",
    "equipment": f"the equipment, {_ENCODED}",
    "analyte": f"the analyte, {_ENCODED}",
    "lot": f"the lot, {_ENCODED}; unassigned for a result without a lot. The payload has its plain name",
    "terminal": f"the terminal, {_ENCODED}; the payload has its plain name",
    "enterprise": "of [site], as the other levels of the root",
}


class Received(NamedTuple):
    """What comes in: how its schema is made, on which topic by default, and what it is."""

    schema: Callable[[], dict[str, Any]]
    address: str
    text: str


# the topics of the first three are configured: [lims] topic, [mes] topic, [master_data] topic
RECEIVED: Mapping[str, Received] = {
    "result": Received(result_schema, "lims/results/{source}", "A laboratory result; [lims] topic and mapping."),
    "context": Received(context_schema, "mes/context/{event}", "Orders, lots, materials, equipment; [mes] topic."),
    "specification": Received(
        specification_schema, "mes/specifications/{product}", "A version of a specification; [master_data] topic."
    ),
    "response": Received(response_schema, f"{_ROOT}/response/{{terminal}}", "What a person answers to a guidance."),
}


def documents() -> dict[str, str]:
    """Return every document by the name of its file."""
    sent = {f"{name}.json": _text(schema_of(name)) for name in PUBLISHED}
    taken = {f"{name}.json": _text(received.schema()) for name, received in RECEIVED.items()}
    return {**sent, **taken, "asyncapi.json": _text(asyncapi())}


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a payload."""
    model, _topic, _retained = PUBLISHED[name]
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    schema["properties"]["schema"] = {"const": f"labline.{name}/1"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"labline.{name}/1", **schema}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI document of everything that the gateway publishes and takes."""
    sent = {
        name: _channel(name, f"{_ROOT}/{topic}", (model.__doc__ or "").strip())
        for name, (model, topic, _) in PUBLISHED.items()
    }
    taken = {name: _channel(name, received.address, received.text) for name, received in RECEIVED.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Labline",
            "version": "1",
            "description": "What an edge gateway publishes of its line, and what it takes.",
        },
        "channels": {**sent, **taken},
        "operations": {
            **{f"publish-{name}": _publishing(name, retain=retained) for name, (_, _, retained) in PUBLISHED.items()},
            **{f"take-{name}": _taking(name) for name in RECEIVED},
        },
    }


def _channel(name: str, address: str, text: str) -> dict[str, Any]:
    return {
        "address": address,
        "description": text,
        "messages": {name: {"contentType": "application/json", "payload": {"$ref": f"./{name}.json"}}},
        "parameters": {part: _parameter(part) for part in _parameters(address)},
        "bindings": {"mqtt": {"bindingVersion": "0.2.0"}},
    }


def _parameter(part: str) -> dict[str, str]:
    return {"description": _PARAMETERS[part]} if part in _PARAMETERS else {}


def _publishing(name: str, *, retain: bool) -> dict[str, Any]:
    expires = EXPIRES.get(name, _NEVER)
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "description": f"QoS 1, {'retained' if retain else 'not retained'}; expires: {expires}.",
        "bindings": {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": "0.2.0"}},
        "x-expires": expires,
    }


def _taking(name: str) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "description": "QoS 1: acknowledged once it is committed. Without retain, but for specifications.",
        "bindings": {"mqtt": {"qos": 1, "bindingVersion": "0.2.0"}},
    }


def _parameters(address: str) -> list[str]:
    return [part[1:-1] for part in address.split("/") if part.startswith("{")]


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
