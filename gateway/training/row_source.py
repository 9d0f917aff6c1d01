"""The rows of a recipe and of recipes like it, as training tries lags: its files are read once."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from gateway.training.file_recording import FileRecording
from gateway.training.files.instants import NEVER
from gateway.training.reading_rows import Progress
from gateway.training.recipe import Recipe
from gateway.training.recorded_rows import recorded_rows
from gateway.training.rows import Rows, recording_of, rows_of_recording


class RowSource:
    """Gives rows of recipes that differ in their inputs alone; of a file whose columns are the same."""

    def __init__(self, *, folder: Path, on_progress: Progress) -> None:
        self._folder, self._on_progress = folder, on_progress
        self._recording: FileRecording | None = None

    def rows(self, recipe: Recipe, most: int | None = None) -> Rows:
        """Return the rows; ``most``: about so many of a file, with all that have a result as far as these go.

        Raises LablineError.
        """
        if recipe.history is not None:
            return recorded_rows(recipe, folder=self._folder, on_progress=self._on_progress)
        if self._recording is None:
            self._recording = recording_of(recipe, folder=self._folder)
        return rows_of_recording(recipe, _thinned(self._recording, most), on_progress=self._on_progress)


def _thinned(recording: FileRecording, most: int | None) -> FileRecording:
    samples = recording.samples
    if most is None or len(samples) <= most:
        return recording
    evenly = np.linspace(0, len(samples) - 1, most)
    measured = np.flatnonzero(samples.arrives_ns != NEVER)
    kept = np.unique(np.concatenate([evenly.astype(np.int64), measured[:: max(1, 2 * len(measured) // most)]]))
    return replace(recording, samples=samples.of(kept))
