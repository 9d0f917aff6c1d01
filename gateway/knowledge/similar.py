"""Events like a deviation: by how the process was, and by words together; with what was done and whether it helped."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from gateway.knowledge.documents import Document
from gateway.knowledge.folding import words_of
from gateway.knowledge.kinds.advice import deviation as document_of
from gateway.knowledge.kinds.kind import DamagedRecordError
from gateway.knowledge.query import MOST_TERMS, Query, Term, facets_of, match_of
from gateway.knowledge.searching import Searched
from gateway.lab.alike_events import Symptom, alike_by_process, alike_by_symptoms, symptoms_of
from gateway.lab.deviations import DeviationInShort, Drafted
from gateway.lab.effectiveness import ActionOnRecord, Recurrence
from gateway.lab.fingerprints import Fingerprint
from gateway.records.deviation_states import DeviationClosed
from gateway.records.sight import Sight
from gateway.store.codec import decode
from gateway.store.facts.investigation import MOST_REFERENCES, earlier_case
from gateway.store.queries.corrective_actions import (
    WITHIN_SAMPLES,
    actions_of,
    failure_of,
    recurrence,
    suggested_actions,
)
from gateway.store.queries.deviation_states import closing_of
from gateway.store.queries.seen import Seen
from gateway.store.statements import SQL
from gateway.texts.catalogue import language

Kind = TypeVar("Kind")
_MOST, _BY_WORDS, _OF_SERIES = 5, 30, 20
_OF_PROCESS, _OF_SYMPTOMS, _OF_WORDS = 0.7, 0.5, 0.3  # how near each alone can make two events


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarEvent:
    """An earlier deviation: how near (0 to 1) by the process and by words, what was done, and whether it helped.

    ``moves``: setpoints that were moved, ``moves_helped``: whether one brought the value back; None: nothing is known.
    ``since``: how often the same failure came in the next samples.
    """

    document: Document
    nearness: float
    by_process: float | None
    by_words: float | None
    causes: tuple[str, ...]
    moves: tuple[str, ...]
    moves_helped: bool | None
    actions: tuple[ActionOnRecord, ...]
    since: Recurrence


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationKnowledge:
    """What is known around a deviation; ``suggested``: actions that helped against the same failure first."""

    document: Document
    deviation: DeviationInShort
    actions: tuple[ActionOnRecord, ...]
    suggested: tuple[ActionOnRecord, ...]
    similar: tuple[SimilarEvent, ...]
    closed: DeviationClosed | None = None


class _Rows:
    """Reads rows that hold; damaged ones are left out."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[sqlite3.Row]:
        """Return the rows that hold."""
        return self.that_hold(self._connection.execute(SQL[statement], parameters).fetchall())

    def that_hold(self, rows: Sequence[sqlite3.Row]) -> list[sqlite3.Row]:
        """Return those of the rows that hold."""
        return [row for row in rows if "holds" not in row.keys() or row["holds"]]  # noqa: SIM118 - a row is no mapping

    def decoded(self, kind: type[Kind], rows: Iterable[sqlite3.Row]) -> tuple[Kind, ...]:
        """Return the records in rows."""
        return tuple(_decoded(kind, rows))


def _decoded(kind: type[Kind], rows: Iterable[sqlite3.Row]) -> Iterator[Kind]:
    for row in rows:
        try:
            yield decode(kind, row["body"])
        except ValidationError:
            continue


def knowledge_of(where: Searched, deviation_id: str, sight: Sight) -> DeviationKnowledge | None:
    """Return what is known around a deviation; None where there is none that holds and may be seen."""
    try:
        document = document_of(where.state, deviation_id)
    except DamagedRecordError:
        return None
    if document is None or not sight.sees(document.scope):
        return None
    (own,) = _in_short(where.state, deviation_id, DeviationInShort)
    seen = Seen(where.state, sight)
    return DeviationKnowledge(
        document=document,
        deviation=own,
        actions=tuple(item for item in actions_of(where.state, deviation_id) if _may_be_named(item, seen)),
        suggested=tuple(item for item in suggested_actions(where.state, own) if _may_be_named(item, seen)),
        similar=_similar(where, own, sight),
        closed=closing_of(where.state, deviation_id),
    )


def _may_be_named(item: ActionOnRecord, seen: Seen) -> bool:
    return seen.all_of(item.action.scope, lots=(item.action.material_lot_id,))


def _in_short(connection: sqlite3.Connection, key: str, kind: type[Kind]) -> tuple[Kind, ...]:
    rows = _Rows(connection)
    return rows.decoded(kind, rows.rows("deviation", {"deviation_id": key}))


def _similar(where: Searched, own: DeviationInShort, sight: Sight) -> tuple[SimilarEvent, ...]:
    words = _by_words(where, own, sight)
    rows = _Rows(where.state)
    of_series = rows.rows("earlier_deviations", {
        **own.result.scope.columns(), "product": own.result.material_definition_id, "analyte": own.result.analyte,
        "before_ns": own.opened_ns or own.at_ns, "besides": own.result.sample_id,
        "besides_lot": own.result.material_lot_id or "", "most": _OF_SERIES,
    })  # fmt: skip
    keys = dict.fromkeys((*words, *(draft.deviation_id for draft in rows.decoded(Drafted, of_series))))
    near = _Nearness(where.state, own)
    events = [
        event
        for key in keys
        if key != own.deviation_id and (event := _event(where, key, sight, near, words.get(key))) is not None
    ]
    return tuple(sorted(events, key=lambda event: (-event.nearness, -event.document.at_ns)))[:_MOST]


def _by_words(where: Searched, own: DeviationInShort, sight: Sight) -> dict[str, float]:
    """Return the deviations that share words, the best as 1."""
    text = " ".join((
        own.result.analyte, own.result.test_id, own.result.material_definition_id or "", own.equipment_id or "",
        *(reason.code for reason in own.reasons), *(cause.name for cause in own.causes[:5]), own.result.supplier or "",
    ))  # fmt: skip
    terms = tuple(Term(phrase=word) for word in dict.fromkeys(words_of(text)))[:MOST_TERMS]
    if not terms:
        return {}
    query = Query(terms=terms).only("kind", ("deviation",))
    match = match_of(query, where.synonyms, any_word=True, scope=facets_of(sight))
    hits = [hit for hit in where.index.hits(match, newest=False, most=_BY_WORDS) if hit.score < 0]
    best = min((hit.score for hit in hits), default=-1.0)
    return _with_meaning(where, own.deviation_id, {hit.key: hit.score / best for hit in hits}, sight)


def _with_meaning(where: Searched, key: str, by_words: dict[str, float], sight: Sight) -> dict[str, float]:
    """Return how near deviations are by their words, or by what they mean where that is nearer.

    Only those that were found and may be seen are compared; nothing else reaches the model.
    """
    if where.meaning is None or not where.meaning.compares(language()):
        return by_words
    texts = {one: text for one in (key, *by_words) if (text := _text(where, one, sight))}
    others = [one for one in by_words if one in texts and one != key]
    near = where.meaning.nearness(texts[key], [texts[one] for one in others]) if key in texts and others else None
    if near is None:
        return by_words
    return by_words | {one: max(by_words[one], nearness) for one, nearness in zip(others, near, strict=True)}


def _text(where: Searched, key: str, sight: Sight) -> str:
    try:
        document = document_of(where.state, key)
    except (DamagedRecordError, ValidationError):
        return ""
    return "" if document is None or not sight.sees(document.scope) else f"{document.title}. {document.text}"[:600]


class _Nearness:
    """How near another deviation is to this one: by how its lot was made, and by how it failed."""

    def __init__(self, connection: sqlite3.Connection, own: DeviationInShort) -> None:
        self._connection = connection
        self._symptoms = _symptoms(own)
        drafted = next(iter(_in_short(connection, own.deviation_id, Drafted)), None)
        self._own = None if drafted is None else drafted.fingerprint
        rows = _Rows(connection)
        references = rows.rows("fingerprints_in_control", {
            "client_id": own.result.client_id or "", "product": own.result.material_definition_id,
            "besides": own.result.material_lot_id, "most": MOST_REFERENCES,
        })  # fmt: skip
        self._references = rows.decoded(Fingerprint, references)

    def by_process(self, drafted: Drafted | None) -> float | None:
        """Return how alike the lots were made; None where that cannot be compared."""
        if drafted is None or self._own is None:
            return None
        return alike_by_process(self._own, drafted.fingerprint, self._references)

    def by_symptoms(self, other: DeviationInShort) -> float:
        """Return how alike the results failed."""
        return alike_by_symptoms(self._symptoms, _symptoms(other))


def _symptoms(deviation: DeviationInShort) -> frozenset[Symptom]:
    results = deviation.results
    if not results:
        return symptoms_of((deviation.result.analyte, reason) for reason in deviation.reasons)
    return symptoms_of((item.analyte, reason) for item in results for reason in item.reasons)


def _event(where: Searched, key: str, sight: Sight, near: _Nearness, by_words: float | None) -> SimilarEvent | None:
    try:
        document = document_of(where.state, key)
    except (DamagedRecordError, ValidationError):
        return None
    if document is None or not sight.sees(document.scope):
        return None
    (known,) = _in_short(where.state, key, DeviationInShort)
    drafted = next(iter(_in_short(where.state, key, Drafted)), None)
    case = None if drafted is None else earlier_case(_Rows(where.state), drafted)
    by_process, by_symptoms = near.by_process(drafted), near.by_symptoms(known)
    apart = (1 - _OF_PROCESS * (by_process or 0.0)) * (1 - _OF_SYMPTOMS * by_symptoms)
    failed_ns = known.result.sampled_ns or known.opened_ns or known.at_ns
    return SimilarEvent(
        document=document,
        nearness=1 - apart * (1 - _OF_WORDS * (by_words or 0.0)),
        by_process=by_process,
        by_words=by_words,
        causes=tuple(cause.name for cause in known.causes[:3]),
        moves=() if case is None else case.done,
        moves_helped=None if case is None else case.helped,
        actions=actions_of(where.state, key),
        since=recurrence(where.state, failure_of(known), after_ns=failed_ns, most=WITHIN_SAMPLES, besides=key),
    )
