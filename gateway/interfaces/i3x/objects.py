"""The objects of one instant: the line, its equipments, their predictions and tags, its lots and its open guidance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.contract.times import rfc3339
from gateway.contract.topics import encode_level
from gateway.interfaces.i3x import model
from gateway.interfaces.i3x.model import ObjectType
from gateway.records.line_state import CodeAndText, LineState, LotState, OpenGuidance, OutputState, TagState, Trust
from gateway.records.process import Quality

GOOD, NO_DATA, BAD, UNCERTAIN = "Good", "GoodNoData", "Bad", "Uncertain"
_QUALITY = {Trust.GOOD: GOOD, Trust.UNCERTAIN: UNCERTAIN, Trust.WAITING: NO_DATA}


@dataclass(frozen=True, slots=True)
class Vqt:
    """A value with its quality and the instant from which it is."""

    value: Any
    quality: str
    at_ns: int

    def document(self) -> dict[str, Any]:
        """Return it as it is answered."""
        return {"value": self.value, "quality": self.quality, "timestamp": rfc3339(self.at_ns)}


@dataclass(kw_only=True, slots=True)
class Element:
    """An object; ``edges``: (relationship, id of the other object). ``follows``: whether its time is part of its value.

    ``about``: the output or tag whose history it has.
    """

    element_id: str
    name: str
    kind: ObjectType
    parent: str | None
    vqt: Vqt
    description: str
    about: OutputState | TagState | None = None
    edges: list[tuple[str, str]] = field(default_factory=list)

    @property
    def composed(self) -> bool:
        """Return whether it is composed of others."""
        return any(relation == model.COMPONENT for relation, _other in self.edges)

    def components(self) -> list[str]:
        """Return the ids of what it is composed of."""
        return [other for relation, other in self.edges if relation == model.COMPONENT]

    def document(self, *, metadata: bool) -> dict[str, Any]:
        """Return it as it is answered, without its value."""
        document: dict[str, Any] = {
            "elementId": self.element_id,
            "displayName": self.name,
            "typeElementId": self.kind.type_id,
            "parentId": self.parent,
            "isComposition": self.composed,
            "isExtended": False,
        }
        if metadata:
            document["metadata"] = {
                "description": self.description,
                "typeNamespaceUri": model.NAMESPACE,
                "sourceTypeId": self.kind.type_id,
                "relationships": self._relationships(),
            }
        return document

    def _relationships(self) -> Mapping[str, Any]:
        edges: dict[str, Any] = {}
        for relation, other in self.edges:
            if relation == model.PARENT:
                edges[relation] = other
            else:
                edges.setdefault(relation, []).append(other)
        return edges


class Objects:
    """All objects of one instant, by id, in an order in which parents come first."""

    def __init__(self, state: LineState, tags: Iterable[TagState]) -> None:
        self.by_id: dict[str, Element] = {}
        self._state = state
        self._root = encode_level(state.path.rsplit("/", 1)[-1])
        self._add_line()
        tags = tuple(tags)
        for equipment_id in dict.fromkeys([*(item.equipment_id for item in state.outputs),
                                           *(tag.equipment_id for tag in tags)]):  # fmt: skip
            self._add_equipment(equipment_id)
        for output in state.outputs:
            self._add_prediction(output)
        for tag in tags:
            self._add_tag(tag)
        for lot in state.lots:
            self._add_lot(lot)
        for guidance in state.guidance:
            self._add_guidance(guidance)

    def _id(self, *levels: str) -> str:
        return "/".join([self._root, *(encode_level(level) for level in levels)])

    def _add(self, element: Element) -> None:
        self.by_id[element.element_id] = element
        if element.parent is not None:
            self._relate(element.element_id, model.PARENT, element.parent)

    def _relate(self, one: str, relation: str, other: str) -> None:
        """Note a relationship in both directions; with what is not there, there is none."""
        if one in self.by_id and other in self.by_id:
            self.by_id[one].edges.append((relation, other))
            self.by_id[other].edges.append((model.REVERSE[relation], one))

    def _add_line(self) -> None:
        state = self._state
        severities = [item.severity for item in state.guidance]
        value = {"path": state.path, "open_guidance": len(state.guidance) + state.more_guidance,
                 "highest_severity": severities[0] if severities else None}  # fmt: skip
        self._add(Element(
            element_id=self._root, name=state.path.rsplit("/", 1)[-1], kind=model.LINE, parent=None,
            vqt=Vqt(value, GOOD, state.at_ns), description=f"the line {state.path}",
        ))  # fmt: skip

    def _add_equipment(self, equipment_id: str) -> None:
        on_it = (lot for lot in self._state.lots if lot.equipment_id == equipment_id)
        running = next((lot for lot in on_it if lot.ended_ns is None and lot.closed_ns is None), None)
        value = {
            "equipment_id": equipment_id,
            "material_lot_id": None if running is None else running.material_lot_id,
            "product": None if running is None else running.product,
            "job_order_id": None if running is None else running.job_order_id,
        }
        self._add(Element(
            element_id=self._id("equipment", equipment_id), name=equipment_id, kind=model.EQUIPMENT, parent=self._root,
            vqt=Vqt(value, GOOD, self._state.at_ns), description=f"the equipment {equipment_id}, with its open lot",
        ))  # fmt: skip

    def _add_prediction(self, output: OutputState) -> None:
        equipment = self._id("equipment", output.equipment_id)
        self._add(Element(
            element_id=self._id("prediction", output.equipment_id, output.analyte), name=output.analyte,
            kind=model.PREDICTION, parent=equipment, vqt=prediction_vqt(output, self._state.at_ns),
            description=f"{output.analyte} on {output.equipment_id}, predicted by {output.model} {output.version}: "
            + (", ".join(reason.text for reason in output.reasons) or output.trust.value),
            about=output,
        ))  # fmt: skip
        self._relate(equipment, model.COMPONENT, self._id("prediction", output.equipment_id, output.analyte))

    def _add_tag(self, tag: TagState) -> None:
        equipment, own = self._id("equipment", tag.equipment_id), self._id("tag", tag.name)
        self._add(Element(
            element_id=own, name=tag.name, kind=model.TAG, parent=equipment, vqt=tag_vqt(tag, self._state.at_ns),
            description=f"the tag {tag.name} in {tag.unit}", about=tag,
        ))  # fmt: skip
        self._relate(equipment, model.COMPONENT, own)

    def _add_lot(self, lot: LotState) -> None:
        own = self._id("lot", lot.material_lot_id)
        self._add(Element(
            element_id=own, name=_printable(lot.material_lot_id), kind=model.LOT, parent=self._root,
            vqt=lot_vqt(lot, self._state.at_ns), description=f"the lot {_printable(lot.material_lot_id)}",
        ))  # fmt: skip
        if lot.equipment_id is not None:
            self._relate(own, model.MADE_ON, self._id("equipment", lot.equipment_id))

    def _add_guidance(self, guidance: OpenGuidance) -> None:
        own = self._id("guidance", guidance.guidance_id)
        self._add(Element(
            element_id=own, name=_printable(guidance.title), kind=model.GUIDANCE, parent=self._root,
            vqt=guidance_vqt(guidance), description=" ".join(reason.text for reason in guidance.reasons),
        ))  # fmt: skip
        if guidance.material_lot_id is not None:
            self._relate(own, model.CONCERNS, self._id("lot", guidance.material_lot_id))
        elif guidance.equipment_id is not None:
            self._relate(own, model.CONCERNS, self._id("equipment", guidance.equipment_id))


def prediction_vqt(output: OutputState, now_ns: int) -> Vqt:
    """Return the value of a prediction; where it must not be used there is none, and the quality says so."""
    quality, at_ns = _QUALITY.get(output.trust, BAD), output.at_ns or now_ns
    numbers, limit = output.numbers, output.limit
    if numbers is None or not output.trust.has_value:
        return Vqt(None, quality, at_ns)
    value = {
        "value": numbers.value, "low": numbers.low, "high": numbers.high, "coverage": output.coverage,
        "probability_out_of_specification": numbers.probability, "unit": output.unit,
        "material_lot_id": output.material_lot_id, "lower_limit": None if limit is None else limit.lower,
        "upper_limit": None if limit is None else limit.upper, "target": None if limit is None else limit.target,
        "model": output.model, "version": output.version, "stage": output.stage,
        "holds_until": _time(output.holds_until_ns),
    }  # fmt: skip
    return Vqt(value, quality, at_ns)


def tag_vqt(tag: TagState, now_ns: int) -> Vqt:
    """Return the value of a tag: of one that is older than it may be, the quality is uncertain."""
    if tag.at_ns is None:
        return Vqt(None, NO_DATA, now_ns)
    if tag.value is None or tag.quality is Quality.BAD:
        return Vqt(None, BAD, tag.at_ns)
    return Vqt(tag.value, GOOD if tag.quality is Quality.GOOD and not tag.stale else UNCERTAIN, tag.at_ns)


def lot_vqt(lot: LotState, now_ns: int) -> Vqt:
    """Return what is recommended for a lot; of one whose records do not hold the quality is uncertain."""
    value = {
        "recommendation": lot.recommendation, "latched": lot.latched, "damaged": lot.damaged, "results": lot.results,
        "reasons": _reasons(lot.reasons), "missing_tests": list(lot.missing_tests), "product": lot.product,
        "job_order_id": lot.job_order_id, "started_at": _time(lot.started_ns), "ended_at": _time(lot.ended_ns),
        "closed_at": _time(lot.closed_ns),
    }  # fmt: skip
    return Vqt(value, UNCERTAIN if lot.damaged else GOOD, lot.at_ns or lot.started_ns or now_ns)


def guidance_vqt(guidance: OpenGuidance) -> Vqt:
    """Return what is open and what to do."""
    value = {
        "kind": guidance.kind, "state": guidance.state, "severity": guidance.severity, "title": guidance.title,
        "action": dict(guidance.action), "reasons": _reasons(guidance.reasons),
        "expires_at": _time(guidance.expires_ns), "analyte": guidance.analyte,
    }  # fmt: skip
    return Vqt(value, GOOD, guidance.issued_ns)


def _reasons(reasons: Iterable[CodeAndText]) -> list[Mapping[str, str]]:
    return [{"code": reason.code, "text": reason.text} for reason in reasons]


def _time(at_ns: int | None) -> str | None:
    return None if at_ns is None else rfc3339(at_ns)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text).strip() or "?"
