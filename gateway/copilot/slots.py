"""What a question names: lots, materials, analytes, equipment and so on, as they are on record for who asks.

A name that is not exactly one record's is never guessed: it is unknown, or several are named back. What who asks may
not see is not on record for them.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.copilot.name_matching import (
    Span,
    is_whole_part,
    letters_before_figures,
    places_of,
    slips_of,
    spans_of,
    tokens_of,
)
from gateway.copilot.question import Question
from gateway.copilot.vocabulary import vocabulary
from gateway.copilot.words import means
from gateway.knowledge.folding import as_phrase, words_of
from gateway.knowledge.synonyms import Synonyms
from gateway.lab.lookalike_names import likeness_key
from gateway.line.definition import LineDefinition
from gateway.records.scope import Scope
from gateway.records.sight import Sight
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL

_MOST_NAMES = 2000
_MOST_ALIKE = 6
_MOST_WITH_PART = 500  # lots among which those of whose names something is a whole part are looked for
_SHORTEST_PART = 4  # characters of a part of a lot's name that is looked for
LOT_CUES = ("lot", "lots", "batch", "batches", "charge", "chargen", "los", "lote")
SAMPLE_CUES = ("sample", "probe", "stichprobe")
MATERIAL_CUES = ("material", "rohstoff", "resin", "harz", "component", "komponente", "supplier", "lieferant*", "raw")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


@dataclass(slots=True)
class Slots:
    """What a question names.

    ``alike``: lots that a name of it may be, where they are several; ``unknown``: a lot that it names and nobody made.
    ``analytes_alike``: what a word with a slip may mean, where that is several. ``read_as``: words that were taken for
    something else than they say, and for what. ``used``: places of the words that are names.
    """

    lots: list[str] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)
    unknown: str | None = None
    materials: list[str] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    analytes: list[str] = field(default_factory=list)
    analytes_alike: list[str] = field(default_factory=list)
    read_as: list[tuple[str, str]] = field(default_factory=list)
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
        if name == "analytes":
            return bool(self.analytes or self.analytes_alike)
        return bool(getattr(self, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Where names are looked for, and for whom."""

    connection: sqlite3.Connection
    line: LineDefinition
    synonyms: Synonyms
    sight: Sight
    now_ns: int

    def slots(self, question: Question) -> Slots:
        """Return what a question names."""
        slots = Slots()
        spans = spans_of(question)
        slots.deviations = _UUID.findall(question.text.lower())
        self._places(question, slots)
        self._analytes(question, slots)
        self._by_exact_name(spans, slots)
        self._lots(question, spans, slots)
        if not slots.has("lots"):
            self._lot_of_now(question, slots)
        if not any(map(slots.has, ("lots", "materials", "samples"))):
            self._by_shape(spans, slots)
        return slots

    # --- names that the line's definition and few rows have ----------------------------------------------------

    def _places(self, question: Question, slots: Slots) -> None:
        tokens = tokens_of(question)
        line = self.line
        known: Mapping[str, Iterable[str]] = {
            "equipment": {*equipment_of(line), *self._column("copilot_equipment")},
            "suppliers": self._column("copilot_suppliers"),
            "tags": line.tags,
            "products": {
                *(item.product or "" for item in line.specifications),
                *self._column("copilot_products"),
            },
        }
        for slot, names in known.items():
            for name in sorted(filter(None, names), key=len, reverse=True):
                places = places_of(words_of(name), tokens)
                if places and not places & slots.used:
                    getattr(slots, slot).append(name)
                    slots.used |= places

    def _analytes(self, question: Question, slots: Slots) -> None:
        tokens = tokens_of(question)
        candidates = [
            (phrase.split(), analyte) for analyte in self._known_analytes() for phrase in self._called(analyte)
        ]
        candidates.sort(key=lambda item: (-len(item[0]), item[1]))
        for phrase, analyte in candidates:
            places = places_of(phrase, tokens)
            if places and not places & slots.used:
                if analyte not in slots.analytes:
                    slots.analytes.append(analyte)
                slots.used |= places
        if not slots.analytes:
            self._analytes_with_a_slip(question, candidates, slots)

    def _analytes_with_a_slip(
        self, question: Question, candidates: Sequence[tuple[list[str], str]], slots: Slots
    ) -> None:
        """Take the analyte that a word is nearest to, and note that it was read so; of several as near, none."""
        for word in question.words:
            if word.at in slots.used:
                continue
            near: dict[str, int] = {}
            for phrase, analyte in candidates:
                slips = slips_of(word.written, phrase)
                if slips is not None:
                    near[analyte] = min(slips, near.get(analyte, slips))
            meant = [analyte for analyte, slips in near.items() if slips == min(near.values())]
            if meant:
                slots.used.add(word.at)
            if len(meant) > 1:
                slots.analytes_alike += meant
            elif meant and meant[0] not in slots.analytes:
                slots.analytes += meant
                slots.read_as.append((word.written, self._shown(meant[0])))

    def _shown(self, analyte: str) -> str:
        """Return an analyte by the laboratory's name of it."""
        return next(iter(self.line.lab_tests.get(analyte, ())[-1:]), analyte)

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

    def _by_exact_name(self, spans: Sequence["Span"], slots: Slots) -> None:
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

    def _lots(self, question: Question, spans: Sequence["Span"], slots: Slots) -> None:
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

    def _take(self, span: "Span", alike: list[str], slots: Slots) -> None:
        """Take the lot that a name is; where several look alike, none of them."""
        if len(alike) == 1:
            slots.lots.append(alike[0])
            slots.used |= span.places
        elif alike:
            slots.alike += alike[:_MOST_ALIKE]
            slots.used |= span.places

    def _part_of_a_name(self, spans: Sequence["Span"], slots: Slots) -> None:
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
                self._take(span, self._seen(self._lots_with(span.text.lower())), slots)
            if slots.has("lots"):
                return
            alone = span.has_digit and len(spans) == 1  # nothing but a name is asked
            if alone or (follows and (span.has_digit or span.text.isupper())):
                slots.unknown = span.text
                slots.used |= span.places
                return

    def _by_shape(self, spans: Sequence[Span], slots: Slots) -> None:
        """Take a name that nobody has used for what it would be by its beginning, so that it is said to be unknown."""
        for span in spans:
            if span.words > 1 or not span.has_digit or span.places & slots.used:
                continue
            begins = {"begin": letters_before_figures(span.text).lower()}
            if begins["begin"] and self.connection.execute(SQL["copilot_lot_begins"], begins).fetchone():
                slots.unknown = span.text
            elif begins["begin"] and self.connection.execute(SQL["copilot_material_begins"], begins).fetchone():
                slots.materials.append(span.text)
            elif span.follows(SAMPLE_CUES):
                slots.samples.append(span.text)
            else:
                continue
            slots.used |= span.places
            return

    def _lots_with(self, part: str) -> list[str]:
        """Return the lots of whose names something is a whole part: 234 is none of LOT-12345."""
        rows = self.connection.execute(SQL["copilot_lots_with"], {"part": part, "most": _MOST_WITH_PART})
        return [lot for lot in (str(name) for (name,) in rows) if is_whole_part(part, lot.lower())]

    def _lot_of_now(self, question: Question, slots: Slots) -> None:
        """Take the lot that runs, where a question speaks of it and only one does."""
        words = question.words
        pair = next((at for at, word in enumerate(words[:-1]) if word.folded in vocabulary("of_now")
                     and any(means(words[at + 1].folded, cue) for cue in LOT_CUES)), None)  # fmt: skip
        if pair is None:
            return
        lots = self._seen(dict.fromkeys(lot for name in slots.equipment or equipment_of(self.line)
                                        if (lot := self.running_on(name)) is not None))  # fmt: skip
        if len(lots) == 1:
            slots.lots += lots
            slots.read_as.append((f"{words[pair].written} {words[pair + 1].written}", lots[0]))
        slots.alike += lots[:_MOST_ALIKE] if len(lots) > 1 else []
        slots.used |= {words[pair].at, words[pair + 1].at} if lots else set()

    def running_on(self, equipment: str) -> str | None:
        """Return the lot that is made on an equipment now."""
        context = Reading(self.connection, self.line, {}).context_of_equipment(equipment, self.now_ns)
        return context.material_lot_id

    def _rows(self, statement: str, *, names: list[str]) -> list[str]:
        parameters = {"names": json.dumps(names), "most": _MOST_ALIKE}
        return [str(name) for (name,) in self.connection.execute(SQL[statement], parameters)]

    def _seen(self, lots: Iterable[str]) -> list[str]:
        return [lot for lot in lots if self.sees_lot(lot)]

    def sees_lot(self, lot: str) -> bool:
        """Return whether a lot may be seen."""
        row = self.connection.execute(SQL["client_of_lot"], {"material_lot_id": lot}).fetchone()
        return self.sight.sees(Scope(client_id=(row["client_id"] or None) if row is not None else None))


def equipment_of(line: LineDefinition) -> list[str]:
    """Return the equipment that the line's tags and models are of."""
    return sorted({tag.equipment_id for tag in line.tags.values()} | {model.equipment_id for model in line.models})


def _unknown_material(spans: Sequence["Span"], slots: Slots) -> None:
    """Take a name that follows the word for a material, though nobody has used it."""
    for span in spans:
        if span.words == 1 and span.has_digit and span.follows(MATERIAL_CUES):
            slots.materials.append(span.text)
            slots.used |= span.places
