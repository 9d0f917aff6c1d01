"""What tags of a file held at many instants at once: the same numbers as the gateway's rings, without playing them.

It serves inputs of the last value (and their differences), which are most of what training reads. Whether it says
the same as rings, windows and features do, is held by a property test: a file of any holes, any lags.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gateway.line.definition import Aggregate, InputDefinition
from gateway.training.file_recording import FileRecording
from gateway.training.files.cells import NumberColumn


def is_held_value(item: InputDefinition) -> bool:
    """Return whether an input is the last value of a tag, or how far that has moved: what can be read here."""
    formulas = (item.over, item.transform, item.stretch, item.category)
    return bool(item.tag) and item.aggregate is Aggregate.LAST and formulas == (None, None, None, None)


class HeldValues:
    """The values of a file's tags, each from its row until the next one, or for the longest gap."""

    def __init__(self, recording: FileRecording, played: Mapping[str, NumberColumn]) -> None:
        self._gap_ns, self._at_ns, self._columns = recording.gap_ns, recording.at_ns, played
        self._samples = dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]()

    def inputs(self, item: InputDefinition, now_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what an input is at instants, shape (n,); NaN where it is not known."""
        level = self._at(item.tag, now_ns, item.lag_ns)
        return (
            level
            if item.difference_ns is None
            else level - self._at(item.tag, now_ns, item.lag_ns + item.difference_ns)
        )

    def _at(self, tag: str, now_ns: NDArray[np.int64], lag_ns: int) -> NDArray[np.float64]:
        held_ns, values = self._samples_of(tag)
        end_ns = now_ns - lag_ns
        newest = np.searchsorted(held_ns, end_ns, side="right") - 1
        ages_ns = end_ns - held_ns[newest]
        # a hole is known of only once it is longer than the gap: at the very instant, or from any later one
        known = (newest > 0) & ((ages_ns < self._gap_ns) | ((ages_ns == self._gap_ns) & (lag_ns == 0)))
        return np.where(known, values[newest], np.nan)

    def _samples_of(self, tag: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return (from when values hold, the values; NaN for a bad one), with nothing known before the first."""
        if tag not in self._samples:
            column = self._columns[tag]
            come = np.isfinite(column.values) | column.bad
            values = np.where(column.bad, np.nan, column.values)[come]
            self._samples[tag] = (
                np.concatenate([[np.iinfo(np.int64).min // 2], self._at_ns[come]]), np.concatenate([[np.nan], values])
            )  # fmt: skip
        return self._samples[tag]
