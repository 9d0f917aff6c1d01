"""Whose records somebody may see: by client and study. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.records.scope import Scope

OF_NO_CLIENT = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """Whose records somebody may see; None: everybody's. Records of the plant itself, without a client, all may see.

    A study's records are seen by who may see its client, and the study where ``studies`` names any.
    """

    clients: frozenset[str] | None = None
    studies: frozenset[str] | None = None

    @property
    def limited(self) -> bool:
        """Return whether there are records that may not be seen."""
        return self.clients is not None or self.studies is not None

    def sees(self, scope: Scope) -> bool:
        """Return whether a record of a scope may be seen."""
        client, study = scope.client_id or OF_NO_CLIENT, scope.study_id or OF_NO_CLIENT
        return (self.clients is None or client == OF_NO_CLIENT or client in self.clients) and (
            self.studies is None or study == OF_NO_CLIENT or study in self.studies
        )

    def owns(self, scope: Scope) -> bool:
        """Return whether a record is one of a client that may be seen, and none of the plant itself."""
        return bool(scope.client_id) and self.sees(scope)

    def together(self, other: "Sight") -> "Sight":
        """Return what is seen by who has both."""
        return Sight(clients=_union(self.clients, other.clients), studies=_union(self.studies, other.studies))


def _union(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


EVERYTHING = Sight()
NOBODYS_CLIENT = Sight(clients=frozenset(), studies=frozenset())
"""The plant's own records only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sights:
    """Whose records each user and terminal sees, where the plant states it.

    A user of whom nothing is stated sees all. A terminal where nobody has shown who they are sees the plant's own
    records.
    """

    of_users: Mapping[str, Sight] = field(default_factory=dict)
    of_terminals: Mapping[str, Sight] = field(default_factory=dict)

    def of_user(self, user_id: str) -> Sight:
        """Return what a user sees."""
        return self.of_users.get(user_id, EVERYTHING)

    def of_terminal(self, terminal: str) -> Sight:
        """Return what a guest at a terminal sees."""
        return self.of_terminals.get(terminal, NOBODYS_CLIENT)


NO_SIGHTS = Sights()
"""The plant states nothing: every user sees all."""
