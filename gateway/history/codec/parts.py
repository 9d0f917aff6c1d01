"""The parts of a chunk: reading one after the other, and planes of bytes, into which all numbers are divided. Pure.

Layout of planes, little-endian: how many there are (u8), then each with its packed length (u32; 0: it is not packed)
before it. The first plane holds the lowest byte of each number; planes above the highest byte in use are not there.
Each plane is compressed by itself (Zstandard, without a stated size).
"""

import struct
import threading

import numpy as np
import zstandard
from numpy.typing import NDArray

_OF_THREAD = threading.local()
_LEVEL = 3
_SIZE_NOT_STATED = -1  # zstandard's CONTENTSIZE_UNKNOWN, as frame_content_size returns it


class ChunkError(ValueError):
    """The bytes are no chunk of this format."""


class PartReader:
    """Reads one part after the other."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    def read(self, form: str) -> tuple[int, ...]:
        """Return the numbers of a ``struct`` format that come next; raises struct.error where there are too few."""
        numbers = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return numbers

    def read_bytes(self, length: int) -> bytes:
        """Return so many bytes that come next; raises ChunkError where there are too few."""
        if self._at + length > len(self._data):
            raise ChunkError("a part is cut short")
        part = self._data[self._at : self._at + length]
        self._at += length
        return part

    def part(self) -> bytes:
        """Return the next part; its length is written before it."""
        (length,) = self.read("<I")
        return self.read_bytes(length)


def pack_planes(numbers: NDArray[np.uint64]) -> bytes:
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
    decompressor: zstandard.ZstdDecompressor = _OF_THREAD.decompressor
    return decompressor


def read_planes(reader: PartReader, count: int) -> NDArray[np.uint64]:
    """Return so many numbers from planes of their bytes; raises ChunkError where there are none."""
    (width,) = reader.read("<B")
    if width > 8:  # noqa: PLR2004 - a number has eight bytes
        raise ChunkError("a number has more than eight bytes")
    if not width:
        return np.zeros(count, np.uint64)
    numbers = _plane(reader, count)
    for at in range(1, width):
        numbers |= _plane(reader, count) << np.uint64(8 * at)
    return numbers


def _plane(reader: PartReader, count: int) -> NDArray[np.uint64]:
    (length,) = reader.read("<I")
    packed = reader.read_bytes(length or count)
    if length and zstandard.frame_content_size(packed) != _SIZE_NOT_STATED:
        raise ChunkError("a compressed part states a size, which would be believed and allocated")
    raw = _decompressor().decompress(packed, max_output_size=count) if length else packed
    return np.frombuffer(raw, np.uint8).astype(np.uint64)
