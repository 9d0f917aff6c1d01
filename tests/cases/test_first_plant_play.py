"""Case 14 of first-plant.md: what ``play`` and ``demo`` are asked for is looked at before anything is made."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.demo import _bundles
from gateway.cli.play import _UNFINISHED, _folder
from gateway.errors import LablineError
from simulator.play.file import Recording
from simulator.play.plan import PlayOptions, remarks, stretch
from tests.fixtures.real_parts import REPOSITORY


def recording(rows=100, every_rows=5, delay_rows=2, period_seconds=60.0):
    values = np.zeros(rows)
    return Recording(name="r", tags={"t": values}, units={"t": "1"}, analyte="a", unit="1", truth=values,
                     period_seconds=period_seconds, every_rows=every_rows, delay_rows=delay_rows)  # fmt: skip


def options(**changes):
    return PlayOptions(**{"speed": 60.0, "first": 50, "rows": 40, "lead": 10, "begin_after_seconds": 1.0, **changes})


# --- times and counts


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": 500}, "50 rows count, not 500"),
        ({"lead": 80}, "50 rows lead, not 80"),
        ({"speed": 0.5, "rows": 40}, "1.7 hours"),
        ({"first": 96, "rows": 2, "lead": 0}, "no laboratory result comes"),
    ],
)
def test_first_plant_14_what_comes_out_otherwise_than_asked_is_said(changes, said):
    (remark,) = remarks(recording(), options(**changes))
    assert said in remark


def test_first_plant_14_of_what_comes_out_as_asked_nothing_is_said():
    assert remarks(recording(), options()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"speed": math.nan},
        {"speed": math.inf},
        {"speed": 0.0},
        {"speed": -1.0},
        {"begin_after_seconds": math.nan},
        {"begin_after_seconds": math.inf},
        {"begin_after_seconds": -1.0},
        {"first": 100},
        {"speed": 100_000.0},
        {"bundle": Path("no bundle")},
    ],
)
def test_first_plant_14_what_cannot_be_played_is_refused_with_what_to_do(changes):
    with pytest.raises(LablineError) as told:
        stretch(recording(), options(**changes))
    assert told.value.hint


@given(st.integers(1, 300), st.integers(0, 400), st.integers(1, 400) | st.none(), st.integers(0, 400))
def test_first_plant_14_what_is_played_lies_within_the_recording_and_each_difference_is_said(rows, first, wanted, lead):
    played = recording(rows=rows)
    wish = options(first=first, rows=wanted, lead=lead)
    try:
        begin, end = stretch(played, wish)
    except LablineError:
        assert first >= rows
        return
    assert 0 <= begin <= first < end <= rows
    text = " ".join(remarks(played, wish))
    assert ("rows count" in text) == (wanted is not None and end - first != wanted)
    assert ("rows lead" in text) == (first - begin != lead)


# --- --keep


def test_first_plant_14_a_play_that_fails_does_not_keep_its_name_from_the_next_one(tmp_path):
    keep = tmp_path / "a" / "kept"

    def failing():
        with _folder(keep) as folder:
            (folder / "gateway.log").write_text("why")
            raise LablineError("broken")

    with pytest.raises(LablineError, match="broken"):
        failing()
    assert (keep / "gateway.log").exists()  # to be looked at
    with _folder(keep) as folder:
        assert [each.name for each in folder.iterdir()] == [_UNFINISHED]
        (folder / "state.db").write_text("")
    assert [each.name for each in keep.iterdir()] == ["state.db"]
    with pytest.raises(LablineError, match="is there already"), _folder(keep):
        pass
    assert (keep / "state.db").exists()


def test_first_plant_14_an_empty_folder_may_be_kept_in_and_somebody_elses_never(tmp_path):
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.mkdir()
    other.mkdir()
    (other / "thesis.txt").write_text("")
    with _folder(empty) as folder:
        assert folder == empty
    with pytest.raises(LablineError, match="is there already"), _folder(other):
        pass
    assert (other / "thesis.txt").exists()


def test_first_plant_14_what_cannot_be_played_makes_no_folder(tmp_path):
    (tmp_path / "data.csv").write_text("t,a\n" + "1,2\n" * 20)
    file = tmp_path / "play.toml"
    file.write_text('[data]\nfile = "data.csv"\nperiod_seconds = 1.0\n'
                    '[laboratory]\ncolumn = "a"\nevery_rows = 5\ndelay_rows = 1\n')  # fmt: skip
    keep = tmp_path / "kept"
    told = CliRunner().invoke(app, ["play", str(file), "--keep", str(keep), "--speed", "1000"])
    assert isinstance(told.exception, LablineError)
    assert not keep.exists()


def test_first_plant_14_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LablineError, match="cannot be made"), _folder(tmp_path / "file" / "kept"):
        pass


# --- demo


def test_first_plant_14_the_demo_finds_the_repositorys_bundles_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _bundles(None) == REPOSITORY / "models"


def test_first_plant_14_a_folder_without_bundles_is_said_with_what_to_name(tmp_path):
    with pytest.raises(LablineError, match="models are not in") as told:
        _bundles(tmp_path)
    assert "--models" in told.value.hint
