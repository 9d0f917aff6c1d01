"""The file of the index: written in small transactions, asked by an expression. What is corrupt is made again."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from gateway.database.file_permissions import make_file
from gateway.database.opening import SQLITE_ERRORS, read_only_uri, translated
from gateway.database.statements import read_migrations, read_statements
from gateway.knowledge.documents import Document
from gateway.knowledge.folding import exact_token, facet_token, words_of

INDEX_FILE = "knowledge.db"
_SQL = read_statements("gateway.knowledge")
_SCHEMA = read_migrations("gateway.knowledge")
_PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA busy_timeout = 5000",
            "PRAGMA cache_size = -4096", "PRAGMA journal_size_limit = 16777216")  # fmt: skip
_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62
_DROPPED_AT_ONCE = 500
_LONGEST_SECONDS = 3.0  # that a search may take
_LOOK_EVERY_INSTRUCTIONS = 20_000


class Hit(NamedTuple):
    """Which record matches; ``score``: the smaller, the better."""

    kind: str
    key: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far the index has come: see the table ``progress`` of its schema."""

    epoch: str = ""
    seq: int = 0
    hash: str = ""
    scanning: str = ""
    place: int = 0
    built: bool = False
    dropped: int = 0
    damaged: int = 0
    procedures: str = ""


class KnowledgeIndex:
    """An open index; a context manager."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    @property
    def progress(self) -> Progress:
        """How far the index has come."""
        row = self._connection.execute(_SQL["progress"]).fetchone()
        return Progress(**{**dict(row), "built": bool(row["built"])})

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Make all changes of the block one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def set_progress(self, progress: Progress) -> None:
        """Note how far the index has come."""
        self._connection.execute(_SQL["set_progress"], asdict(progress))

    def put(self, document: Document, *, kept: bool) -> None:
        """Put a document in place of the one of its key."""
        number = self._number_of(document.kind, document.key)
        if number is None:
            row = {"kind": document.kind, "key": document.key, "at_ns": document.at_ns, "kept": kept}
            number = self._connection.execute(_SQL["insert_document"], row).lastrowid
        else:
            self._connection.execute(_SQL["delete_words"], {"number": number})
            self._connection.execute(_SQL["update_document"], {"number": number, "at_ns": document.at_ns})
        self._connection.execute(_SQL["insert_words"], {
            "number": number, "title": " ".join(words_of(document.title)),
            "body": " ".join(words_of(" ".join((document.text, document.kind, *_named(document))))),
            "facets": " ".join(facets_of(document)),
        })  # fmt: skip

    def take_out(self, kind: str, key: str) -> None:
        """Take a document out, where there is one."""
        number = self._number_of(kind, key)
        if number is not None:
            self._take_out(number)

    def take_out_kind(self, kind: str) -> None:
        """Take all documents of a kind out."""
        for (number,) in self._connection.execute(_SQL["numbers_of_kind"], {"kind": kind}).fetchall():
            self._take_out(number)

    def drop_oldest(self) -> int:
        """Drop some of the oldest documents that need not be kept; return how many."""
        rows = self._connection.execute(_SQL["oldest_to_drop"], {"most": _DROPPED_AT_ONCE}).fetchall()
        for (number,) in rows:
            self._take_out(number)
        return len(rows)

    def used_bytes(self) -> int:
        """Return how much of the file is used."""
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def counts(self) -> dict[str, int]:
        """Return the number of documents by kind."""
        return {row["kind"]: row["documents"] for row in self._connection.execute(_SQL["count_documents"])}

    def hits(
        self,
        match: str,
        *,
        newest: bool,
        most: int,
        beyond: int = 0,
        from_ns: int | None = None,
        until_ns: int | None = None,
    ) -> list[Hit]:
        """Return the records that match, the best first, or with ``newest`` those; an empty expression matches all."""
        statement = "newest_documents" if not match else "newest_matches" if newest else "best_matches"
        parameters: Mapping[str, Any] = {
            "match": match, "most": most, "beyond": beyond,
            "from_ns": _BEFORE_ALL if from_ns is None else from_ns,
            "until_ns": _AFTER_ALL if until_ns is None else until_ns,
        }  # fmt: skip
        until = time.monotonic() + _LONGEST_SECONDS
        self._connection.set_progress_handler(lambda: time.monotonic() > until, _LOOK_EVERY_INSTRUCTIONS)
        try:
            rows = self._connection.execute(_SQL[statement], parameters).fetchall()
        except SQLITE_ERRORS as error:
            raise translated(error, "the index cannot be searched") from error
        finally:
            self._connection.set_progress_handler(None, 0)
        return [Hit(row["kind"], row["key"], row["score"]) for row in rows]

    def _number_of(self, kind: str, key: str) -> int | None:
        row = self._connection.execute(_SQL["number_of"], {"kind": kind, "key": key}).fetchone()
        return None if row is None else int(row["number"])

    def _take_out(self, number: int) -> None:
        self._connection.execute(_SQL["delete_words"], {"number": number})
        self._connection.execute(_SQL["delete_document"], {"number": number})


def _named(document: Document) -> Iterable[str]:
    """Return the names of a document's fields with their values, so that words find them, too."""
    for name, values in document.fields.items():
        yield from (name, *values)


def facets_of(document: Document) -> Iterable[str]:
    """Return one word for each value of a field, for its kind, and for whose it is."""
    yield facet_token("kind", document.kind)
    for name, values in document.fields.items():
        for value in values:
            yield facet_token(name, value)
    for name, value in document.scope.columns().items():
        yield exact_token(f"whose {name.removesuffix('_id')}", value)


def open_index(directory: Path) -> KnowledgeIndex:
    """Return the index for its one writer; one that is corrupt or of another version is made again."""
    try:
        return _opened(directory / INDEX_FILE)
    except SQLITE_ERRORS:
        remove_index(directory)
    try:
        return _opened(directory / INDEX_FILE)
    except SQLITE_ERRORS as error:
        raise translated(error, f"the index in {directory} cannot be opened") from error


def remove_index(directory: Path) -> None:
    """Remove the index; it is made again from the store."""
    for suffix in ("", "-wal", "-shm"):
        (directory / f"{INDEX_FILE}{suffix}").unlink(missing_ok=True)


def read_index(directory: Path) -> KnowledgeIndex | None:
    """Return the index for reading, None where there is none yet."""
    path = directory / INDEX_FILE
    if not path.is_file():
        return None
    try:
        connection = sqlite3.connect(read_only_uri(path), uri=True, timeout=5.0, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cache_size = -8192")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except SQLITE_ERRORS:
        return None  # it is being made again
    if version != len(_SCHEMA):
        connection.close()
        return None
    return KnowledgeIndex(connection)


def _opened(path: Path) -> KnowledgeIndex:
    make_file(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        _refuse_newer(version)
        for number, script in enumerate(_SCHEMA[version:], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
    except BaseException:
        connection.close()
        raise
    return KnowledgeIndex(connection)


def _refuse_newer(version: int) -> None:
    if version > len(_SCHEMA):
        raise sqlite3.DatabaseError("the index is of a newer version")
