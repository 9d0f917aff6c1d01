"""Which field of a laboratory's message is which of ours, and which are neither read nor harmless. Pure.

All names of one field that are present must agree, which the reader of results checks. A field that no spelling knows
is left unread: where it could speak against a release, the result says so; else it is only named, by ``labline lims
try`` and the import.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.contract.json_documents import echo
from gateway.contract.lims.comparators import NOT_UNDERSTOOD, comparator
from gateway.contract.lims.field_spellings import (
    CRITICAL,
    FALLBACKS,
    MAY_COMPARE,
    NO_NAME,
    SPELLINGS,
    WITHIN_SPECIFICATION,
    by_folded_name,
    spellings_of,
)
from gateway.contract.lims.names import folded, normalised
from gateway.contract.lims.statuses import WITHDRAWN, status_of
from gateway.contract.lims.unread_fields import is_limit, speaks_against
from gateway.contract.refusals import Refusal, RefusalText, refusal, refusal_text
from gateway.records.verdicts import Reason

_INDEX, _FALLBACK = by_folded_name(SPELLINGS), by_folded_name(FALLBACKS)
_WITHIN = by_folded_name(WITHIN_SPECIFICATION)
_BETWEEN_LOTS = re.compile("[,;\r\n\t\uff0c\uff1b\u3001\u2022]|<br */?>|\\\\[rnt]", re.IGNORECASE)
_PERHAPS_BETWEEN_LOTS = re.compile(
    r"\||\.\.+|[\u2192\u00b7>*=]|(?<=\s)(?:&|\+|/|-|and|und|sowie|et|y|e|ed|en|i|oraz|u\.?|plus|bis|to|through|thru|a|\u00e0|al|"
    r"tot|do)(?=\s)|(?<=[\s(])(?:incl|inkl)\.?(?=\s)",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_JOINED_LOTS = re.compile(r"(?<![+&\s])[+&](?![+&\s])")
_BRACKETS = {"[": "]", "(": ")", "{": "}", "<": ">"}
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb "
# what stands where a lot is not known yet; such a result is of whichever lot its sample, order or equipment is
_NO_LOT = NO_NAME | frozenset(
    {"na", "n.a.", "n.a", "?", "??", "???", "unknown", "unk", "tbd", "tba", "to be determined", "to be defined",
     "not known", "not available", "not applicable", "not assigned", "unassigned", "pending", "undefined", "nan",
     "unbekannt", "inconnu", "desconocido", "#n/a", "blank", "empty", "xxx", "."}
)  # fmt: skip
# our fields: a second field of that name that the mapping does not read always needs a person
_ONE_FIELD = frozenset({"qualifier", "retest_of", "control_id", "lower", "upper"})
_MOST_UNREAD = 20  # reasons for unmapped fields, of one message


@dataclass(kw_only=True, slots=True)
class LocatedFields:
    """A message's fields by ours: ``names`` are the sender's, ``document`` has their values; blank ones are absent."""

    document: dict[str, Any] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    def name(self, ours: str) -> str:
        """Return the sender's name of one of our fields, or the canonical one where it is absent."""
        return self.names.get(ours, [ours])[0]

    def values(self, ours: str) -> list[Any]:
        """Return every value that the message has for one of our fields."""
        return [self.document[name] for name in self.names.get(ours, ())]

    def note_value(self, ours: str, name: str, value: Any) -> None:
        """Note one value of one of our fields, unless it is blank."""
        if not blank(value):
            self.names.setdefault(ours, []).append(name)
            self.document[name] = value


def blank(value: Any) -> bool:
    """Return whether a field with that value is absent."""
    return value is None or (isinstance(value, str) and not normalised(value))


def located(document: Mapping[str, Any], *, ignore: Collection[str] = ()) -> LocatedFields:
    """Return which of the canonical message's fields are ours, each in the order of its spellings.

    ``ignore``: folded names of fields that a person has said do not matter.
    """
    fields, others = LocatedFields(), dict[str, Any]()
    for name, value in document.items():
        key = folded(name)
        if key in ignore:
            continue
        ours = _INDEX.get(key) or ("qualifier" if key in MAY_COMPARE and _is_comparator(value) else None)
        if ours is None:
            others[name] = value
            continue
        fields.note_value(ours, name, value)
        if ours == "specification" and isinstance(value, Mapping):
            _take_limits(fields, name, value, ignore)
    for ours, names in fields.names.items():
        if len(names) > 1:
            names.sort(key=partial(_rank, ours))
    _take_others(fields, others)
    return fields


def lot_names(text: str) -> list[str]:
    """Return the lots in a text: several are separated by commas, semicolons or line breaks; "n/a" and "-" are none."""
    names = (normalised(_bare(normalised(part))) for part in _BETWEEN_LOTS.split(_bare(text)))
    return [name for name in names if name and name.casefold() not in _NO_LOT]


def _bare(text: str) -> str:
    """Return a text without the quotes or brackets around it: a list may come as its text."""
    text = text.strip(_QUOTES)
    inner = text[1:-1]
    if (
        text[:1] in _BRACKETS
        and text.endswith(_BRACKETS[text[0]])
        and not any(bracket in inner for bracket in "[](){}<>")
    ):
        return inner.strip(_QUOTES)
    return text


def perhaps_several(lot: str) -> list[str]:
    """Return the lots that a name could be of, such as ``L-1 & L-2``; none where it is plainly one."""
    parts = _parts_of(lot, _PERHAPS_BETWEEN_LOTS)
    joined = _parts_of(lot, _JOINED_LOTS)
    if len(parts) < 2 and len(joined) > 1 and all(_DIGIT.search(part) for part in joined):  # noqa: PLR2004
        return joined  # L1+L2; but R&D-12 is one
    return parts if len(parts) > 1 else []


def is_divided_by_bars(lot: str) -> bool:
    """Return whether only ``|`` could make several lots of a name: plants use it within names, too."""
    return "|" in lot and not any(perhaps_several(part) for part in lot.split("|")) and bool(perhaps_several(lot))


def _parts_of(lot: str, between: re.Pattern[str]) -> list[str]:
    return [name for part in between.split(lot) if (name := normalised(part).strip(_QUOTES + "()"))]


def unmapped(name: str, value: Any) -> Reason:
    """Return the reason why an unmapped field keeps its result for a person."""
    text = refusal_text(RefusalText.NOTHING_READS, field=echo(name), value=echo(value))
    return refusal(Refusal.UNMAPPED_FIELD, text, field=echo(name), found=echo(value))


def critical_and_unread(
    document: Mapping[str, Any], *, names: Collection[str], read: Collection[str], ignore: Collection[str] = ()
) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of each field that could speak against a release and that a mapping does not read.

    ``names``: the foreign names that the mapping has read; ``read``: our fields that it reads, wherever they stand.
    """
    for name, value in document.items():
        key = folded(name)
        ours = _INDEX.get(key)
        if name in names or key in ignore or blank(value) or value in ([], {}):
            continue
        if ours in read:  # a second field of that name counts unless it is a harmless duplicate
            if ours in _ONE_FIELD or (ours == "status" and status_of(value) in WITHDRAWN):
                yield name, value
            continue
        if ours in CRITICAL or (ours is None and speaks_against(name, value, has_status="status" in read)):
            yield name, value


def _rank(ours: str, name: str) -> int:
    spellings, key = spellings_of(ours), folded(name)
    return spellings.index(key) if key in spellings else len(spellings)


def _is_comparator(value: Any) -> bool:
    return isinstance(value, str) and (bool(comparator(value)) or normalised(value).casefold() in NOT_UNDERSTOOD)


def _take_limits(fields: LocatedFields, outer: str, document: Mapping[str, Any], ignore: Collection[str]) -> None:
    """Note the fields of limits that came with the result."""
    for name, value in document.items():
        key, path = folded(name), f"{outer}.{name}"
        if key in _WITHIN and key not in ignore:
            fields.note_value(_WITHIN[key], path, value)
        elif not blank(value):
            fields.unused.append(path)
            if is_limit(value):
                fields.reasons.append(unmapped(path, value))


def _take_others(fields: LocatedFields, others: Mapping[str, Any]) -> None:
    """Take second names where the first are absent; name the rest, and say what of it could speak against a release."""
    named = frozenset(fields.names)
    for name, value in others.items():
        ours = _FALLBACK.get(folded(name))
        if blank(value) or value in ([], {}):
            continue
        if ours is not None and ours not in named and isinstance(value, str | int):
            fields.note_value(ours, name, value)
            continue
        fields.unused.append(name)
        if speaks_against(name, value, has_status="status" in named) and len(fields.reasons) < _MOST_UNREAD:
            fields.reasons.append(unmapped(name, value))
