"""The demonstration on a terminal of 80 columns and 24 lines: the most important first, and nothing of it cut."""

import io
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from simulator.plant import TAGS
from simulator.scenarios import SPECIFICATIONS
from simulator.view import picture, small_picture

TITLE = "Hold lot LOT-1001/1: viscosity 120 mPa.s above 105 mPa.s"


def guidance(number, state="proposed", title=TITLE):
    return {"issued_at": f"2026-11-29T08:00:{number:02}.000Z", "state": state, "kind": "hold", "title": title,
            "instructions": []}  # fmt: skip


def scene(*, told=(), predicted=True, results=5):
    predictions = {
        analyte: {"value": lower, "low": lower - 1.0, "high": upper, "verdict": {"reasons": []}}
        for analyte, (lower, upper) in SPECIFICATIONS.items()
    }
    result = SimpleNamespace(sample_id="S-00001", analyte="viscosity", value=120.0, out_of_specification=True)
    observer = SimpleNamespace(
        status={"online": True, "buffer": {"guidance": 0}, "degraded": []},
        predictions=predictions if predicted else {},
        results=[(result, "hold")] * results,
        guidance=dict(enumerate(told)),
        counts={"deviations": 1},
    )
    return SimpleNamespace(
        observer=observer,
        tally=SimpleNamespace(off_share=0.05),
        options=SimpleNamespace(seed=1),
        gateway=SimpleNamespace(ready_at=time.perf_counter()),
        stage="running",
        mes=SimpleNamespace(current_lot="LOT-1001/1"),
        broker=SimpleNamespace(name="mosquitto"),
        plant=SimpleNamespace(reported=dict.fromkeys(TAGS, 123.456)),
    )


def shown(picture):
    return [line.plain for line in picture]


@pytest.mark.parametrize("predicted", [True, False])
def test_first_plant_07_the_demo_fits_80_columns_and_24_lines_with_every_part(predicted):
    told = [guidance(number) for number in range(20)]
    lines = shown(small_picture(scene(told=told, predicted=predicted), 80, 24))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for part in ("gateway online", *SPECIFICATIONS, "S-00001", TITLE, *TAGS):
        assert part in text


def test_first_plant_07_open_guidance_stands_before_what_is_over():
    told = [guidance(1, title="Stop the feed"), *(guidance(number, "resolved") for number in range(2, 20))]
    lines = shown(small_picture(scene(told=told), 80, 24))
    assert "Stop the feed" in lines[lines.index("guidance on the terminal") + 1]


@pytest.mark.parametrize(("columns", "rows"), [(126, 36), (130, 40), (200, 60)])
def test_the_panels_of_a_large_terminal_crop_nothing(columns, rows):
    console = Console(width=columns, height=rows, file=io.StringIO(), color_system=None)
    console.print(picture(scene(told=[guidance(number) for number in range(5)]), columns, rows))
    text = console.file.getvalue()
    assert "\u2026" not in text
    for part in ("off-specification", *SPECIFICATIONS, "S-00001", TITLE, *TAGS, "1/min", "mS/cm"):
        assert part in text


@settings(max_examples=50)
@given(st.integers(40, 119), st.integers(10, 60), st.lists(st.text("ab ", max_size=90), max_size=12))
def test_no_line_of_the_demo_is_wider_than_the_terminal_and_no_more_of_them_than_it_has(columns, rows, titles):
    told = [guidance(number, title=title) for number, title in enumerate(titles)]
    lines = shown(small_picture(scene(told=told), columns, rows))
    assert len(lines) <= rows
    longest = max(len(word) for title in (*titles, "x" * 48) for word in title.split() or [""])
    assert max(map(len, lines)) <= max(columns, longest + 2)
