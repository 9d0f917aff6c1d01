"""What the index holds of a record: its words and fields, when it was, and whose it is. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.records.scope import OF_THE_PLANT, Scope

LONGEST_TEXT = 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One record as it is found and shown. ``fields``: by name, what it may be asked for with ``name:value``.

    ``link``: where the console shows more of it.
    """

    kind: str
    key: str
    title: str
    at_ns: int
    text: str = ""
    scope: Scope = OF_THE_PLANT
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    link: str | None = None
    record: str | None = None


def joined(*parts: str | None) -> str:
    """Return the parts of a text that there are, within what the index holds of one record."""
    return plain(" · ".join(part for part in parts if part))[:LONGEST_TEXT]


def plain(text: str) -> str:
    """Return a text without control and direction characters: it is shown beside others."""
    return "".join(
        " " if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} else character for character in text
    )


def fields_of(**values: str | Iterable[str | None] | None) -> dict[str, tuple[str, ...]]:
    """Return the fields that have a value."""
    named: dict[str, tuple[str, ...]] = {}
    for name, value in values.items():
        several = (value,) if isinstance(value, str) or value is None else tuple(value)
        known = tuple(dict.fromkeys(one for one in several if one))
        if known:
            named[name] = known
    return named
