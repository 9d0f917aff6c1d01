"""JSON Schema of received messages: results, contexts, specifications, responses, questions. Pure.

The readers take more than these schemas promise (other spellings, numbers as texts) and say of each message what is
wrong with it. A sender that keeps to a schema is understood.
"""

from collections.abc import Mapping
from typing import Any

from gateway.contract.field_reader import LONGEST_TEXT
from gateway.contract.lims.field_spellings import SPELLINGS
from gateway.contract.mes_messages import REQUIRED
from gateway.contract.response_tokens import LONGEST_TOKEN
from gateway.contract.words import ACTS, EVENTS, STATUSES, listed
from gateway.people.terminal_tokens import LONGEST_TOKEN as LONGEST_QUESTION_TOKEN

Schema = dict[str, Any]
LONGEST_QUESTION_READ = 12_000  # characters that are read at all; a question itself is shorter


def _text(description: str, *, needed: bool = False) -> Schema:
    kinds = ["string", "integer"] if needed else ["string", "integer", "null"]
    return {"type": kinds, "maxLength": LONGEST_TEXT, "description": description}


def _number(description: str) -> Schema:
    return {"type": ["number", "null"], "description": description}


def _time(description: str) -> Schema:
    return {"type": ["string", "null"], "format": "date-time", "description": f"{description}; RFC 3339 with a zone"}


def _flag(description: str) -> Schema:
    return {"type": ["boolean", "null"], "description": description}


_RESULT_FIELDS: Mapping[str, Schema] = {
    "sample_id": _text("the sample, as the laboratory calls it", needed=True),
    "test_id": _text("the test; [lims.analytes] says which analyte it measures", needed=True),
    "value": {
        "type": ["number", "string"],
        "description": 'the value: a number, or a text such as "9.8", "<0.05" or "n.d."',
    },
    "qualifier": {"type": ["string", "null"], "description": "<, >, <= or >= beside the value: it is a limit then"},
    "status": listed(STATUSES, "How far the result has come; if absent, [lims] assume_status, else refused"),
    "result_version": {
        "type": ["integer", "null"], "minimum": 1, "description": "1, 2, ... of corrections; if absent, counted here",
    },
    "replicate": {"type": ["integer", "null"], "minimum": 1, "description": "1, 2, ...; 1 if absent"},
    "unit": _text("the value's unit, such as mPa.s"),
    "lower": _number("the lower limit that came with the result"),
    "upper": _number("the upper limit that came with the result"),
    "specification": {
        "type": ["object", "null"],
        "description": "the limits that came with the result, with all that belongs to them",
        "properties": {
            "lower": _number("the lower limit"),
            "upper": _number("the upper limit"),
            "version": _text("the specification's version"),
            "unit": _text("the limits' unit"),
            "inclusive": _flag("whether a value on a limit is inside; true if absent"),
            "lower_inclusive": _flag("of the lower limit alone"),
            "upper_inclusive": _flag("of the upper limit alone"),
        },
    },
    "specification_version": _text("the version of the limits that came with the result"),
    "sampled_at": _time("when the sample was drawn; if absent, the result is not joined to the process"),
    "received_at": _time("when the laboratory received the sample"),
    "analysed_at": _time("when it was measured"),
    "approved_at": _time("when the result was approved"),
    "material_lot_id": _text("the lot; if absent, by equipment_id and sampled_at"),
    "job_order_id": _text("the order; if absent, the lot's"),
    "material_definition_id": _text("the product; if absent, the lot's or the order's"),
    "control_id": _text("the control material that was measured; then it belongs to no lot"),
    "retest_of": _text("the sample, or the laboratory's result, whose place this result takes"),
    "supplier": _text("of incoming material"),
    "lod": _number("the limit of detection"),
    "loq": _number("the limit of quantification"),
}  # fmt: skip

_CONTEXT_FIELDS: Mapping[str, Schema] = {
    "event": listed(EVENTS, "What happened"),
    "at": _time("when it happened") | {"type": "string"},
    "equipment_id": _text("on which equipment"),
    "material_lot_id": _text("of which lot"),
    "job_order_id": _text("of which order"),
    "material_definition_id": _text("of which product"),
    "client_id": _text("for which client"),
    "consumed_lot_id": _text("which lot of material went into it"),
    "consumed_definition_id": _text("of which material that lot is"),
    "supplier": _text("who delivered it"),
    "state": _text("the equipment's state"),
    "quantity": {
        "type": ["number", "string", "object", "null"],
        "description": "how much a lot is, as a number, a text such as 2000 kg, or value and unit; of events of a lot",
    },
    "unit": _text("of quantity, such as kg"),
    "phase": _text("which phase of the batch, such as heating"),
    "planned_start_at": _time("of a planned order: when it is to begin"),
    "planned_end_at": _time("of a planned order: when it is to be over"),
    "planned_lots": {
        "type": ["integer", "null"],
        "minimum": 1,
        "description": "of a planned order: how many lots; 1 if absent",
    },
}

_PAIR: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_WORDS: Schema = {"type": ["array", "object", "null"], "items": {"type": "string"}}
_SPECIFICATION_FIELDS: Mapping[str, Schema] = {
    "material_definition_id": _text("the product"),
    "product": _text("the same, under its other name"),
    "analyte": _text("of which analyte", needed=True),
    "version": _text("the version; each is stated once", needed=True),
    "client_id": _text("for which client; if absent, for all"),
    "lower": _number("the lower limit"),
    "upper": _number("the upper limit"),
    "target": _number("the target"),
    "unit": _text("the unit of limits and target"),
    "inclusive": _flag("whether a value on a limit is inside; true if absent"),
    "lower_inclusive": _flag("of the lower limit alone"),
    "upper_inclusive": _flag("of the upper limit alone"),
    "decimals": {
        "type": ["integer", "null"], "minimum": 0, "description": "results are rounded to so many before they count",
    },
    "bands": {
        "type": ["object", "null"],
        "description": "percent of target: inside release, inside review, outside hold",
        "properties": {"release": _PAIR, "review": _PAIR},
        "required": ["release", "review"],
    },
    "accepts": _WORDS | {"description": "results in words that are inside: a list, or such lists by language"},
    "rejects": _WORDS | {"description": "results in words that are outside"},
    "non_negative": _flag("whether a value below zero cannot be"),
    "assume_unit": _flag("whether a result without a unit is in this one"),
    "effective_from": _time("from when it is in force; if absent, from when it came"),
    "effective_until": _time("until when it is in force"),
    "required": _flag("whether no lot is released without it"),
    "withdrawn": _flag("true ends this version"),
}  # fmt: skip

_RESPONSE_FIELDS: Mapping[str, Schema] = {
    "schema": {"const": "labline.response/1"},
    "id": _text("chosen by the terminal, a new one for each response", needed=True),
    "guidance_id": _text(
        "the id of the guidance, from guidance/{id} or the board; setpoint-writes: a signed reject stops all writing",
        needed=True,
    ),
    "act": listed(ACTS, "What the person does with the guidance"),
    "terminal": _text("the terminal; must be the last level of the topic", needed=True),
    "person": _text("who answers, as the terminal states it; needed to acknowledge a hold without a token"),
    "reason": _text("why, in the person's words; with a token its claim reason counts"),
    "at": _time("when the person answered"),
    "token": {
        "type": ["string", "null"],
        "maxLength": LONGEST_TOKEN,
        "description": "a compact JWS (EdDSA, kid: an enrolled key) with the claims guidance_id, act, reason, terminal,"
        " aud, iat, exp, jti; needed to approve and to reject",
    },
}


def result_schema() -> Schema:
    """Return the schema of a laboratory result as the canonical mapping reads it; its names are those of the reader."""
    other = _text("kept with the result")
    fields = {ours: _spelled(_RESULT_FIELDS.get(ours, other), names[1:]) for ours, names in SPELLINGS.items()}
    needed = [
        {"anyOf": [{"required": [name]} for name in SPELLINGS[ours]]} for ours in ("sample_id", "test_id", "value")
    ]
    return _object("result", "A laboratory result", fields, ()) | {"allOf": needed}


def _spelled(schema: Schema, others: tuple[str, ...]) -> Schema:
    if not others:
        return schema
    return schema | {"description": f"{schema['description']}. Also called {', '.join(others)}"}


def context_schema() -> Schema:
    """Return the schema of a message about orders, lots, materials and equipment."""
    required_by_event = [
        {"if": {"properties": {"event": {"const": kind.value}}}, "then": {"required": list(needed)}}
        for kind, needed in REQUIRED.items()
    ]
    return _object("context", "A change of order, lot, material or equipment", _CONTEXT_FIELDS, ("event", "at")) | {
        "allOf": required_by_event
    }


def specification_schema() -> Schema:
    """Return the schema of a version of a specification, or of its withdrawal."""
    made = _object("specification", "A version of a specification", _SPECIFICATION_FIELDS, ("analyte", "version"))
    product = {"anyOf": [{"required": ["material_definition_id"]}, {"required": ["product"]}]}
    ends = {"properties": {"withdrawn": {"const": True}}, "required": ["withdrawn"]}
    says = [ends, *({"required": [name]} for name in ("lower", "upper", "accepts"))]
    return made | {"allOf": [product, {"anyOf": says}]}


_QUESTION_FIELDS: Mapping[str, Schema] = {
    "question": {
        "type": "string",
        "maxLength": LONGEST_QUESTION_READ,
        "description": "the question, in English or German; a longer one than 500 characters is refused",
    },
    "id": {"type": ["string", "null"], "maxLength": 200, "description": "of the terminal's own; the answer repeats it"},
    "person": {
        "type": ["string", "null"],
        "maxLength": 200,
        "description": "who asks, as stated; it is put on record and gives no rights",
    },
    "token": {
        "type": ["string", "null"],
        "maxLength": LONGEST_QUESTION_TOKEN,
        "description": "the token that a person got at the console for this terminal; then they ask with their rights",
    },
    "proof": {
        "type": ["string", "null"],
        "maxLength": 200,
        "description": "with a token: HMAC-SHA256 (hexadecimal) by its key over terminal, id and question",
    },
}


def response_schema() -> Schema:
    """Return the schema of what a person at a terminal answers."""
    needed = ("id", "guidance_id", "act", "terminal")
    return _object("response", "What a person at a terminal answers to a guidance", _RESPONSE_FIELDS, needed)


def question_schema() -> Schema:
    """Return the schema of a question of a terminal."""
    return _object("question", "A question of a terminal, answered from records", _QUESTION_FIELDS, ("question",))


def _object(name: str, title: str, fields: Mapping[str, Schema], required: tuple[str, ...]) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"labline.{name}/1",
        "title": title,
        "type": "object",
        "properties": dict(fields),
        "required": list(required),
        "additionalProperties": True,
    }
