"""A mapping that a user has written: for each of our fields the path to it in the laboratory's message. Pure.

A path is names with dots between them, ``[n]`` for the nth element of a list: ``data.sample.id``, ``limits[0].low``.
Where ``items`` names a list, each of its elements is a result: paths begin there, and with ``$.`` at the message.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]

FIELDS = frozenset(
    {
        "sample_id", "test_id", "value", "status", "result_version", "replicate", "unit", "analyte", "lower", "upper",
        "specification_version", "sampled_at", "received_at", "analysed_at", "approved_at", "material_lot_id",
        "job_order_id", "material_definition_id", "lod", "loq", "retest_of", "equipment_id", "client_id", "study_id",
        "analyst", "instrument_id", "method_id", "qualifier", "supplier",
        "control_id", "run_id",
    }
)  # fmt: skip
_WHOLE, _NUMBERS = frozenset({"result_version", "replicate"}), frozenset({"lower", "upper", "lod", "loq"})
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_PATH = re.compile(r"(\$\.)?[^.\[\]]+(\[\d+\])*(\.[^.\[\]]+(\[\d+\])*)*")


def is_path(text: str) -> bool:
    """Return whether a text is a path."""
    return _PATH.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class PathMapping:
    """Where our fields are; ``statuses``: the laboratory's words for ours."""

    paths: Mapping[str, str]
    items: str | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)

    def split(self, document: Document) -> Sequence[Document]:
        """Return the message once for each of its results, with that one alone in its list."""
        found = None if self.items is None else _at(document, self.items)
        if self.items is None or not isinstance(found, list):
            return (document,)
        return [_with(document, self.items, [each]) for each in found]

    def canonical(self, document: Document) -> dict[str, Any]:
        """Return the canonical message of a message with one result."""
        found = None if self.items is None else _at(document, self.items)
        item = found[0] if isinstance(found, list) and found else document
        taken = {name: _at(document if path.startswith("$.") else item, path.removeprefix("$."))
                 for name, path in self.paths.items()}  # fmt: skip
        message = {name: _typed(name, value) for name, value in taken.items() if value not in (None, "")}
        if "status" in message:
            message["status"] = self.statuses.get(str(message["status"]), message["status"])
        if message.get("qualifier") not in ("<", ">") or str(message.get("value", "")).startswith(("<", ">")):
            message.pop("qualifier", None)
        limits = {ours: message.pop(theirs) for ours, theirs in _LIMITS.items() if theirs in message}
        if limits.keys() & {"lower", "upper"}:
            message["specification"] = limits
        return message


_LIMITS = {"lower": "lower", "upper": "upper", "version": "specification_version"}


def _typed(name: str, value: Any) -> Any:
    """Return a number that is written as a text, where a field is one; what is none stays what it is."""
    if name not in _WHOLE | _NUMBERS or not isinstance(value, str):
        return value
    try:
        return int(value) if name in _WHOLE else float(value)
    except ValueError:
        return value


def _at(document: Any, path: str) -> Any:
    """Return what stands at a path, or None."""
    for name, index in _STEP.findall(path):
        if name:
            document = document.get(name) if isinstance(document, Mapping) else None
        else:
            document = document[int(index)] if isinstance(document, list) and int(index) < len(document) else None
    return document


def _with(document: Document, path: str, value: Any) -> dict[str, Any]:
    """Return a document with something else at a path of names."""
    first, _, rest = path.partition(".")
    if not rest:
        return {**document, first: value}
    within = document.get(first)
    return {**document, first: _with(within if isinstance(within, Mapping) else {}, rest, value)}
