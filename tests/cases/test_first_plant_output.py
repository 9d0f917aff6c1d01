"""What commands print for people: nothing cropped, ids whole, numbers that can be read, a lot's story on a screen."""

import io

import pytest

from gateway.cli import output as presentation
from gateway.cli.output import SafeConsole, few_digits, show_wrapped
from gateway.cli.replay_report import _readable
from gateway.cli.trace_lines import trace_lines
from gateway.store.queries.tracing import Node, trace
from tests.fixtures.store_bench import Bench

_LIMITS = {"test_name": "pH", "spec_min": 6.5, "spec_max": 7.5, "material_lot": "LOT/1"}


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """The trees of a lot with three results, of which one has put it on hold."""
    bench = Bench(tmp_path_factory.mktemp("traced"))
    bench.order()
    for sample, value in (("S-1", 9.8), ("S-2", 7.0), ("S-3", 7.1)):
        bench.result({**_LIMITS, "sample_id": sample, "result": value})
    found = trace(bench.connection, "LOT/1")
    bench.connection.close()
    return found


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def printed(lines, monkeypatch, *, file, columns="80"):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", "25")
    monkeypatch.setenv("TERM", "dumb")
    console = SafeConsole()
    console.file = file
    monkeypatch.setattr(presentation, "out", console)
    for line in lines:
        show_wrapped(line.indented(), hanging=2 * line.depth + 4)
    return file.getvalue().splitlines()


def everything(node):
    yield node
    for child in node.children:
        yield from everything(child)


def test_first_plant_07_a_lot_of_three_results_fits_a_screen_and_says_why_it_is_on_hold(traced, monkeypatch):
    shown = printed(trace_lines(traced), monkeypatch, file=_Terminal())
    assert len(shown) <= 26
    assert all(len(line) <= 80 for line in shown)
    assert any("because pH 9.8 is above the upper limit of 7.5" in line for line in shown)


def test_first_plant_07_ids_are_never_broken(traced, monkeypatch):
    ids = {each.id for node in traced for each in everything(node) if len(each.id) == 36}
    whole = "\n".join(printed(trace_lines(traced, whole=True), monkeypatch, file=_Terminal(), columns="40"))
    assert all(each in whole for each in ids)


def test_first_plant_07_in_a_pipe_a_reason_is_whole_on_one_line(monkeypatch):
    reason = "moisture 4.297 is above the upper limit of 4.2 % " * 10
    node = Node(kind="lot", id="L", details={"reasons": [{"text": reason.strip()}]})
    assert printed(trace_lines([node]), monkeypatch, file=io.StringIO())[1] == f"  because {reason.strip()}"


def test_first_plant_07_the_whole_story_has_every_record_each_time(traced):
    lines = [line.text for line in trace_lines(traced, whole=True)]
    assert len(lines) >= sum(1 for node in traced for _ in everything(node))
    assert any("(shown above)" in line for line in lines)


def test_a_damaged_record_is_marked_in_the_story():
    assert "DAMAGED" in trace_lines([Node(kind="lot", id="L", details={}, holds=False)])[0].text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("103.54999999999998 (101.42000000000002 to 105.68123456789)", "103.55 (101.42 to 105.681)"),
        ("-0.00012345678901234", "-0.000123457"),
        ("4.297", "4.297"),
        ("OUT_OF_RANGE", "OUT_OF_RANGE"),
        ("lot 1.234567890-A", "lot 1.234567890-A"),
    ],
)
def test_first_plant_07_numbers_of_a_replay_have_digits_that_can_be_read(text, shown):
    assert few_digits(text) == shown


def test_first_plant_07_where_fewer_digits_would_hide_the_difference_all_are_shown():
    assert _readable("1.00000000000001", "1.00000000000002") == ("1.00000000000001", "1.00000000000002")
    assert _readable("1.00000000000001", "2.00000000000002") == ("1", "2")
