"""Values of OPC UA as samples: types, quality, whose clock, and nothing made up."""

from datetime import UTC, datetime
from typing import Literal

from asyncua import ua

from gateway.records import TagSample

_NUMERIC = frozenset(
    {
        ua.VariantType.Boolean, ua.VariantType.SByte, ua.VariantType.Byte, ua.VariantType.Int16,
        ua.VariantType.UInt16, ua.VariantType.Int32, ua.VariantType.UInt32, ua.VariantType.Int64,
        ua.VariantType.UInt64, ua.VariantType.Float, ua.VariantType.Double,
    }
)  # fmt: skip
BAD_TYPE_MISMATCH = 0x80740000
_OVERFLOW = 0x480  # info type "data value" with the overflow bit (OPC 10000-4, 7.39.1)
_LATEST_NS = 2**63 - 1
_FILETIME_OF_1970 = 116_444_736_000_000_000  # hundreds of nanoseconds since 1601
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)


def sample_of(tag: str, value: ua.DataValue, now_ns: int) -> TagSample:
    """Return a data value as a sample; what is no number becomes a bad one, never a made-up one.

    Without a source time the server's counts, without that ``now_ns``; ``time_from`` says so.
    """
    status = value.StatusCode.value if value.StatusCode is not None else 0
    variant = value.Value
    if variant is None or variant.VariantType not in _NUMERIC or variant.is_array or variant.Value is None:
        number, status = float("nan"), max(status, BAD_TYPE_MISMATCH)
    else:
        number = float(variant.Value)
    told = nanoseconds(value.SourceTimestamp), nanoseconds(value.ServerTimestamp)
    return timed_sample(tag, number, status, *told, now_ns)


def timed_sample(
    tag: str, number: float, status: int, told_source_ns: int | None, told_server_ns: int | None, now_ns: int
) -> TagSample:
    """Return a sample with the best of the times that were told, and whose that is."""
    server_ns = now_ns if told_server_ns is None else told_server_ns
    time_from: Literal["source", "server", "gateway"] = "source"
    if told_source_ns is None:
        time_from = "gateway" if told_server_ns is None else "server"
    return TagSample(
        tag=tag,
        value=number,
        status=status,
        source_ns=server_ns if told_source_ns is None else told_source_ns,
        server_ns=server_ns,
        time_from=time_from,
    )


def overflowed(sample: TagSample) -> bool:
    """Return whether the server's queue lost values before this one."""
    return sample.status & _OVERFLOW == _OVERFLOW


def nanoseconds(moment: datetime | None) -> int | None:
    """Return int64 nanoseconds UTC; None for the standard's "no time" (1601), the largest int64 for its end (9999)."""
    if moment is None:
        return None
    delta = moment - (_NAIVE_EPOCH if moment.tzinfo is None else _EPOCH)  # asyncua gives naive UTC
    found_ns = (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1_000
    return min(found_ns, _LATEST_NS) if found_ns > 0 else None


def nanoseconds_of_filetime(ticks: int) -> int | None:
    """Return what ``nanoseconds`` does of a time as it is sent: hundreds of nanoseconds since 1601, as microseconds."""
    found_ns = (ticks // 10 - _FILETIME_OF_1970 // 10) * 1_000
    return min(found_ns, _LATEST_NS) if found_ns > 0 else None


def moment_of(at_ns: int) -> datetime:
    """Return a datetime for the server, UTC, rounded down to microseconds."""
    return datetime.fromtimestamp(at_ns // 1_000 / 1e6, UTC)
