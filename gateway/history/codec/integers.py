"""Whole numbers of a chunk: the cheapest of four ways to say them, as planes of bytes. Pure.

The ways: offset from the least, difference, second difference, and distance from a line, of numbers divided by their
common divisor. Layout, little-endian: the way (u8); of numbers that are all equal, that one (i64); of numbers too far
apart, their bits as planes; else least number, slope of the line, divisor, least of what is left (i64 each), and what
is left as planes.
"""

import struct
from collections.abc import Callable, Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gateway.history.codec.parts import PartReader, pack_planes, read_planes

Integers = NDArray[np.int64]
_LONGEST_SPAN = 2**62
_LOOKED_AT = 64  # numbers, for where their middle lies


class _Shape(IntEnum):
    CONSTANT = 0
    OFFSET = 1
    DIFFERENCE = 2
    SECOND_DIFFERENCE = 3
    LINE = 4
    BITS = 5


def wrapped_difference(first: Integers, second: Integers) -> Integers:
    """Return the difference modulo 2**64, so that no pair of times can overflow."""
    return (first.view(np.uint64) - second.view(np.uint64)).view(np.int64)


def pack_integers(numbers: Integers) -> bytes:
    """Return numbers as bytes, the way that takes fewest."""
    if not len(numbers):
        return struct.pack("<B", _Shape.BITS) + pack_planes(numbers.view(np.uint64))
    low, high = int(numbers.min()), int(numbers.max())
    if low == high:
        return struct.pack("<Bq", _Shape.CONSTANT, low)
    if high - low >= _LONGEST_SPAN:
        return struct.pack("<B", _Shape.BITS) + pack_planes(numbers.view(np.uint64))
    offset = numbers - low
    unit = max(int(np.gcd.reduce(offset)), 1)
    offset //= unit
    difference = _difference(offset)
    slope = round(float(offset[-1] - offset[0]) / max(len(offset) - 1, 1))
    candidates = {
        _Shape.OFFSET: offset,
        _Shape.DIFFERENCE: difference,
        _Shape.SECOND_DIFFERENCE: _difference(difference),
        _Shape.LINE: offset - _line(slope, len(offset)),
    }
    shape = min(candidates, key=lambda shape: _cost(candidates[shape]))
    chosen = candidates[shape]
    least = int(chosen.min())
    head = struct.pack("<Bqqqq", shape, low, slope, unit, least)
    return head + pack_planes((chosen - least).view(np.uint64))


def _line(slope: int, count: int) -> Integers:
    return np.arange(count, dtype=np.int64) * slope


def _difference(numbers: Integers) -> Integers:
    """Return the first number and by how much each is larger than the one before."""
    differences = numbers.copy()
    differences[1:] -= numbers[:-1]
    return differences


def _cost(numbers: Integers) -> float:
    some = np.sort(numbers[:: len(numbers) // _LOOKED_AT + 1])
    return float(np.log2(np.abs(numbers - some[len(some) // 2]).astype(np.float64) + 1.0).sum())


def read_integers(reader: PartReader, count: int) -> Integers:
    """Return so many numbers; raises ChunkError, ValueError or struct.error where there are none."""
    shape = _Shape(reader.read("<B")[0])
    if shape is _Shape.CONSTANT:
        return np.full(count, reader.read("<q")[0], np.int64)
    if shape is _Shape.BITS:
        return read_planes(reader, count).view(np.int64)
    low, slope, unit, least = reader.read("<qqqq")
    chosen = read_planes(reader, count).view(np.int64) + least
    return _RESTORED[shape](chosen, slope) * unit + low


_RESTORED: Mapping[_Shape, Callable[[Integers, int], Integers]] = {
    _Shape.OFFSET: lambda chosen, _slope: chosen,
    _Shape.DIFFERENCE: lambda chosen, _slope: np.cumsum(chosen),
    _Shape.SECOND_DIFFERENCE: lambda chosen, _slope: np.cumsum(np.cumsum(chosen)),
    _Shape.LINE: lambda chosen, slope: chosen + _line(slope, len(chosen)),
}
