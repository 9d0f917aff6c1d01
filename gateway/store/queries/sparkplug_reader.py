"""Reads what an edge node of Sparkplug reports, on the connection of a reader."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from gateway.contract.sparkplug.metrics import Value
from gateway.deadlines import Deadline
from gateway.store.queries.rows import Rows


class KeptReport(NamedTuple):
    """A report as it is kept; ``sent``: a host has been told of it."""

    seq: int
    device: str
    subject: str
    at_ns: int
    values: dict[str, Value]
    expires: Deadline | None
    sent: bool


class SparkplugReader:
    """What is on record of reports."""

    def __init__(self, rows: Rows) -> None:
        self._all = rows

    async def newest(self) -> list[KeptReport]:
        """Return the newest report of each subject."""
        return [_kept(row) for row in await self._all("newest_sparkplug_reports")]

    async def waiting(self, *, without: Iterable[str] = (), most: int) -> list[KeptReport]:
        """Return reports that were not sent yet, the oldest first; ``without``: those of some devices."""
        rows = await self._all("sparkplug_reports_waiting", without=json.dumps(sorted(without)), most=most)
        return [_kept(row) for row in rows]

    async def count(self) -> int:
        """Return how many wait."""
        return int(str((await self._all("count_sparkplug_reports"))[0][0]))


def _kept(row: tuple[object, ...]) -> KeptReport:
    seq, device, subject, at_ns, body, expires_ns, boot_ns, boot_id, sent = row
    expires = None
    if isinstance(expires_ns, int) and isinstance(boot_ns, int):
        expires = Deadline(wall_ns=expires_ns, boot_ns=boot_ns, boot_id=str(boot_id))
    return KeptReport(
        seq=int(str(seq)),
        device=str(device),
        subject=str(subject),
        at_ns=int(str(at_ns)),
        values=json.loads(str(body)),
        expires=expires,
        sent=bool(sent),
    )
