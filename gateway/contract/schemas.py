"""JSON Schema of every payload, and AsyncAPI of every topic, out of the models that produce the bytes. Pure.

``make schemas`` writes them into ``docs/schema``; a test holds what stands there against the models.
"""

import json
from typing import Any

from gateway.contract.control_payload import ControlPayload
from gateway.contract.deviation_payload import DeviationPayload
from gateway.contract.outcome_payload import OutcomePayload
from gateway.contract.payloads import (
    AuditHeadPayload,
    BoardPayload,
    DeadLetterPayload,
    DispositionPayload,
    GuidancePayload,
    Payload,
    PredictionPayload,
    StatusPayload,
)
from gateway.contract.sample_request_payload import SampleRequestPayload

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


def documents() -> dict[str, str]:
    """Return every document by the name of its file."""
    found = {f"{name}.json": _text(schema_of(name)) for name in PUBLISHED}
    return {**found, "asyncapi.json": _text(asyncapi())}


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a payload."""
    model, _topic, _retained = PUBLISHED[name]
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    schema["properties"]["schema"] = {"const": f"labline.{name}/1"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"labline.{name}/1", **schema}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI document of everything that the gateway publishes."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Labline", "version": "1", "description": "What an edge gateway publishes of its line."},
        "channels": {
            name: {
                "address": f"{_ROOT}/{topic}",
                "description": (model.__doc__ or "").strip(),
                "messages": {name: {"contentType": "application/json", "payload": {"$ref": f"./{name}.json"}}},
                "parameters": {part: {} for part in _parameters(f"{_ROOT}/{topic}")},
                "bindings": {"mqtt": {"bindingVersion": "0.2.0"}},
            }
            for name, (model, topic, _retained) in PUBLISHED.items()
        },
        "operations": {
            f"publish-{name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "bindings": {"mqtt": {"qos": 1, "retain": retained, "bindingVersion": "0.2.0"}},
            }
            for name, (_model, _topic, retained) in PUBLISHED.items()
        },
    }


def _parameters(address: str) -> list[str]:
    return [part[1:-1] for part in address.split("/") if part.startswith("{")]


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
