"""The options of commands that are a person's act and go on record: who does it, and why.

The person who acts is the user of the operating system's account, or a user who signs in with --person. A name or a
reason that nobody can read is no signature, so a blank one is refused before anything is done.
"""

import sys
from collections.abc import Callable
from getpass import getpass
from typing import Any

import typer

from gateway.cli.output import show_json, show_wrapped
from gateway.config.credentials import credential
from gateway.contract.acts import SignInRequest
from gateway.contract.lims.names import normalised
from gateway.errors import LablineError
from gateway.records.acts import Answer

LONGEST_NAME, LONGEST_REASON = 200, 2000  # characters


PASSWORD = "user_password"  # noqa: S105 - the credential that holds it, where nobody can be asked


def person_option() -> Any:
    """Return the option for the user who acts; None: the user of the operating system's account."""
    what = "Sign in as this user. Without it: as the user of your operating system's account."
    return name_option("--person", what, required=False)


def sign_in_of(person: str | None) -> SignInRequest | None:
    """Return what a user signs in with for one act, or None without ``person``.

    The password is asked for on the terminal, or is the first line of the credential ``user_password``; a second line
    is the code of a second device. Raises LablineError if there is neither.
    """
    if person is None:
        return None
    lines = (credential(PASSWORD) or "").splitlines()
    if lines:
        return SignInRequest(user_id=person, password=lines[0], code=lines[1] if len(lines) > 1 else "")
    password = asked_for(f"Password of {person}: ", PASSWORD)
    return SignInRequest(
        user_id=person, password=password, code=getpass("Code of your second device, if you have one: ")
    )


def show_waiting(answer: Answer, *, as_json: bool = False) -> None:
    """Show of an act that needs the signatures of other people what it waits for, and how they sign."""
    if as_json:
        show_json({"outcome": answer.outcome.value, **answer.details})
        return
    details = answer.details
    signed_by = ", ".join(details["signed_by"]) or "nobody yet"
    show_wrapped(
        f"not done yet: it waits for {details['signatures_missing']} signature(s) of the roles "
        f"{', '.join(details['of_roles'])} until {details['expires_at']}; signed by {signed_by}",
        hanging=2,
    )
    show_wrapped(f"to sign it: labline signature sign {details['record_id']} --person USER", hanging=2)


def asked_for(prompt: str, name: str) -> str:
    """Return what a person types without its being shown; raises LablineError if there is no terminal."""
    if not sys.stdin.isatty():
        raise LablineError(
            "there is no terminal to ask for the password",
            hint=f"put it into a file {name} in $CREDENTIALS_DIRECTORY",
        )
    return getpass(prompt)


def name_option(flag: str, what: str, *, required: bool = True) -> Any:
    """Return an option for a person's printed name; invisible characters are taken out of its value."""
    legible = _legible(flag, "NAME", LONGEST_NAME)

    def read(text: str | None) -> str | None:
        legible(text)
        return None if text is None else normalised(text)

    return typer.Option(... if required else None, flag, help=what, callback=read)


def reason_option(flag: str, what: str, *, required: bool = True) -> Any:
    """Return an option for the reason of an act; its value is trimmed."""
    return typer.Option(... if required else None, flag, help=what, callback=_legible(flag, "TEXT", LONGEST_REASON))


def _legible(flag: str, what: str, longest: int) -> Callable[[str | None], str | None]:
    def read(text: str | None) -> str | None:
        """Return the text trimmed; raises LablineError where it is blank or too long."""
        if text is None:
            return None
        if not normalised(text):
            raise LablineError(f"{flag} is blank, but it goes on record", hint=f"give {flag} {what}")
        if len(text) > longest:
            message = f"{flag} has {len(text)} characters; at most {longest} are allowed"
            raise LablineError(message, hint="shorten it; a reason may name a document that says more")
        return text.strip()

    return read
