"""A record that is kept by its JSON is the one that the JSON says."""

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.lab.samples import Measured, point_of
from gateway.lab.series import Series
from gateway.lab.trends import charted_again
from gateway.line.spc_rules import TrendRules
from gateway.store import codec

RULES = TrendRules(product="FG-100", analyte="viscosity", baseline=10)
READ = TypeAdapter(Series)


def point(number, value):
    result = Measured(result_id=f"R-{number}", at_ns=number, value=value, qualifier=None)
    return point_of(f"S-{number}", [result])


@settings(max_examples=50)
@given(st.lists(st.floats(90.0, 110.0) | st.sampled_from((-0.0, 100.0, 1e-9)), min_size=1, max_size=40))
def test_a_series_is_the_same_whether_it_was_kept_or_is_read_from_its_json(values):
    points = [point(number, value) for number, value in enumerate(values, start=1)]
    series = charted_again(Series(), points, RULES, name="viscosity").series
    text = codec.encode_and_keep(series)
    assert codec.decode(Series, text) is series
    assert repr(READ.validate_json(text)) == repr(series)  # to the type of each number


def test_what_is_kept_is_bounded_and_of_its_kind():
    texts = [codec.encode_and_keep(Series(last_ns=number)) for number in range(100)]
    assert len(codec._KEPT) == codec._MOST_KEPT
    assert [codec.decode(Series, text).last_ns for text in texts] == list(range(100))
    assert codec.decode(dict, texts[-1])["last_ns"] == 99
