"""The drafts of deviations of a lot."""

import sqlite3
from collections.abc import Iterable
from urllib.parse import quote

from pydantic import Field

from gateway.advice.documents import html, title_of
from gateway.console.views.parts import View, in_utc
from gateway.console.views.signed import signatures_on
from gateway.contract.times import rfc3339
from gateway.lab.deviations import Deviation
from gateway.records.act_kinds import ActKind
from gateway.store.codec import decode
from gateway.store.queries.corrective_actions import actions_of
from gateway.store.queries.deviation_states import closing_of


class DeviationView(View):
    """The draft of a deviation."""

    deviation_id: str
    at: str
    analyte: str
    version: int
    closed: bool = Field(description="a person has closed it, and nothing new is known since")
    title: str
    document: str = Field(description="the path of the draft as a page")


def deviation_page(connection: sqlite3.Connection, body: str) -> str:
    """Return a draft as a page, with the actions against it, and what was signed about it and its lot."""
    draft = decode(Deviation, body)
    lot, key = draft.result.material_lot_id, draft.deviation_id
    given = [] if lot is None else signatures_on(connection, lot, ActKind.DECIDE_LOT, ActKind.SETTLE_POINT)
    given += signatures_on(connection, key, ActKind.CLOSE_DEVIATION)
    return html(
        draft,
        actions=actions_of(connection, key),
        closed=closing_of(connection, key),
        signatures=[(item.full_name, item.role, in_utc(item.signed_at), item.meaning) for item in given],
    )


def deviations_of(connection: sqlite3.Connection, rows: Iterable[sqlite3.Row]) -> list[DeviationView]:
    """Return the newest version of each draft of the lot."""
    newest: dict[str, DeviationView] = {}
    for row in rows:
        draft = decode(Deviation, row["body"])
        newest[row["grown_from"]] = DeviationView(
            deviation_id=row["grown_from"],
            at=rfc3339(row["at_ns"]),
            analyte=row["analyte"],
            version=row["version"],
            closed=closing_of(connection, row["grown_from"]) is not None,
            title=title_of(draft),
            document=f"/api/deviations/{quote(row['grown_from'], safe='')}",
        )
    return list(newest.values())
