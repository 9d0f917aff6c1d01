"""The configuration file as a running gateway works by it, and what of it may change without a restart."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config.certificates import files_sha256
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.errors import LablineError
from gateway.inference.versions import Promoted
from gateway.line.definition import LineDefinition

LIVE = frozenset(
    {"certificates", "control", "laboratory", "review", "sampling", "specification", "tags", "together", "trend"}
)
"""The tables that may change while the gateway runs, but for tags that are written; others need a restart."""


class ConfigurationFile:
    """A configuration file, and the settings that count: those of the last reading that was taken."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises ConfigurationError with every problem."""
        self._path = path.resolve()
        self.settings, self.sha256 = read(path)
        self.files_sha256 = files_sha256(self.settings)
        self._checked: LineDefinition | None = None

    def check(self) -> None:
        """Define the line as configured, for the start that follows; raises ConfigurationError with every problem.

        The start takes this line where no version was promoted over it, instead of loading each model again.
        """
        self._checked = self.define({})

    def define(self, in_service: Mapping[str, Promoted]) -> LineDefinition:
        """Return the line with the versions that are in service; raises ConfigurationError with every problem."""
        checked, self._checked = self._checked, None
        if checked is not None and not in_service:
            return checked
        return define_line(self.settings, path=self._path, in_service=in_service)

    def read_again(self) -> "ReadAgain":
        """Return the file as it is now; nothing counts yet. Raises ConfigurationError with every problem."""
        settings, sha256 = read(self._path)
        return ReadAgain(self, settings, sha256)

    def defined_by(self, settings: Settings, in_service: Mapping[str, Promoted]) -> LineDefinition:
        """Return the line by other settings; raises ConfigurationError with every problem."""
        return define_line(settings, path=self._path, in_service=in_service)


class ReadAgain:
    """What the file says now, beside what counts."""

    def __init__(self, file: ConfigurationFile, settings: Settings, sha256: str) -> None:
        self._file = file
        self.settings = settings
        self.sha256 = sha256
        self.files_sha256 = files_sha256(settings)
        changed = changed_keys(file.settings, settings)
        files = ("certificates",) if self.files_sha256 != file.files_sha256 else ()
        self.changed = tuple(sorted((*changed, *files)))

    def need_restart(self) -> tuple[str, ...]:
        """Return the changed keys that a running gateway cannot take."""
        return tuple(key for key in self.changed if not self._may_change(key))

    def _may_change(self, key: str) -> bool:
        table, *rest = key.split(".")
        if key == "certificates.mail":
            return False  # its server is connected to by what a start has built
        if table != "tags" or not rest:
            return table in LIVE
        tags = (self._file.settings.tags.get(rest[0]), self.settings.tags.get(rest[0]))
        return all(tag is None or tag.write is None for tag in tags)

    def line(self, in_service: Mapping[str, Promoted]) -> LineDefinition:
        """Return the line by what the file says now; raises ConfigurationError with every problem."""
        return self._file.defined_by(self.settings, in_service)

    def take(self) -> None:
        """Have this count from now on; raises LablineError where a restart is needed."""
        if self.need_restart():
            raise LablineError(f"a restart is needed for {', '.join(self.need_restart())}")
        self._file.settings, self._file.sha256 = self.settings, self.sha256
        self._file.files_sha256 = self.files_sha256


def changed_keys(before: Settings, after: Settings) -> tuple[str, ...]:
    """Return what differs: tables, and of tables of tables (such as tags) each entry."""
    old, new = before.model_dump(), after.model_dump()
    changed: list[str] = []
    for table in sorted(old.keys() | new.keys()):
        changed += _changed(table, old.get(table), new.get(table))
    return tuple(changed)


def _changed(table: str, old: Any, new: Any) -> list[str]:
    if old == new:
        return []
    if table in {"tags", "certificates"}:
        return [f"{table}.{name}" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return [table]
