"""From what a LIMS sends to the canonical message: one table of mappings, each of two pure functions.

``split`` parts a message into messages of one result each, which the same mapping reads alone; ``canonical`` renames
the fields of one. Whether they are right, the reader of canonical messages decides, for all mappings alike.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.contract.json_documents import parse_document
from gateway.contract.lims import labvantage, senaite
from gateway.contract.lims.canonical import Agreed, Canonical, Document
from gateway.contract.lims.field_spellings import spellings_of
from gateway.contract.lims.json_paths import PathMapping
from gateway.contract.lims.result_fields import lot_names
from gateway.contract.lims.unreadable_messages import named_texts, the_only_one
from gateway.contract.refusals import MessageRefusedError, Refusal, RefusalText, refusal, refusal_text
from gateway.records.laboratory import ResultReference

MOST_RESULTS, LONGEST_PARTS_BYTES = 500, 4 * 2**20  # of one message


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultMapping:
    """How a laboratory's messages are read."""

    split: Callable[[Document], Sequence[Document]] = field(default=lambda document: (document,))
    canonical: Callable[[Document, Agreed], Canonical] = field(
        default=lambda document, _agreed: Canonical(document=document)
    )
    source: str = "lims"
    lot_names: frozenset[str] = field(default=frozenset(spellings_of("material_lot_id")))  # folded
    sample_names: frozenset[str] = field(default=frozenset(spellings_of("sample_id")))
    order_names: frozenset[str] = field(default=frozenset(spellings_of("job_order_id")))
    equipment_names: frozenset[str] = field(default=frozenset(spellings_of("equipment_id")))

    def parts(self, payload: bytes) -> list[bytes]:
        """Return the messages of one result each; raises MessageRefusedError where it is no JSON object, or too many.

        A message that is one result is left as it came, to the byte. Out of a list each result comes without what the
        list says of itself, such as how long the search took: the same result is the same message. An array is its
        items.
        """
        try:
            document = parse_document(payload)
            messages = document if isinstance(document, list) else [document]
            if not messages or not all(isinstance(message, dict) for message in messages):
                raise _refused(Refusal.NOT_AN_OBJECT, RefusalText.NOT_OBJECTS)
            results = [result for message in messages for result in self._split(message)]
            if len(results) == 1 and results[0] is document:
                return [payload]
            return _parts(results)
        except MessageRefusedError as error:
            raise MessageRefusedError(error.reasons, about=self.reference(payload)) from error

    def _split(self, message: Document) -> Sequence[Document]:
        results = self.split(message)
        if len(results) > MOST_RESULTS:
            raise _too_many(len(results))
        return results

    def reference(self, payload: bytes) -> ResultReference | None:
        """Return of what a message speaks that cannot be read as one, by its fields' names alone."""
        named = named_texts(
            payload,
            {
                "lots": self.lot_names,
                "samples": self.sample_names,
                "orders": self.order_names,
                "equipment": self.equipment_names,
            },
        )
        lots = dict.fromkeys(lot for text in named["lots"] for lot in lot_names(text))
        about = ResultReference(
            source=self.source,
            lots=tuple(lots)[:MOST_RESULTS],
            sample_id=the_only_one(named["samples"]),
            job_order_id=the_only_one(named["orders"]),
            equipment_id=the_only_one(named["equipment"]),
        )
        return about if about.says_something else None


def _parts(results: Sequence[Document]) -> list[bytes]:
    """Return each result's bytes, within bounds."""
    if len(results) > MOST_RESULTS:
        raise _too_many(len(results))
    parts, length = list[bytes](), 0
    for result in results:
        try:
            parts.append(json.dumps(result, separators=(",", ":"), default=str).encode())
        except RecursionError as error:
            raise _refused(Refusal.NOT_JSON, RefusalText.NESTED_TOO_DEEPLY) from error
        length += len(parts[-1])
        if length > LONGEST_PARTS_BYTES:
            raise _refused(Refusal.TOO_LARGE, RefusalText.RESULTS_TOO_LARGE, most=LONGEST_PARTS_BYTES)
    return parts


def _too_many(count: int) -> MessageRefusedError:
    return _refused(Refusal.TOO_LARGE, RefusalText.TOO_MANY_RESULTS, count=count, most=MOST_RESULTS)


def _refused(code: Refusal, text: RefusalText, **parameters: int) -> MessageRefusedError:
    return MessageRefusedError((refusal(code, refusal_text(text, **parameters)),))


def mapping_named(name: str) -> ResultMapping:
    """Return one of the mappings that come with the gateway; raises KeyError where there is none of that name."""
    return MAPPINGS[name]


def mapping_by_paths(paths: PathMapping) -> ResultMapping:
    """Return the mapping that a user has written as paths."""
    return ResultMapping(
        split=paths.split,
        canonical=paths.canonical,
        lot_names=_CANONICAL.lot_names | paths.names_of("material_lot_id"),
        sample_names=_CANONICAL.sample_names | paths.names_of("sample_id"),
        order_names=_CANONICAL.order_names | paths.names_of("job_order_id"),
        equipment_names=_CANONICAL.equipment_names | paths.names_of("equipment_id"),
    )


_CANONICAL = ResultMapping()
MAPPINGS: Mapping[str, ResultMapping] = {
    "canonical": _CANONICAL,
    "senaite": ResultMapping(
        split=senaite.split,
        canonical=senaite.canonical,
        lot_names=_CANONICAL.lot_names | senaite.LOT_NAMES,
        sample_names=_CANONICAL.sample_names | senaite.SAMPLE_NAMES,
    ),
    "labvantage": ResultMapping(
        split=labvantage.split,
        canonical=labvantage.canonical,
        lot_names=_CANONICAL.lot_names | labvantage.LOT_NAMES,
        sample_names=_CANONICAL.sample_names | labvantage.SAMPLE_NAMES,
    ),
}
