"""Columns to few bytes and back, without loss of a single bit. Pure.

Integers: the cheapest of offset, difference, second difference and distance from a line, divided by their common
divisor, split into planes of bytes, each plane compressed by itself (Zstandard). Floats: sensors report steps of a
converter, so values become integers where they are whole multiples of a decimal or of a step found in them, plus how
many units in the last place each is beside its grid; else their bits are kept as planes.

Damage is not looked for here: whoever keeps a chunk keeps its hash.
"""

import struct
import threading
from collections.abc import Callable, Mapping
from enum import IntEnum

import numpy as np
import zstandard
from numpy.typing import NDArray

from gateway.history.columns import Columns

_Integers = NDArray[np.int64]
_OF_THREAD = threading.local()
_FORMAT = 1
_LEVEL = 3
_LONGEST_SPAN = 2**62
_ZERO = np.int64(0)
_MOST_SAMPLES = 2**22
_DECIMALS = tuple(10.0**exponent for exponent in range(9))
_LARGEST_MULTIPLE = 2.0**40
_STEP_ROUNDS = 6
_NEARLY_WHOLE = 1e-3
_FARTHEST_UNITS = 64
_LOOKED_AT = 64  # numbers, for where their middle lies


class ChunkError(ValueError):
    """The bytes are no chunk of this format."""


def encode(columns: Columns) -> bytes:
    """Return the columns as bytes."""
    parts = (
        _integers(columns.arrival),
        _integers(columns.source_ns),
        _integers(_wrapped(columns.held_ns, columns.source_ns)),
        _floats(columns.values),
        _integers(columns.statuses.astype(np.int64)),
        _integers(columns.flags.astype(np.int64)),
    )
    head = struct.pack("<BI", _FORMAT, len(columns))
    return head + b"".join(struct.pack("<I", len(part)) + part for part in parts)


def decode(data: bytes, *, arrivals: bool = True) -> Columns:
    """Return the columns in a chunk; raises ChunkError where it is none.

    For windows, which do not look at them, arrivals and flags may be left out: then they are zeros.
    """
    try:
        version, count = struct.unpack_from("<BI", data)
        if version != _FORMAT or count > _MOST_SAMPLES:
            raise ChunkError(f"chunk format {version} with {count} samples is not known")
        reader = _Reader(data, struct.calcsize("<BI"))
        arrival, source_ns, held_beside, values, statuses, flags = (reader.part() for _ in range(6))
        times = _read_integers(_Reader(source_ns), count)
        return Columns(
            arrival=_read_integers(_Reader(arrival), count) if arrivals else np.broadcast_to(_ZERO, count),
            source_ns=times,
            held_ns=times + _read_integers(_Reader(held_beside), count),
            values=_read_floats(_Reader(values), count),
            statuses=_read_integers(_Reader(statuses), count).astype(np.uint32),
            flags=(_read_integers(_Reader(flags), count) if arrivals else np.broadcast_to(_ZERO, count)).astype(
                np.uint8
            ),
        )
    except (struct.error, zstandard.ZstdError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise ChunkError(f"a chunk of history cannot be read: {error}") from error


class _Reader:
    """Reads one part after the other."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    def take(self, form: str) -> tuple[int, ...]:
        found = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def cut(self, length: int) -> bytes:
        if self._at + length > len(self._data):
            raise ChunkError("a part is cut short")
        found = self._data[self._at : self._at + length]
        self._at += length
        return found

    def part(self) -> bytes:
        (length,) = self.take("<I")
        return self.cut(length)


# --- integers ------------------------------------------------------------------------------------------


class _Shape(IntEnum):
    CONSTANT = 0
    OFFSET = 1
    DIFFERENCE = 2
    SECOND_DIFFERENCE = 3
    LINE = 4
    BITS = 5


def _wrapped(first: _Integers, second: _Integers) -> _Integers:
    """Return the difference modulo 2**64, so that no pair of times can overflow."""
    return (first.view(np.uint64) - second.view(np.uint64)).view(np.int64)


def _integers(numbers: _Integers) -> bytes:
    if not len(numbers):
        return struct.pack("<B", _Shape.BITS) + _planes(numbers.view(np.uint64))
    low, high = int(numbers.min()), int(numbers.max())
    if low == high:
        return struct.pack("<Bq", _Shape.CONSTANT, low)
    if high - low >= _LONGEST_SPAN:
        return struct.pack("<B", _Shape.BITS) + _planes(numbers.view(np.uint64))
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
    shape = min(candidates, key=lambda each: _cost(candidates[each]))
    chosen = candidates[shape]
    least = int(chosen.min())
    head = struct.pack("<Bqqqq", shape, low, slope, unit, least)
    return head + _planes((chosen - least).view(np.uint64))


def _line(slope: int, count: int) -> _Integers:
    return np.arange(count, dtype=np.int64) * slope


def _difference(numbers: _Integers) -> _Integers:
    """Return the first number and by how much each is larger than the one before."""
    differences = numbers.copy()
    differences[1:] -= numbers[:-1]
    return differences


def _cost(numbers: _Integers) -> float:
    some = np.sort(numbers[:: len(numbers) // _LOOKED_AT + 1])
    return float(np.log2(np.abs(numbers - some[len(some) // 2]).astype(np.float64) + 1.0).sum())


def _read_integers(reader: _Reader, count: int) -> _Integers:
    shape = _Shape(reader.take("<B")[0])
    if shape is _Shape.CONSTANT:
        return np.full(count, reader.take("<q")[0], np.int64)
    if shape is _Shape.BITS:
        return _read_planes(reader, count).view(np.int64)
    low, slope, unit, least = reader.take("<qqqq")
    chosen = _read_planes(reader, count).view(np.int64) + least
    return _RESTORED[shape](chosen, slope) * unit + low


_RESTORED: Mapping[_Shape, Callable[[_Integers, int], _Integers]] = {
    _Shape.OFFSET: lambda chosen, _slope: chosen,
    _Shape.DIFFERENCE: lambda chosen, _slope: np.cumsum(chosen),
    _Shape.SECOND_DIFFERENCE: lambda chosen, _slope: np.cumsum(np.cumsum(chosen)),
    _Shape.LINE: lambda chosen, slope: chosen + _line(slope, len(chosen)),
}


def _planes(numbers: NDArray[np.uint64]) -> bytes:
    """Return the numbers' bytes plane by plane, lowest first, without the planes that are zero."""
    most = int(numbers.max()) if len(numbers) else 0
    width = (most.bit_length() + 7) // 8
    planes = np.ascontiguousarray(numbers.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].T)
    compressor = _compressor()
    parts = [struct.pack("<B", width)]
    for plane in planes:
        raw = plane.tobytes()
        small = compressor.compress(raw)
        small = small if len(small) < len(raw) else b""
        parts.append(struct.pack("<I", len(small)) + (small or raw))
    return b"".join(parts)


def _compressor() -> zstandard.ZstdCompressor:
    """Return this thread's compressor: making one costs more than using it."""
    if not hasattr(_OF_THREAD, "compressor"):
        _OF_THREAD.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=False, write_checksum=False)
    kept: zstandard.ZstdCompressor = _OF_THREAD.compressor
    return kept


def _decompressor() -> zstandard.ZstdDecompressor:
    """Return this thread's decompressor: making one costs more than using it."""
    if not hasattr(_OF_THREAD, "decompressor"):
        _OF_THREAD.decompressor = zstandard.ZstdDecompressor()
    found: zstandard.ZstdDecompressor = _OF_THREAD.decompressor
    return found


def _read_planes(reader: _Reader, count: int) -> NDArray[np.uint64]:
    (width,) = reader.take("<B")
    if width > 8:  # noqa: PLR2004 - a number has eight bytes
        raise ChunkError("a number has more than eight bytes")
    if not width:
        return np.zeros(count, np.uint64)
    numbers = _plane(reader, count)
    for at in range(1, width):
        numbers |= _plane(reader, count) << np.uint64(8 * at)
    return numbers


def _plane(reader: _Reader, count: int) -> NDArray[np.uint64]:
    (length,) = reader.take("<I")
    packed = reader.cut(length or count)
    if length and zstandard.frame_content_size(packed) != _SIZE_NOT_STATED:
        raise ChunkError("a compressed part states a size, which would be believed and allocated")
    raw = _decompressor().decompress(packed, max_output_size=count) if length else packed
    return np.frombuffer(raw, np.uint8).astype(np.uint64)


# --- floats --------------------------------------------------------------------------------------------


_SIZE_NOT_STATED = -1  # zstandard's CONTENTSIZE_UNKNOWN, as frame_content_size returns it


class _Values(IntEnum):
    DECIMAL = 0
    GRID = 1
    BITS = 2


def _floats(values: NDArray[np.float64]) -> bytes:
    finite = np.isfinite(values)
    if not finite.all():
        return _with_exceptions(values, finite)
    return b"\0" + _finite(values)


def _with_exceptions(values: NDArray[np.float64], finite: NDArray[np.bool_]) -> bytes:
    """Keep what is no number beside the numbers, with its bits, and fill its place with the number before."""
    positions = np.flatnonzero(~finite)
    known = np.maximum.accumulate(np.where(finite, np.arange(len(values)), -1))
    filled = np.where(known >= 0, values[np.maximum(known, 0)], 0.0)
    filled = np.where(np.isfinite(filled), filled, 0.0)
    where, bits = _integers(positions.astype(np.int64)), _integers(values[positions].view(np.int64))
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
    return struct.pack("<B", _Values.BITS) + _planes(bits ^ np.concatenate(([np.uint64(0)], bits[:-1])))


def _decimal(values: NDArray[np.float64]) -> bytes | None:
    for exponent, factor in enumerate(_DECIMALS):
        multiples = np.rint(values * factor)
        if np.abs(multiples).max(initial=0.0) >= _LARGEST_MULTIPLE:
            return None
        whole = multiples.astype(np.int64)
        if np.array_equal((whole / factor).view(np.int64), values.view(np.int64)):
            return struct.pack("<BB", _Values.DECIMAL, exponent) + _integers(whole)
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
        beside = _wrapped(values.view(np.int64), (start + multiples * step).view(np.int64))
    if np.abs(beside).max() > _FARTHEST_UNITS or np.abs(beside).min() < 0:
        return None
    where = _integers(multiples)
    head = struct.pack("<BddI", _Values.GRID, start, step, len(where))
    return head + where + _integers(beside)


def _common_step(differences: NDArray[np.float64]) -> float | None:
    """Return a step of which all differences are nearly whole multiples (Euclid's algorithm on all at once)."""
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


def _read_floats(reader: _Reader, count: int) -> NDArray[np.float64]:
    if not reader.take("<B")[0]:
        return _read_finite(reader, count)
    exceptions, where_length, bits_length = reader.take("<III")
    if exceptions > count:
        raise ChunkError(f"{exceptions} of {count} values are said to be no numbers")
    where = _read_integers(_Reader(reader.cut(where_length)), exceptions)
    bits = _read_integers(_Reader(reader.cut(bits_length)), exceptions)
    values = _read_finite(reader, count).copy()
    values[where] = bits.view(np.float64)
    return values


def _read_finite(reader: _Reader, count: int) -> NDArray[np.float64]:
    return _FLOATS[_Values(reader.take("<B")[0])](reader, count)


def _read_decimal(reader: _Reader, count: int) -> NDArray[np.float64]:
    factor = _DECIMALS[reader.take("<B")[0]]
    return _read_integers(reader, count).astype(np.float64) / factor


def _read_grid(reader: _Reader, count: int) -> NDArray[np.float64]:
    start, step = struct.unpack("<dd", reader.cut(16))
    (length,) = reader.take("<I")
    multiples = _read_integers(_Reader(reader.cut(length)), count)
    beside = _read_integers(reader, count)
    restored: NDArray[np.int64] = (start + multiples * step).view(np.int64) + beside
    return restored.view(np.float64)


def _read_bits(reader: _Reader, count: int) -> NDArray[np.float64]:
    bits: NDArray[np.uint64] = np.bitwise_xor.accumulate(_read_planes(reader, count))
    return bits.view(np.float64)


_FLOATS: Mapping[_Values, Callable[[_Reader, int], NDArray[np.float64]]] = {
    _Values.DECIMAL: _read_decimal,
    _Values.GRID: _read_grid,
    _Values.BITS: _read_bits,
}
