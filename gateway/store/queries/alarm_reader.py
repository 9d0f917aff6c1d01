"""Reads alarms on the connection of a reader: which are active, and what happened to them."""

from gateway.records.alarms import AlarmChange, AlarmEvent
from gateway.records.guidance import Severity
from gateway.store.queries.rows import Rows

MOST_PUT_OFF = 5000  # entries in one notice; the next one has the rest


class AlarmReader:
    """What is on record of alarms."""

    def __init__(self, rows: Rows) -> None:
        self._all = rows

    async def active_of_gateway(self) -> list[str]:
        """Return the ids of the gateway's own alarms that are active on record."""
        return [str(alarm_id) for (alarm_id,) in await self._all("active_gateway_alarms")]

    async def left_alone(self) -> list[str]:
        """Return the ids of active alarms below one that no longer calls for them."""
        return [str(alarm_id) for (alarm_id,) in await self._all("alarms_left_alone")]

    async def counts(self, from_ns: int) -> dict[str, float]:
        """Return how many alarms are active, unacknowledged and kept from calling, and how many called since then."""
        names = ("active", "unacknowledged", "suppressed", "called_in_10_minutes")
        ((*counts,),) = await self._all("alarm_counts", from_ns=from_ns)
        return {name: float(str(count)) for name, count in zip(names, counts, strict=True)}

    async def notified_up_to(self, target: str) -> int | None:
        """Return up to which entry about alarms a target of notifications has come; None of a new one."""
        rows = await self._all("notified_up_to", target=target)
        return int(str(rows[0][0])) if rows else None

    async def events_after(self, seq: int, *, most: int) -> list[AlarmEvent]:
        """Return what happened to alarms after an entry, the oldest first."""
        rows = await self._all("alarm_events_after", seq=seq, most=most)
        return [_alarm_event(row) for row in rows]

    async def put_off(self, target: str) -> list[AlarmEvent]:
        """Return what a target is told of after its quiet hours, the oldest first."""
        return [_alarm_event(row) for row in await self._all("put_off_events", target=target, most=MOST_PUT_OFF)]

    async def latches(self) -> tuple[str, ...]:
        """Return the alarms that stand until a person takes them down."""
        return tuple(str(code) for (code,) in await self._all("latches"))


def _alarm_event(row: tuple[object, ...]) -> AlarmEvent:
    seq, at_ns, alarm_id, change, title, severity, position, person, reason, guidance_id, group_id = row
    return AlarmEvent(
        seq=int(str(seq)),
        at_ns=int(str(at_ns)),
        alarm_id=str(alarm_id),
        change=AlarmChange(str(change)),
        title=str(title),
        severity=Severity(str(severity)),
        position=str(position),
        person=str(person),
        reason=str(reason),
        guidance_id=None if guidance_id is None else str(guidance_id),
        group_id=None if group_id is None else str(group_id),
    )
