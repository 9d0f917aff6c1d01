"""A mapping that a user has written: for each of our fields the path to it in the laboratory's message. Pure.

A path is names with dots between them, ``[n]`` for the nth element of a list, ``[*]`` for each: ``data.sample.id``,
``limits[0].low``, ``lots[*].name``.
Where ``items`` names a list, each of its elements is a result: paths begin there, and with ``$.`` at the message.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.contract.lims.canonical import Agreed, Canonical, Document, not_read
from gateway.contract.lims.names import folded, spoken
from gateway.contract.lims.result_fields import blank, unmapped
from gateway.records.verdicts import Reason

FIELDS = frozenset(
    {
        "sample_id", "test_id", "value", "status", "result_version", "replicate", "unit", "analyte", "lower", "upper",
        "specification_version", "sampled_at", "received_at", "analysed_at", "approved_at", "material_lot_id",
        "job_order_id", "material_definition_id", "lod", "loq", "retest_of", "equipment_id", "client_id", "study_id",
        "analyst", "instrument_id", "method_id", "qualifier", "supplier",
        "control_id", "run_id",
    }
)  # fmt: skip
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+|\*)\]")
_PATH = re.compile(r"(\$\.)?[^.\[\]]+(\[(\d+|\*)\])*(\.[^.\[\]]+(\[(\d+|\*)\])*)*")
_ONE_OF_LIST = re.compile(r"(?P<list>.+)\[\d+\]")


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
        items = None if self.items is None else _at(document, self.items)
        if self.items is None or not isinstance(items, list):
            return (document,)
        return [_with(document, self.items, [item]) for item in items]

    def canonical(self, document: Document, agreed: Agreed) -> Canonical:
        """Return the canonical message of a message with one result."""
        results = None if self.items is None else _at(document, self.items)
        item = results[0] if isinstance(results, list) and results else document
        taken = {name: self._taken(path, document, item) for name, path in self.paths.items()}
        message = {name: value for name, value in taken.items() if not blank(value)}
        if isinstance(message.get("status"), str):
            message["status"] = self._own_word(message["status"])
        reasons, unused = self._unread(document, item, agreed.ignore)
        others = self._other_lots(document, item)
        if others:
            message["material_lot_id"] = others
            reasons = (*reasons, unmapped(self.paths["material_lot_id"].rpartition("[")[0], others))
        return Canonical(document=message, reasons=reasons, unused=unused)

    def _other_lots(self, document: Document, item: Any) -> list[Any]:
        """Return all lots of a list from which the mapping takes one, if there are several; else none.

        A composite sample speaks of each of them: none may be overlooked.
        """
        listed = _ONE_OF_LIST.fullmatch(self.paths.get("material_lot_id", ""))
        lots = self._taken(listed["list"], document, item) if listed is not None else None
        return lots if isinstance(lots, list) and len(lots) > 1 else []

    def names_of(self, ours: str) -> frozenset[str]:
        """Return the folded name at the end of the path of one of our fields."""
        names = [name for name, _index in _STEP.findall(self.paths.get(ours, "")) if name]
        return frozenset({folded(names[-1])} if names else ())

    def _taken(self, path: str, document: Document, item: Any) -> Any:
        return _at(document if path.startswith("$.") else item, path.removeprefix("$."))

    def _own_word(self, word: str) -> str:
        """Return our status for a word that the mapping lists; any other word as it is."""
        text = spoken(word)
        return next((ours for theirs, ours in self.statuses.items() if spoken(theirs) == text), word)

    def _unread(
        self, document: Document, item: Any, ignore: Collection[str]
    ) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
        """Return reasons for unmapped fields with the name of a critical field, and the names of all unmapped ones."""
        of_item = {_first_step(path) for path in self.paths.values() if not path.startswith("$.")}
        of_message = {_first_step(path.removeprefix("$.")) for path in self.paths.values() if path.startswith("$.")}
        if item is document:
            return not_read(document, names=of_item | of_message, ours=self._ours(), ignore=ignore)
        within, around = (
            not_read(level, names=names, ours=self._ours(), ignore=ignore)
            for level, names in ((item, of_item), (document, of_message | {_first_step(self.items or "")}))
        )
        return (*within[0], *around[0]), (*within[1], *around[1])

    def _ours(self) -> frozenset[str]:
        limits = {"specification"} if self.paths.keys() & {"lower", "upper"} else set()
        return frozenset(self.paths.keys() | limits)


def _first_step(path: str) -> str:
    return next((name for name, _index in _STEP.findall(path) if name), "")


def _at(document: Any, path: str) -> Any:
    """Return what stands at a path, or None; a list of it, where the path goes through each element of one."""
    return _stepped(document, _STEP.findall(path))


def _stepped(document: Any, steps: Sequence[tuple[str, str]]) -> Any:
    for number, (name, index) in enumerate(steps, start=1):
        if name:
            document = document.get(name) if isinstance(document, Mapping) else None
        elif not isinstance(document, list):
            return None
        elif index == "*":
            return [_stepped(element, steps[number:]) for element in document]
        else:
            document = document[int(index)] if int(index) < len(document) else None
    return document


def _with(document: Document, path: str, value: Any) -> dict[str, Any]:
    """Return a document with something else at a path of names."""
    first, _, rest = path.partition(".")
    if not rest:
        return {**document, first: value}
    within = document.get(first)
    return {**document, first: _with(within if isinstance(within, Mapping) else {}, rest, value)}
