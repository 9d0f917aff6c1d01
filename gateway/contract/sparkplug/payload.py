"""Payloads of an edge node's messages to bytes, and what a command asks for."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError

from gateway.contract.sparkplug.metrics import BD_SEQ, REBIRTH, DataType, Metric, Reading
from gateway.contract.sparkplug.wire import Payload

LONGEST_COMMAND_BYTES = 64 * 1024  # of one that is looked at
_VALUE_FIELD = {
    DataType.INT32: "int_value",
    DataType.INT64: "long_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
}


def birth_payload(readings: Sequence[Reading], *, seq: int, at_ms: int) -> bytes:
    """Return a birth: each metric with name, alias, datatype, value and properties."""
    payload = Payload(timestamp=at_ms, seq=seq)
    for reading in readings:
        metric, written = reading.metric, payload.metrics.add()
        written.name, written.datatype = metric.name, int(metric.datatype)
        if metric.alias is not None:
            written.alias = metric.alias
        _write_value(written, reading)
        _write_range(written, metric)
    return _bytes(payload)


def data_payload(readings: Sequence[Reading], *, seq: int, at_ms: int, datatypes: bool = False) -> bytes:
    """Return data: each value by its metric's alias, in the order of their times; ``datatypes``: with its datatype."""
    payload = Payload(timestamp=at_ms, seq=seq)
    for reading in sorted(readings, key=lambda reading: reading.at_ms):
        written = payload.metrics.add()
        if reading.metric.alias is None:
            written.name = reading.metric.name
        else:
            written.alias = reading.metric.alias
        if datatypes:
            written.datatype = int(reading.metric.datatype)
        _write_value(written, reading)
    return _bytes(payload)


def device_death_payload(*, seq: int, at_ms: int) -> bytes:
    """Return the death of a device."""
    return _bytes(Payload(timestamp=at_ms, seq=seq))


def node_death_payload(bd_seq: int, *, at_ms: int) -> bytes:
    """Return the death of the node: the number of the birth that it ends, and no sequence number."""
    payload = Payload(timestamp=at_ms)
    payload.metrics.add(name=BD_SEQ, timestamp=at_ms, datatype=int(DataType.INT64), long_value=bd_seq)
    return _bytes(payload)


def asks_for_rebirth(command: bytes) -> bool:
    """Return whether a command is a request for a rebirth. Nothing else that a command holds is ever looked at."""
    if len(command) > LONGEST_COMMAND_BYTES:
        return False
    try:
        payload = Payload.FromString(command)
    except (DecodeError, ValueError):
        return False
    return any(metric.name == REBIRTH and metric.boolean_value for metric in payload.metrics)


def _bytes(payload: Any) -> bytes:
    return bytes(payload.SerializeToString())


def _write_value(written: Any, reading: Reading) -> None:
    written.timestamp = reading.at_ms
    if reading.historical:
        written.is_historical = True
    if reading.value is None:
        written.is_null = True
    else:
        setattr(written, _VALUE_FIELD[reading.metric.datatype], reading.value)
    if reading.quality is not None:
        _add_property(written, "Quality", DataType.INT32, int(reading.quality))


def _write_range(written: Any, metric: Metric) -> None:
    if metric.unit:
        _add_property(written, "engUnit", DataType.STRING, metric.unit)
    for key, limit in (("engLow", metric.low), ("engHigh", metric.high)):
        if limit is not None:
            _add_property(written, key, DataType.DOUBLE, limit)


def _add_property(written: Any, key: str, datatype: DataType, value: float | str) -> None:
    written.properties.keys.append(key)
    field = _VALUE_FIELD[datatype]
    written.properties.values.add(**{"type": int(datatype), field: value})
