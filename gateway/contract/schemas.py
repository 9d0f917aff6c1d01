"""JSON Schema of every payload, out and in, and AsyncAPI of every topic. Pure.

Schemas of published messages come from the models that produce the bytes, those of received ones from the tables by
which they are read.
``make schemas`` writes them into ``docs/schema``; a test holds what stands there against the models.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.contract.publications import PUBLICATIONS, Publication
from gateway.contract.received_schemas import (
    context_schema,
    question_schema,
    response_schema,
    result_schema,
    specification_schema,
)

_ROOT = "{enterprise}/{site}/{area}/{line}/quality"
_ENCODED = "percent-encoded where it holds / + # % or control characters, cut with a hash beyond 128 bytes; empty: %"
_PARAMETERS: Mapping[str, str] = {
    "id": "the message's own id",
    "equipment": f"the equipment, {_ENCODED}",
    "analyte": f"the analyte, {_ENCODED}",
    "lot": f"the lot, {_ENCODED}; unassigned for a result without a lot. The payload has its plain name",
    "part": f"the part of the lot, {_ENCODED}; the payload has its plain name",
    "terminal": f"the terminal, {_ENCODED}; the payload has its plain name",
    "enterprise": "of [site], as the other levels of the root",
}


class Received(NamedTuple):
    """What comes in: how its schema is made, on which topic by default, what it is, and when it is acknowledged."""

    schema: Callable[[], dict[str, Any]]
    address: str
    text: str
    delivery: str = "QoS 1: acknowledged once it is committed. Without retain, but for specifications."


# the topics of the first three are configured: [lims] topic, [mes] topic, [master_data] topic
RECEIVED: Mapping[str, Received] = {
    "result": Received(result_schema, "lims/results/{source}", "A laboratory result; [lims] topic and mapping."),
    "context": Received(context_schema, "mes/context/{event}", "Orders, lots, materials, equipment; [mes] topic."),
    "specification": Received(
        specification_schema, "mes/specifications/{product}", "A version of a specification; [master_data] topic."
    ),
    "response": Received(response_schema, f"{_ROOT}/response/{{terminal}}", "What a person answers to a guidance."),
    "question": Received(
        question_schema,
        f"{_ROOT}/ask/{{terminal}}",
        "A question of a terminal; it may also be the bare text. [copilot] terminals.",
        "QoS 1: acknowledged as it is taken; one that is lost is asked again. Without retain.",
    ),
}


def documents() -> dict[str, str]:
    """Return every document by the name of its file."""
    sent = {f"{name}.json": _text(schema_of(name)) for name in PUBLICATIONS}
    taken = {f"{name}.json": _text(received.schema()) for name, received in RECEIVED.items()}
    return {**sent, **taken, "asyncapi.json": _text(asyncapi())}


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a payload."""
    schema = PUBLICATIONS[name].model.model_json_schema(by_alias=True, mode="serialization")
    schema["properties"]["schema"] = {"const": f"labline.{name}/1"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"labline.{name}/1", **schema}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI document of everything that the gateway publishes and takes."""
    sent = {
        name: _channel(name, f"{_ROOT}/{sent.topic}", (sent.model.__doc__ or "").strip())
        for name, sent in PUBLICATIONS.items()
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
            **{f"publish-{name}": _publishing(sent) for name, sent in PUBLICATIONS.items()},
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


def _publishing(sent: Publication) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{sent.name}"},
        "description": f"QoS 1, {'retained' if sent.retain else 'not retained'}; expires: {sent.expires}.",
        "bindings": {"mqtt": {"qos": 1, "retain": sent.retain, "bindingVersion": "0.2.0"}},
        "x-expires": sent.expires,
    }


def _taking(name: str) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "description": RECEIVED[name].delivery,
        "bindings": {"mqtt": {"qos": 1, "bindingVersion": "0.2.0"}},
    }


def _parameters(address: str) -> list[str]:
    return [part[1:-1] for part in address.split("/") if part.startswith("{")]


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
