"""Who does something that goes on record, and why: the options of every command that is a person's act.

Who acts is the user of the operating system's account, or one who signs in with --person. A name or a reason that
nobody can read signs nothing, so a blank one is refused before anything is done.
"""

import sys
from collections.abc import Callable
from getpass import getpass
from typing import Any

import typer

from gateway.config.credentials import credential
from gateway.contract.acts import SignInRequest
from gateway.contract.lims.names import normalised
from gateway.errors import LablineError

LONGEST_NAME, LONGEST_REASON = 200, 2000  # characters


PASSWORD = "user_password"  # noqa: S105 - the credential that holds it, where nobody can be asked


def person_option() -> Any:
    """Return the option for who acts: a user's id, None where the operating system's account says it."""
    what = "Sign in as this user; without it, the user of your operating system's account acts."
    return name_option("--person", what, required=False)


def sign_in_of(person: str | None) -> SignInRequest | None:
    """Return what a user signs in with for one act; None where nobody signs in.

    The password is asked for on the terminal, or is the first line of the credential ``user_password``; a second line
    is the code of a second device. Raises LablineError where neither is there.
    """
    if person is None:
        return None
    lines = (credential(PASSWORD) or "").splitlines()
    if lines:
        return SignInRequest(user_id=person, password=lines[0], code=lines[1] if len(lines) > 1 else "")
    return SignInRequest(user_id=person, password=asked_for(f"Password of {person}: ", PASSWORD))


def asked_for(prompt: str, name: str) -> str:
    """Return what a person types unseen; raises LablineError where there is no terminal, naming the credential."""
    if not sys.stdin.isatty():
        raise LablineError(
            "a password cannot be asked for: there is no terminal",
            hint=f"put it into a file {name} in $CREDENTIALS_DIRECTORY",
        )
    return getpass(prompt)


def name_option(flag: str, what: str, *, required: bool = True) -> Any:
    """Return an option for a person's printed name; its value is without what nobody can see."""
    legible = _legible(flag, "NAME", LONGEST_NAME)

    def read(text: str | None) -> str | None:
        legible(text)
        return None if text is None else normalised(text)

    return typer.Option(... if required else None, flag, help=what, callback=read)


def reason_option(flag: str, what: str, *, required: bool = True) -> Any:
    """Return an option for what a person says of an act; its value is trimmed."""
    return typer.Option(... if required else None, flag, help=what, callback=_legible(flag, "TEXT", LONGEST_REASON))


def _legible(flag: str, what: str, longest: int) -> Callable[[str | None], str | None]:
    def read(text: str | None) -> str | None:
        if text is None:
            return None
        if not normalised(text):
            raise LablineError(f"{flag} is blank, and goes on record", hint=f"give {flag} {what}")
        if len(text) > longest:
            told = f"{flag} has {len(text)} characters; at most {longest} go on record"
            raise LablineError(told, hint="name the document that says more")
        return text.strip()

    return read
