"""The door that every request passes: who sees the records of some clients only is answered by what its route states.

Each route of the table states it (``routes.Sees``). A record that is hidden is answered like one that is not there. Who
sees everything passes at once: nothing is read.
"""

from starlette.responses import Response

from gateway.console.asked import Answering, Asked
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.routes import OfRecord, Sees
from gateway.store.queries.seen import Seen
from gateway.store.queries.seen_records import is_seen


class SightGate:
    """Lets requests through to what answers them."""

    def __init__(self, reader: ConsoleReader) -> None:
        self._reader = reader

    async def answer(self, asked: Asked, answering: Answering) -> Response:
        """Return the answer; raises where who asks may not see what it is about."""
        if asked.sight.limited:
            await self._refuse_hidden(asked)
        return await answering(asked)

    async def _refuse_hidden(self, asked: Asked) -> None:
        about = asked.route.sight
        if about is Sees.WHOLE_PLANT:
            raise RefusedError(403, RequestRefusal.SIGHT_IS_LIMITED)
        if isinstance(about, OfRecord):
            key = asked.parameters[about.parameter]
            if not await self._reader.read(lambda connection: is_seen(Seen(connection, asked.sight), about.kind, key)):
                raise RefusedError(404, about.missing)
