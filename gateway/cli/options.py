"""Options that many commands have, and commands that take their options as one record.

``typer`` reads the fields of such a record like the parameters of a function.
"""

import re
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from inspect import Parameter, Signature
from typing import Any, TypeVar, get_type_hints

import typer

CONFIG: Any = typer.Option(..., "--config", "-c", metavar="<file>", help="The configuration file (TOML).")
JSON: Any = typer.Option(False, "--json", help="Print one JSON object instead of text and tables.")

Options = TypeVar("Options")
_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>s|m|h)?")
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def how_long(text: str | None) -> float | None:
    """Return the seconds that ``--for`` says, None without it; raises BadParameter where it says none."""
    if text is None:
        return None
    match = _DURATION.fullmatch(text.strip())
    if match is None or float(match["number"]) <= 0:
        raise typer.BadParameter(f"--for {text}: give a time such as 60s, 2m or 1h")
    return float(match["number"]) * _SECONDS[match["unit"]]


def takes(record: type[Options]) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """Return a decorator that gives a command its options as a record, a dataclass of ``typer.Option`` defaults."""
    hints = get_type_hints(record)
    parameters = [
        Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
        for field in fields(record)  # type: ignore[arg-type]  # a dataclass, which no type says
    ]

    def with_record(command: Callable[[Options], None]) -> Callable[..., None]:
        """Return the command as one that takes each field of the record as an option."""

        @wraps(command)
        def run(**values: Any) -> None:
            command(record(**values))

        del run.__wrapped__  # its signature is the record's
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # inspect reads it
        run.__annotations__ = hints
        return run

    return with_record
