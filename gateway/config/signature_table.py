"""``[signatures.<act>]``: which acts need electronic signatures on this line, how many and of which roles."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from gateway.config.forms import Table
from gateway.config.measures import Duration
from gateway.people.signing import MOST_SIGNATURES, SIGNABLE
from gateway.records.act_kinds import ActKind
from gateway.records.signatures import SignaturePolicy
from gateway.records.users import Role


class SignatureTable(Table):
    """``[signatures.<act>]``: the signatures that an act needs."""

    roles: list[Role] = Field(min_length=1, description="of which roles; a person signs by the first that they have")
    count: int = Field(default=1, ge=0, le=MOST_SIGNATURES, description="how many, each of another person; 0: none")
    author_signs: bool = Field(
        default=True, description="whether the signature of the person who asks for the act is one of them"
    )
    expires_after: Duration = Field(
        default=86400.0, gt=0, description='how long an act waits for other people, such as "24h"'
    )

    @model_validator(mode="after")
    def _can_be_given(self) -> Self:
        if len(set(self.roles)) < len(self.roles):
            raise ValueError("roles names a role twice")
        return self


def acts_that_can_be_signed(tables: Any) -> Any:
    """Return the tables as they are; raises ValueError where one is of an act that cannot be signed so."""
    if not isinstance(tables, Mapping):
        return tables
    names = [kind.value for kind in SIGNABLE]
    for name in tables:
        if name not in names:
            raise ValueError(f"{name} is no act that can be signed; these are: {', '.join(names)}")
    return tables


def all_can_be_given(tables: Mapping[ActKind, SignatureTable]) -> Mapping[ActKind, SignatureTable]:
    """Return the tables as they are; raises ValueError where an act that cannot wait is to wait for a second person."""
    for kind, table in tables.items():
        if table.count < SIGNABLE[kind].least:
            raise ValueError(f"{kind} is always signed, so it needs count = {SIGNABLE[kind].least} at least")
        if SIGNABLE[kind].by_another and table.author_signs and table.count == 1:
            raise ValueError(f"{kind} is confirmed by another person, so it needs author_signs = false, or count = 2")
        if not SIGNABLE[kind].waits and (table.count > 1 or (table.count and not table.author_signs)):
            raise ValueError(f"{kind} takes effect at once, so it needs count = 1 at most, and author_signs = true")
    return tables


def policies(tables: Mapping[ActKind, SignatureTable]) -> dict[ActKind, SignaturePolicy]:
    """Return the policies that are configured."""
    return {
        kind: SignaturePolicy(
            roles=tuple(table.roles),
            count=table.count,
            author_signs=table.author_signs,
            expires_after_seconds=table.expires_after,
        )
        for kind, table in tables.items()
    }
