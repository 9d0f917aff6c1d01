"""Reads deliveries to sinks on the connection of a reader: which are due, and how many wait or are refused."""

from gateway.records.sink_deliveries import DeliveryState
from gateway.store.deliveries import LONGEST_DUE_SECONDS, DueDelivery
from gateway.store.queries.rows import Rows
from gateway.time_units import seconds_to_ns


class SinkReader:
    """What is on record of deliveries."""

    def __init__(self, rows: Rows) -> None:
        self._all = rows

    async def due(self, sink: str, *, now_ns: int, most: int) -> list[DueDelivery]:
        """Return what is to be sent now: of each order the oldest, the oldest first."""
        latest_ns = now_ns + seconds_to_ns(LONGEST_DUE_SECONDS)
        rows = await self._all("deliveries_due", sink=sink, now_ns=now_ns, latest_ns=latest_ns, most=most)
        return [_due(row) for row in rows]

    async def counts(self) -> dict[str, dict[DeliveryState, int]]:
        """Return for each sink how many deliveries wait, and how many are refused."""
        counts: dict[str, dict[DeliveryState, int]] = {}
        for sink, state, count, _oldest in await self._all("delivery_counts"):
            counts.setdefault(str(sink), {})[DeliveryState(str(state))] = int(str(count))
        return counts

    async def oldest_waiting(self) -> dict[str, int]:
        """Return for each sink with deliveries that wait when the oldest was written."""
        rows = await self._all("delivery_counts")
        return {str(sink): int(str(at_ns)) for sink, state, _count, at_ns in rows if state == DeliveryState.WAITING}


def _due(row: tuple[object, ...]) -> DueDelivery:
    seq, delivery_id, kind, message_id, lot, ordered_by, path, body, attempts, first_ns, holds = row
    return DueDelivery(
        seq=int(str(seq)),
        delivery_id=str(delivery_id),
        kind=str(kind),
        message_id=str(message_id),
        material_lot_id=None if lot is None else str(lot),
        ordered_by=str(ordered_by),
        path=str(path),
        body=body if isinstance(body, bytes) else b"",
        attempts=int(str(attempts)),
        first_ns=first_ns if isinstance(first_ns, int) else None,
        holds=bool(holds),
    )
