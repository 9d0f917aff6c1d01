"""In which order the outbox is sent, and how far that has come. Pure.

What waited when the connection came up is the *backlog*, what is committed after it is *live*. Of each lane live goes
first, so that a long backlog does not hold up a warning or a hold of now; but within a lane and topic the older goes
first, and a topic's backlog is pulled forward with its live message. Cursors say how far each part was sent, so that
what is in flight is not read again; on a new connection they go back, and what was not acknowledged is sent again.
"""

from dataclasses import dataclass, field

from gateway.records.outgoing import Lane
from gateway.store.outbox import Queued


@dataclass(slots=True)
class SendingOrder:
    """How far the lanes were sent on this connection."""

    backlog: int = 0  # the last seq that waited when the connection came up
    connection: int = -1  # its number, which no other connection ever had; -1: none has come up
    _live: dict[Lane, int] = field(default_factory=dict)
    _sent: dict[Lane, int] = field(default_factory=dict)
    _pulled: set[int] = field(default_factory=set)

    def begin(self, newest_seq: int, *, connection: int) -> None:
        """Begin again on a connection that has come up."""
        self.backlog, self.connection = newest_seq, connection
        self._live, self._sent, self._pulled = {}, {}, set()

    def again(self) -> None:
        """Look at everything again, as messages may have come back (unparked) behind the cursors."""
        self._live, self._sent, self._pulled = {}, {}, set()

    def cursors(self) -> dict[str, int]:
        """Return from where the outbox is read, as parameters of the statement ``waiting``."""
        return {
            "backlog": self.backlog,
            "connection": self.connection,
            "guidance_live": max(self._live.get(Lane.GUIDANCE, 0), self.backlog),
            "guidance_sent": self._sent.get(Lane.GUIDANCE, 0),
            "evidence_live": max(self._live.get(Lane.EVIDENCE, 0), self.backlog),
            "evidence_sent": self._sent.get(Lane.EVIDENCE, 0),
            "telemetry_sent": self._sent.get(Lane.TELEMETRY, 0),
        }

    def from_the_beginning(self) -> dict[str, int]:
        """Return the parameters of ``waiting`` that leave out nothing that waits on this connection."""
        return SendingOrder(connection=self.connection).cursors()

    def is_live(self, message: Queued) -> bool:
        """Return whether a message was committed after the connection came up; telemetry has no backlog."""
        return message.seq > self.backlog and message.lane is not Lane.TELEMETRY

    def is_late(self, message: Queued) -> bool:
        """Return whether a message waited when the connection came up, of whichever lane it is."""
        return message.seq <= self.backlog

    def sent_of(self, lane: Lane) -> int:
        """Return how far the lane's backlog was sent."""
        return self._sent.get(lane, 0)

    def passed(self, message: Queued) -> None:
        """Note that a message was sent or taken out."""
        cursors = self._live if self.is_live(message) else self._sent
        if message.seq > cursors.get(message.lane, 0):
            cursors[message.lane] = message.seq

    def has_passed(self, message: Queued) -> bool:
        """Return whether the sending has gone by a message."""
        cursors = self._live if self.is_live(message) else self._sent
        return message.seq <= cursors.get(message.lane, 0)

    def pulled(self, message: Queued) -> None:
        """Note that a message of a topic's backlog was sent ahead of its turn."""
        self._pulled.add(message.seq)

    def was_pulled(self, message: Queued) -> bool:
        """Return whether a message was sent already, ahead of its turn."""
        return message.seq in self._pulled
