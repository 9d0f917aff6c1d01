"""A file's rows as a plant would send them: into the gateway's rings, each at its instant."""

from collections.abc import Mapping

import numpy as np

from gateway.history.memory.rings import Rings
from gateway.records.process import TagSample
from gateway.training.file_recording import FileRecording
from gateway.training.files.cells import NumberColumn

SOURCE = "data"
_BAD = 0x80000000  # OPC UA: bad


class RingFeed:
    """Feeds the rows of a file into rings, each at its instant.

        A value holds until the next one, or for the longest gap.
    A blank is no new value; a reading that its source calls bad is a bad sample, as it is in service.
    """

    def __init__(self, recording: FileRecording, played: Mapping[str, NumberColumn], *, reach_ns: int) -> None:
        self._at_ns, self._columns, self._gap_ns = recording.at_ns.tolist(), dict(played), recording.gap_ns
        closest_ns = int(np.min(np.diff(recording.at_ns), initial=recording.period_ns))
        capacity = min(reach_ns // max(closest_ns, 1) + 8, len(recording) + 8)
        self.rings = Rings(dict.fromkeys(played, SOURCE), capacity=2 * capacity)  # with the marks of holes
        self._next, self._last_ns = 0, dict.fromkeys(played, 0)
        self._marked = set(played)  # nothing is known of them yet

    def until(self, now_ns: int) -> None:
        """Feed all rows up to an instant."""
        while self._next < len(self._at_ns) and self._at_ns[self._next] <= now_ns:
            self._feed(self._next, self._at_ns[self._next])
            self._next += 1
        self._mark_holes(now_ns)
        self.rings.confirm(SOURCE, confirmed_ns=now_ns)

    def _feed(self, row: int, at_ns: int) -> None:
        self._mark_holes(at_ns)
        samples = []
        for tag, column in self._columns.items():
            value, bad = float(column.values[row]), bool(column.bad[row])
            if bad or np.isfinite(value):
                status = _BAD if bad else 0
                samples.append(TagSample(tag=tag, value=value, status=status, source_ns=at_ns, server_ns=at_ns))
                self._last_ns[tag] = at_ns
                self._marked.discard(tag)
        self.rings.add_notification(SOURCE, samples, confirmed_ns=at_ns)

    def _mark_holes(self, now_ns: int) -> None:
        """Mark the tags as unknown of which nothing has come for the longest gap."""
        for tag, last_ns in self._last_ns.items():
            if tag not in self._marked and now_ns - last_ns > self._gap_ns:
                self.rings.mark_tag_unknown(tag, since_ns=last_ns + self._gap_ns)
                self._marked.add(tag)
