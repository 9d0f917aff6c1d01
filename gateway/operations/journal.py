"""The log as the journal of systemd takes it: one datagram a line, each field by its own name, with a message id.

The protocol is systemd's "Native Journal Protocol". Every line has ``MESSAGE_ID``, made from what happened, so that
``journalctl MESSAGE_ID=...`` shows all lines of one kind whatever the texts in them are; docs/monitoring.md lists them.
"""

import json
import os
import socket
import struct
import sys
import uuid
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

SOCKET = Path("/run/systemd/journal/socket")
_NAMESPACE = uuid.UUID("6f2b1c0e-8d2f-5a55-9f0b-3c1d5e7a9b42")
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_LONGEST_VALUE = 8192  # characters: a datagram has to fit the socket's buffer
_OURS = frozenset({"event", "level", "timestamp"})


def message_id(event: str) -> str:
    """Return the id of a kind of line: the same in every version, for as long as what happened is called the same."""
    return uuid.uuid5(_NAMESPACE, event).hex


def goes_to_journal(environment: Mapping[str, str]) -> bool:
    """Return whether standard error is the journal's, as ``JOURNAL_STREAM`` says (systemd.exec(5))."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


def datagram(line: Mapping[str, Any]) -> bytes:
    """Return a line as the journal reads it: its fields in capitals behind ``LABLINE_``, the sentence in front."""
    event = str(line.get("event", ""))
    fields = {name: _text(value) for name, value in line.items() if name not in _OURS and value is not None}
    sentence = " ".join([event, *(f"{name}={value}" for name, value in fields.items())])
    own = {
        "MESSAGE": sentence,
        "MESSAGE_ID": message_id(event),
        "PRIORITY": str(_PRIORITIES.get(str(line.get("level", "info")), 6)),
        "SYSLOG_IDENTIFIER": "labline",
        "LABLINE_EVENT": event,
    }
    named = {f"LABLINE_{_field_name(name)}": value for name, value in fields.items()}
    return b"".join(_field(name, value[:_LONGEST_VALUE]) for name, value in {**named, **own}.items())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _field_name(name: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name).upper()[:50]


def _field(name: str, value: str) -> bytes:
    encoded = value.encode("utf-8", errors="replace")
    if b"\n" not in encoded:
        return name.encode() + b"=" + encoded + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(encoded)) + encoded + b"\n"


class Journal:
    """Writes to the journal's socket; a line that it does not take goes to standard error."""

    def __init__(self, address: Path = SOCKET) -> None:
        self._address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def write(self, line: MutableMapping[str, Any]) -> None:
        """Write one line; a journal that is full or away keeps nobody waiting."""
        try:
            self._socket.sendto(datagram(line), self._address)
        except OSError:
            sys.stderr.write(f"{json.dumps(line, default=str)}\n")
            sys.stderr.flush()

    def close(self) -> None:
        """Write no more."""
        self._socket.close()
