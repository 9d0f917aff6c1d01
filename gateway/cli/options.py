"""Options that many commands have, and commands that take their options as one record.

``typer`` reads the fields of such a record like the parameters of a function.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from inspect import Parameter, Signature
from typing import Any, TypeVar, get_type_hints

import typer

CONFIG: Any = typer.Option(..., "--config", "-c", metavar="<file>", help="The configuration file (TOML).")
JSON: Any = typer.Option(False, "--json", help="Print one JSON object instead of text and tables.")

Options = TypeVar("Options")


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
