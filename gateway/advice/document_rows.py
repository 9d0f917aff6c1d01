"""Rows of a document's tables, and counted words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Cells of a table; ``mark``: whether the row is what the document is about."""

    cells: tuple[str, ...]
    mark: bool = False


def listed(texts: Sequence[str], most: int = 5) -> str:
    """Return texts in a row, and how many there are more than ``most``."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def counted(count: int, what: str) -> str:
    """Return ``1 result`` or ``3 results``."""
    return f"{count} {what}{'' if count == 1 else 's'}"
