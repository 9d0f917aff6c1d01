"""Logs: readable on a terminal, fields in the journal of systemd, one JSON object a line elsewhere."""

import logging
import os
import sys
from collections.abc import MutableMapping
from enum import StrEnum
from types import ModuleType
from typing import Any, cast

from gateway.errors import LablineError
from gateway.operations.journal import Journal, goes_to_journal

# structlog imports rich where it can, to draw tracebacks. We never draw them, and rich is a fifteenth of a gateway's
# start. None in sys.modules makes an import fail as if rich were not installed, which structlog is made for.
_modules = cast("dict[str, ModuleType | None]", sys.modules)
_modules.setdefault("rich", None)
import structlog  # noqa: E402

if _modules["rich"] is None:
    del _modules["rich"]


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


def configure_logs(*, level: str) -> None:
    """Send our logs, and warnings of the libraries, where they belong; raises LablineError for an unknown level."""
    known = [level.value for level in LogLevel]
    if level.lower() not in known:
        raise LablineError(f"{level!r} is no level of the log", hint=f"levels are {', '.join(known)}")
    threshold = logging.getLevelNamesMapping()[level.upper()]
    on_terminal = sys.stderr.isatty()
    journal = Journal() if goes_to_journal(os.environ) else None
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([_as_people_may_read] if on_terminal else [structlog.processors.format_exc_info]),
            _renderer(on_terminal=on_terminal, journal=journal),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # it logs each retry; the session tells once


def _renderer(*, on_terminal: bool, journal: Journal | None) -> structlog.typing.Processor:
    """Return what writes a line: the journal takes it itself, and nothing is left to print."""
    if journal is not None:

        def to_journal(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
            journal.write(line)
            raise structlog.DropEvent

        return to_journal
    if on_terminal:
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()


def _as_people_may_read(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a line whose texts show what a terminal would obey: a lot may be called anything."""
    for name, value in line.items():
        if isinstance(value, str) and not value.isprintable() and name != "exception":
            line[name] = "".join(
                char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
                for char in value
            )
    return line
