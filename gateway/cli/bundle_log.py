"""The newest lines of a gateway's log for others to read: without results, people and secrets."""

import json
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.config.redaction import redacted_lines

_JOURNAL_SECONDS = 20.0
_OURS = "LABLINE_"
_EVENT = f"{_OURS}EVENT"
# of a line that speaks of results or people nothing is shown; of the others these fields
_OF_RESULTS_OR_PEOPLE = frozenset(
    {"lot", "lots", "sample", "sample_id", "analyte", "title", "titles", "value", "person", "by", "user", "message",
     "guidance", "result", "recommendation", "reasons", "open", "link"}
)  # fmt: skip
_SHOWN = frozenset(
    {"timestamp", "level", "event", "code", "codes", "source", "error", "why", "line", "tags", "models", "loops",
     "port", "host", "seconds", "by_seconds", "rows", "audit_lines", "wrong", "drained", "waiting", "count", "attempt",
     "store", "configuration", "exception"}
)  # fmt: skip


def journal_lines(unit: str, *, most: int) -> tuple[list[str], str]:
    """Return (the newest lines of a unit's journal, why there are none)."""
    program = shutil.which("journalctl")
    if program is None:
        return [], "this machine has no journalctl: name the file with --log"
    command = [program, f"--unit={unit}", f"--lines={most}", "--output=json", "--no-pager", "--quiet"]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=_JOURNAL_SECONDS, check=False)  # noqa: S603 - no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], f"the journal cannot be read: {error}"
    lines = [entry_line(entry) for entry in ended.stdout.decode(errors="replace").splitlines()]
    return lines, "" if lines else f"the journal of {unit} has no line that this user may read"


def entry_line(entry: str) -> str:
    """Return an entry of the journal as a line of our log: our fields by their names; of others the sentence."""
    try:
        fields: Any = json.loads(entry)
    except ValueError:
        return entry
    if not isinstance(fields, dict):
        return entry
    if _EVENT not in fields and fields.get("SYSLOG_IDENTIFIER") != "systemd":
        return str(fields.get("MESSAGE"))  # a traceback, or what a library prints
    ours = {name.removeprefix(_OURS).lower(): value for name, value in fields.items() if name.startswith(_OURS)}
    known = {"timestamp": fields.get("__REALTIME_TIMESTAMP"), "level": fields.get("PRIORITY"), **ours}
    return json.dumps({"event": fields.get("MESSAGE"), **known})


def file_lines(path: Path, *, most: int) -> list[str]:
    """Return the newest lines of a file; raises OSError."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return list(deque((line.rstrip("\n") for line in file), maxlen=most))


def shown_lines(lines: Iterable[str], *, with_names: bool, secrets: tuple[str, ...]) -> tuple[list[str], int]:
    """Return (the lines that may be shown, how many were left out)."""
    shown, left_out = list[str](), 0
    for line in lines:
        text = redacted_lines(line, secrets) if with_names else _shown(line, secrets)
        if text is None:
            left_out += 1
        else:
            shown.append(text)
    return shown, left_out


def _shown(line: str, secrets: tuple[str, ...]) -> str | None:
    """Return what may be shown of a line; None for one of results or people, or that is not understood."""
    try:
        document: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict) or not _OF_RESULTS_OR_PEOPLE.isdisjoint(document):
        return None
    return redacted_lines(json.dumps({key: document[key] for key in document if key in _SHOWN}), secrets)
