"""The result of a mapping: the canonical message, with reasons, flags and unused fields."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.contract.lims.names import folded
from gateway.contract.lims.result_fields import blank, critical_and_unread, unmapped
from gateway.records.verdicts import Reason

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreed:
    """What was agreed with the laboratory: the folded names of fields that do not matter, and how it writes numbers."""

    ignore: frozenset[str] = frozenset()
    decimal_comma: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Canonical:
    """A canonical message made of a foreign one, with reasons, flags and unused fields."""

    document: Document
    flags: tuple[str, ...] = ()
    foreign_id: str | None = None  # the laboratory's own id of the result, by which retests name it
    reasons: tuple[Reason, ...] = ()  # what of the foreign message could not be understood
    unused: tuple[str, ...] = ()  # fields of the foreign message that nothing has read


def not_read(
    level: Any, *, names: Collection[str], ours: Collection[str], ignore: Collection[str]
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """Return (reasons, names): of a level's unmapped fields, which could speak against a release, and all.

    ``names``: the foreign names that are read; ``ours``: our fields that the mapping reads, wherever they stand.
    """
    if not isinstance(level, Mapping):
        return (), ()
    near = critical_and_unread(level, names=names, read=ours, ignore=ignore)
    unused = (name for name, value in level.items()
              if name not in names and folded(name) not in ignore and not blank(value))  # fmt: skip
    return tuple(unmapped(name, value) for name, value in near), tuple(unused)
