"""Which changes of users another person confirms: those by which somebody could act as quality or administrator. Pure.

Whoever runs the users of a line could otherwise make a second self that releases lots. A line that is being set up has
nobody else yet; once a second person of these roles has a password, it stays so, also when that person is disabled.

The same holds for passwords: whoever makes a first one, or a link for it, could use it themselves. So what a person of
these roles has in hand by it decides nothing until a third person has asked them (21 CFR 11.300).
"""

from collections.abc import Iterable

from gateway.records.act_kinds import ActKind
from gateway.records.user_acts import AddUser, ChangeUser, EnrollKey
from gateway.records.users import Role, User

CONFIRMED = frozenset({Role.QUALITY, Role.ADMINISTRATOR})
BEFORE_CONFIRMED = frozenset({ActKind.SET_PASSWORD, ActKind.END_SESSIONS, ActKind.STOP_WRITES})
"""What a person of these roles may do by a password that nobody has confirmed yet: nothing that decides."""
ChangeOfUsers = AddUser | ChangeUser | EnrollKey


def is_confirmed(act: ChangeOfUsers, *, actor: User | None, users: Iterable[User], confirmers: Iterable[str]) -> bool:
    """Return whether another person confirms a change of users.

    Args:
        act: what is asked for.
        actor: who asks for it.
        users: of the line, as they are.
        confirmers: the ids of all who are or were of these roles and have a password.
    """
    before = next((user for user in users if user.user_id == act.user_id), None)
    if actor is None or not _opens_a_door(act, before, actor):
        return False
    return bool(set(confirmers) - {actor.user_id, act.user_id})


def issued_by(issuer: str | None, user_id: str, confirmers: Iterable[str]) -> str | None:
    """Return who has issued a password that somebody else confirms; None where there is nobody else, or no issuer."""
    return issuer if issuer and set(confirmers) - {issuer, user_id} else None


def _opens_a_door(act: ChangeOfUsers, before: User | None, actor: User) -> bool:
    """Return whether somebody could act by it as one who confirms, and could not before."""
    if isinstance(act, AddUser):
        return not CONFIRMED.isdisjoint(act.roles)
    if before is None:
        return False
    if isinstance(act, EnrollKey):
        return before.user_id != actor.user_id and not CONFIRMED.isdisjoint(before.roles)
    roles = before.roles if act.roles is None else act.roles
    if CONFIRMED.isdisjoint(roles):
        return False
    gains = not CONFIRMED.intersection(roles) <= set(before.roles)
    enabled = before.disabled and act.disabled is False
    mapped = bool(act.os_user) and act.os_user != before.os_user
    return gains or enabled or mapped
