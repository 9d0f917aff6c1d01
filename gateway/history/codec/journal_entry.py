"""The samples of one flush, of all series together: columns in memory, one block of bytes in the journal. Pure.

One block, not one for each series: a thousand tags have a sample or two each in a second, and a chunk for each tag
would cost a thousand times as much as one block.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Self

import numpy as np
import zstandard

from gateway.history.codec.chunk import decode, encode
from gateway.history.codec.parts import ChunkError
from gateway.history.columns import Columns, HeldSample

_FORMAT = 2
_HEAD = "<BI"
_LONGEST_NAMES_BYTES = 2**26


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Samples of many series: series after series, each in the order of arrival; ``counts``: how many each has."""

    columns: Columns
    counts: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.columns)

    @classmethod
    def of(cls, samples: Sequence[HeldSample]) -> Self:
        """Return samples, which come in the order of their arrival, as a batch."""
        by_series = attrgetter("series")
        ordered = sorted(samples, key=by_series)
        counts = {series: len([*of_series]) for series, of_series in groupby(ordered, key=by_series)}
        return cls(columns=Columns.of(ordered), counts=counts)

    @classmethod
    def joined(cls, batches: Sequence["Batch"]) -> Self:
        """Return batches, which come in the order of their arrival, as one."""
        names = sorted({name for batch in batches for name in batch.counts})
        number_of = {name: number for number, name in enumerate(names)}
        numbers = [np.repeat([number_of[name] for name in batch.counts], [*batch.counts.values()]) for batch in batches]
        series = np.concatenate(numbers) if numbers else np.empty(0, np.int64)
        columns = Columns.joined(batch.columns for batch in batches).where(np.argsort(series, kind="stable"))
        counts = np.bincount(series.astype(np.int64), minlength=len(names)).tolist()
        return cls(columns=columns, counts=dict(zip(names, counts, strict=True)))

    @cached_property
    def _begins(self) -> Mapping[str, int]:
        return dict(zip(self.counts, accumulate(self.counts.values(), initial=0), strict=False))

    def of_series(self, name: str) -> Columns:
        """Return the samples of one series; there may be none."""
        begin = self._begins.get(name, 0)
        return self.columns.where(slice(begin, begin + self.counts.get(name, 0)))

    def by_series(self) -> Iterator[tuple[str, Columns]]:
        """Yield each series with its samples."""
        begin = 0
        for name, count in self.counts.items():
            yield name, self.columns.where(slice(begin, begin + count))
            begin += count


def pack(batch: Batch) -> bytes:
    """Return a batch as bytes."""
    names = zstandard.ZstdCompressor().compress(json.dumps(batch.counts, separators=(",", ":")).encode())
    return struct.pack(_HEAD, _FORMAT, len(names)) + names + encode(batch.columns)


def unpack(payload: bytes) -> Batch:
    """Return the batch in bytes; raises ChunkError where there is none."""
    try:
        version, length = struct.unpack_from(_HEAD, payload)
        if version != _FORMAT:
            raise ChunkError(f"journal format {version} is not known")
        begin = struct.calcsize(_HEAD)
        counts = _counts(payload[begin : begin + length])
        batch = Batch(columns=decode(payload[begin + length :]), counts=counts)
    except (struct.error, zstandard.ZstdError, ValueError, TypeError, AttributeError) as error:
        raise ChunkError(f"a journal entry cannot be read: {error}") from error
    if sum(batch.counts.values()) != len(batch):
        raise ChunkError("a journal entry does not say of which series its samples are")
    return batch


@lru_cache(maxsize=2)  # of many tags that all change once a second, one entry is like the other
def _counts(packed: bytes) -> Mapping[str, int]:
    if zstandard.frame_content_size(packed) > _LONGEST_NAMES_BYTES:
        raise ChunkError("the names state a size that would be believed and allocated")
    names = zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LONGEST_NAMES_BYTES)
    counts: Mapping[str, int] = json.loads(names)
    return counts
