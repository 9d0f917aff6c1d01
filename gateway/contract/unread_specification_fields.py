"""Fields of a stated specification that nothing reads: which of them could change by what lots are judged. Pure.

A limit under another name, a draft, a date of validity: who states it means it, and nobody may judge by the rest of
such a message. ``[master_data] ignore`` names the fields that do not matter.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gateway.contract.lims.field_words import AFFIRMING, STANDING, words_of
from gateway.contract.lims.names import folded, normalised
from gateway.contract.lims.unread_fields import is_limit, speaks_against
from gateway.contract.refusals import RefusalText, refusal_text

FIELDS = frozenset(
    {
        "material_definition_id", "product", "analyte", "version", "client_id", "lower", "upper", "target", "unit",
        "inclusive", "lower_inclusive", "upper_inclusive", "decimals", "bands", "effective_from", "effective_until",
        "required", "accepts", "rejects", "non_negative", "assume_unit", "withdrawn",
    }
)  # fmt: skip
# of a version, not of its limits
_HARMLESS = frozenset({"revision", "supersedes", "replaces", "amends", "status_date", "approved_by", "reviewed_by"})
_VALIDITY = frozenset(
    {
        "valid_from", "valid_to", "valid_until", "valid_since", "effective", "effective_date", "effective_to",
        "expires", "expires_at", "expiry", "expiry_date", "expiration_date", "start_date", "end_date", "in_force_from",
        "in_force_until", "gueltig_ab", "gueltig_bis", "valable_du", "valable_au",
    }
)  # fmt: skip
_IN_FORCE = frozenset({"effective", "force", "live", "productive", "production"})
_LIMIT_WORDS = frozenset({"limit", "limits", "range", "spec", "specification", "criterion", "criteria", "acceptance"})
_FOLDED_FIELDS = {folded(name): name for name in FIELDS}
_FOLDED_HARMLESS, _FOLDED_VALIDITY = ({folded(name) for name in names} for names in (_HARMLESS, _VALIDITY))


def unread_fields(document: Mapping[str, Any], *, ignore: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the unmapped fields, and that could change by what lots are judged, with their values."""
    ignored = {folded(name) for name in ignore}
    for name, value in document.items():
        if (
            name not in FIELDS
            and value not in (None, "", [], {})
            and folded(name) not in ignored
            and _counts(name, value)
        ):
            yield name, value


def _counts(name: str, value: Any) -> bool:
    own, words = folded(name), words_of(name)
    if own in _FOLDED_FIELDS or own in _FOLDED_VALIDITY:
        return True
    if own in _FOLDED_HARMLESS:
        return False
    if words & _LIMIT_WORDS and is_limit(value):
        return True
    if STANDING.speaks_in(words) and isinstance(value, str) and _is_in_force(value):
        return False
    return speaks_against(name, value, has_status=False)


def _is_in_force(status: str) -> bool:
    words = words_of(normalised(status).replace("_", " ").casefold())
    return AFFIRMING.speaks_in(words) or bool(words & _IN_FORCE)


def suggestion(name: str) -> str:
    """Return what to do about a field: the name under which it is read, where that is plain."""
    ours = _FOLDED_FIELDS.get(folded(name))
    if ours is not None:
        return refusal_text(RefusalText.CALL_IT, name=ours)
    if folded(name) in _FOLDED_VALIDITY:
        return refusal_text(RefusalText.CALL_IT_EFFECTIVE)
    return refusal_text(RefusalText.NAME_IN_IGNORE)
