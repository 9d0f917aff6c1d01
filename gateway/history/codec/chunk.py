"""One chunk: columns to few bytes and back, without loss of a single bit. Pure.

Layout, little-endian: format (u8), number of samples (u32), then six parts, each with its length (u32) before it:
arrivals, source times, by how much ``held_ns`` is later than the source time, values, statuses, flags. Values are
packed as ``chunk_floats`` says, all others as ``chunk_integers`` says.

Damage is not looked for here: whoever keeps a chunk keeps its hash.
"""

import struct

import numpy as np
import zstandard

from gateway.history.codec.floats import pack_floats, read_floats
from gateway.history.codec.integers import pack_integers, read_integers, wrapped_difference
from gateway.history.codec.parts import ChunkError, PartReader
from gateway.history.columns import Columns

_FORMAT = 1
_ZERO = np.int64(0)
_MOST_SAMPLES = 2**22


def encode(columns: Columns) -> bytes:
    """Return the columns as bytes."""
    parts = (
        pack_integers(columns.arrival),
        pack_integers(columns.source_ns),
        pack_integers(wrapped_difference(columns.held_ns, columns.source_ns)),
        pack_floats(columns.values),
        pack_integers(columns.statuses.astype(np.int64)),
        pack_integers(columns.flags.astype(np.int64)),
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
        reader = PartReader(data, struct.calcsize("<BI"))
        arrival, source_ns, held_beside, values, statuses, flags = (reader.part() for _ in range(6))
        times = read_integers(PartReader(source_ns), count)
        return Columns(
            arrival=read_integers(PartReader(arrival), count) if arrivals else np.broadcast_to(_ZERO, count),
            source_ns=times,
            held_ns=times + read_integers(PartReader(held_beside), count),
            values=read_floats(PartReader(values), count),
            statuses=read_integers(PartReader(statuses), count).astype(np.uint32),
            flags=(read_integers(PartReader(flags), count) if arrivals else np.broadcast_to(_ZERO, count)).astype(
                np.uint8
            ),
        )
    except (struct.error, zstandard.ZstdError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise ChunkError(f"a chunk of history cannot be read: {error}") from error
