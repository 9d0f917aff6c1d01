"""What the outcome of a check of the store stands on."""

from dataclasses import dataclass

from gateway.facts.base import Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreCheckedFacts(Facts):
    """``parts_in_doubt``: the names, as messages know them, of parts whose declaration is missing or altered."""

    parts_in_doubt: tuple[str, ...]
