"""Examples that a parser understands, changed a little: in their structure where they are JSON, and in their bytes.

The same seed, row and number give the same input on every machine.
"""

import json
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

LONGEST_INPUT_BYTES = 300_000  # a little more than the longest message that is read
_DEEPEST, _MOST_REPEATS, _LONGEST_TEXT = 900, 3000, 70_000
_MOST_CHANGES = 4
_STRUCTURED = 0.7  # of the changes to JSON
_ODD_TEXTS = (
    "", " ", "\0", "\ud800", "\u202e", "\ufeff",
    "\u200b", "e\u0301", "\u0130", "\U0010ffff", "\uff11", "\u0664", "null",
    "NaN", "-", "<", "<=", "1e999", "1" * 5000, "9,8", "1.234,5", "0x10", "__proto__", "../../etc/passwd", "%00",
    "+", "#",
    "$SYS/#", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00+14:00", "not detected",
    "{tag}", "{0.__class__}", "%s%n", "'; DROP TABLE lot; --", "<script>", "a" * 300,
)  # fmt: skip
_ODD_NUMBERS = (
    0, -0.0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**300, 1e308, -1e308, 5e-324, 1e-7, 0.1,
    True, False,
)  # fmt: skip
_ODD_TOKENS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9" * 5000, b"0." + b"3" * 5000, b".5", b"+5", b"5.",
    b"\xff\xfe", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\x00", b'"', b"\\", b"\\ud800", b"\\u0000", b"{", b"}", b"[", b"]", b",", b":",
    b"\r\n", b"\r\n\r\n",
    b"[" * 2000, b'{"a":' * 1000, b"Transfer-Encoding: chunked\r\n", b"Content-Length: -1\r\n",
    b"\xff" * 10, b"\x80" * 12,
    b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"/*", b"../", b"%2e%2e%2f", b"---\n", b"$", b"*",
)  # fmt: skip


def mutated(generator: random.Random, examples: Sequence[bytes]) -> bytes:
    """Return one of the examples, changed."""
    content = generator.choice(examples)
    for _change in range(generator.randint(1, _MOST_CHANGES)):
        document = _document(content) if generator.random() < _STRUCTURED else None
        if document is not None:
            content = _encoded(_changed_document(generator, document), generator)
        else:
            content = generator.choice(_BYTE_CHANGES)(generator, content, generator.choice(examples))
        content = content[:LONGEST_INPUT_BYTES]
    return content


def _document(content: bytes) -> Any:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict | list) else None


def _encoded(document: Any, generator: random.Random) -> bytes:
    """Return a document as bytes; now and then with a key that stands twice."""
    try:
        text = json.dumps(document, ensure_ascii=generator.random() < 0.5)
    except (RecursionError, ValueError):
        return b"["
    if isinstance(document, dict) and document and generator.random() < 0.05:
        name = generator.choice([*document])
        text = "{" + json.dumps(name) + ": 1, " + text[1:]
    return text.encode("utf-8", "surrogatepass")


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every value within a document, the outer ones first."""
    places: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        container = waiting.pop(0)
        keys = [*container] if isinstance(container, dict) else [*range(len(container))]
        for key in keys[:200]:
            places.append((container, key))
            if isinstance(container[key], dict | list):
                waiting.append(container[key])
    return places


def _changed_document(generator: random.Random, document: Any) -> Any:
    places = _places(document)
    if not places:
        return _odd(generator)
    container, key = generator.choice(places)
    generator.choice(_CHANGES)(generator, container, key)
    return document


def _odd(generator: random.Random) -> Any:
    kind = generator.randrange(6)
    if kind == 0:
        return generator.choice(_ODD_NUMBERS)
    if kind == 1:
        return generator.choice(([], {}, None, [[]], [{}], {"": None}))
    return generator.choice(_ODD_TEXTS)


def _replace(generator: random.Random, container: Any, key: Any) -> None:
    container[key] = _odd(generator)


def _remove(_generator: random.Random, container: Any, key: Any) -> None:
    del container[key]


def _rename(generator: random.Random, container: Any, key: Any) -> None:
    if isinstance(container, dict):
        odd = generator.choice(
            (key.upper(), f" {key}", f"{key}\u200b", key.replace("_", ""), generator.choice(_ODD_TEXTS))
        )
        container[odd] = container.pop(key)


def _deepen(generator: random.Random, container: Any, key: Any) -> None:
    value = container[key]
    for _level in range(generator.choice((1, 2, 30, 70, _DEEPEST))):
        value = [value] if generator.random() < 0.5 else {"a": value}
    container[key] = value


def _repeat(generator: random.Random, container: Any, key: Any) -> None:
    times = generator.choice((2, 3, 50, _MOST_REPEATS))
    value = container[key]
    if isinstance(value, str):
        container[key] = (value * times)[:_LONGEST_TEXT]
    elif isinstance(container, list):
        container[key : key + 1] = [value] * times
    else:
        container |= {f"{key}{number}": value for number in range(min(times, 300))}


def _swap(generator: random.Random, container: Any, key: Any) -> None:
    keys = [*container] if isinstance(container, dict) else [*range(len(container))]
    other = generator.choice(keys)
    container[key], container[other] = container[other], container[key]


def _retype(_generator: random.Random, container: Any, key: Any) -> None:
    value = container[key]
    container[key] = str(value) if not isinstance(value, str) else [value]


def _scaled(value: float, factor: float) -> float:
    """Return a number times a factor; infinite where a whole number has grown out of what a fraction can be."""
    try:
        return value * factor
    except OverflowError:
        return math.inf


def _respell(generator: random.Random, container: Any, key: Any) -> None:
    value = container[key]
    if isinstance(value, str):
        at = generator.randint(0, len(value))
        container[key] = value[:at] + generator.choice(_ODD_TEXTS) + value[at:]
    elif isinstance(value, int | float):
        container[key] = _scaled(value, generator.choice((-1, 10, 1e300, 1e-300)))


_CHANGES: Sequence[Callable[[random.Random, Any, Any], None]] = (
    _replace, _replace, _remove, _rename, _deepen, _repeat, _swap, _retype, _respell, _respell,
)  # fmt: skip


def _flip(generator: random.Random, content: bytes, _other: bytes) -> bytes:
    if not content:
        return b"\0"
    at = generator.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << generator.randrange(8))]) + content[at + 1 :]


def _cut(generator: random.Random, content: bytes, _other: bytes) -> bytes:
    first, last = _slice(generator, content)
    return content[:first] + content[last:]


def _double(generator: random.Random, content: bytes, _other: bytes) -> bytes:
    first, last = _slice(generator, content)
    return content[:last] + content[first:last] * generator.choice((1, 2, 100)) + content[last:]


def _insert(generator: random.Random, content: bytes, _other: bytes) -> bytes:
    at = generator.randint(0, len(content))
    return content[:at] + generator.choice(_ODD_TOKENS) + content[at:]


def _overwrite(generator: random.Random, content: bytes, _other: bytes) -> bytes:
    at, token = generator.randint(0, len(content)), generator.choice(_ODD_TOKENS)[:16]
    return content[:at] + token + content[at + len(token) :]


def _truncate(generator: random.Random, content: bytes, _other: bytes) -> bytes:
    return content[: generator.randint(0, len(content))]


def _splice(generator: random.Random, content: bytes, other: bytes) -> bytes:
    return content[: generator.randint(0, len(content))] + other[generator.randint(0, len(other)) :]


def _noise(generator: random.Random, content: bytes, _other: bytes) -> bytes:
    at = generator.randint(0, len(content))
    return content[:at] + generator.randbytes(generator.choice((1, 4, 40))) + content[at:]


def _slice(generator: random.Random, content: bytes) -> tuple[int, int]:
    first = generator.randint(0, len(content))
    return first, min(len(content), first + generator.choice((1, 2, 8, 64)))


_BYTE_CHANGES: Sequence[Callable[[random.Random, bytes, bytes], bytes]] = (
    _flip, _cut, _double, _insert, _overwrite, _truncate, _splice, _noise,
)  # fmt: skip
