"""What signing an act that waits stands on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.records.signatures import SignedOnRecord
from gateway.records.users import User


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingFacts(ActFacts):
    """The act that waits, None where there is none of this id.

    ``of_act``: what deciding the act itself stands on, as it is now. ``users``: of the line.
    """

    pending: SignedOnRecord | None
    of_act: ActFacts | None
    users: tuple[User, ...]
