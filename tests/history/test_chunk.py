"""Columns to bytes and back: not a bit is lost, whatever they hold; and garbage raises one error only."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gateway.history.codec.chunk import decode, encode
from gateway.history.codec.journal_entry import Batch, pack, unpack
from gateway.history.codec.parts import ChunkError
from gateway.history.columns import Columns, HeldSample

INT64 = st.integers(-(2**63), 2**63 - 1)


@st.composite
def any_columns(draw):
    count = draw(st.integers(0, 60))
    ints = arrays.arrays(np.int64, count, elements=draw(st.sampled_from([INT64, st.integers(0, 300), st.just(7)])))
    bits = st.integers(0, 2**64 - 1).map(lambda raw: struct.unpack("<d", struct.pack("<Q", raw))[0])
    steps = st.integers(-4000, 4000).map(lambda step: 17.3 + step * 0.025)
    decimals = st.integers(-99_999, 99_999).map(lambda number: number / 100)
    some = draw(st.sampled_from([bits, steps, decimals, st.sampled_from([0.0, -0.0, float("nan"), float("inf"), 1.5])]))
    return Columns(
        arrival=draw(ints),
        source_ns=draw(ints),
        held_ns=draw(ints),
        values=np.array(draw(st.lists(some, min_size=count, max_size=count)), np.float64),
        statuses=draw(arrays.arrays(np.uint32, count)),
        flags=draw(arrays.arrays(np.uint8, count)),
    )


def same(first, second):
    for name in ("arrival", "source_ns", "held_ns", "statuses", "flags"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
        assert getattr(first, name).dtype == getattr(second, name).dtype
    assert np.array_equal(first.values.view(np.int64), second.values.view(np.int64))


@settings(max_examples=80, deadline=None)
@given(any_columns())
def test_what_is_encoded_comes_back_to_the_bit(columns):
    same(columns, decode(encode(columns)))


def test_values_from_one_end_of_what_a_number_can_be_to_the_other_come_back_to_the_bit():
    ends = [0.0] * 7 + [1.0, 2.665868163424494e305, -1.7950272674e308]
    samples = [
        HeldSample(series="PV", arrival=at, source_ns=at, held_ns=at, value=value, status=0)
        for at, value in enumerate(ends)
    ]
    same(Columns.of(samples), decode(encode(Columns.of(samples))))


@settings(max_examples=40, deadline=None)
@given(any_columns(), st.binary(max_size=40), st.integers(0, 400))
def test_bytes_that_are_no_chunk_raise_one_error_and_nothing_else(columns, garbage, at):
    data = encode(columns)
    broken = data[:at] + garbage + data[at + len(garbage) :]
    try:
        decode(broken)
    except ChunkError:
        return
    # what happens to decode is for the hash to find; here it must only not crash otherwise


SAMPLES = st.lists(
    st.builds(
        HeldSample,
        series=st.sampled_from(["PV_TEMP", "PV_FLOW", "@plc1", "ä/µ", "x" * 300]),
        arrival=st.integers(0, 2**40),
        source_ns=INT64,
        held_ns=INT64,
        value=st.floats(),
        status=st.integers(0, 2**32 - 1),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SAMPLES, max_size=4))
def test_a_journal_of_many_series_comes_back_series_by_series_in_the_order_of_arrival(flushes):
    batches = [unpack(pack(Batch.of(samples))) for samples in flushes]
    joined = Batch.joined(batches)
    everything = [sample for samples in flushes for sample in samples]
    assert set(joined.counts) == {sample.series for sample in everything}
    for series, columns in joined.by_series():
        same(columns, Columns.of([sample for sample in everything if sample.series == series]))
        same(columns, Columns.joined(batch.of_series(series) for batch in batches))


@settings(max_examples=40, deadline=None)
@given(SAMPLES, st.binary(max_size=40), st.integers(0, 400))
def test_bytes_that_are_no_journal_entry_raise_one_error_and_nothing_else(samples, garbage, at):
    data = pack(Batch.of(samples))
    broken = data[:at] + garbage + data[at + len(garbage) :]
    try:
        unpack(broken)
    except ChunkError:
        return


def test_memory_is_taken_for_what_is_there_and_not_for_what_damaged_bytes_claim():
    samples = [
        HeldSample(series="PV", arrival=at, source_ns=at, held_ns=at, value=value, status=0)
        for at, value in enumerate([1.5] + 13 * [float("nan")])
    ]
    exceptions, all_there_can_be = struct.pack("<BI", 1, 13), struct.pack("<BI", 1, 2**32 - 1)
    columns = encode(Columns.of(samples))
    with pytest.raises(ChunkError, match="stated to be no numbers"):
        decode(columns.replace(exceptions, all_there_can_be))

    head, claim = struct.calcsize("<BI"), 2**40
    frame = struct.pack("<IBQ", 0xFD2FB528, 0xE0, claim) + b"\x01\x00\x00"  # RFC 8878, 3.1.1: 8 bytes of size, no data
    with pytest.raises(ChunkError, match="believed and allocated"):
        unpack(pack(Batch.of(samples))[: head - 4] + struct.pack("<I", len(frame)) + frame + columns)


def sensor(bits, count=2048, seed=1):
    """A sensor of so many bits with one percent noise, sampled each second with a millisecond's jitter."""
    random = np.random.default_rng(seed)
    low, high = -13.7, 182.3
    truth = 80 + 0.5 * np.sin(np.arange(count) / 200) + random.normal(0, 0.2, count)
    steps = np.rint((truth - low) / (high - low) * (2**bits - 1))
    times = 1_800_000_000 * 10**9 + np.arange(count) * 10**9 + random.normal(0, 1000, count).astype(np.int64) * 1000
    zeros = np.zeros(count, np.int64)
    return Columns(
        arrival=np.cumsum(random.integers(1, 3, count)),
        source_ns=times,
        held_ns=times.copy(),
        values=low + steps * (high - low) / (2**bits - 1),
        statuses=zeros.astype(np.uint32),
        flags=zeros.astype(np.uint8),
    )


@pytest.mark.parametrize("bits", [12, 14, 16])
def test_a_sample_of_a_usual_sensor_takes_no_more_than_four_bytes(bits):
    columns = sensor(bits)
    data = encode(columns)
    same(columns, decode(data))
    assert len(data) / len(columns) <= 4
