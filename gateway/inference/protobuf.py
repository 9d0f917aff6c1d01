"""The wire format of protocol buffers, as far as reading a model's graph needs it. Pure.

Source: https://protobuf.dev/programming-guides/encoding/. A message is read into its fields by number; what a field
means, the reader of that message knows. Singular messages that stand several times are merged, as the runtime's own
reader merges them: nothing can hide in the first of two.
"""

_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}  # by wire type, how many bytes
_MORE = 0x80  # the bit of a byte that says that another one follows
_LONGEST_VARINT = 10


class NotProtobufError(ValueError):
    """The bytes are no message in this format."""


class Message:
    """A message's fields; ``data`` is read once, and only the parts that are read are copied."""

    def __init__(self, data: memoryview | bytes) -> None:
        self._fields = _fields(memoryview(data))

    def has(self, number: int) -> bool:
        """Return whether a field stands in the message."""
        return number in self._fields

    def message(self, number: int) -> "Message":
        """Return a singular message, merged where it stands several times; empty where it does not."""
        return Message(b"".join(bytes(piece) for piece in self._bytes(number)))

    def messages(self, number: int) -> list["Message"]:
        """Return a repeated message."""
        return [Message(encoded) for encoded in self._bytes(number)]

    def size(self, number: int) -> int:
        """Return how many bytes a field has."""
        return sum(len(piece) for piece in self._bytes(number))

    def text(self, number: int) -> str:
        """Return a singular text, the last where it stands several times."""
        values = self._bytes(number)
        return _decoded(values[-1]) if values else ""

    def texts(self, number: int) -> list[str]:
        """Return a repeated text."""
        return [_decoded(encoded) for encoded in self._bytes(number)]

    def whole(self, number: int, default: int = 0) -> int:
        """Return a singular whole number, signed, the last where it stands several times."""
        values = self.wholes(number)
        return values[-1] if values else default

    def wholes(self, number: int) -> list[int]:
        """Return a repeated whole number, packed or not."""
        values: list[int] = []
        for content in self._fields.get(number, ()):
            if isinstance(content, int):
                values.append(_signed(content))
                continue
            at = 0
            while at < len(content):
                value, at = _varint(content, at)
                values.append(_signed(value))
        return values

    def data(self, number: int) -> bytes:
        """Return a singular field's bytes."""
        values = self._bytes(number)
        return bytes(values[-1]) if values else b""

    def _bytes(self, number: int) -> list[memoryview]:
        values = self._fields.get(number, [])
        if not all(isinstance(value, memoryview) for value in values):
            raise NotProtobufError(f"field {number} is a number, not bytes")
        return [value for value in values if isinstance(value, memoryview)]


def _fields(data: memoryview) -> dict[int, list[int | memoryview]]:
    """Return a message's fields by number, in order. Numbers of one byte, which is nearly all, are read in place."""
    fields: dict[int, list[int | memoryview]] = {}
    at, end = 0, len(data)
    while at < end:
        key, at = (data[at], at + 1) if data[at] < _MORE else _varint(data, at)
        number, wire = key >> 3, key & 0b111
        if number == 0:
            raise NotProtobufError("a field has the number 0")
        value: int | memoryview
        if wire == _VARINT:
            value, at = (data[at], at + 1) if at < end and data[at] < _MORE else _varint(data, at)
        else:
            if wire == _BYTES:
                length, at = (data[at], at + 1) if at < end and data[at] < _MORE else _varint(data, at)
            elif wire in _FIXED:
                length = _FIXED[wire]
            else:
                raise NotProtobufError(f"field {number} has the unknown wire type {wire}")
            if at + length > end:
                raise NotProtobufError(f"field {number} is cut off")
            value, at = data[at : at + length], at + length
        if number in fields:
            fields[number].append(value)
        else:
            fields[number] = [value]
    return fields


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if at >= len(data):
            raise NotProtobufError("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < _MORE:
            return value & (2**64 - 1), at
    raise NotProtobufError("a number is too long")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _decoded(data: memoryview) -> str:
    try:
        return bytes(data).decode()
    except UnicodeDecodeError as error:
        raise NotProtobufError(f"a text is not UTF-8 ({error})") from error
