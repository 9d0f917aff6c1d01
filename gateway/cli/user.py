"""``labline user``: the users who may act on this line, their roles, passwords and keys."""

from contextlib import closing
from getpass import getpass
from pathlib import Path

import typer

from gateway.cli.acts import asked_for, name_option, person_option, reason_option, show_waiting, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_table
from gateway.config.credentials import credential
from gateway.config.reading import read
from gateway.errors import LablineError
from gateway.people.passwords import hashed, problem_of
from gateway.people.second_device import device_address, new_secret
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Act, ActOutcome, Answer, refused
from gateway.records.user_acts import (
    AddUser,
    ChangeUser,
    ConfirmPassword,
    EndSessions,
    EnrollKey,
    RevokeKey,
    SetPassword,
    SetSecondDevice,
    UnlockUser,
)
from gateway.records.users import Role, User
from gateway.runtime.act_requests import not_done, perform
from gateway.store.database import read_state
from gateway.store.queries.users import keys_of_all, users_of_all
from gateway.texts.catalogue import speak

app = typer.Typer(help="Manage the users of a line: their roles, passwords and keys.", no_args_is_help=True)
NEW_SECOND_DEVICE, FIRST_CODE = "new_second_device", "second_device_code"  # credentials, where nobody can be asked
NEW_PASSWORD = "new_user_password"  # noqa: S105 - the credential that holds it, where nobody can be asked
_USER = typer.Argument(..., metavar="USER", help="The user's id, such as a.miller.")
_ROLE_NAMES = ", ".join(Role)
_ROLES = typer.Option(None, "--role", metavar="<role>", help=f"A role: {_ROLE_NAMES}. May be repeated.")
_ACCOUNT = typer.Option(
    None, "--os-user", metavar="ACCOUNT", help="The operating system's account that acts as this user."
)
_REASON = reason_option("--reason", "Why; it goes into the audit trail.", required=False)
_PERSON = person_option()


@app.callback()
def _group() -> None:
    """Manage the users of a line: their roles, passwords and keys."""


@app.command(name="list")
def list_users(
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """List the users with their roles and accounts, and the keys that sign for them."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        users, keys = users_of_all(connection), keys_of_all(connection)
    in_use = [key for key in keys if not key.revoked]
    if as_json:
        show_json({
            "users": [
                {"user": user.user_id, "name": user.full_name, "roles": list(user.roles), "os_user": user.os_user,
                 "disabled": user.disabled,
                 "keys": [{"key": key.key_id, "label": key.label} for key in in_use if key.user_id == user.user_id]}
                for user in users
            ]
        })  # fmt: skip
        return
    rows = [(user.user_id, user.full_name, ", ".join(user.roles), user.os_user or "",
             "disabled" if user.disabled else "") for user in users]  # fmt: skip
    show_table("users", ("user", "name", "roles", "account", ""), rows)
    if in_use:
        show_table("keys", ("key", "user", "terminal"), [(key.key_id, key.user_id, key.label) for key in in_use])


@app.command()
def add(
    user: str = _USER,
    config: Path = CONFIG,
    name: str = name_option("--name", "The printed name, which is recorded with each act of the user."),
    roles: list[Role] = _ROLES,
    account: str | None = _ACCOUNT,
    reason: str | None = _REASON,
    person: str | None = _PERSON,
) -> None:
    """Add a user. The first must be an administrator, added by the account that owns the store."""
    act = AddUser(user_id=user, full_name=name, roles=tuple(roles or ()), os_user=account)
    _done(act, config, person, reason, f"{user} is a user now; set a password with: labline user password {user}")


@app.command()
def role(
    user: str = _USER,
    roles: list[Role] = typer.Argument(
        ..., metavar="ROLE", help=f"All roles that the user has from now on: {_ROLE_NAMES}."
    ),
    config: Path = CONFIG,
    reason: str | None = _REASON,
    person: str | None = _PERSON,
) -> None:
    """Replace the roles of a user by those that are named."""
    _done(ChangeUser(user_id=user, roles=tuple(roles)), config, person, reason,
          f"{user} has the roles: {', '.join(roles)}")  # fmt: skip


@app.command()
def change(
    user: str = _USER,
    config: Path = CONFIG,
    name: str | None = name_option("--name", "The printed name from now on.", required=False),
    account: str | None = typer.Option(None, "--os-user", metavar="ACCOUNT", help="The account; '' takes it away."),
    reason: str | None = _REASON,
    person: str | None = _PERSON,
) -> None:
    """Change a user's printed name, or the operating system's account that acts as this user."""
    if name is None and account is None:
        raise LablineError("no change is named", hint="give --name or --os-user")
    _done(ChangeUser(user_id=user, full_name=name, os_user=account), config, person, reason, f"{user} is changed")


@app.command()
def disable(
    user: str = _USER, config: Path = CONFIG, reason: str | None = _REASON, person: str | None = _PERSON
) -> None:
    """Stop a user from acting; what the user has done stays on record."""
    _done(ChangeUser(user_id=user, disabled=True), config, person, reason, f"{user} is disabled")


@app.command()
def enable(
    user: str = _USER, config: Path = CONFIG, reason: str | None = _REASON, person: str | None = _PERSON
) -> None:
    """Allow a disabled user to act again."""
    _done(ChangeUser(user_id=user, disabled=False), config, person, reason, f"{user} is enabled")


@app.command()
def unlock(
    user: str = _USER, config: Path = CONFIG, reason: str | None = _REASON, person: str | None = _PERSON
) -> None:
    """Let a user who is locked after wrong passwords try again; the password stays as it is."""
    _done(UnlockUser(user_id=user), config, person, reason)
    out.print(f"{user} is unlocked")


@app.command(name="end-sessions")
def end_sessions(
    user: str = _USER, config: Path = CONFIG, reason: str | None = _REASON, person: str | None = _PERSON
) -> None:
    """End the sessions of a user at the console at once."""
    _done(EndSessions(user_id=user), config, person, reason)
    out.print(f"{user} is signed out everywhere")


@app.command()
def password(user: str = _USER, config: Path = CONFIG, person: str | None = _PERSON) -> None:
    """Set a user's password; it is asked for twice. One that an administrator sets is changed at the next sign-in."""
    settings, _sha256 = read(config)
    speak(settings.texts.language)
    with closing(read_state(settings.store.directory)) as connection:
        known = next((item for item in users_of_all(connection) if item.user_id == user), None)
    if known is None:
        raise not_done(refused(ActRefusal.NO_SUCH_USER, user=user))
    sign_in = sign_in_of(person)
    act = SetPassword(user_id=user, password_hash=hashed(_new_password(known)))
    perform(settings, act, path=config.resolve(), sign_in=sign_in, reason="")
    out.print(f"{user} has a new password")


@app.command(name="confirm-password")
def confirm_password(
    user: str = _USER, config: Path = CONFIG, reason: str | None = _REASON, person: str | None = _PERSON
) -> None:
    """Confirm that a user has set their own password, which another person had issued: ask the user first.

    Done by a third person, of quality or an administrator, with their own password.
    """
    _done(ConfirmPassword(user_id=user), config, person, reason, f"the password of {user} is confirmed")


@app.command(name="second-device")
def second_device(
    user: str = _USER,
    config: Path = CONFIG,
    remove: bool = typer.Option(False, "--remove", help="No longer ask for a code, as where the device is lost."),
    reason: str | None = _REASON,
    person: str | None = _PERSON,
) -> None:
    """Ask for a code of an authenticator app with each password of a user, or no longer.

    Each person sets their own, with their password; an administrator can take away one that is lost.
    """
    settings, _sha256 = read(config)
    sign_in = sign_in_of(person or (None if remove else user))
    act = SetSecondDevice(user_id=user) if remove else _shown(user, settings.site.line)
    perform(settings, act, path=config.resolve(), sign_in=sign_in, reason=reason or "")
    out.print(
        f"{user} signs in without a code" if remove else f"{user} signs in with password and code", soft_wrap=True
    )


def _shown(user: str, line: str) -> SetSecondDevice:
    """Show a new secret, and return the act with the first code of the device that has it."""
    secret = credential(NEW_SECOND_DEVICE) or new_secret()
    out.print("Add this account to an authenticator app; nobody sees it again:", soft_wrap=True)
    out.print(device_address(secret, user_id=user, line=line), soft_wrap=True, markup=False, highlight=False)
    out.print(f"by hand: key {secret}, by time, SHA-1, 6 digits, 30 s", soft_wrap=True, highlight=False)
    code = credential(FIRST_CODE) or asked_for("The code that it shows now: ", FIRST_CODE)
    return SetSecondDevice(user_id=user, totp_secret=secret, code=code)


@app.command()
def enroll(
    user: str = _USER,
    key: Path = typer.Option(..., "--key", metavar="<file>", help="The terminal's Ed25519 public key (PEM)."),
    label: str = name_option("--terminal", "The name of the terminal that holds the key."),
    config: Path = CONFIG,
    person: str | None = _PERSON,
    as_json: bool = JSON,
) -> None:
    """Let a terminal's key sign responses of a user; without a signature a response can only acknowledge."""
    answer = _done(EnrollKey(user_id=user, public_key=_public_key(key), label=label), config, person, None)
    if answer.outcome is ActOutcome.PENDING:
        show_waiting(answer, as_json=as_json)
        return
    if as_json:
        show_json({"user": user, "key": answer.details["key_id"], "terminal": label})
        return
    out.print(f"{user} signs with the key {answer.details['key_id']}", soft_wrap=True)


@app.command()
def revoke(
    key: str = typer.Argument(..., metavar="KEY", help="The key's id, as labline user list shows it."),
    config: Path = CONFIG,
    person: str | None = _PERSON,
) -> None:
    """Revoke a key: it can sign no more responses."""
    _done(RevokeKey(key_id=key), config, person, None)
    out.print(f"the key {key} is revoked", soft_wrap=True)


def _done(act: Act, config: Path, person: str | None, reason: str | None, done: str = "") -> Answer:
    """Have an act done, and print what is done then, or what it waits for."""
    settings, _sha256 = read(config)
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason=reason or "")
    if done and answer.outcome is ActOutcome.PENDING:
        show_waiting(answer)
    elif done:
        out.print(done, soft_wrap=True)
    return answer


def _new_password(user: User) -> str:
    """Return a new password from the terminal or the credential; raises LablineError if it is too weak."""
    new = credential(NEW_PASSWORD)
    if new is None:
        new = asked_for(f"New password of {user.user_id}: ", NEW_PASSWORD)
        if getpass("Once more: ") != new:
            raise LablineError("the two passwords are not the same", hint="nothing is changed; try again")
    problem = problem_of(new, user_id=user.user_id, full_name=user.full_name)
    if problem is not None:
        raise not_done(problem)
    return new


def _public_key(path: Path) -> str:
    """Return an Ed25519 public key in hexadecimal."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(path.read_bytes())
    except ValueError as error:
        hint = "make it from the private key: openssl pkey -in KEY.pem -pubout"
        raise LablineError(f"{path} is no public key as PEM", hint=hint) from error
    if not isinstance(key, Ed25519PublicKey):
        hint = "make a new key: openssl genpkey -algorithm ed25519 -out KEY.pem"
        raise LablineError(f"{path} is no Ed25519 key", hint=hint)
    return key.public_bytes_raw().hex()
