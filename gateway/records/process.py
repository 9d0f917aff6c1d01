"""Process values: samples of tags with their quality, and gaps in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Literal

from gateway.records.record import Record


class Quality(IntEnum):
    """The top two bits of an OPC UA status code (OPC 10000-4, 7.39)."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


def quality_of(status: int) -> Quality:
    """Return the quality class of an OPC UA status code; the reserved class counts as bad."""
    return Quality(min(status >> 30 & 0b11, Quality.BAD))


@dataclass(frozen=True, kw_only=True, slots=True)
class TagSample:
    """One value of a tag as its server reported it; ``time_from``: the clock that ``source_ns`` is of."""

    tag: str
    value: float
    status: int
    source_ns: int
    server_ns: int
    time_from: Literal["source", "server", "gateway"] = "source"


class GapKind(StrEnum):
    """Why data is missing."""

    DISCONNECTED = "disconnected"  # a source was away
    OVERFLOW = "overflow"  # a server's queue overflowed
    SEQUENCE = "sequence"  # a server's notification was lost on the way
    EVICTED = "evicted"  # deleted, as the disk was full
    DROPPED = "dropped"  # could not be written in time
    DAMAGED = "damaged"  # no longer what was written
    CLOCK_SET = "clock_set"  # the gateway's wall clock was set: from what it would have shown to what it shows


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap(Record):
    """A known hole in data. ``subject``: a source, a tag, ``history`` or a lane; ``until_ns`` None: still open."""

    gap_id: str
    kind: GapKind
    subject: str
    from_ns: int
    until_ns: int | None
    details: Mapping[str, Any] = field(default_factory=dict)
