"""Which acts need signatures, how many and of which roles; and who may sign. Pure.

One row for each act that a plant can have signed; ``[signatures.<act>]`` replaces a row. Nobody signs twice, and nobody
but the author signs by an author's right. Both components, user and password, are given for each signature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, refused
from gateway.records.signatures import Signature, SignaturePolicy
from gateway.records.users import Credential, CredentialKind, Role, User

MOST_SIGNATURES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Signable:
    """An act that can need signatures: its policy where the plant states none; ``least``: how many it always needs.

    ``waits``: whether it can wait for a second person; one that takes effect in the running gateway at once cannot.
    ``by_another``: it is there so that a second person confirms it, so its author's signature alone is none.
    """

    policy: SignaturePolicy
    waits: bool
    least: int = 0
    by_another: bool = False


_BY_RIGHT = SignaturePolicy(roles=(Role.QUALITY,), count=0)

_BY_SECOND_PERSON = Signable(  # where somebody could act by it as one of these: people/second_person.py
    policy=SignaturePolicy(roles=(Role.QUALITY, Role.ADMINISTRATOR), count=1, author_signs=False),
    waits=True,
    by_another=True,
)

_BY_QUALITY = SignaturePolicy(roles=(Role.QUALITY,), count=1)

SIGNABLE: Mapping[ActKind, Signable] = {
    ActKind.DECIDE_LOT: Signable(policy=_BY_QUALITY, waits=True, least=1),
    ActKind.SIGN_REVIEW: Signable(policy=_BY_QUALITY, waits=True, least=1),
    ActKind.CHANGE_STAGE: Signable(policy=_BY_QUALITY, waits=True, least=1),
    ActKind.SIGN_CERTIFICATE: Signable(policy=_BY_QUALITY, waits=True, least=1),
    ActKind.WITHDRAW_CERTIFICATE: Signable(policy=_BY_QUALITY, waits=True),
    ActKind.CLOSE_DEVIATION: Signable(policy=_BY_QUALITY, waits=True, least=1),
    ActKind.COMPLETE_ACTION: Signable(
        policy=SignaturePolicy(roles=(Role.QUALITY, Role.SUPERVISOR, Role.ENGINEER), count=0), waits=True
    ),
    ActKind.SETTLE_POINT: Signable(policy=_BY_RIGHT, waits=True),
    ActKind.ANSWER_GUIDANCE: Signable(  # the approval of a move; other answers are not signed
        policy=SignaturePolicy(roles=(Role.OPERATOR, Role.SUPERVISOR, Role.ENGINEER), count=0), waits=False
    ),
    ActKind.RESUME_WRITES: Signable(
        policy=SignaturePolicy(roles=(Role.SUPERVISOR, Role.ENGINEER), count=1), waits=False
    ),
    ActKind.PROMOTE_MODEL: Signable(policy=_BY_RIGHT, waits=False),
    ActKind.ROLL_BACK_MODEL: Signable(policy=_BY_RIGHT, waits=False),
    ActKind.SIGN_BIASES: Signable(policy=_BY_RIGHT, waits=False),
    ActKind.ADD_USER: _BY_SECOND_PERSON,
    ActKind.CHANGE_USER: _BY_SECOND_PERSON,
    ActKind.ENROLL_KEY: _BY_SECOND_PERSON,
}


def policy_of(kind: ActKind, configured: Mapping[ActKind, SignaturePolicy]) -> SignaturePolicy:
    """Return the policy of an act that can be signed: the plant's, else the default."""
    return configured.get(kind) or SIGNABLE[kind].policy


def role_of_signer(policy: SignaturePolicy, user: User) -> Role | None:
    """Return the role by which a user signs, None where they have none of those that may."""
    return next((role for role in policy.roles if role in user.roles), None)


def not_by_both_components(credential: Credential) -> Answer | None:
    """Return why a credential is no signature, None where user and password were given for this act."""
    if credential.kind is CredentialKind.PASSWORD:
        return None
    return refused(ActRefusal.BOTH_COMPONENTS_NEEDED)


def not_the_signer(
    policy: SignaturePolicy, user: User, *, author_id: str, signatures: Sequence[Signature], about: str | None = None
) -> Answer | None:
    """Return why a user does not sign an act that waits, None where they may; ``about``: the user whom it is about."""
    if user.user_id == about:
        return refused(ActRefusal.CONCERNED_DOES_NOT_SIGN, user=user.user_id)
    if any(signature.user_id == user.user_id for signature in signatures):
        return refused(ActRefusal.SIGNED_ALREADY, user=user.user_id)
    if user.user_id == author_id:
        return refused(ActRefusal.AUTHOR_DOES_NOT_SIGN, user=user.user_id)
    if role_of_signer(policy, user) is None:
        return does_not_sign(policy, user)
    return None


def does_not_sign(policy: SignaturePolicy, user: User) -> Answer:
    """Return the answer to a user who has none of the roles that sign."""
    return refused(ActRefusal.ROLE_DOES_NOT_SIGN, user=user.user_id, needs=[role.value for role in policy.roles])


def approval_is_signed(configured: Mapping[ActKind, SignaturePolicy]) -> bool:
    """Return whether the approval of a suggested move needs an electronic signature on this line."""
    return policy_of(ActKind.ANSWER_GUIDANCE, configured).count > 0
