"""A search: the index finds, and every hit is read from the store again, where its hash and whose it is are checked."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice

from pydantic import ValidationError

from gateway.knowledge.catching_up import Behind, behind
from gateway.knowledge.documents import Document
from gateway.knowledge.folding import words_of
from gateway.knowledge.index import Hit, KnowledgeIndex
from gateway.knowledge.kinds.kind import DamagedRecordError
from gateway.knowledge.kinds.procedures import PROCEDURE, procedure_document
from gateway.knowledge.kinds.table import KINDS
from gateway.knowledge.meaning import Meaning
from gateway.knowledge.query import Query, facets_of, match_of, understood
from gateway.knowledge.synonyms import Synonyms
from gateway.line.procedures import Procedure
from gateway.records.sight import EVERYTHING, Sight
from gateway.store.queries.seen import Seen

MOST_HITS = 500
_MOST_READ = 2000  # hits, for who does not see all of them: a page is filled up with those that are seen
_LONGEST_SNIPPET = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is searched for, by whom; ``kinds``: none is all of them. ``beyond``: hits of earlier pages."""

    text: str
    kinds: tuple[str, ...] = ()
    sight: Sight = EVERYTHING
    most: int = 20
    beyond: int = 0
    newest_first: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A record that matches, as it is on record; ``snippet``: of its text, around the first word that was asked for."""

    document: Document
    snippet: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """The answer to a search. ``any_word``: no record has all words, these have some.

    ``not_shown``: hits that do not match their hash any more, or that the index alone still has.
    """

    findings: tuple[Finding, ...]
    more: bool
    any_word: bool
    not_shown: int
    problems: tuple[str, ...]
    behind: Behind


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """Where is searched: the index, the store's records, and the plant's procedures, words and time zone.

    ``meaning``: what ranks besides words, where there is something.
    """

    index: KnowledgeIndex
    state: sqlite3.Connection
    procedures: Sequence[Procedure]
    synonyms: Synonyms
    zone: tzinfo
    meaning: Meaning | None = None


def search(where: Searched, asked: Asked) -> Findings:
    """Return the records that match what a person has written, the best first."""
    query = understood(asked.text, zone=where.zone).only("kind", asked.kinds)
    most = max(1, min(asked.most, MOST_HITS))
    hits, any_word = _hits(where, query, asked, most=most + 1)
    documents = [(hit, _document(where, hit)) for hit in hits[:most]]
    seen = Seen(where.state, asked.sight)
    shown = [(hit, document) for hit, document in documents if document is not None and _is_seen(document, seen)]
    wanted = [word for term in query.terms for word in term.phrase.split()]
    return Findings(
        findings=tuple(
            Finding(document=document, snippet=_snippet(document.text, wanted), score=-hit.score)
            for hit, document in shown
        ),
        more=len(hits) > most,
        any_word=any_word,
        not_shown=0 if seen.limited else len(documents) - len(shown),
        problems=query.problems,
        behind=behind(where.state, where.index),
    )


def _hits(where: Searched, query: Query, asked: Asked, *, most: int) -> tuple[list[Hit], bool]:
    newest = asked.newest_first or not query.terms
    hits = _page(where, query, asked, most=most, newest=newest, any_word=False)
    if hits or len(query.terms) <= 1 or asked.beyond:
        return hits, False
    some = _page(where, query, asked, most=most, newest=False, any_word=True)
    return some, bool(some)


def _page(where: Searched, query: Query, asked: Asked, *, most: int, newest: bool, any_word: bool) -> list[Hit]:
    """Return so many hits beyond a place; of who does not see all of them those that they see."""
    match = match_of(query, where.synonyms, any_word=any_word, scope=facets_of(asked.sight))
    seen = Seen(where.state, asked.sight)
    read, beyond = (_MOST_READ, 0) if seen.limited else (most, asked.beyond)
    hits = where.index.hits(
        match, newest=newest, most=read, beyond=beyond, from_ns=query.from_ns, until_ns=query.until_ns
    )
    if not seen.limited:
        return hits
    shown = (hit for hit in hits if _is_seen(_document(where, hit), seen))
    return list(islice(shown, asked.beyond, asked.beyond + most))


def _is_seen(document: Document | None, seen: Seen) -> bool:
    """Return whether a record may be shown: none of the lots that it names, such as affected ones, is hidden."""
    if document is None or not seen.limited:
        return document is not None
    lots = (*document.fields.get("lot", ()), *document.fields.get("material", ()))
    return seen.all_of(document.scope, lots=lots)


def _document(where: Searched, hit: Hit) -> Document | None:
    """Return a hit as it is on record now, None where it is not or does not hold."""
    if hit.kind == PROCEDURE:
        procedure = next((item for item in where.procedures if item.name == hit.key), None)
        return None if procedure is None else procedure_document(procedure)
    kind = KINDS.get(hit.kind)
    try:
        return None if kind is None else kind.make(where.state, hit.key)
    except (DamagedRecordError, ValidationError):
        return None


def _snippet(text: str, wanted: Iterable[str]) -> str:
    if len(text) <= _LONGEST_SNIPPET:
        return text
    beginnings = tuple(wanted)
    at = 0
    for part in text.split(" · "):
        if any(word.startswith(beginnings) for word in words_of(part)) and beginnings:
            break
        at += len(part) + 3
    at = 0 if at >= len(text) else at
    cut = text[at : at + _LONGEST_SNIPPET]
    return f"{'… ' if at else ''}{cut}{' …' if at + _LONGEST_SNIPPET < len(text) else ''}"
