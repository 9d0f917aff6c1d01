"""The inputs of a file's samples, as the gateway would have read them: by its own rings, windows and feature code.

Last values and their differences, which need no window, are read for all samples at once (``held_values``).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.inference.features import InputReading, read_inputs, windows_of
from gateway.line.definition import InputDefinition, TagDefinition
from gateway.time_units import seconds_to_ns
from gateway.training.categories import Texts, taken_as_read
from gateway.training.file_recording import FileRecording
from gateway.training.files.cells import NumberColumn
from gateway.training.held_values import HeldValues, is_held_value
from gateway.training.recipe import Recipe
from gateway.training.ring_feed import SOURCE, RingFeed
from gateway.training.row_inputs import SetpointReader, inputs_of, reach_of

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class ReadSamples:
    """What was read of the samples whose inputs are all known; ``left_out``: why others are not among them."""

    reader: SetpointReader
    kept: NDArray[np.int64]  # (n,): which samples
    matrix: NDArray[np.float64]  # (n, inputs as read)
    texts: list[Texts]
    setpoints: list[NDArray[np.float64]]
    left_out: Counter[str]


def read_samples(
    recipe: Recipe,
    recording: FileRecording,
    played: Mapping[str, NumberColumn],
    on_progress: Progress,
) -> ReadSamples:
    """Return what rings and features say at each sample; ``played``: columns by tag."""
    inputs, now_ns = inputs_of(recipe), recording.samples.at_ns
    held, at_once = HeldValues(recording, played), [is_held_value(item) for item in inputs]
    features, lacks = np.empty((len(now_ns), len(inputs))), np.full((len(now_ns), len(inputs)), "", object)
    for column in np.flatnonzero(at_once).tolist():
        features[:, column] = held.inputs(inputs[column], now_ns)
        lacks[np.isnan(features[:, column]), column] = inputs[column].tag
    by_windows = _ByWindows(recipe, recording, played, [at for at, known in enumerate(at_once) if not known])
    texts, setpoints = by_windows.read(features, lacks, on_progress)
    known = (lacks == "").all(axis=1)
    return ReadSamples(
        reader=by_windows.reader,
        kept=np.flatnonzero(known),
        matrix=features[known],
        texts=[texts[at] for at in np.flatnonzero(known).tolist()],
        setpoints=setpoints,
        left_out=_left_out(recording, lacks, reach_ns=by_windows.reach_ns),
    )


def _left_out(recording: FileRecording, lacks: NDArray[np.object_], *, reach_ns: int) -> Counter[str]:
    """Return why samples are left out; ``lacks``: what is not known of each input, blank where nothing is."""
    left_out = Counter[str]()
    for at in np.flatnonzero((lacks != "").any(axis=1)).tolist():
        if recording.samples.at_ns[at] - reach_ns < recording.at_ns[0]:
            left_out["rows at the beginning, whose windows reach back further than the file"] += 1
        else:
            left_out[f"rows without {next(lack for lack in lacks[at] if lack)}"] += 1
    return left_out


class _ByWindows:
    """Reads inputs that need windows, categories or production, and setpoints, sample by sample.

    ``columns``: which of the recipe's inputs they are.
    """

    def __init__(
        self, recipe: Recipe, recording: FileRecording, played: Mapping[str, NumberColumn], columns: list[int]
    ) -> None:
        inputs = inputs_of(recipe)
        self.reader = SetpointReader(recipe, inputs)
        self.reach_ns = max(reach_of(item, recording.production.longest_ns) for item in inputs)
        self._inputs, self._columns = tuple(inputs[column] for column in columns), columns
        self._tags, self._recording, self._played = _tags_of(recipe), recording, played

    def read(
        self, features: NDArray[np.float64], lacks: NDArray[np.object_], on_progress: Progress
    ) -> tuple[list[Texts], list[NDArray[np.float64]]]:
        """Fill in its columns of ``features`` and ``lacks``.

        Returns the texts of categories of every sample, and where setpoints stood at those of which nothing lacks.
        """
        count, texts, setpoints = len(features), list[Texts](), list[NDArray[np.float64]]()
        if not self._inputs and not self.reader.definitions:
            on_progress("rows", count, count)
            return [()] * count, []
        feed = RingFeed(self._recording, self._played, reach_ns=self.reach_ns)
        for at, now_ns in enumerate(self._recording.samples.at_ns.tolist()):
            feed.until(now_ns)
            readings, of_categories = self._readings(feed, now_ns)
            texts.append(of_categories)
            for column, item, reading in zip(self._columns, self._inputs, readings, strict=True):
                lacks[at, column] = _lack(reading, item) or ""
                features[at, column] = np.nan if reading.value is None else reading.value
            if (lacks[at] == "").all():
                setpoints.append(self._stood(feed, now_ns))
            if at % 200 == 0 or at == count - 1:
                on_progress("rows", at + 1, count)
        return texts, setpoints

    def _readings(self, feed: RingFeed, now_ns: int) -> tuple[tuple[InputReading, ...], Texts]:
        windows, then = feed.rings.windows(windows_of(self._inputs, now_ns)), self._recording.production.then(now_ns)
        readings = read_inputs(self._inputs, self._tags, windows, now_ns, then, values_only=True)
        _taken, readings, texts = taken_as_read(self._inputs, readings)
        return readings, texts

    def _stood(self, feed: RingFeed, now_ns: int) -> NDArray[np.float64]:
        windows, definitions = feed.rings.windows(windows_of(self.reader.definitions, now_ns)), self.reader.definitions
        return self.reader.values(read_inputs(definitions, self._tags, windows, now_ns, values_only=True))


def _lack(reading: InputReading, item: InputDefinition) -> str | None:
    """Return what an input lacks: the tag, where too little of it is known, else a value of the input itself."""
    if reading.missing is None and item.tag and reading.coverage < item.minimum_coverage:
        return item.tag
    return item.name if reading.value is None else None


def _tags_of(recipe: Recipe) -> dict[str, TagDefinition]:
    """Return the tags as the feature code sees them."""
    units = {table.over: "" for table in recipe.inputs if table.over is not None}
    units |= {table.tag: table.unit for table in (*recipe.inputs, *recipe.manipulated) if table.tag}
    return {
        tag: TagDefinition(
            name=tag, source=SOURCE, node="", equipment_id="", unit=unit, validated=None,
            max_age_ns=seconds_to_ns(2 * recipe.period_seconds),
        )
        for tag, unit in units.items()
    }  # fmt: skip
