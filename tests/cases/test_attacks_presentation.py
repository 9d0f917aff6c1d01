"""Text from outside on a person's terminal: markup stays text, escapes are shown, nothing is cut short or broken."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import output as presentation
from gateway.cli.output import SafeConsole, column_widths, safe_text, show_table

_ID = "0f7f7a0c-5a41-5d6e-9c6e-1a4e3c1f9b77"


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def pipe(monkeypatch):
    console = SafeConsole()
    console.file = io.StringIO()
    monkeypatch.setattr(presentation, "out", console)
    return console.file


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 60 columns."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "25")
    monkeypatch.setenv("TERM", "dumb")
    console = SafeConsole()
    console.file = _Terminal()
    monkeypatch.setattr(presentation, "out", console)
    return console.file


@pytest.mark.parametrize("lot", ["[/foo]", "[bold]x", ":smile:", "[link=http://x]y[/link]"])
def test_attacks_14_a_lot_named_like_markup_is_shown_as_it_is(pipe, lot):
    show_table(lot, ("lot", lot), [(lot, 1)])
    presentation.out.print(f"lot {lot}", soft_wrap=True)
    assert pipe.getvalue().count(lot) == 4


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "a\rb", "a\x08b", "\u202egnp", "\u200b", "\ud800"]
)
def test_attacks_14_what_a_terminal_would_act_on_is_shown_as_an_escape(pipe, text):
    show_table(text, ("lot",), [(text,)])
    presentation.out.print(f"lot {text}", soft_wrap=True)
    told = pipe.getvalue()
    assert text not in told
    assert told.count(safe_text(text)) == 3


def test_attacks_14_a_line_break_in_data_forges_no_line(pipe):
    show_table("lots", ("lot",), [("L1\naudit: ok",)])
    assert "audit: ok" not in [line.strip() for line in pipe.getvalue().splitlines()]


@given(st.text())
def test_safe_text_prints_on_one_line_whatever_it_was(text):
    shown = safe_text(text)
    shown.encode("utf-8")  # no lone surrogates
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    if text.isprintable():
        assert shown == text


def test_first_plant_07_in_a_pipe_a_row_is_one_line_however_long(pipe):
    why = "moisture 4.297 is above the upper limit of 4.2 % " * 20
    show_table("holds", ("id", "why"), [(_ID, why)])
    assert [line for line in pipe.getvalue().splitlines() if _ID in line and why.strip() in line]


def test_first_plant_07_on_a_terminal_a_long_reason_is_wrapped_and_an_id_never_broken(terminal):
    show_table("holds", ("id", "why"), [(_ID, "above the upper limit of 4.2 % by a little")])
    lines = terminal.getvalue().splitlines()
    assert any(_ID in line for line in lines)
    assert max(map(len, lines)) <= 60, lines
    words = "".join(lines).replace("│", " ").split()
    assert words[-9:] == ["above", "the", "upper", "limit", "of", "4.2", "%", "by", "a", "little"][-9:]


def test_first_plant_07_where_two_ids_do_not_fit_beside_each_other_each_has_a_line(terminal):
    show_table("results", ("id", "event"), [(_ID, _ID[::-1])])
    told = terminal.getvalue()
    assert _ID in told
    assert _ID[::-1] in told


@given(st.lists(st.lists(st.text("ab ", max_size=30), min_size=3, max_size=3), min_size=1), st.integers(10, 120))
def test_columns_are_as_wide_as_their_longest_word_and_together_fit(rows, room):
    widths = column_widths(rows, room)
    longest = [
        max((len(word) for text in column for word in text.split()), default=0) for column in zip(*rows, strict=True)
    ]
    if widths is None:
        assert sum(longest) + 8 > room
    else:
        assert sum(widths) + 8 <= room
        assert all(width >= least for width, least in zip(widths, longest, strict=True))
