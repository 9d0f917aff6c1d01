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
from gateway.contract.reading import MessageRefusedError, Refusal, parse_object, refusal

Document = Mapping[str, Any]
MOST_RESULTS, LONGEST_PARTS_BYTES = 500, 4 * 2**20  # of one message


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
        """Return the messages of one result each; raises MessageRefusedError where it is no JSON object, or too many.

        A message that is one result is left as it came, to the byte. Out of a list each result comes without what the
        list says of itself, such as how long the search took: the same result is the same message.
        """
        document = parse_object(payload)
        found = self.split(document)
        if len(found) == 1 and found[0] is document:
            return [payload]
        if len(found) > MOST_RESULTS:
            raise _too_large(f"The message has {len(found)} results; at most {MOST_RESULTS} are accepted.")
        parts, length = list[bytes](), 0
        for each in found:
            parts.append(json.dumps(each, separators=(",", ":"), default=str).encode())
            length += len(parts[-1])
            if length > LONGEST_PARTS_BYTES:
                raise _too_large(f"Its results have more than {LONGEST_PARTS_BYTES} bytes, each with what they share.")
        return parts


def _too_large(text: str) -> MessageRefusedError:
    return MessageRefusedError((refusal(Refusal.TOO_LARGE, text),))


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
