"""The OpenAPI document of the console, from its table of routes; ``make schemas`` writes it into ``docs/schema``."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from gateway.console.examples import EXAMPLES
from gateway.console.people import NOT_BY_CONSOLE
from gateway.console.routes import ROUTES, Access, Route
from gateway.console.views.acts import ActAsked
from gateway.console.views.parts import Refusal
from gateway.knowledge.kinds.table import NAMES
from gateway.records.acts import ACTS

_REFERENCES = "#/components/schemas/{model}"
_PARAMETERS: Mapping[str, dict[str, Any]] = {  # of the query, by name
    "query": {"type": "string", "maxLength": 200},
    "before": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    "since": {"type": "string", "format": "date-time"},
    "kind": {"type": "string", "enum": ["", *NAMES]},
    "beyond": {"type": "integer", "minimum": 0, "maximum": 10000},
    "format": {"type": "string", "enum": ["", "csv", "json"]},
    "hours": {"type": "number", "minimum": 0.1, "maximum": 24},
}
_OTHER_CONTENT: Mapping[str, tuple[str, ...]] = {  # of answers that are neither a view nor a page
    "/api/events": ("text/event-stream",),
    "/api/search/export": ("text/csv", "application/json"),
}
_REFUSALS = {
    "400": "what is asked for is not understood",
    "401": "nobody is signed in, or the session has ended",
    "403": "the role may not, or the request does not come from the page",
    "404": "nothing is on record of it",
    "413": "the request is too long",
    "431": "the headers are too long",
    "429": "too many wrong passwords or requests; Retry-After says when again",
    "503": "the gateway has more to do than it can",
}


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    asked = [(route.asked, "validation") for route in ROUTES if route.asked is not None]
    answers = [(route.answer, "serialization") for route in ROUTES if route.answer is not None]
    shapes = dict.fromkeys([*asked, *answers, (Refusal, "serialization")])
    _references, definitions = models_json_schema(
        list(shapes),  # type: ignore[arg-type]  # pairs of a model and "validation" or "serialization"
        ref_template=_REFERENCES,
    )
    schemas = definitions["$defs"]
    _describe_acts(schemas)
    for name, example in EXAMPLES.items():
        schemas[name]["example"] = example
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Labline console", "version": "1", "description": "What the operators' pages read and do."},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "__Host-labline"}},
        },
    }


def _describe_acts(schemas: dict[str, Any]) -> None:
    """Have the request of an act described by the acts that there are, each with its own parameters."""
    kinds = [kind for kind in ACTS if kind not in NOT_BY_CONSOLE]
    adapters = [(kind, "validation", TypeAdapter[Any](ACTS[kind])) for kind in kinds]
    parameters, definitions = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCES)  # type: ignore[arg-type]
    schemas |= definitions["$defs"]
    for kind in kinds:
        schemas[ACTS[kind].__name__]["additionalProperties"] = False
    any_act = schemas[ActAsked.__name__]
    asked = [{"act": {"const": kind.value, "type": "string"}, "parameters": parameters[kind, "validation"]}
             for kind in kinds]  # fmt: skip
    schemas[ActAsked.__name__] = {
        "description": any_act["description"],
        "oneOf": [{**any_act, "title": own["act"]["const"], "properties": {**any_act["properties"], **own}}
                  for own in asked],
    }  # fmt: skip


def text() -> str:
    """Return the document as it stands in the file."""
    return json.dumps(document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": route.text, "responses": _responses(route)}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "description": text, "schema": _PARAMETERS[name]}
        for name, text in route.query
    ]
    if route.method != "GET" and route.access is not Access.ANYBODY:
        parameters.append({"name": "X-CSRF-Token", "in": "header", "required": True, "schema": {"type": "string"},
                           "description": "of /api/me"})  # fmt: skip
    if parameters:
        operation["parameters"] = parameters
    if route.asked is not None:
        operation["requestBody"] = {"required": True, "content": _json(route.asked.__name__)}
    operation["security"] = [] if route.access is Access.ANYBODY else [{"session": []}]
    return operation


def _responses(route: Route) -> dict[str, Any]:
    if route.answer is not None:
        success: dict[str, Any] = {"200": {"description": "the answer", "content": _json(route.answer.__name__)}}
    elif route.method == "DELETE":
        success = {"204": {"description": "done"}}
    else:
        kinds = _OTHER_CONTENT.get(route.path, ("text/html",))
        success = {"200": {"description": "the answer", "content": {kind: {} for kind in kinds}}}
    refusals = {code: {"description": why, "content": _json(Refusal.__name__)} for code, why in _REFUSALS.items()}
    return {**success, **refusals}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
