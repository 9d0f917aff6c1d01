"""Windows as they were known at an earlier time: nothing that arrived later is in them."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from gateway.history.clock_steps import ClockSteps
from gateway.history.columns import Columns
from gateway.history.reader.chunks import EVERYTHING
from gateway.history.reader.recorded import RecordedHistory, RecordedStretch
from gateway.history.windows import TagWindow, WindowRequest, cut

_BACK_AT_ONCE = 64
_FOR_EVER_NS = 2**62  # a clock that was ahead has confirmed values of any time


class KnownThen:
    """Windows as they were known at an arrival number."""

    def __init__(self, history: RecordedHistory, sources: Mapping[str, str], *, start_ns: int, end_ns: int) -> None:
        """``sources``: each tag's source; the stretch is kept in memory, earlier samples are read when needed."""
        self._history = history
        self._source_of = dict(sources)
        self._loaded = {tag: history.around(tag, start_ns=start_ns, end_ns=end_ns) for tag in sources}
        confirmations = {
            source: history.around(f"@{source}", start_ns=0, end_ns=_FOR_EVER_NS) for source in {*sources.values()}
        }
        self._confirmed = {source: _Confirmed(stretch.columns) for source, stretch in confirmations.items()}

    def arrival_at(self, at_ns: int) -> int:
        """Return how many notifications had come by an instant, for records that do not hold it themselves."""
        return max((confirmed.arrival_at(at_ns) for confirmed in self._confirmed.values()), default=0)

    def windows(self, requests: Iterable[WindowRequest], *, arrival: int) -> dict[WindowRequest, TagWindow]:
        """Return the windows of the requests."""
        return {request: self._window(request, arrival) for request in requests}

    def _window(self, request: WindowRequest, arrival: int) -> TagWindow:
        clock_steps = self._history.clock_steps.as_of(arrival)
        stretch = self._loaded[request.tag]
        if request.end_ns > stretch.complete_until_ns:
            stretch = self._around(request, request.start_ns)
        known = _known(stretch.columns, request, arrival, clock_steps)
        while stretch.complete_from_ns != EVERYTHING:
            held_ns = _held_ns_at_start(stretch.columns, known, request)
            if held_ns is not None and held_ns >= stretch.complete_from_ns:
                break
            # an earlier chunk may hold the sample that held at the start: further back
            earlier_ns = min(request.start_ns, stretch.complete_from_ns) if held_ns is None else held_ns
            stretch = self._around(request, earlier_ns)
            known = _known(stretch.columns, request, arrival, clock_steps)
        columns = stretch.columns
        return cut(
            request,
            held_ns=columns.held_ns[known],
            values=columns.values[known],
            statuses=columns.statuses[known],
            confirmed_ns=self._confirmed[self._source_of[request.tag]].confirmed_ns(arrival),
            arrival=arrival,
        )

    def _around(self, request: WindowRequest, start_ns: int) -> RecordedStretch:
        return self._history.around(request.tag, start_ns=start_ns, end_ns=request.end_ns)


def _known(columns: Columns, request: WindowRequest, arrival: int, clock_steps: ClockSteps) -> NDArray[np.intp]:
    """Return the rows that had arrived and were not void: of the window, and back to one that held at its start."""

    def was_known(begin: int, end: int) -> NDArray[np.bool_]:
        arrived = columns.arrival[begin:end] <= arrival
        return arrived & clock_steps.valid(columns.where(slice(begin, end))) if clock_steps else arrived

    held_until = int(np.searchsorted(columns.held_ns, request.start_ns, side="right"))
    stop = int(np.searchsorted(columns.held_ns, request.end_ns, side="right"))
    begin = max(held_until - 1, 0)
    while begin > 0 and not was_known(begin, held_until).any():
        begin = max(begin - _BACK_AT_ONCE, 0)
    return begin + np.flatnonzero(was_known(begin, stop))


def _held_ns_at_start(columns: Columns, known: NDArray[np.intp], request: WindowRequest) -> int | None:
    """Return the time of the row that held at the start of the window, None if none is known."""
    held_ns = columns.held_ns[known]
    before = int(np.searchsorted(held_ns, request.start_ns, side="right"))
    return int(held_ns[before - 1]) if before else None


class _Confirmed:
    """Until when a source had confirmed its values, by arrival."""

    def __init__(self, columns: Columns) -> None:
        order = np.argsort(columns.arrival, kind="stable")
        self._arrivals = columns.arrival[order]
        self._held_ns = columns.held_ns[order]
        self._latest_ns = np.maximum.accumulate(self._held_ns) if len(columns) else self._held_ns

    def confirmed_ns(self, arrival: int) -> int:
        """Return until when the values were confirmed, 0 where they never were."""
        at = int(np.searchsorted(self._arrivals, arrival, side="right"))
        return int(self._held_ns[at - 1]) if at else 0

    def arrival_at(self, at_ns: int) -> int:
        """Return the last arrival that had come by an instant, 0 where none had."""
        at = int(np.searchsorted(self._latest_ns, at_ns, side="right"))
        return int(self._arrivals[at - 1]) if at else 0
