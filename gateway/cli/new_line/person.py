"""Who answers questions: a person at a terminal, or the defaults where there is none."""

import sys
from dataclasses import dataclass

import typer

from gateway.cli.output import safe_text
from gateway.errors import LablineError


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """``there``: whether somebody answers; else each question has its default, and nothing is trusted by default."""

    there: bool

    def answer(self, question: str, default: str) -> str:
        """Return what is typed, the default where nothing is."""
        return str(typer.prompt(safe_text(question), default=default, err=True)) if self.there else default

    def line(self, question: str) -> str:
        """Return a typed line, which may be empty."""
        return str(typer.prompt(safe_text(question), default="", show_default=False, err=True)) if self.there else ""

    def agrees(self, question: str) -> bool:
        """Return whether a person says yes; nobody never does."""
        return self.there and bool(typer.confirm(safe_text(question), default=False, err=True))

    def secret(self, question: str, *, how_else: str) -> str:
        """Return a typed password; raises LablineError where nobody can type one."""
        if not self.there:
            raise LablineError(f"{question}: there is no terminal to ask for it", hint=how_else)
        return str(typer.prompt(question, hide_input=True, err=True))


def person_at_the_terminal(*, says_yes: bool) -> Person:
    """Return who answers: nobody where standard input is no terminal or the defaults are wanted."""
    return Person(there=sys.stdin.isatty() and not says_yes)
