"""What a question names: lots, materials, analytes, equipment and so on, as they are on record for who asks.

A name that is not exactly one record's is never guessed: it is unknown, or several are named back. What who asks may
not see is not on record for them.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.copilot.question import Question
from gateway.copilot.vocabulary import vocabulary
from gateway.copilot.words import distance, means
from gateway.knowledge.folding import as_phrase, with_umlaut, words_of
from gateway.knowledge.sight import Sight
from gateway.knowledge.synonyms import Synonyms
from gateway.lab.lookalike_names import likeness_key
from gateway.line.definition import LineDefinition
from gateway.records.scope import Scope
from gateway.store.statements import SQL

_LONGEST_NAME = 4  # words
_MOST_NAMES = 2000
_MOST_ALIKE = 6
_SHORTEST_PART = 4  # characters of a part of a lot's name that is looked for
_SLIP_FROM = 6  # letters of an analyte's name, from which on one may be wrong
LOT_CUES = ("lot", "lots", "batch", "batches", "charge", "chargen", "los", "lote")
SAMPLE_CUES = ("sample", "probe", "stichprobe")
MATERIAL_CUES = ("material", "rohstoff", "resin", "harz", "component", "komponente", "supplier", "lieferant*", "raw")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


@dataclass(slots=True)
class Slots:
    """What a question names.

    ``alike``: lots that a name of it may be, where they are several; ``unknown``: a lot that it names and nobody made.
    ``used``: places of the words that are names.
    """

    lots: list[str] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)
    unknown: str | None = None
    materials: list[str] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    analytes: list[str] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    equipment: list[str] = field(default_factory=list)
    suppliers: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def has(self, name: str) -> bool:
        """Return whether the question names something of a kind; a lot that may be several counts."""
        if name == "lots":
            return bool(self.lots or self.alike or self.unknown)
        return bool(getattr(self, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Where names are looked for, and for whom."""

    connection: sqlite3.Connection
    line: LineDefinition
    synonyms: Synonyms
    sight: Sight

    def slots(self, question: Question) -> Slots:
        """Return what a question names."""
        slots = Slots()
        spans = _spans(question)
        slots.deviations = _UUID.findall(question.text.lower())
        self._places(question, slots)
        self._analytes(question, slots)
        self._by_exact_name(spans, slots)
        self._lots(question, spans, slots)
        return slots

    # --- names that the line's definition and few rows have ----------------------------------------------------

    def _places(self, question: Question, slots: Slots) -> None:
        tokens = _tokens(question)
        line = self.line
        equipment = {tag.equipment_id for tag in line.tags.values()} | {model.equipment_id for model in line.models}
        known: Mapping[str, Iterable[str]] = {
            "equipment": {*equipment, *self._column("copilot_equipment")},
            "suppliers": self._column("copilot_suppliers"),
            "tags": line.tags,
            "products": {
                *(item.product or "" for item in line.specifications),
                *self._column("copilot_products"),
            },
        }
        for slot, names in known.items():
            for name in sorted(filter(None, names), key=len, reverse=True):
                places = _found(words_of(name), tokens)
                if places and not places & slots.used:
                    getattr(slots, slot).append(name)
                    slots.used |= places

    def _analytes(self, question: Question, slots: Slots) -> None:
        tokens = _tokens(question)
        candidates = [
            (phrase.split(), analyte) for analyte in self._known_analytes() for phrase in self._called(analyte)
        ]
        candidates.sort(key=lambda item: (-len(item[0]), item[1]))
        for exactly in (True, False):
            for phrase, analyte in candidates:
                places = _found(phrase, tokens) if exactly else _nearly(phrase, tokens)
                if places and not places & slots.used:
                    if analyte not in slots.analytes:
                        slots.analytes.append(analyte)
                    slots.used |= places
            if slots.analytes:
                return

    def _known_analytes(self) -> list[str]:
        line = self.line
        names: list[str] = [item.analyte for item in line.specifications]
        names += [*line.lab_tests, *(item.analyte for item in line.controls)]
        names += [output.analyte for model in line.configured_models for output in model.bundle.outputs]
        return list(dict.fromkeys((*names, *self._column("copilot_analytes"))))

    def _called(self, analyte: str) -> Iterable[str]:
        names = (analyte, *self.line.lab_tests.get(analyte, ()))
        return dict.fromkeys(other for name in names if as_phrase(name) for other in self.synonyms.of(as_phrase(name)))

    def _column(self, statement: str) -> list[str]:
        return [str(name) for (name,) in self.connection.execute(SQL[statement], {"most": _MOST_NAMES}) if name]

    # --- names that are looked up ---------------------------------------------------------------------------------

    def _by_exact_name(self, spans: Sequence["_Span"], slots: Slots) -> None:
        for slot, statement, cues in (
            ("samples", "copilot_samples_named", SAMPLE_CUES),
            ("orders", "copilot_orders_named", ("order", "auftrag", "fertigungsauftrag", "wo")),
            ("materials", "copilot_materials_named", MATERIAL_CUES),
        ):
            rows = self.connection.execute(SQL[statement], {"names": json.dumps([span.text for span in spans])})
            known = {str(name) for (name,) in rows}
            for span in spans:
                if span.text in known and not span.places & slots.used and (span.has_digit or span.follows(cues)):
                    getattr(slots, slot).append(span.text)
                    if slot != "materials":  # a material may be a lot, too
                        slots.used |= span.places
                    known.discard(span.text)

    def _lots(self, question: Question, spans: Sequence["_Span"], slots: Slots) -> None:
        exact = self._seen(self._rows("copilot_lots_named", names=[*question.quoted, *(span.text for span in spans)]))
        for name in question.quoted:
            if name in exact:
                slots.lots.append(name)
                slots.used |= {place for span in spans if span.text == name for place in span.places}
        for span in spans:
            if span.places & slots.used or span.text in slots.lots:
                continue
            named = span.has_digit or span.follows(LOT_CUES) or (span.text in exact and span.text.isupper())
            if not named or (not span.has_digit and span.text.casefold() in vocabulary("no_names")):
                continue
            alike = self._seen(self._rows("copilot_lots_alike", names=[likeness_key(span.text)]))
            self._take(span, alike, slots)
        if not slots.has("lots"):
            self._part_of_a_name(spans, slots)
        slots.used |= {place for span in spans if span.text in slots.lots for place in span.places}
        if not slots.has("lots") and not slots.materials:
            _unknown_material(spans, slots)

    def _take(self, span: "_Span", alike: list[str], slots: Slots) -> None:
        """Take the lot that a name is; where several look alike, none of them."""
        if len(alike) == 1:
            slots.lots.append(alike[0])
            slots.used |= span.places
        elif alike:
            slots.alike += alike[:_MOST_ALIKE]
            slots.used |= span.places

    def _part_of_a_name(self, spans: Sequence["_Span"], slots: Slots) -> None:
        for span in spans:
            follows = span.follows(LOT_CUES)
            long_enough = span.has_digit and len(span.text) >= _SHORTEST_PART
            if span.words > 1 or span.places & slots.used or not (follows or long_enough):
                continue
            if (
                span.text.casefold() in vocabulary("no_names")
                or span.text in slots.materials
                or not any(map(str.isalnum, span.text))
            ):
                continue
            if span.has_digit:
                self._take(span, self._seen(self._rows("copilot_lots_with", part=span.text.lower())), slots)
            if slots.has("lots"):
                return
            if follows and (span.has_digit or span.text.isupper()):
                slots.unknown = span.text
                slots.used |= span.places
                return

    def _rows(self, statement: str, *, names: list[str] | None = None, part: str = "") -> list[str]:
        parameters = {"names": json.dumps(names or []), "part": part, "most": _MOST_ALIKE}
        return [str(name) for (name,) in self.connection.execute(SQL[statement], parameters)]

    def _seen(self, lots: Iterable[str]) -> list[str]:
        return [lot for lot in lots if self.sees_lot(lot)]

    def sees_lot(self, lot: str) -> bool:
        """Return whether a lot may be seen."""
        row = self.connection.execute(SQL["client_of_lot"], {"material_lot_id": lot}).fetchone()
        return self.sight.sees(Scope(client_id=(row["client_id"] or None) if row is not None else None))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Span:
    """Some words that follow each other; ``before``: the folded word before them."""

    text: str
    places: frozenset[int]
    words: int
    before: str

    @property
    def has_digit(self) -> bool:
        return any(character.isdigit() for character in self.text)

    def follows(self, cues: Sequence[str]) -> bool:
        """Return whether the word before says of what kind the name is."""
        return any(means(self.before, cue) for cue in cues)


def _unknown_material(spans: Sequence["_Span"], slots: Slots) -> None:
    """Take a name that follows the word for a material, though nobody has used it."""
    for span in spans:
        if span.words == 1 and span.has_digit and span.follows(MATERIAL_CUES):
            slots.materials.append(span.text)
            slots.used |= span.places


def _spans(question: Question) -> list[_Span]:
    """Return all names that a question may hold, the longest first."""
    words = question.words
    return [
        _Span(
            text=" ".join(word.written for word in words[at : at + length]),
            places=frozenset(word.at for word in words[at : at + length]),
            words=length,
            before=words[at - 1].folded if at else "",
        )
        for length in range(_LONGEST_NAME, 0, -1)
        for at in range(len(words) - length + 1)
    ]


def _tokens(question: Question) -> list[tuple[str, int]]:
    """Return a question's folded words, parted at signs, with the place of the word that each is of."""
    return [(token, word.at) for word in question.words for token in words_of(word.written)]


def _found(phrase: Sequence[str], tokens: Sequence[tuple[str, int]]) -> set[int]:
    """Return the places of a phrase; none where it is not there."""
    length = len(phrase)
    for at in range(len(tokens) - length + 1):
        part = tokens[at : at + length]
        if length and all(word in {token, with_umlaut(token)} for (token, _), word in zip(part, phrase, strict=True)):
            return {place for _, place in part}
    return set()


def _nearly(phrase: Sequence[str], tokens: Sequence[tuple[str, int]]) -> set[int]:
    """Return the place of a word with a slip or two; none where it is not there."""
    if len(phrase) != 1 or len(phrase[0]) < _SLIP_FROM:
        return set()
    wanted, most = phrase[0], 2 if len(phrase[0]) > _SLIP_FROM + 2 else 1
    near = (place for token, place in tokens if distance(with_umlaut(token), wanted, most=most) <= most)
    return set(near)
