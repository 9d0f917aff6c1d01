"""Values of OPC UA as samples: types, quality, whose clock, and nothing made up."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from asyncua import ua
from asyncua.ua import status_codes

from gateway.records.process import Quality, TagSample, quality_of
from gateway.transport.opcua_source import TimeOf

NUMERIC = frozenset(
    {
        ua.VariantType.Boolean, ua.VariantType.SByte, ua.VariantType.Byte, ua.VariantType.Int16,
        ua.VariantType.UInt16, ua.VariantType.Int32, ua.VariantType.UInt32, ua.VariantType.Int64,
        ua.VariantType.UInt64, ua.VariantType.Float, ua.VariantType.Double,
    }
)  # fmt: skip
BAD_TYPE_MISMATCH = 0x80740000
BAD_DECODING_ERROR = 0x80070000
BAD_INDEX_RANGE_NO_DATA = 0x80370000
BAD_OUT_OF_RANGE = 0x803C0000
LARGEST_EXACT_INTEGER = 2**53  # of a double; larger ones are rounded where they are not a multiple of a power of two
_OVERFLOW = 0x480  # info type "data value" with the overflow bit (OPC 10000-4, 7.39.1)
_WITHOUT_INFO_BITS = 0xFFFF0000
_LATEST_NS = 2**63 - 1
_FILETIME_OF_1970 = 116_444_736_000_000_000  # hundreds of nanoseconds since 1601
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_KINDS = {
    ua.VariantType.String: "text",
    ua.VariantType.LocalizedText: "text",
    ua.VariantType.DateTime: "a time",
    ua.VariantType.ExtensionObject: "a structure",
    ua.VariantType.ByteString: "bytes",
}


def status_text(status: int) -> str:
    """Return the name of a status code, such as BadNodeIdUnknown; its number where the standard has no name for it."""
    name = status_codes.code_to_name_doc.get(status & _WITHOUT_INFO_BITS)
    return name[0] if name else f"status 0x{status:08X}"


def kept_bad(status: int, otherwise: int) -> int:
    """Return a status that is bad already as it is, since it says the cause; else another one."""
    return status if quality_of(status) is Quality.BAD else otherwise


def sample_of(tag: str, value: ua.DataValue, now_ns: int, *, index: int | None = None) -> TagSample:
    """Return a data value as a sample; a value that is no number becomes a bad sample, never an invented number.

    ``index`` takes one element of an array. Without a source time the server's counts, without that ``now_ns``;
    ``time_from`` says so.
    """
    status = value.StatusCode.value if value.StatusCode is not None else 0
    number, bad_status = _number(value.Value, index)
    times = nanoseconds(value.SourceTimestamp), nanoseconds(value.ServerTimestamp)
    return timed_sample(tag, number, kept_bad(status, bad_status) if bad_status else status, *times, now_ns)


def _number(variant: ua.Variant | None, index: int | None) -> tuple[float, int]:
    """Return (the number, 0), or (no number, the status that says why there is none)."""
    if variant is None or variant.VariantType not in NUMERIC or variant.Value is None:
        return float("nan"), BAD_TYPE_MISMATCH
    value = variant.Value
    if variant.is_array or index is not None:
        if index is None or not isinstance(value, list):
            return float("nan"), BAD_TYPE_MISMATCH
        if index >= len(value):
            return float("nan"), BAD_INDEX_RANGE_NO_DATA
        value = value[index]
        if isinstance(value, list):
            return float("nan"), BAD_TYPE_MISMATCH
    return number_of(value)


def number_of(value: Any) -> tuple[float, int]:
    """Return (the number, 0); an integer that a double cannot hold exactly is out of range: no rounding in silence."""
    number = float(value)
    if isinstance(value, int) and not -LARGEST_EXACT_INTEGER <= value <= LARGEST_EXACT_INTEGER and int(number) != value:
        return float("nan"), BAD_OUT_OF_RANGE
    return number, 0


def misfit_of(value: ua.DataValue, *, index: int | None = None) -> str | None:
    """Return why a value is of no use as a tag's, as a sentence without its subject; None where it is a number."""
    status = value.StatusCode.value if value.StatusCode is not None else 0
    if quality_of(status) is Quality.BAD:
        return None  # the status of the server says what is wrong
    bad_status = _number(value.Value, index)[1]
    return _misfit(value.Value, index, bad_status) if bad_status else None


def _misfit(variant: ua.Variant | None, index: int | None, bad_status: int) -> str:
    if variant is None or variant.Value is None:
        return "has no value"
    if bad_status == BAD_OUT_OF_RANGE:
        return "is an integer beyond 2^53, which cannot be held exactly"
    if variant.VariantType not in NUMERIC:
        return f"is {_KINDS.get(variant.VariantType, getattr(variant.VariantType, 'name', 'unknown'))}, not a number"
    if not isinstance(variant.Value, list):
        return "is no array, but index is set"
    return _misfit_of_array(variant.Value, index)


def _misfit_of_array(values: list[Any], index: int | None) -> str:
    if values and isinstance(values[0], list):
        return "is an array of more than one dimension"
    if not values:
        return "is an array without elements"
    if index is None:
        return f"is an array of {len(values)}; index = 0 takes its first element"
    return f"is an array of {len(values)}, which has no element {index}"


def timed_sample(
    tag: str, number: float, status: int, told_source_ns: int | None, told_server_ns: int | None, now_ns: int
) -> TagSample:
    """Return a sample with the best of the times that were sent, and whose time it is."""
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


def retimed(sample: TagSample, time_of: TimeOf, now_ns: int) -> TagSample:
    """Return a sample with the time that the configuration wants: of the source, the server, or its arrival."""
    if time_of == "source":
        return sample
    if time_of == "server":
        return replace(sample, source_ns=sample.server_ns, time_from="server")
    return replace(sample, source_ns=now_ns, time_from="gateway")


def undecodable_sample(tag: str, now_ns: int) -> TagSample:
    """Return the sample of a value whose bytes cannot be read."""
    return timed_sample(tag, float("nan"), BAD_DECODING_ERROR, None, None, now_ns)


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
