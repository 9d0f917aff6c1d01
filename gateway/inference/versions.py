"""Which version of each model people have put into service: a stack of promotions, from which a rollback takes one.

Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.records.people import VersionAct, VersionChange


@dataclass(frozen=True, kw_only=True, slots=True)
class Promoted:
    """The version of a model that a person has put into service over the configured one."""

    folder: Path
    sha256: str


def in_service(changes: Iterable[VersionChange]) -> dict[str, list[VersionChange]]:
    """Return by model the promotions that stand, the one in service last; of a model without any nothing."""
    standing: dict[str, list[VersionChange]] = {}
    for change in changes:
        promoted = standing.setdefault(change.model, [])
        if change.act is VersionAct.PROMOTE:
            promoted.append(change)
        elif promoted:
            promoted.pop()
    return {model: promoted for model, promoted in standing.items() if promoted}


def promoted_versions(changes: Iterable[VersionChange]) -> dict[str, Promoted]:
    """Return by model the version in service, where one was promoted."""
    return {
        model: Promoted(folder=Path(promoted[-1].folder), sha256=promoted[-1].bundle_sha256)
        for model, promoted in in_service(changes).items()
    }
