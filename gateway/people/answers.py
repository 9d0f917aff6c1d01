"""Which roles may give which answer to which guidance: one row for each kind and answer. Pure.

A hold is only acknowledged here: a lot is decided on by a signed act. A row that is missing is for nobody.
"""

from collections.abc import Iterable, Mapping

from gateway.records.guidance import GuidanceKind
from gateway.records.people import Act
from gateway.records.users import Role

ON_THE_LINE = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.QUALITY, Role.ENGINEER})
_QUALITY = frozenset({Role.SUPERVISOR, Role.QUALITY})
# of a suggested move: by the role that the guidance asks for, and those above it on the line
_MOVES: Mapping[str, frozenset[Role]] = {
    Role.OPERATOR: frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ENGINEER}),
    Role.SUPERVISOR: frozenset({Role.SUPERVISOR, Role.ENGINEER}),
    Role.ENGINEER: frozenset({Role.ENGINEER}),
}
AS_REQUIRED = None  # by the role that the guidance itself asks for
ANSWERS: Mapping[tuple[GuidanceKind, Act], frozenset[Role] | None] = {
    **{(kind, Act.ACKNOWLEDGE): ON_THE_LINE for kind in GuidanceKind},
    (GuidanceKind.SETPOINT, Act.APPROVE): AS_REQUIRED,
    (GuidanceKind.SETPOINT, Act.REJECT): AS_REQUIRED,
    (GuidanceKind.WARNING, Act.REJECT): ON_THE_LINE,
    (GuidanceKind.INSTRUCTION, Act.REJECT): ON_THE_LINE,
    (GuidanceKind.REVIEW, Act.REJECT): _QUALITY,
    (GuidanceKind.RELEASE, Act.REJECT): _QUALITY,
}


def roles_for(kind: GuidanceKind, act: Act, *, required: str) -> frozenset[Role]:
    """Return the roles that may give an answer; ``required``: the role that the guidance asks for."""
    roles = ANSWERS.get((kind, act), frozenset())
    return _MOVES.get(required, frozenset()) if roles is AS_REQUIRED else roles


def may_answer(kind: GuidanceKind, act: Act, *, required: str, roles: Iterable[Role]) -> bool:
    """Return whether somebody with these roles may give the answer."""
    return not roles_for(kind, act, required=required).isdisjoint(roles)
