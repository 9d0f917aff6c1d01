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
    wanted, levels = unshared(topic_filter).split("/"), topic.split("/")
    if levels[0].startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(levels) or level not in {"+", levels[at]}:
            return False
    return len(wanted) == len(levels)


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics under one line's root."""

    root: str

    def guidance(self, guidance_id: str) -> str:
        """Return where one guidance and its changes of state go."""
        return f"{self.root}/guidance/{encode_level(guidance_id)}"

    def prediction(self, equipment_id: str, analyte: str) -> str:
        """Return where the latest prediction stands, retained."""
        return f"{self.root}/prediction/{encode_level(equipment_id)}/{encode_level(analyte)}"

    def disposition(self, material_lot_id: str | None) -> str:
        """Return where the recommendation for a lot stands, retained; without a lot: ``unassigned``."""
        level = UNASSIGNED if material_lot_id is None else encode_level(material_lot_id)
        return f"{self.root}/disposition/{level}"

    def deviation(self, deviation_id: str) -> str:
        """Return where the draft of a deviation goes."""
        return f"{self.root}/deviation/{encode_level(deviation_id)}"

    def sample_request(self, request_id: str) -> str:
        """Return where a request for samples goes."""
        return f"{self.root}/sample-request/{encode_level(request_id)}"

    def control(self, analyte: str) -> str:
        """Return where it goes how the laboratory's control of an analyte was."""
        return f"{self.root}/control/{encode_level(analyte)}"

    def outcome(self, terminal: str) -> str:
        """Return where a terminal hears what came of its responses."""
        return f"{self.root}/outcome/{encode_level(terminal)}"

    @property
    def board(self) -> str:
        """Return where the open guidance stands, retained."""
        return f"{self.root}/board"

    @property
    def dead_letter(self) -> str:
        """Return where messages go that could not be understood."""
        return f"{self.root}/dead-letter"

    @property
    def audit_head(self) -> str:
        """Return where the audit chain's signed head stands, retained."""
        return f"{self.root}/audit/head"

    @property
    def status(self) -> str:
        """Return where the gateway tells how it is, retained, and the broker that it has gone."""
        return f"{self.root}/status"

    @property
    def responses(self) -> str:
        """Return the filter for what terminals answer."""
        return f"{self.root}/response/+"

    def response(self, terminal: str) -> str:
        """Return where one terminal answers."""
        return f"{self.root}/response/{encode_level(terminal)}"

    @property
    def everything(self) -> str:
        """Return the filter for all of the line's topics."""
        return f"{self.root}/#"
