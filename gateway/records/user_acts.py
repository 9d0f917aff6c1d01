"""What an administrator asks of the gateway about its users, and what a user asks for themselves."""

from dataclasses import dataclass
from typing import ClassVar

from gateway.records.act_kinds import ActKind
from gateway.records.users import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class AddUser:
    """Add a user; ``os_user``: the operating system's account whose commands are theirs.

    ``password_hash``: argon2id, of the first administrator's own password, who adds himself by the set-up link.
    """

    kind: ClassVar[ActKind] = ActKind.ADD_USER
    user_id: str
    full_name: str
    roles: tuple[Role, ...]
    os_user: str | None = None
    password_hash: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeUser:
    """Change what is given of a user; ``os_user``: an empty text takes the account away."""

    kind: ClassVar[ActKind] = ActKind.CHANGE_USER
    user_id: str
    full_name: str | None = None
    roles: tuple[Role, ...] | None = None
    os_user: str | None = None
    disabled: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SetPassword:
    """Give a user a password, as its argon2id hash; it ends delays and locks after wrong ones.

    A second device stays as it is.
    """

    kind: ClassVar[ActKind] = ActKind.SET_PASSWORD
    user_id: str
    password_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmPassword:
    """Confirm that a user has set their own password, of whom another person made the first one or the link."""

    kind: ClassVar[ActKind] = ActKind.CONFIRM_PASSWORD
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetSecondDevice:
    """Ask for a code of a second device with each password; without ``totp_secret`` (base32): no longer.

    ``code``: the device's present one, which shows that it has the secret.
    """

    kind: ClassVar[ActKind] = ActKind.SET_SECOND_DEVICE
    user_id: str
    totp_secret: str | None = None
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnlockUser:
    """Let a user try their password again, which stays as it is."""

    kind: ClassVar[ActKind] = ActKind.UNLOCK_USER
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSessions:
    """End a user's sessions at the console; of one's own, all but the one that asks."""

    kind: ClassVar[ActKind] = ActKind.END_SESSIONS
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrollKey:
    """Let a terminal's Ed25519 key (hexadecimal) sign for a user; ``label`` says which terminal it is."""

    kind: ClassVar[ActKind] = ActKind.ENROLL_KEY
    user_id: str
    public_key: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeKey:
    """Revoke a key."""

    kind: ClassVar[ActKind] = ActKind.REVOKE_KEY
    key_id: str
