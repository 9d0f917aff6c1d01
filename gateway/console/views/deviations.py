"""The drafts of deviations of a lot."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from pydantic import Field

from gateway.advice.documents import html, title_of
from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import View, in_utc
from gateway.console.views.signed import signatures_on
from gateway.contract.times import rfc3339
from gateway.lab.deviations import Deviation
from gateway.records.act_kinds import ActKind
from gateway.store.codec import decode
from gateway.store.queries.corrective_actions import actions_of
from gateway.store.queries.deviation_states import closing_of
from gateway.store.queries.seen import Seen
from gateway.store.queries.seen_records import RecordKind, is_seen


class DeviationView(View):
    """The draft of a deviation."""

    deviation_id: str
    at: str
    analyte: str
    version: int
    closed: bool = Field(description="a person has closed it, and nothing new is known since")
    title: str
    document: str = Field(description="the path of the draft as a page")


def deviation_page(connection: sqlite3.Connection, snapshot: Snapshot, body: str) -> str:
    """Return a draft as a page, with the actions against it, and what was signed about it and its lot."""
    seen = snapshot.seen(connection)
    draft = _as_seen(decode(Deviation, body), seen)
    lot, key = draft.result.material_lot_id, draft.deviation_id
    given = [] if lot is None else signatures_on(connection, lot, ActKind.DECIDE_LOT, ActKind.SETTLE_POINT)
    given += signatures_on(connection, key, ActKind.CLOSE_DEVIATION)
    return html(
        draft,
        actions=[item for item in actions_of(connection, key) if seen.all_of(item.action.scope)],
        closed=closing_of(connection, key),
        signatures=[(item.full_name, item.role, in_utc(item.signed_at), item.meaning) for item in given],
    )


def _as_seen(draft: Deviation, seen: Seen) -> Deviation:
    """Return a draft without the lots, and without the earlier events, of clients whose records may not be seen."""
    if not seen.limited:
        return draft
    return replace(
        draft,
        reasons=seen.reasons(draft.reasons),
        affected_lots=tuple(lot for lot in draft.affected_lots if seen.lot(lot)),
        similar=tuple(item for item in draft.similar if is_seen(seen, RecordKind.DEVIATION, item.deviation_id)),
        timeline=tuple(entry for entry in draft.timeline if seen.lot(entry.subject)),
    )


def deviations_of(connection: sqlite3.Connection, rows: Iterable[sqlite3.Row], seen: Seen) -> list[DeviationView]:
    """Return the newest version of each draft of the lot."""
    newest: dict[str, DeviationView] = {}
    for row in rows:
        draft = decode(Deviation, row["body"])
        if not seen.result(draft.result):
            continue
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
