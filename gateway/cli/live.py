"""Asking the running gateway how it is; where none runs, the caller looks for itself."""

from pathlib import Path
from typing import Any

from gateway.contract.readings import (
    LONGEST_READING_BYTES,
    LiveTags,
    ReadingKind,
    question_line,
    read_status,
    read_tags,
)
from gateway.transport.unix_line_client import NoAnswerError, NotTakenError, ask_line

_TAKEN_SECONDS, _ANSWERED_SECONDS = 5.0, 20.0


class NoGatewayError(Exception):
    """No gateway answers for a store; the text says why."""


def live_tags(directory: Path) -> LiveTags:
    """Return the tags as the gateway of a store has them; raises NoGatewayError, LablineError."""
    return read_tags(_asked(directory, ReadingKind.TAGS))


def live_status(directory: Path) -> dict[str, Any]:
    """Return the status of the gateway of a store; raises NoGatewayError, LablineError."""
    return read_status(_asked(directory, ReadingKind.STATUS))


def _asked(directory: Path, kind: ReadingKind) -> bytes:
    try:
        return ask_line(
            directory,
            question_line(kind),
            taken_within=_TAKEN_SECONDS,
            answered_within=_ANSWERED_SECONDS,
            longest_bytes=LONGEST_READING_BYTES,
        )
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NoGatewayError("no gateway runs") from error
    except PermissionError as error:
        raise NoGatewayError("this user may not ask the gateway: only the store's owner and root may") from error
    except (NotTakenError, NoAnswerError) as error:
        raise NoGatewayError(f"the gateway does not answer: {error}") from error
