"""Topic names. Levels made from data are percent-encoded, so a lot may be called anything."""

import hashlib
import re
from dataclasses import dataclass

_RESERVED = frozenset("/+#%")
_PLAIN = re.compile(r"[\w.:;,()=@ -]+", re.ASCII)  # what most levels consist of
_LONGEST_LEVEL_BYTES = 128
_SHARED_LEVELS = 3  # $share, the group, and the filter itself
UNASSIGNED = "unassigned"


def encode_level(text: str) -> str:
    """Return one topic level for the text: reserved and control characters percent-encoded, <= 128 bytes.

    A level that would be longer is cut and ends in a hash of the whole, so distinct names stay distinct.
    An empty text becomes ``%``, which no other text encodes to.
    """
    if len(text) <= _LONGEST_LEVEL_BYTES and _PLAIN.fullmatch(text):
        return text
    encoded = "".join(_encode_character(character) for character in text) or "%"
    if len(encoded.encode()) <= _LONGEST_LEVEL_BYTES:
        return encoded
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    kept = encoded.encode()[: _LONGEST_LEVEL_BYTES - len(digest) - 1].decode(errors="ignore")
    return f"{kept}~{digest}"


def _encode_character(character: str) -> str:
    control = ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F  # noqa: PLR2004 - C0, DEL and C1
    if character in _RESERVED or control or _is_noncharacter(ord(character)):
        return "".join(f"%{byte:02X}" for byte in character.encode())
    return character


def _is_noncharacter(code: int) -> bool:
    """MQTT 5.0, 1.5.4: brokers may close the connection on Unicode non-characters."""
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE  # noqa: PLR2004 - as the standard lists them


def unshared(topic_filter: str) -> str:
    """Return the filter of a shared subscription without its ``$share/<group>/`` (MQTT 5.0, 4.8.2)."""
    levels = topic_filter.split("/", 2)
    return levels[2] if levels[0] == "$share" and len(levels) == _SHARED_LEVELS else topic_filter


def is_shared(topic_filter: str) -> bool:
    """Return whether a filter is of a shared subscription."""
    return topic_filter.startswith("$share/")


def matches(topic_filter: str, topic: str) -> bool:
    """Return whether a topic matches a filter with ``+`` and ``#``, shared or not (MQTT 5.0, 4.7 and 4.8.2).

    A wildcard at the beginning takes no topic that begins with ``$``.
    """
    filter_levels, levels = unshared(topic_filter).split("/"), topic.split("/")
    if levels[0].startswith("$") and filter_levels[0] in {"+", "#"}:
        return False
    for at, level in enumerate(filter_levels):
        if level == "#":
            return True
        if at >= len(levels) or level not in {"+", levels[at]}:
            return False
    return len(filter_levels) == len(levels)


@dataclass(frozen=True, slots=True)
class Topics:
    """What the gateway listens to under one line's root; what it publishes stands in ``publications.py``."""

    root: str

    @property
    def responses(self) -> str:
        """Return the filter for what terminals answer."""
        return f"{self.root}/response/+"

    def response(self, terminal: str) -> str:
        """Return where one terminal answers."""
        return f"{self.root}/response/{encode_level(terminal)}"

    @property
    def asks(self) -> str:
        """Return the filter for questions of terminals."""
        return f"{self.root}/ask/+"

    @property
    def everything(self) -> str:
        """Return the filter for all of the line's topics."""
        return f"{self.root}/#"
