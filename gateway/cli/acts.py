"""Who does something that goes on record, and why: the options of every command that is a person's act.

A name or a reason that nobody can read signs nothing, so a blank one is refused before anything is done.
"""

from collections.abc import Callable
from typing import Any

import typer

from gateway.contract.names import normalised
from gateway.errors import LablineError

LONGEST_NAME, LONGEST_REASON = 200, 2000  # characters


def person_option(flag: str, what: str, *, required: bool = True) -> Any:
    """Return an option for a person's name; its value is without what nobody can see."""
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
