"""The window arithmetic against a slow, obvious reference: walk the time line piece by piece, in fractions."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.history.memory.rings import Rings
from gateway.history.windows import WindowRequest, aggregate
from gateway.line.definition import Aggregate
from gateway.records.process import TagSample
from gateway.time_units import SECOND_NS
from tests.fixtures.building import BAD, GOOD

START, LENGTH = 1_000 * SECOND_NS, 20 * SECOND_NS

moments = st.integers(START - LENGTH, START + LENGTH + SECOND_NS)
values = st.integers(-1000, 1000).map(lambda value: value / 8)
samples = st.lists(st.tuples(moments, values, st.sampled_from([GOOD, GOOD, GOOD, BAD])), max_size=30)


def pieces(given_samples):
    """Return (begin, end, value) of each stretch with a usable value, by looking at every boundary."""
    ordered = sorted(given_samples, key=lambda item: item[0])  # stable: later arrivals of a time come last
    end = START + LENGTH
    boundaries = sorted({START, end, *(at for at, _, _ in ordered if START < at < end)})
    reference_rows = []
    for begin, stop in pairwise(boundaries):
        holding = [item for item in ordered if item[0] <= begin]
        if holding and holding[-1][2] == GOOD:
            reference_rows.append(
                (Fraction(begin - START, SECOND_NS), Fraction(stop - START, SECOND_NS), Fraction(holding[-1][1]))
            )
    return reference_rows


def reference(kind, stretches):
    total = sum(stop - begin for begin, stop, _ in stretches)
    mean = sum((stop - begin) * value for begin, stop, value in stretches) / total
    match kind:
        case Aggregate.MEAN:
            return float(mean)
        case Aggregate.MIN:
            return float(min(value for *_, value in stretches))
        case Aggregate.MAX:
            return float(max(value for *_, value in stretches))
        case Aggregate.STANDARD_DEVIATION:
            return math.sqrt(sum((stop - begin) * (value - mean) ** 2 for begin, stop, value in stretches) / total)
        case Aggregate.SLOPE:
            middle = sum((stop**2 - begin**2) / 2 for begin, stop, _ in stretches) / total
            above = sum(value * ((stop - middle) ** 2 - (begin - middle) ** 2) / 2 for begin, stop, value in stretches)
            below = sum(((stop - middle) ** 3 - (begin - middle) ** 3) / 3 for begin, stop, _ in stretches)
            return float(above / below)


@pytest.mark.parametrize(
    "kind", [Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.STANDARD_DEVIATION, Aggregate.SLOPE]
)
@given(given_samples=samples)
def test_aggregates_agree_with_the_reference(kind, given_samples):
    rings = Rings({"t": "s"}, capacity=100)
    taken = [TagSample(tag="t", value=v, status=q, source_ns=at, server_ns=at) for at, v, q in given_samples]
    rings.backfill(taken, from_ns=0)  # in any order of time
    rings.confirm("s", confirmed_ns=START + 2 * LENGTH)
    window = rings.window(WindowRequest(tag="t", start_ns=START, end_ns=START + LENGTH))
    value, covered = aggregate(kind, window)
    stretches = pieces(given_samples)
    assert covered == pytest.approx(float(sum(stop - begin for begin, stop, _ in stretches)) / 20, abs=1e-9)
    if not stretches:
        assert value is None
        return
    assert value == pytest.approx(reference(kind, stretches), rel=1e-6, abs=1e-5)


@given(given_samples=samples)
def test_last_agrees_with_the_reference(given_samples):
    rings = Rings({"t": "s"}, capacity=100)
    taken = [TagSample(tag="t", value=v, status=q, source_ns=at, server_ns=at) for at, v, q in given_samples]
    rings.backfill(taken, from_ns=0)  # in any order of time
    rings.confirm("s", confirmed_ns=START + 2 * LENGTH)
    window = rings.window(WindowRequest(tag="t", start_ns=START, end_ns=START + LENGTH))
    holding = [item for item in sorted(given_samples, key=lambda item: item[0]) if item[0] <= START + LENGTH]
    expected = holding[-1][1] if holding and holding[-1][2] == GOOD else None
    assert aggregate(Aggregate.LAST, window)[0] == expected
