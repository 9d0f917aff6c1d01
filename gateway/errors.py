"""The errors that Labline raises itself; each says what happened, where, and what to do.

Where a library is imported, its errors are translated into these (``raise ... from error``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class LablineError(Exception):
    """The base of all these errors; ``hint`` tells a person what to do next, ``exit_code`` is that of a command."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One error in a configuration: its file and key, what is wrong, what to do."""

    file: str
    key: str
    message: str
    hint: str = ""


class ConfigurationError(LablineError):
    """The configuration cannot be used; ``problems`` has every error in it, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the configuration")
        self.problems = problems


class NotDoneError(LablineError):
    """An act is refused, or nobody can say whether it is done: its code with the parameters of the code's texts."""

    def __init__(self, message: str, *, hint: str, code: str, parameters: Mapping[str, Any]) -> None:
        super().__init__(message, hint=hint)
        self.code, self.parameters = code, parameters


class BundleRefusedError(LablineError):
    """A model bundle failed a check; it must not be used."""


class StoreLockedError(LablineError):
    """Another process has locked the store."""


class StoreUnavailableError(LablineError):
    """The store could not commit: nothing of the batch is on disk, so nothing of it may be acknowledged."""


class StoreCorruptError(LablineError):
    """A database file is damaged; trying again does not help."""


class EvidenceDamagedError(LablineError):
    """A record does not match the hash it was written with; it must not be used."""


def record_damaged(*, table: str, key: object) -> EvidenceDamagedError:
    """Return the error of a record that does not match its hash."""
    return EvidenceDamagedError(
        f"the record {key} in {table} does not match the hash it was written with",
        hint="the disk or a person changed it; run labline audit verify, and see docs/operations.md",
    )


class NotConnectedError(LablineError):
    """There is no connection at the moment; the outbox keeps the message, which is sent later."""


class SourceUnavailableError(LablineError):
    """An OPC UA server cannot be reached, or its answer cannot be used."""


class CertificateUntrustedError(SourceUnavailableError):
    """A server's certificate is not the configured one; only a person can decide to trust it."""


class InferenceError(LablineError):
    """A model could not be evaluated."""


class InferenceStoppedError(InferenceError):
    """A model took longer than a decision waits, and was stopped; it is not evaluated again."""


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first single error within a group of any depth."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


def why_unread(error: Exception) -> str:
    """Return in words why a file could not be read in its format."""
    match error:
        case OSError():
            return error.strerror or str(error)
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case RecursionError():
            return "it is nested too deeply"
        case KeyError():
            return f"{error.args[0]} is missing"
        case TypeError():
            return "it does not have the right structure"
    return str(error)
