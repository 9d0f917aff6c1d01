"""The ``labline`` command: one small module per command group.

Exit codes: 0 all right, 1 something wrong was found, 2 the input cannot be used.
"""

import errno
import gc
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from gateway import __version__
from gateway.errors import LablineError
from gateway.operations.logs import configure_logs

_COMMANDS = {  # command to module and attribute, in the order of the help
    "run": ("run", "run"),
    "check": ("check", "check"),
    "demo": ("demo", "demo"),
    "play": ("play", "play"),
    "replay": ("replay", "replay"),
    "bench": ("bench", "bench"),
    "backup": ("backup", "backup"),
    "restore": ("backup", "restore"),
    "opcua": ("opcua", "app"),
    "model": ("model", "app"),
    "audit": ("audit", "app"),
    "buffer": ("buffer", "app"),
    "deviation": ("deviation", "app"),
    "history": ("history", "app"),
    "lab": ("lab", "app"),
    "lims": ("lims", "app"),
    "lot": ("lot", "lot"),
    "trend": ("trend", "app"),
    "user": ("user", "app"),
}

_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_WHAT_TO_DO: dict[type[OSError], str] = {
    PermissionError: "run the command as the service's user, or name a place you may write to",
    FileNotFoundError: "is the path right, and is its folder there?",
    NotADirectoryError: "a part of the path is a file: name another place",
    IsADirectoryError: "name a file, not a folder",
    OSError: "make room, or name a place on another disk",
}
_LONGEST_SENTENCE = 500  # characters of a command's first sentence


class WholeSentences(TyperGroup):
    """Lists its commands with the whole first sentence of each, never with the beginning of one."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section with each command that is not hidden."""
        rows = [(name, command.get_short_help_str(_LONGEST_SENTENCE)) for name in self.list_commands(ctx)
                if (command := self.get_command(ctx, name)) is not None and not command.hidden]  # fmt: skip
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class _OnDemand(WholeSentences):
    """Imports the module of the command that is asked for, and no other: each would cost its libraries' start."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.commands: dict[str, Any] = dict.fromkeys(_COMMANDS)  # what is near a mistyped name is looked for here

    def list_commands(self, _ctx: object) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: object, name: str) -> Any:
        if name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[name]
        with _no_garbage():
            found = getattr(import_module(f"gateway.cli.{module}"), attribute)
        holder = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name, cls=WholeSentences)
        else:
            holder.command(name=name)(found)
        return typer.main.get_group(holder).commands[name]


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Have nobody look for garbage in the block: all of what is loaded there stays, and looking takes a tenth of it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


app = typer.Typer(
    name="labline",
    cls=_OnDemand,
    help="The edge gateway between the lab and the line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"labline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    """The edge gateway between the lab and the line."""
    configure_logs(level="warning")  # `run` asks for more; standard output belongs to the answer


def _print_on_any_terminal() -> None:
    """Show what the terminal's encoding does not have, such as a unit's ², as an escape: an answer is never cut off."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show(error: LablineError) -> None:
    from gateway.cli.output import show_error  # noqa: PLC0415 - a gateway prints no tables

    show_error(error)


def main() -> None:
    """Run the command; an error of ours is told in a sentence, with what to do, and ends with 2."""
    _print_on_any_terminal()
    try:
        app()
    except LablineError as error:
        _show(error)
        sys.exit(2)
    except UnicodeEncodeError:  # an argument with bytes that are no UTF-8, on its way into the store
        _show(LablineError("an argument is no text in UTF-8", hint="write names as messages do, in UTF-8"))
        sys.exit(2)
    except OSError as error:  # a command's edge: whatever file it is, a person gets a sentence
        hint = _WHAT_TO_DO.get(type(error), _WHAT_TO_DO[OSError] if error.errno in _OF_THE_DISK else None)
        if hint is None:
            raise
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        _show(LablineError(what, hint=hint))
        sys.exit(2)
