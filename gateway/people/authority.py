"""Whether the person who asks for an act may do it: known, not disabled, and of a role that may. Pure."""

from gateway.people.rights import RIGHTS
from gateway.records.acts import Act, Answer, refused
from gateway.records.user_acts import AddUser, SetPassword, SetSecondDevice
from gateway.records.users import Credential, CredentialKind, Role, User

FIRST_USER = User(user_id="", full_name="first set-up", roles=(Role.ADMINISTRATOR,))
OWNER = User(user_id="", full_name="owner of the store", roles=())  # only that an administrator gets in again
_HOW_TO_BEGIN = "make the first user: labline user add NAME --role administrator --os-user ACCOUNT"


def authorised(act: Act, credential: Credential, actor: User | None, *, has_users: bool) -> User | Answer:
    """Return the user who acts, or why not.

    Args:
        act: what is asked for.
        credential: what has been verified of the person.
        actor: the user of whom it is, as the store holds them at this instant.
        has_users: whether there is any user; where there is none, the store's owner makes the first one.
    """
    if not has_users:
        return _first(act, credential)
    if actor is None:
        return _of_nobody(act, credential)
    if actor.disabled:
        return refused(f"the user {actor.user_id} is disabled", hint="an administrator enables it: labline user enable")
    permitted = RIGHTS[act.kind]
    if permitted.isdisjoint(actor.roles):
        roles = ", ".join(actor.roles)
        return refused(
            f"{act.kind.value.replace('_', ' ')} is not for {actor.user_id} ({roles})",
            hint=f"it needs one of the roles: {', '.join(role for role in Role if role in permitted)}",
        )
    return actor


def _of_nobody(act: Act, credential: Credential) -> User | Answer:
    if isinstance(act, SetPassword | SetSecondDevice) and credential.owns_store:
        return OWNER
    if credential.session is not None:
        return refused("the session has ended", hint="sign in, and look whether it is still to be done")
    return refused(f"{_subject(credential)} is no user of this line", hint=_how_to_be_one(credential))


def _first(act: Act, credential: Credential) -> User | Answer:
    if not isinstance(act, AddUser):
        return refused("this line has no users yet, so nobody may act", hint=_HOW_TO_BEGIN)
    if credential.kind is CredentialKind.SETUP_LINK or (credential.kind is CredentialKind.OS_USER
                                                        and credential.owns_store):  # fmt: skip
        return FIRST_USER
    return refused(
        f"{_subject(credential)} may not make the first user",
        hint="the account to which the store belongs, or root, makes it",
    )


def _subject(credential: Credential) -> str:
    if credential.kind is CredentialKind.OS_USER:
        return f"the operating system's account {credential.subject}"
    return credential.subject


def _how_to_be_one(credential: Credential) -> str:
    if credential.kind is CredentialKind.OS_USER:
        return "sign in with --person USER, or have an administrator map the account: labline user change --os-user"
    return "an administrator adds users: labline user add"
