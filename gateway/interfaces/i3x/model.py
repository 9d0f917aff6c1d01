"""The types of objects and of relationships: one row each. Every value that is given conforms to its type's schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMESPACE, RELATIONS = "urn:labline:i3x", "https://cesmii.org/i3x"
NAMESPACES = ({"uri": NAMESPACE, "displayName": "Labline"}, {"uri": RELATIONS, "displayName": "i3X"})
_VERSION = "1.0.0"


def _maybe(kind: str) -> Mapping[str, Any]:
    return {"type": [kind, "null"]}


_TEXT, _NUMBER, _WHOLE, _FLAG = ({"type": kind} for kind in ("string", "number", "integer", "boolean"))
_TIME = {"type": ["string", "null"], "format": "date-time"}
_REASONS = {"type": "array", "items": {"type": "object", "properties": {"code": _TEXT, "text": _TEXT},
                                       "required": ["code", "text"]}}  # fmt: skip


def _object(description: str, **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    required = [name for name, schema in properties.items() if "null" not in schema["type"]]
    return {"type": "object", "description": description, "properties": properties, "required": required,
            "additionalProperties": False}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectType:
    """A type: its id, its name, and the JSON Schema of its objects' values."""

    type_id: str
    name: str
    schema: Mapping[str, Any]

    def document(self) -> Mapping[str, Any]:
        """Return the type as it is answered."""
        return {
            "elementId": self.type_id,
            "displayName": self.name,
            "namespaceUri": NAMESPACE,
            "sourceTypeId": self.type_id,
            "version": _VERSION,
            "schema": self.schema,
        }


LINE = ObjectType(type_id="LineType", name="Production line", schema=_object(
    "A production line or process cell, and what calls for people there.",
    path=_TEXT, open_guidance=_WHOLE, highest_severity=_maybe("string"),
))  # fmt: skip
EQUIPMENT = ObjectType(type_id="EquipmentType", name="Equipment", schema=_object(
    "An equipment, and the newest lot on it. It is composed of its predictions and tags.",
    equipment_id=_TEXT, material_lot_id=_maybe("string"), product=_maybe("string"), job_order_id=_maybe("string"),
))  # fmt: skip
PREDICTION = ObjectType(type_id="PredictionType", name="Prediction", schema=_object(
    "A predicted value with its interval. There is no value where the gates abstain, the model is in shadow, or the "
    "prediction is too old.",
    value=_maybe("number"), low=_maybe("number"), high=_maybe("number"), coverage=_maybe("number"),
    probability_out_of_specification=_maybe("number"), unit=_TEXT, material_lot_id=_maybe("string"),
    lower_limit=_maybe("number"), upper_limit=_maybe("number"), target=_maybe("number"), model=_TEXT, version=_TEXT,
    stage=_TEXT, holds_until=_TIME,
))  # fmt: skip
LOT = ObjectType(type_id="LotType", name="Lot", schema=_object(
    "A lot with its recommendation, never a release by itself.",
    recommendation={"type": "string", "enum": ["release", "review", "hold", "pending"]}, latched=_FLAG, damaged=_FLAG,
    results=_WHOLE, reasons=_REASONS, missing_tests={"type": "array", "items": _TEXT}, product=_maybe("string"),
    job_order_id=_maybe("string"), started_at=_TIME, ended_at=_TIME, closed_at=_TIME,
))  # fmt: skip
GUIDANCE = ObjectType(type_id="GuidanceType", name="Guidance", schema=_object(
    "Open guidance: what is wrong, and the one thing to do next, by language.",
    kind=_TEXT, state=_TEXT, severity=_TEXT, title=_TEXT,
    action={"type": "object", "additionalProperties": _TEXT}, reasons=_REASONS, expires_at=_TIME,
    analyte=_maybe("string"),
))  # fmt: skip
TAG = ObjectType(type_id="TagType", name="Process tag", schema={"type": "number"})
TYPES = (LINE, EQUIPMENT, PREDICTION, LOT, GUIDANCE, TAG)


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """A type of relationships with its reverse."""

    name: str
    reverse: str
    namespace: str = NAMESPACE

    def document(self) -> Mapping[str, Any]:
        """Return the type as it is answered."""
        return {
            "elementId": self.name,
            "displayName": self.name,
            "namespaceUri": self.namespace,
            "relationshipId": self.name,
            "reverseOf": self.reverse,
        }


PARENT, CHILDREN, COMPONENT, COMPONENT_OF = "HasParent", "HasChildren", "HasComponent", "ComponentOf"
MADE_ON, MADE, CONCERNS, CONCERNED_BY = "MadeOn", "Made", "Concerns", "ConcernedBy"
RELATION_TYPES = tuple(
    Relation(name=name, reverse=reverse, namespace=namespace)
    for first, second, namespace in (
        (PARENT, CHILDREN, RELATIONS), (COMPONENT, COMPONENT_OF, RELATIONS), (MADE_ON, MADE, NAMESPACE),
        (CONCERNS, CONCERNED_BY, NAMESPACE),
    )
    for name, reverse in ((first, second), (second, first))
)  # fmt: skip
REVERSE = {relation.name: relation.reverse for relation in RELATION_TYPES}
