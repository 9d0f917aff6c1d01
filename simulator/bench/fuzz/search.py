"""The parser of searches: whatever somebody writes is an expression that SQLite takes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC

from gateway.knowledge.query import match_of, understood
from gateway.knowledge.synonyms import synonyms_of, usual_groups
from simulator.bench.fuzz.running import Parser, Run

_EXAMPLES = (
    'viscosity "out of specification" -cleaning supplier:ACME',
    "lot:LOT-0042 from:2026-03-01 to:2026-03-31",
    "probe:S-1 von:2026-03-02T06:00:00Z pumpe*",
    'produkt:"FG 100" Rührwerk ph',
)


@contextmanager
def _searching() -> Iterator[Run]:
    """Give what searches an index, as the console does."""
    synonyms = synonyms_of(usual_groups())
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5 (title, body, facets, prefix = '4 5')")
        connection.execute("INSERT INTO words VALUES ('viscosity', 'a pump was cleaned', 'x')")

        def run(content: bytes) -> None:
            """Search for what the input asks for, by all of its words and by any of them."""
            query = understood(content.decode("utf-8", "surrogatepass"), zone=UTC)
            for any_word in (False, True):
                match = match_of(query, synonyms, any_word=any_word)
                between = (query.from_ns or 0, query.until_ns or 0)
                if match:
                    connection.execute(
                        "SELECT rowid, ?, ? FROM words WHERE words MATCH ?", (*between, match)
                    ).fetchall()
                else:
                    connection.execute("SELECT ?, ?", between)

        yield run


PARSERS: tuple[Parser, ...] = (
    Parser(
        name="searches",
        reached_by="everybody who is signed in",
        examples=lambda: [text.encode() for text in _EXAMPLES],
        make=_searching,
        refuses=(UnicodeDecodeError,),
    ),
)
