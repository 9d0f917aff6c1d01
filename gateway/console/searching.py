"""Answers searches among all records, each with the sight of who asks; and the same as a file."""

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from starlette.responses import Response

from gateway.advice.plant_times import day_of
from gateway.console.asked import Answering, Asked
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.shown import Shown
from gateway.console.views.capa import actions_view, knowledge_view, suppliers_view
from gateway.console.views.parts import View
from gateway.console.views.search import BehindView, FindingView, SearchView, finding_view, search_view
from gateway.errors import StoreUnavailableError
from gateway.knowledge.index import INDEX_FILE, KnowledgeIndex, read_index
from gateway.knowledge.kinds.table import NAMES
from gateway.knowledge.options import KnowledgeOptions
from gateway.knowledge.searching import MOST_HITS, Searched, search
from gateway.knowledge.searching import Asked as Searching
from gateway.knowledge.similar import knowledge_of
from gateway.line.definition import LineDefinition
from gateway.records.sight import EVERYTHING

Answer = TypeVar("Answer")
_LONGEST_QUERY = 12_000  # characters that are read at all; those beyond the first thousand are named as left out
_MOST, _MOST_BEYOND = 20, 10_000
_COLUMNS = ("kind", "id", "title", "at", "client_id", "study_id", "record", "snippet")
_NOTHING_YET = BehindView(lines=0, building=True, dropped=0, damaged=0)


class OpenIndex:
    """The index as the reading thread has it open; opened again where the file is another one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._index: KnowledgeIndex | None = None
        self._file: tuple[int, int] | None = None

    def get(self) -> KnowledgeIndex | None:
        """Return the index, None where there is none yet."""
        try:
            status = (self._directory / INDEX_FILE).stat()
        except OSError:
            return None
        file = (status.st_dev, status.st_ino)
        if self._index is None or file != self._file:
            self._index, self._file = read_index(self._directory), file
        return self._index


class SearchAnswers:
    """Answers the search."""

    def __init__(self, reader: ConsoleReader, shown: Shown, options: KnowledgeOptions, directory: Path) -> None:
        """``reader``: of its own, so that no other view waits for a search."""
        self._reader = reader
        self._shown = shown
        self._options = options
        self._index = OpenIndex(directory)

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {
            "GET /api/search": self.search,
            "GET /api/search/export": self.export,
            "GET /api/deviations/{id}/knowledge": self.deviation,
            "GET /api/actions": self.actions,
            "GET /api/suppliers": self.suppliers,
        }

    async def search(self, asked: Asked) -> Response:
        """Show what a search finds."""
        searching = self._searching(asked, most=_MOST)
        findings = await self.read(lambda where: search(where, searching))
        view = _nothing_yet(searching) if findings is None else search_view(
            findings, query=searching.text, beyond=searching.beyond
        )  # fmt: skip
        return _json(view)

    async def export(self, asked: Asked) -> Response:
        """Send what a search finds as a file, at most ``MOST_HITS`` records."""
        form = asked.query("format", longest=8) or "csv"
        if form not in _FORMS:
            raise RefusedError(400, RequestRefusal.PARAMETER_NOT_READABLE, name="format")
        searching = self._searching(asked, most=MOST_HITS)
        findings = await self.read(lambda where: search(where, searching))
        rows = [] if findings is None else [finding_view(item) for item in findings.findings]
        write, kind = _FORMS[form]
        headers = {"content-disposition": f'attachment; filename="search.{form}"'}
        return Response(write(rows), media_type=kind, headers=headers)

    async def deviation(self, asked: Asked) -> Response:
        """Show events like a deviation, and the actions against it."""
        key, sight = asked.parameters["id"], asked.sight
        known = await self.read(lambda where: knowledge_of(where, key, sight))
        if known is None:
            raise RefusedError(404, RequestRefusal.NO_SUCH_DEVIATION)
        now = self._shown.snapshot(sight)
        return _json(knowledge_view(known, day_of(now.at.wall_ns, now.line.time_zone)))

    async def actions(self, asked: Asked) -> Response:
        """Show the actions."""
        sight, now = asked.sight, self._shown.snapshot(asked.sight)
        today = day_of(now.at.wall_ns, now.line.time_zone)
        return _json(await self._reader.read(lambda connection: actions_view(connection, sight, today)))

    async def suppliers(self, asked: Asked) -> Response:
        """Show the scorecards of suppliers."""
        sight = asked.sight
        return _json(await self._reader.read(lambda connection: suppliers_view(connection, sight)))

    async def read(self, work: Callable[[Searched], Answer]) -> Answer | None:
        """Return what is read of the records by the index; None while there is none."""
        line = self._shown.snapshot(EVERYTHING).line

        def reads(connection: sqlite3.Connection) -> Answer | None:
            where = self._where(connection, line)
            return None if where is None else work(where)

        try:
            return await self._reader.read(reads)
        except StoreUnavailableError:
            raise
        except sqlite3.Error as error:
            raise StoreUnavailableError(f"the index cannot be read: {error}", hint="ask again in a minute") from error

    async def read_with(self, work: Callable[[sqlite3.Connection, Searched | None], Answer]) -> Answer:
        """Return what is read of the records, with the index where there is one."""
        line = self._shown.snapshot(EVERYTHING).line
        return await self._reader.read(lambda connection: work(connection, self._where(connection, line)))

    def _where(self, connection: sqlite3.Connection, line: LineDefinition) -> Searched | None:
        index = self._index.get()
        if index is None:
            return None
        return Searched(
            index=index, state=connection, procedures=line.procedures, synonyms=self._options.synonyms,
            zone=line.time_zone, meaning=self._options.meaning,
        )  # fmt: skip

    def _searching(self, asked: Asked, *, most: int) -> Searching:
        kind = asked.query("kind", longest=40)
        if kind and kind not in NAMES:
            raise RefusedError(400, RequestRefusal.PARAMETER_NOT_READABLE, name="kind")
        return Searching(
            text=asked.query("query", longest=_LONGEST_QUERY),
            kinds=(kind,) if kind else (),
            sight=asked.sight,
            most=most,
            beyond=int(asked.number("beyond", otherwise=0, lowest=0, highest=_MOST_BEYOND)),
        )


def _json(view: View) -> Response:
    return Response(view.model_dump_json(), media_type="application/json")


def _nothing_yet(searching: Searching) -> SearchView:
    return SearchView(
        query=searching.text[:1000], findings=[], beyond=None, any_word=False, not_shown=0, problems=[],
        behind=_NOTHING_YET,
    )  # fmt: skip


def as_csv(rows: Sequence[FindingView]) -> str:
    """Return the records as a table; a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(_COLUMNS)
    for row in rows:
        cells = (getattr(row, name) or "" for name in _COLUMNS)
        table.writerow([f"'{cell}" if cell[:1] in "=+-@\t" and cell else cell for cell in cells])
    return written.getvalue()


def as_json(rows: Sequence[FindingView]) -> str:
    """Return the records as JSON."""
    return json.dumps({"findings": [row.model_dump(mode="json") for row in rows]}, ensure_ascii=False, indent=1)


_FORMS: Mapping[str, tuple[Callable[[Sequence[FindingView]], str], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json, "application/json"),
}
