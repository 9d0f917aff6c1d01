"""Values of a chunk: sensors report steps of a converter, so values become whole numbers where nothing is lost. Pure.

Values are whole multiples of a decimal; or whole multiples of their common step, each with its distance from that grid
in units in the last place; else their bits are kept as planes. NaN and infinity are kept apart, as bits.
Layout, little-endian: whether there is any that is no number (u8), then its count, the lengths of where and what (u32
each) and these; then the way (u8) and what it needs.
"""

import struct
from collections.abc import Callable, Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gateway.history.codec.integers import pack_integers, read_integers, wrapped_difference
from gateway.history.codec.parts import ChunkError, PartReader, pack_planes, read_planes

_DECIMALS = tuple(10.0**exponent for exponent in range(9))
_LARGEST_MULTIPLE = 2.0**40
_STEP_ROUNDS = 6
_NEARLY_WHOLE = 1e-3
_FARTHEST_UNITS = 64


class _Values(IntEnum):
    DECIMAL = 0
    GRID = 1
    BITS = 2


def pack_floats(values: NDArray[np.float64]) -> bytes:
    """Return values as bytes, from which ``read_floats`` makes the same bits again."""
    finite = np.isfinite(values)
    if not finite.all():
        return _with_exceptions(values, finite)
    return b"\0" + _finite(values)


def _with_exceptions(values: NDArray[np.float64], finite: NDArray[np.bool_]) -> bytes:
    """Keep NaN and infinity apart, as bits, and fill their places with the number before."""
    positions = np.flatnonzero(~finite)
    known = np.maximum.accumulate(np.where(finite, np.arange(len(values)), -1))
    filled = np.where(known >= 0, values[np.maximum(known, 0)], 0.0)
    filled = np.where(np.isfinite(filled), filled, 0.0)
    where, bits = pack_integers(positions.astype(np.int64)), pack_integers(values[positions].view(np.int64))
    head = struct.pack("<BIII", 1, len(positions), len(where), len(bits))
    return head + where + bits + _finite(filled)


def _finite(values: NDArray[np.float64]) -> bytes:
    decimal = _decimal(values)
    if decimal is not None:  # as small as any other: multiples of a step are divided by what they have in common
        return decimal
    bits, grid = _bits(values), _grid(values)
    return bits if grid is None else min(bits, grid, key=len)


def _bits(values: NDArray[np.float64]) -> bytes:
    bits = values.view(np.uint64)
    return struct.pack("<B", _Values.BITS) + pack_planes(bits ^ np.concatenate(([np.uint64(0)], bits[:-1])))


def _decimal(values: NDArray[np.float64]) -> bytes | None:
    for exponent, factor in enumerate(_DECIMALS):
        multiples = np.rint(values * factor)
        if np.abs(multiples).max(initial=0.0) >= _LARGEST_MULTIPLE:
            return None
        whole = multiples.astype(np.int64)
        if np.array_equal((whole / factor).view(np.int64), values.view(np.int64)):
            return struct.pack("<BB", _Values.DECIMAL, exponent) + pack_integers(whole)
    return None


def _grid(values: NDArray[np.float64]) -> bytes | None:
    levels = np.unique(values)
    if len(levels) < 2:  # noqa: PLR2004 - a step lies between two levels
        return None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        step = _common_step(np.diff(levels))
        if step is None:
            return None
        span = float(levels[-1] - levels[0])
        if not np.isfinite(span / step):  # of values from one end of what a number can be to the other
            return None
        steps = round(span / step)
        if not 0 < steps < _LARGEST_MULTIPLE:
            return None
        step, start = span / steps, float(levels[0])
        multiples = np.rint((values - start) / step).astype(np.int64)
        residues = wrapped_difference(values.view(np.int64), (start + multiples * step).view(np.int64))
    if np.abs(residues).max() > _FARTHEST_UNITS or np.abs(residues).min() < 0:
        return None
    where = pack_integers(multiples)
    head = struct.pack("<BddI", _Values.GRID, start, step, len(where))
    return head + where + pack_integers(residues)


def _common_step(differences: NDArray[np.float64]) -> float | None:
    """Return the step whose whole multiples all differences nearly are (Euclid's algorithm on all at once)."""
    step = float(differences.min())
    for _ in range(_STEP_ROUNDS):
        if not step > 0.0 or not np.isfinite(step):
            return None
        left = np.abs(differences - np.rint(differences / step) * step)
        worst = left[left > _NEARLY_WHOLE * step]
        if not len(worst):
            return step
        step = float(worst.min())
    return None


def read_floats(reader: PartReader, count: int) -> NDArray[np.float64]:
    """Return so many values; raises ChunkError, ValueError or struct.error where there are none."""
    if not reader.read("<B")[0]:
        return _read_finite(reader, count)
    exceptions, where_length, bits_length = reader.read("<III")
    if exceptions > count:
        raise ChunkError(f"{exceptions} of {count} values are stated to be no numbers")
    where = read_integers(PartReader(reader.read_bytes(where_length)), exceptions)
    bits = read_integers(PartReader(reader.read_bytes(bits_length)), exceptions)
    values = _read_finite(reader, count).copy()
    values[where] = bits.view(np.float64)
    return values


def _read_finite(reader: PartReader, count: int) -> NDArray[np.float64]:
    return _FLOATS[_Values(reader.read("<B")[0])](reader, count)


def _read_decimal(reader: PartReader, count: int) -> NDArray[np.float64]:
    factor = _DECIMALS[reader.read("<B")[0]]
    return read_integers(reader, count).astype(np.float64) / factor


def _read_grid(reader: PartReader, count: int) -> NDArray[np.float64]:
    start, step = struct.unpack("<dd", reader.read_bytes(16))
    (length,) = reader.read("<I")
    multiples = read_integers(PartReader(reader.read_bytes(length)), count)
    residues = read_integers(reader, count)
    restored: NDArray[np.int64] = (start + multiples * step).view(np.int64) + residues
    return restored.view(np.float64)


def _read_bits(reader: PartReader, count: int) -> NDArray[np.float64]:
    bits: NDArray[np.uint64] = np.bitwise_xor.accumulate(read_planes(reader, count))
    return bits.view(np.float64)


_FLOATS: Mapping[_Values, Callable[[PartReader, int], NDArray[np.float64]]] = {
    _Values.DECIMAL: _read_decimal,
    _Values.GRID: _read_grid,
    _Values.BITS: _read_bits,
}
