"""Whose records somebody may see: by client and study, on every search and every answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.knowledge.folding import exact_token
from gateway.records.scope import Scope

_OF_THE_PLANT = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """Whose records somebody may see; None: everybody's. Records of the plant itself, without a client, all may see.

    A study's records are seen by who may see its client, and the study where ``studies`` names any.
    """

    clients: frozenset[str] | None = None
    studies: frozenset[str] | None = None

    def sees(self, scope: Scope) -> bool:
        """Return whether a record of a scope may be seen."""
        client, study = scope.client_id or _OF_THE_PLANT, scope.study_id or _OF_THE_PLANT
        return (self.clients is None or client == _OF_THE_PLANT or client in self.clients) and (
            self.studies is None or study == _OF_THE_PLANT or study in self.studies
        )

    def together(self, other: "Sight") -> "Sight":
        """Return what is seen by who has both."""
        return Sight(clients=_union(self.clients, other.clients), studies=_union(self.studies, other.studies))

    def facets(self) -> str:
        """Return the expression that every hit's facets must match; empty where all may be seen."""
        parts = [
            " OR ".join(exact_token(name, value) for value in sorted({_OF_THE_PLANT, *values}))
            for name, values in (("whose client", self.clients), ("whose study", self.studies))
            if values is not None
        ]
        return " AND ".join(f"({part})" for part in parts)


def _union(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


EVERYTHING = Sight()
NOBODYS_CLIENT = Sight(clients=frozenset(), studies=frozenset())
"""The plant's own records only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sights:
    """Whose records each user and terminal sees, where the plant states it.

    A user of whom nothing is stated sees all, as in the rest of the console. A terminal where nobody has shown who
    they are sees the plant's own records.
    """

    of_users: Mapping[str, Sight] = field(default_factory=dict)
    of_terminals: Mapping[str, Sight] = field(default_factory=dict)

    def of_user(self, user_id: str) -> Sight:
        """Return what a user sees."""
        return self.of_users.get(user_id, EVERYTHING)

    def of_terminal(self, terminal: str) -> Sight:
        """Return what a guest at a terminal sees."""
        return self.of_terminals.get(terminal, NOBODYS_CLIENT)
