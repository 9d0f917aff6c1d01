"""Rows of a document's tables, and lists of names that end after so many. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.advice.document_texts import DocumentText, sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Cells of a table; ``mark``: whether the row is what the document is about."""

    cells: tuple[str, ...]
    mark: bool = False


def listed(texts: Sequence[str], most: int = 5) -> str:
    """Return texts in a row, and how many there are more than ``most``."""
    shown, more = ", ".join(texts[:most]), len(texts) - most
    return sentence(DocumentText.LIST_AND_MORE, listed=shown, count=more) if more > 0 else shown
