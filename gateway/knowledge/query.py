"""What a person writes into the search, understood: words, "phrases", -without, and fields such as supplier:ACME. Pure.

Whatever is written leads to an expression that SQLite understands: only folded words reach it, each within quotes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from gateway.contract.times import parse_rfc3339
from gateway.knowledge.folding import as_phrase, exact_token, facet_token, folded, with_umlaut, words_of
from gateway.knowledge.synonyms import LONGEST_PHRASE, Synonyms
from gateway.records.sight import OF_NO_CLIENT, Sight
from gateway.time_units import seconds_to_ns

LONGEST_QUERY, MOST_TERMS = 1000, 32
_PREFIX_FROM = 4  # letters, from which on a word stands for all that begin with it
_MOST_ALTERNATIVES = 24
_BEYOND_NS = 2**63  # what a record's time cannot be
_PART = re.compile(
    r'(?P<minus>-)?(?:(?P<field>[^\W\d_]{2,12}):(?=\S))?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))', re.UNICODE
)
FIELDS: Mapping[str, str] = {  # as people write them to the name in the index
    "kind": "kind", "art": "kind", "product": "product", "produkt": "product", "analyte": "analyte",
    "analyt": "analyte", "test": "analyte", "equipment": "equipment", "anlage": "equipment",
    "supplier": "supplier", "lieferant": "supplier", "person": "person", "lot": "lot", "charge": "lot",
    "batch": "lot", "order": "order", "auftrag": "order", "sample": "sample", "probe": "sample",
    "customer": "client", "client": "client", "kunde": "client", "study": "study", "studie": "study",
    "material": "material", "state": "state", "zustand": "state", "failure": "failure", "fehler": "failure",
    "from": "from", "von": "from", "to": "to", "bis": "to",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A word or phrase, folded; ``prefix``: whatever begins with it."""

    phrase: str
    prefix: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A search; ``fields``: name and value; ``problems``: codes of what was not taken as it was written."""

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    from_ns: int | None = None
    until_ns: int | None = None
    problems: tuple[str, ...] = ()

    def only(self, name: str, values: Iterable[str]) -> "Query":
        """Return the query with a field that must be one of several values."""
        return replace(self, fields=(*self.fields, *((name, value) for value in values)))


def understood(text: str, *, zone: tzinfo) -> Query:
    """Return what a text asks for; what is too long is left out, and named in ``problems``."""
    problems: list[str] = []
    if len(text) > LONGEST_QUERY:
        text = text[:LONGEST_QUERY].rsplit(None, 1)[0]
        problems.append("TOO_LONG")
    terms: list[Term] = []
    without: list[Term] = []
    fields: list[tuple[str, str]] = []
    times: dict[str, int] = {}
    for part in _PART.finditer(text):
        value = part["word"] if part["phrase"] is None else part["phrase"]
        field = FIELDS.get(folded(part["field"])) if part["field"] else None
        if field in {"from", "to"}:
            at_ns = _instant(value, zone, end=field == "to")
            if at_ns is None:
                problems.append("TIME_NOT_UNDERSTOOD")
            else:
                times[field] = at_ns
        elif field is not None and value.strip():
            fields.append((field, value.strip()[:200]))
        elif (term := _term(part, value)) is not None:
            (without if part["minus"] else terms).append(term)
    if len(terms) + len(without) + len(fields) > MOST_TERMS:
        problems.append("TOO_MANY_WORDS")
    return Query(
        terms=tuple(terms[:MOST_TERMS]),
        without=tuple(without[:MOST_TERMS]),
        fields=tuple(fields[:MOST_TERMS]),
        from_ns=times.get("from"),
        until_ns=times.get("to"),
        problems=tuple(dict.fromkeys(problems)),
    )


def _term(part: re.Match[str], value: str) -> Term | None:
    written = f"{part['field']} {value}" if part["field"] else value
    phrase = as_phrase(written)
    if not phrase:
        return None
    quoted = part["phrase"] is not None and not part["field"]
    last = phrase.rpartition(" ")[2]
    return Term(phrase=phrase, prefix=not quoted and (value.endswith("*") or len(last) >= _PREFIX_FROM))


def _instant(value: str, zone: tzinfo, *, end: bool) -> int | None:
    """Return the first instant of a day, or the last with ``end``; an instant of RFC 3339 as it is."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        try:
            return parse_rfc3339(value)
        except ValueError:
            return None
    try:
        if end:
            day += timedelta(days=1)
        at = datetime(day.year, day.month, day.day, tzinfo=zone)
        at_ns = seconds_to_ns(at.timestamp()) - (1 if end else 0)
    except (OverflowError, ValueError):
        return None
    return at_ns if -_BEYOND_NS < at_ns < _BEYOND_NS else None


def match_of(query: Query, synonyms: Synonyms, *, any_word: bool = False, scope: str = "") -> str:
    """Return the expression of FTS5 for a query; empty where it asks for nothing in particular.

    ``any_word``: one of the words is enough. ``scope``: an expression of ``facets`` that every hit must match.
    """
    joined = " OR " if any_word else " AND "
    words = joined.join(_alternatives(term, synonyms) for term in _phrased(query.terms, synonyms))
    parts = [f"{{title body}} : ({words})"] if words else []
    by_field: dict[str, list[str]] = {}
    for name, value in query.fields:
        by_field.setdefault(name, []).extend(_tokens(name, value, synonyms))
    parts += [f"facets : ({' OR '.join(dict.fromkeys(tokens))})" for tokens in by_field.values()]
    parts += [f"facets : ({scope})"] if scope else []
    if not parts:
        return ""
    wanted = " AND ".join(f"({part})" for part in parts)
    unwanted = " OR ".join(_quoted(term.phrase, prefix=term.prefix) for term in query.without)
    return f"({wanted}) NOT ({{title body}} : ({unwanted}))" if unwanted else wanted


def facets_of(sight: Sight) -> str:
    """Return the expression that every hit's facets must match; empty where all may be seen."""
    parts = [
        " OR ".join(exact_token(name, value) for value in sorted({OF_NO_CLIENT, *values}))
        for name, values in (("whose client", sight.clients), ("whose study", sight.studies))
        if values is not None
    ]
    return " AND ".join(f"({part})" for part in parts)


def _tokens(name: str, value: str, synonyms: Synonyms) -> list[str]:
    names = synonyms.of(as_phrase(value)) if name in {"analyte", "kind"} else (value,)
    return [facet_token(name, one) for one in names]


def _phrased(terms: tuple[Term, ...], synonyms: Synonyms) -> list[Term]:
    """Return the terms with those that follow each other and are one name of a group as one."""
    phrased: list[Term] = []
    at = 0
    while at < len(terms):
        for length in range(min(LONGEST_PHRASE, len(terms) - at), 1, -1):
            phrase = " ".join(term.phrase for term in terms[at : at + length])
            if synonyms.knows(phrase):
                phrased.append(Term(phrase=phrase))
                at += length
                break
        else:
            phrased.append(terms[at])
            at += 1
    return phrased


def _alternatives(term: Term, synonyms: Synonyms) -> str:
    names = dict.fromkeys((*synonyms.of(term.phrase), *synonyms.of(with_umlaut(term.phrase))))
    own = {term.phrase, with_umlaut(term.phrase)}
    written = [_quoted(name, prefix=term.prefix and name in own) for name in list(names)[:_MOST_ALTERNATIVES]]
    return f"({' OR '.join(written)})"


def _quoted(phrase: str, *, prefix: bool) -> str:
    safe = " ".join(words_of(phrase))
    return f'"{safe}" *' if prefix else f'"{safe}"'
