"""Reasons, as a code and a sentence, and the verdicts that rest on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """A reason: a stable code, its parameters, and a sentence with the numbers in it."""

    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Accepted, or abstained with the reasons."""

    reasons: tuple[Reason, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether nothing spoke against it."""
        return not self.reasons


ACCEPTED = Verdict()
