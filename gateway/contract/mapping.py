"""From what a LIMS sends to the canonical message: one table of mappings, each of two pure functions.

``split`` parts a message into messages of one result each, which the same mapping reads alone; ``canonical`` renames
the fields of one. Whether they are right, the reader of canonical messages decides, for all mappings alike.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.contract import labvantage, senaite
from gateway.contract.json_paths import PathMapping
from gateway.contract.reading import parse_object

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Canonical:
    """A canonical message made of a foreign one, and what is to be known of how it was made."""

    document: Document
    flags: tuple[str, ...] = ()
    foreign_id: str | None = None  # the laboratory's own id of the result, by which retests name it


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultMapping:
    """How a laboratory's messages are read."""

    split: Callable[[Document], Sequence[Document]] = field(default=lambda document: (document,))
    canonical: Callable[[Document], Canonical] = field(default=lambda document: Canonical(document=document))

    def parts(self, payload: bytes) -> list[bytes]:
        """Return the messages of one result each; raises MessageRefusedError where it is no JSON object.

        A message of one result is left as it came, to the byte.
        """
        found = self.split(parse_object(payload))
        if len(found) <= 1:
            return [payload]
        return [json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() for each in found]


def mapping_named(name: str) -> ResultMapping:
    """Return one of the mappings that come with the gateway; raises KeyError where there is none of that name."""
    return _MAPPINGS[name]


def mapping_by_paths(paths: PathMapping) -> ResultMapping:
    """Return the mapping that a user has written as paths."""
    return ResultMapping(split=paths.split, canonical=lambda document: Canonical(document=paths.canonical(document)))


def _of_senaite(document: Document) -> Canonical:
    found, flags, uid = senaite.canonical(document)
    return Canonical(document=found, flags=flags, foreign_id=uid)


def _of_labvantage(document: Document) -> Canonical:
    found, flags = labvantage.canonical(document)
    return Canonical(document=found, flags=flags)


_MAPPINGS: Mapping[str, ResultMapping] = {
    "canonical": ResultMapping(),
    "senaite": ResultMapping(split=senaite.split, canonical=_of_senaite),
    "labvantage": ResultMapping(split=labvantage.split, canonical=_of_labvantage),
}
