"""Last values that are read for all samples at once are those that rings, windows and features give."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.time_units import SECOND_NS
from gateway.training import reading_rows
from gateway.training.file_production import FileProduction
from gateway.training.file_recording import FileRecording, Samples
from gateway.training.files.cells import NumberColumn
from gateway.training.recipe import Recipe

BAD, BLANK = "bad", "blank"
CELLS = some.sampled_from([1.5, -2.0, 7.25, BLANK, BLANK, BAD])
TICK_NS = 10 * SECOND_NS


@some.composite
def recordings(draw):
    """Draw a file with rows at any distances, blanks, bad readings, and samples at and between the rows."""
    distances = draw(some.lists(some.sampled_from([1, 1, 1, 2, 3, 5, 6, 13]), min_size=3, max_size=25))
    at_ns = np.cumsum([100, *distances]) * TICK_NS
    columns = {}
    for tag in ("a", "b"):
        cells = draw(some.lists(CELLS, min_size=len(at_ns), max_size=len(at_ns)))
        values = np.array([cell if isinstance(cell, float) else np.nan for cell in cells])
        columns[tag] = NumberColumn(values=values, bad=np.array([cell == BAD for cell in cells]), texts={})
    last = int(at_ns[-1] // TICK_NS)
    ticks = sorted(draw(some.sets(some.integers(100, last + 8), min_size=1, max_size=12)))
    drawn_ns = np.array(ticks, np.int64) * TICK_NS
    samples = Samples(rows=np.arange(len(ticks)), at_ns=drawn_ns, arrives_ns=drawn_ns + 1, values=np.zeros(len(ticks)),
                      names=tuple(map(str, ticks)))  # fmt: skip
    gap = draw(some.integers(1, 7))
    return FileRecording(at_ns=at_ns, columns=columns, samples=samples, gap_ns=gap * TICK_NS, period_ns=TICK_NS,
                         sha256="", odd={}, about="", production=FileProduction(at_ns))  # fmt: skip


ROWS = some.integers(0, 9)


@given(
    recordings(),
    some.lists(ROWS, min_size=1, max_size=3, unique=True),
    some.lists(some.integers(1, 9), max_size=2, unique=True),
)
@settings(max_examples=60, deadline=None)
def test_a_last_value_read_at_once_is_what_rings_and_features_say(recording, lags, changes):
    recipe = Recipe.model_validate({
        "name": "r", "version": "1", "intended_use": "Tests.", "data": {"file": "d.csv", "period_seconds": 10},
        "laboratory": {"column": "y", "every_rows": 1, "delay_rows": 1},
        "output": {"analyte": "y", "unit": "1", "valid": [0, 1]},
        "inputs": [{"tag": tag, "unit": "1", "lags_rows": lags, "differences_rows": changes} for tag in "ab"],
    })  # fmt: skip
    at_once = reading_rows.read_samples(recipe, recording, recording.columns, lambda *_: None)
    played = _played(recipe, recording)
    assert at_once.kept.tolist() == played.kept.tolist()
    assert at_once.matrix.tobytes() == played.matrix.tobytes()
    assert at_once.left_out == played.left_out


def _played(recipe, recording):
    """Return the same samples with every row played into rings."""
    taken, reading_rows.is_held_value = reading_rows.is_held_value, lambda _item: False
    try:
        return reading_rows.read_samples(recipe, recording, recording.columns, lambda *_: None)
    finally:
        reading_rows.is_held_value = taken
