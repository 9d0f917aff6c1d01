"""The users of a line: who they are, what they may do by their roles, and by what a person has shown who they are."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record

USER_ID = r"[a-z][a-z0-9._-]{0,31}"  # as a whole


class Role(StrEnum):
    """What a user is entitled to; one user may have several roles."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    QUALITY = "quality"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A user as the newest record of them says.

    ``full_name`` is printed wherever the user has acted. ``os_user``: the account of the operating system whose
    commands are this user's, where there is one.
    """

    user_id: str
    full_name: str
    roles: tuple[Role, ...]
    os_user: str | None = None
    disabled: bool = False


class CredentialKind(StrEnum):
    """By what a person has shown who they are; as the audit trail writes it."""

    OS_USER = "os_user"  # the account at the other end of the gateway's Unix socket (SO_PEERCRED)
    PASSWORD = "password"  # noqa: S105 - user and password, given for this act
    SESSION = "session"  # signed in at the console
    SIGNED_TOKEN = "signed_token"  # noqa: S105 - a token signed by an enrolled key
    SETUP_LINK = "setup_link"  # the one-time link of a gateway without users


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What an edge has verified of the person who acts.

    ``subject``: the operating system's account for ``OS_USER``, else the user's id. ``owns_store``: the account is
    root's, or the one to which the store belongs; by it the first user is made. ``session``: the hash of the console's
    token for ``SESSION``, so that an act which waited is not done after its session has ended.
    """

    kind: CredentialKind
    subject: str
    owns_store: bool = False
    session: str | None = None

    @property
    def identity(self) -> str:
        """Who acts, however they have shown it: an account of the operating system, or a user of the line."""
        return f"{'account' if self.kind is CredentialKind.OS_USER else 'user'} {self.subject}"


@dataclass(frozen=True, kw_only=True, slots=True)
class UserChanged(Record):
    """A user as they are from now on; ``changed_by``: the printed name of who has changed it."""

    user: User
    changed_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordSet(Record):
    """A user's password from now on, as an argon2id hash; ``totp_secret``: of the second device, where there is one.

    ``must_change``: another person has set it, so the user replaces it at the next sign-in (21 CFR 11.300).
    ``issued_by``: who that was (user id), until a third person has confirmed that the user has replaced it, and nobody
    else; None where nobody has to.
    """

    user_id: str
    password_hash: str
    totp_secret: str | None
    must_change: bool
    issued_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyChanged(Record):
    """A user's Ed25519 key (hexadecimal), by which a terminal signs responses; revoked, it signs nothing any more."""

    key_id: str
    user_id: str
    public_key: str
    label: str
    revoked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionsEnded(Record):
    """A user's sessions at the console are over; ``kept``: the hash of the token of the one that goes on."""

    user_id: str
    kept: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInCounted(Record):
    """How often in a row a user's password was wrong, and when last (UTC ns); 0 after a right one.

    ``origin``: the address that it came from, ``command`` for this machine; empty: all of them together from where the
    user has not signed in yet. ``known``: the user has signed in from there since the password was set.
    """

    user_id: str
    origin: str
    failures: int
    last_failed_ns: int | None
    known: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FailuresForgotten(Record):
    """A user's wrong passwords no longer count, from wherever they came."""

    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeUsed(Record):
    """The newest code of a user's second device that was used, as its step in time: no code up to it counts again."""

    user_id: str
    step: int
