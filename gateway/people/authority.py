"""Whether the person who asks for an act may do it: known, not disabled, and of a role that may. Pure."""

from gateway.people.rights import RIGHTS
from gateway.people.second_person import BEFORE_CONFIRMED, CONFIRMED
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Act, Answer, refused
from gateway.records.user_acts import AddUser, ConfirmPassword, SetPassword, SetSecondDevice
from gateway.records.users import Credential, CredentialKind, Role, User

FIRST_USER = User(user_id="", full_name="first set-up", roles=(Role.ADMINISTRATOR,))
OWNER = User(user_id="", full_name="owner of the store", roles=())  # only that an administrator gets in again


_BY_PASSWORD = frozenset({CredentialKind.PASSWORD, CredentialKind.SESSION})


def authorised(
    act: Act, credential: Credential, actor: User | None, *, has_users: bool, unconfirmed: bool = False
) -> User | Answer:
    """Return the user who acts, or why not.

    Args:
        act: what is asked for.
        credential: what has been verified of the person.
        actor: the user of whom it is, as the store holds them at this instant.
        has_users: whether there is any user; where there is none, the store's owner makes the first one.
        unconfirmed: whether another person has issued the actor's password, and no third one has confirmed it.
    """
    if not has_users:
        return _first(act, credential)
    if actor is None:
        return _of_nobody(act, credential)
    if actor.disabled:
        return refused(ActRefusal.USER_DISABLED, user=actor.user_id)
    if _waits_for_confirmation(act, credential, actor, unconfirmed=unconfirmed):
        return refused(ActRefusal.PASSWORD_UNCONFIRMED, user=actor.user_id)
    permitted = RIGHTS[act.kind]
    if permitted.isdisjoint(actor.roles):
        needs = [role.value for role in Role if role in permitted]
        roles = [role.value for role in actor.roles]
        return refused(ActRefusal.ROLE_NOT_ENTITLED, act=act.kind.value, user=actor.user_id, roles=roles, needs=needs)
    return actor


def _waits_for_confirmation(act: Act, credential: Credential, actor: User, *, unconfirmed: bool) -> bool:
    decides = act.kind not in BEFORE_CONFIRMED and not CONFIRMED.isdisjoint(actor.roles)
    return unconfirmed and decides and credential.kind in _BY_PASSWORD


def _of_nobody(act: Act, credential: Credential) -> User | Answer:
    if isinstance(act, SetPassword | ConfirmPassword | SetSecondDevice) and credential.owns_store:
        return OWNER
    if credential.session is not None:
        return refused(ActRefusal.SESSION_ENDED)
    if credential.kind is CredentialKind.OS_USER:
        return refused(ActRefusal.ACCOUNT_IS_NO_USER, account=credential.subject)
    return refused(ActRefusal.NAME_IS_NO_USER, user=credential.subject)


def _first(act: Act, credential: Credential) -> User | Answer:
    if not isinstance(act, AddUser):
        return refused(ActRefusal.NO_USERS_YET)
    if credential.kind is CredentialKind.SETUP_LINK or (credential.kind is CredentialKind.OS_USER
                                                        and credential.owns_store):  # fmt: skip
        return FIRST_USER
    return refused(ActRefusal.MAY_NOT_MAKE_FIRST_USER, user=credential.subject)
