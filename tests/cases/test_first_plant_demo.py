"""The demonstration on a terminal of 80 columns and 24 lines: the most important first, and nothing of it cut."""

import io
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from simulator.account import rows_of
from simulator.demo import _issued
from simulator.gateway_process import ConsoleLink
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
        certificates={"C-1": ("LOT-1000/1", "signed", True), "C-2": ("LOT-1000/2", "draft", False)},
    )
    review = SimpleNamespace(lot="LOT-1000/2", severity="critical", text="Viscosity of S-00002 was approved too early.")
    answer = SimpleNamespace(
        question="What is the pH of lot LOT-1000/1?", answer="ph of LOT-1000/1 is 7.01 pH.", milliseconds=12.0,
        titles=("result S-00001",),
    )  # fmt: skip
    return SimpleNamespace(
        observer=observer,
        tally=SimpleNamespace(off_share=0.05),
        options=SimpleNamespace(seed=1, signs=False, console=ConsoleLink(port=8443, link="abcd-efgh")),
        gateway=SimpleNamespace(ready_at=time.perf_counter()),
        stage="running",
        mes=SimpleNamespace(
            current_lot="LOT-1001/1", released={"LOT-1000/1"}, certificates={"LOT-1000/1": "0E2CBB4C-1"}
        ),
        quality=SimpleNamespace(reviews=[review]),
        questions=SimpleNamespace(answered=[answer]),
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
    for part in (
        "gateway online",
        *SPECIFICATIONS,
        "S-00001",
        TITLE,
        *TAGS,
        "http://127.0.0.1:8443/#sign-in=abcd-efgh",
    ):
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
    for part in ("off-specification", *SPECIFICATIONS, "S-00001", TITLE, *TAGS, "1/min", "mS/cm",
                 "2 drafted, 1 signed, 1 at the MES; released there: LOT-1000/1"):  # fmt: skip
        assert part in text


def test_a_large_terminal_shows_the_certificates_the_first_line_of_a_review_an_answer_and_how_to_sign():
    console = Console(width=132, height=44, file=io.StringIO(), color_system=None)
    console.print(picture(scene(told=[guidance(number) for number in range(5)]), 132, 44))
    text = console.file.getvalue()
    for part in ("released there: LOT-1000/1", "review of LOT-1000/2, first line: Viscosity of S-00002 was approved",
                 "asked: What is the pH of lot LOT-1000/1? ph of LOT-1000/1 is 7.01 pH. (12 ms; result S-00001)",
                 "http://127.0.0.1:8443/#sign-in=abcd-efgh, to sign: user demo, password abcd-efgh",
                 TITLE):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(("told", "received", "released", "ended"), [
    ((), (), (), False), (("L",), (), ("L",), False), (("L",), ("L",), (), False), (("L",), ("L",), ("L",), True),
])  # fmt: skip
def test_the_demo_ends_once_the_mes_has_what_was_signed(told, received, released, ended):
    at = scene()
    at.observer.certificates = {lot: (lot, "signed", True) for lot in told}
    at.mes.certificates, at.mes.released, at.quality.signed = dict.fromkeys(received, "1"), set(released), {"L"}
    assert _issued(at) is ended


def test_the_account_of_the_demo_is_a_table_for_people():
    account = {
        "lost": 0, "latency_ms": {"result_to_hold": {"n": 1, "p50": 5.0}}, "lots_released": ["LOT-1000/1"],
        "reviews": [{"lot": "LOT-1", "lines_to_read": 7, "data_points": 28, "text": "approved too early"}],
        "questions": {"asked": 2, "answered": 1, "ms": {"n": 1}}, "laboratory_plan": {"days": 14},
    }  # fmt: skip
    assert dict(rows_of(account)) == {
        "lost": "0", "result_to_hold, ms": "n 1, p50 5.0", "lots_released": "LOT-1000/1",
        "review of LOT-1": "7 of 28 lines to read; first: approved too early", "questions": "2 asked, 1 answered",
        "answers, ms": "n 1", "laboratory_plan": "days 14",
    }  # fmt: skip


@settings(max_examples=50)
@given(st.integers(40, 119), st.integers(10, 60), st.lists(st.text("ab ", max_size=90), max_size=12))
def test_no_line_of_the_demo_is_wider_than_the_terminal_and_no_more_of_them_than_it_has(columns, rows, titles):
    told = [guidance(number, title=title) for number, title in enumerate(titles)]
    lines = shown(small_picture(scene(told=told), columns, rows))
    assert len(lines) <= rows
    longest = max(len(word) for title in (*titles, "x" * 48) for word in title.split() or [""])
    assert max(map(len, lines)) <= max(columns, longest + 2)
