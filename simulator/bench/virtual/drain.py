"""The way out of the gateway: what is committed is looked at once more, as before every sending, and delivered."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from gateway.publish.holding_back import HoldingBack
from gateway.store.outbox import Queued, acknowledged
from gateway.store.queries.readers import Reader
from gateway.transport.mqtt import MqttSession
from simulator.bench.virtual.store import WriterInPlace

_ON_THE_WAY_SECONDS = 0.01  # from the commit to a subscriber: see docs/measured.md
_LARGEST_PACKET_BYTES = 2**28
_CURSORS = dict.fromkeys(
    ("guidance_live", "guidance_sent", "evidence_live", "evidence_sent", "telemetry_sent", "backlog"), 0
)


class DrainInPlace:
    """Delivers what waits in the outbox, and takes it out."""

    def __init__(self, *, reader: Reader, writer: WriterInPlace, deliver: Callable[[Queued], None],
                 **of_second_check: Any) -> None:  # fmt: skip
        """``of_second_check``: the line, present values, clock and listener of ``HoldingBack``."""
        session = cast("MqttSession", SimpleNamespace(largest_packet_bytes=_LARGEST_PACKET_BYTES))
        self._holding_back = HoldingBack(session=session, reader=reader, writer=writer, **of_second_check)
        self._reader, self._writer, self._deliver = reader, writer, deliver
        self._something = asyncio.Event()

    def wake(self) -> None:
        """Look at the outbox: something was committed."""
        self._something.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            await asyncio.sleep(_ON_THE_WAY_SECONDS)
            while waiting := await self._reader.waiting(most=100, cursors={**_CURSORS, "connection": 1}):
                for message in waiting:
                    if not await self._holding_back.holds(message):
                        self._deliver(message)
                seqs = [message.seq for message in waiting]
                await self._writer.run(acknowledged(seqs, connection_number=1, gone=seqs))
