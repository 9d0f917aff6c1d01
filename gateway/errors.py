"""The errors Labline raises itself: few, each with what happened, where, and what to do.

Errors of libraries are translated at the edge that imports the library, with ``from``.
"""

from dataclasses import dataclass


class LablineError(Exception):
    """The root of all our errors; ``hint`` tells a person what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing wrong in a configuration: where it stands, what is wrong, what to do."""

    file: str
    key: str
    message: str
    hint: str = ""


class ConfigurationError(LablineError):
    """The configuration cannot be used; carries every problem found, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the configuration")
        self.problems = problems


class BundleRefusedError(LablineError):
    """A model bundle does not hold what it promises; it must not be used."""


class StoreLockedError(LablineError):
    """Another process holds the store."""


class StoreUnavailableError(LablineError):
    """The store could not commit; nothing of the batch is durable and nothing may be acknowledged."""


class StoreCorruptError(LablineError):
    """A database file is damaged; waiting does not mend it."""


class EvidenceDamagedError(LablineError):
    """A record does not match the hash it was written with; it must not be used."""


class NotConnectedError(LablineError):
    """There is no connection now; the outbox keeps the message and tries again."""


class SourceUnavailableError(LablineError):
    """An OPC UA server cannot be reached or does not answer as it must."""


class CertificateUntrustedError(SourceUnavailableError):
    """A server presents a certificate that is not pinned; only a person can decide to trust it."""


class InferenceError(LablineError):
    """A model could not be evaluated."""


class InferenceStoppedError(InferenceError):
    """A model took more time than a decision waits for, and was stopped; it is not asked again."""


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first single error within a group of any depth."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


def why_unread(error: Exception) -> str:
    """Return in words why a file could not be read as what it should be."""
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
            return "it is not built so"
    return str(error)
