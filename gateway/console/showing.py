"""Answers the views of the line, its laboratory and its models."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import quote

from starlette.responses import Response

from gateway.console.asked import Answering, Asked
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.shown import Shown, place
from gateway.console.snapshot import Snapshot
from gateway.console.views.alarms import alarms_view
from gateway.console.views.charts import chart_view
from gateway.console.views.deviations import deviation_page
from gateway.console.views.health import health_view
from gateway.console.views.lot import lot_view
from gateway.console.views.lots import lots_view
from gateway.console.views.missed import instant_of, missed_view
from gateway.console.views.models import models_view
from gateway.console.views.now import now_view
from gateway.console.views.pilot import PilotView, pilot_page, pilot_view
from gateway.console.views.review import review_document_page, review_view
from gateway.console.views.samples import samples_view
from gateway.console.views.signatures import signatures_view
from gateway.console.views.trend import trend_view
from gateway.store.statements import SQL

_HOURS, _FEWEST_HOURS, _MOST_HOURS = 2.0, 0.1, 24.0
_DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


class Showing:
    """Answers the routes that only read; those of the audit trail are in ``showing_audit``."""

    def __init__(
        self,
        *,
        quick: ConsoleReader,
        slow: ConsoleReader,
        shown: Shown,
        figures: Callable[[], Awaitable[Mapping[str, Mapping[str, float]]]],
    ) -> None:
        """``quick`` reads what every page shows, ``slow`` what a person searches; ``figures``: of the models."""
        self._quick = quick
        self._slow = slow
        self._shown = shown
        self._figures = figures

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {
            "GET /api/now": self.now,
            "GET /api/alarms": self.alarms,
            "GET /api/missed": self.missed,
            "GET /api/lots": self.lots,
            "GET /api/lots/{lot}": self.lot,
            "GET /api/lots/{lot}/review": self.review,
            "GET /api/lots/{lot}/review/document": self.review_document,
            "GET /api/samples": self.samples,
            "GET /api/models": self.models,
            "GET /api/models/{model}/pilot": self.pilot,
            "GET /api/models/{model}/pilot/report": self.pilot_report,
            "GET /api/signatures": self.signatures,
            "GET /api/health": self.health,
            "GET /api/trend/{equipment}/{analyte}": self.trend,
            "GET /api/charts/{lot}/{analyte}": self.chart,
            "GET /api/deviations/{id}": self.deviation,
        }

    async def now(self, asked: Asked) -> Response:
        """Show what an operator looks at."""
        return await self._shown.show(asked, "now", now_view, self._quick)

    async def alarms(self, asked: Asked) -> Response:
        """Show every alarm that is not normal."""
        return await self._shown.show(asked, "alarms", alarms_view, self._quick)

    async def missed(self, asked: Asked) -> Response:
        """Show what ended while a page could not hear."""
        since = asked.query("since", longest=40)
        try:
            instant_of(since)
        except (ValueError, OverflowError):
            raise RefusedError(400, RequestRefusal.NOT_AN_INSTANT, name="since") from None
        return await self._shown.show(asked, f"missed {since}", partial(missed_view, since=since), self._quick)

    async def lots(self, asked: Asked) -> Response:
        """Show the newest lots, or those that a search names."""
        query, before = asked.query("query"), place(asked)
        return await self._shown.show(
            asked,
            f"lots {before} {query}",
            partial(lots_view, query=query, before=before),
            self._slow,
        )

    async def lot(self, asked: Asked) -> Response:
        """Show one lot."""
        lot = asked.parameters["lot"]
        return await self._shown.show(
            asked, f"lot {lot}", lambda connection, snapshot: lot_view(connection, snapshot, lot), self._slow
        )

    async def review(self, asked: Asked) -> Response:
        """Show the record of a lot by exception."""
        lot = asked.parameters["lot"]
        return await self._shown.show(asked, f"review {lot}", partial(review_view, lot=lot), self._slow)

    async def review_document(self, asked: Asked) -> Response:
        """Show the same as a page for printing that can do nothing."""
        lot = asked.parameters["lot"]
        return await self._document(asked, partial(review_document_page, lot=lot), RequestRefusal.NOTHING_ON_RECORD)

    async def samples(self, asked: Asked) -> Response:
        """Show the laboratory's queue."""
        return await self._shown.show(asked, "samples", samples_view, self._quick)

    async def models(self, asked: Asked) -> Response:
        """Show the models."""
        figures = await self._figures()
        return await self._shown.show(
            asked, "models", lambda connection, snapshot: models_view(connection, snapshot, figures), self._slow
        )

    async def pilot(self, asked: Asked) -> Response:
        """Show how the line did in each stage of a model."""
        return await self._shown.show(asked, f"pilot {asked.parameters['model']}", _pilot_of(asked), self._slow)

    async def pilot_report(self, asked: Asked) -> Response:
        """Show the same as a page for printing that can do nothing."""
        reads = _pilot_of(asked)

        def read(connection: sqlite3.Connection, snapshot: Snapshot) -> str | None:
            view = reads(connection, snapshot)
            return None if view is None else pilot_page(view, line=snapshot.line.path)

        return await self._document(asked, read, RequestRefusal.NO_MODEL_OF_THIS_NAME)

    async def signatures(self, asked: Asked) -> Response:
        """Show what waits for a signature."""
        return await self._shown.show(asked, "signatures", signatures_view, self._quick)

    async def health(self, asked: Asked) -> Response:
        """Show how the gateway is."""
        return await self._shown.show(asked, "health", health_view, self._quick)

    async def trend(self, asked: Asked) -> Response:
        """Show the trend of an analyte."""
        hours = asked.number("hours", otherwise=_HOURS, lowest=_FEWEST_HOURS, highest=_MOST_HOURS)
        equipment_id, analyte = asked.parameters["equipment"], asked.parameters["analyte"]
        reads = partial(trend_view, equipment_id=equipment_id, analyte=analyte, hours=hours)
        return await self._shown.show(asked, f"trend {hours} {equipment_id}\0{analyte}", reads, self._quick)

    async def chart(self, asked: Asked) -> Response:
        """Show a control chart."""
        lot, analyte = asked.parameters["lot"], asked.parameters["analyte"]
        reads = partial(chart_view, lot=lot, analyte=analyte)
        return await self._shown.show(asked, f"chart {lot}\0{analyte}", reads, self._slow)

    async def deviation(self, asked: Asked) -> Response:
        """Show the draft of a deviation as a page that can do nothing."""
        parameters = {"deviation_id": asked.parameters["id"]}

        def read(connection: sqlite3.Connection, snapshot: Snapshot) -> str | None:
            row = connection.execute(SQL["deviation"], parameters).fetchone()
            return None if row is None or not row["holds"] else deviation_page(connection, snapshot, row["body"])

        return await self._document(asked, read, RequestRefusal.NO_SUCH_DEVIATION)

    async def _document(
        self, asked: Asked, read: Callable[[sqlite3.Connection, Snapshot], str | None], missing: RequestRefusal
    ) -> Response:
        snapshot = self._shown.snapshot(asked.sight)
        page = await self._slow.read(lambda connection: read(connection, snapshot))
        if page is None:
            raise RefusedError(404, missing)
        return Response(page, media_type="text/html", headers={"content-security-policy": _DOCUMENT_POLICY})


def _pilot_of(asked: Asked) -> Callable[[sqlite3.Connection, Snapshot], PilotView | None]:
    model = asked.parameters["model"]
    return partial(pilot_view, model=model, path=f"/api/models/{quote(model, safe='')}/pilot")
