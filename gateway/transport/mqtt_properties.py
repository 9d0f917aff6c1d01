"""The properties of one PUBLISH (MQTT 5.0, 3.3.2.3), packed by ourselves: paho's class costs more than all else."""

import struct

from gateway.transport.mqtt_messages import Outgoing

_MESSAGE_EXPIRY, _CONTENT_TYPE, _CORRELATION_DATA, _USER_PROPERTY = 0x02, 0x03, 0x09, 0x26
LATE = ("labline-sent", "late")
TRACEPARENT = "traceparent"  # W3C Trace Context: MQTT


class PublishProperties:
    """The properties of a message. paho asks of them no more than ``pack``."""

    def __init__(self, message: Outgoing) -> None:
        fields = []
        if message.expires_in_seconds is not None:
            fields.append(struct.pack("!BI", _MESSAGE_EXPIRY, min(message.expires_in_seconds, 2**32 - 1)))
        if message.content_type is not None:
            fields.append(_counted(_CONTENT_TYPE, message.content_type.encode()))
        if message.correlation is not None:
            fields.append(_counted(_CORRELATION_DATA, message.correlation))
        if message.late:
            fields.append(_LATE_PACKED)
        if message.traceparent is not None:
            fields.append(_user_property(TRACEPARENT, message.traceparent))
        content = b"".join(fields)
        self._packed = _variable_byte_integer(len(content)) + content

    def pack(self) -> bytes:
        """Return the properties as they stand in the packet."""
        return self._packed


def _counted(identifier: int, content: bytes) -> bytes:
    return struct.pack("!BH", identifier, len(content)) + content


def _user_property(name: str, value: str) -> bytes:
    return _counted(_USER_PROPERTY, name.encode()) + struct.pack("!H", len(value)) + value.encode()


_LATE_PACKED = _user_property(*LATE)


def _variable_byte_integer(number: int) -> bytes:
    """Return a number in the form of MQTT 5.0, 1.5.5."""
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | 0x80 if number else digit)
        if not number:
            return bytes(digits)
