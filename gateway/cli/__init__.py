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
from gateway.cli.examples import epilog_of
from gateway.errors import LablineError
from gateway.operations.logs import configure_logs

_COMMANDS = {  # command to module and attribute, in the order of the help
    "run": ("run", "run"),
    "init": ("init", "init"),
    "check": ("check", "check"),
    "tags": ("tags", "tags"),
    "doctor": ("doctor", "doctor"),
    "support-bundle": ("support_bundle", "support_bundle"),
    "demo": ("demo", "demo"),
    "play": ("play", "play"),
    "replay": ("replay", "replay"),
    "bench": ("bench", "bench"),
    "backup": ("backup", "backup"),
    "restore": ("backup", "restore"),
    "opcua": ("opcua", "app"),
    "alarm": ("alarm", "app"),
    "model": ("model", "app"),
    "audit": ("audit", "app"),
    "buffer": ("buffer", "app"),
    "certificate": ("certificate", "app"),
    "console": ("console", "app"),
    "deviation": ("deviation", "app"),
    "guidance": ("guidance", "app"),
    "history": ("history", "app"),
    "lab": ("lab", "app"),
    "lims": ("lims", "app"),
    "lot": ("lot", "lot"),
    "search": ("search", "search"),
    "ask": ("ask", "ask"),
    "suppliers": ("suppliers", "suppliers"),
    "action": ("action", "app"),
    "signature": ("signature", "app"),
    "setpoint": ("setpoint", "app"),
    "trend": ("trend", "app"),
    "user": ("user", "app"),
}

_ABOUT = """Labline, the gateway between the laboratory and the production line.

Begin with: labline demo. For a line of your own: labline init writes labline.toml (deploy/labline.toml explains every
key), then: labline check --config labline.toml, and labline run --config labline.toml. labline doctor says what could
be wrong, and each command's --help ends with an example.
"""
_EXIT_CODES = "Exit codes: 0 all right, 1 something wrong was found, 2 the input cannot be used."

_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_HINTS: dict[type[OSError], str] = {
    PermissionError: "run the command as the service's user, or name a place that you may write to",
    FileNotFoundError: "check the path; its folder must be there",
    NotADirectoryError: "a part of the path is a file: name another place",
    IsADirectoryError: "name a file, not a folder",
    OSError: "make room on the disk, or name a place on another disk",
}
_LONGEST_SENTENCE = 500  # characters of a command's first sentence


class WholeSentences(TyperGroup):
    """A group that lists its commands with the whole first sentence of each; click would cut it."""

    def get_command(self, ctx: Any, name: str) -> Any:
        """Return a command of the group, with its example at the end of its help."""
        command = super().get_command(ctx, name)
        if command is not None and not command.epilog:
            command.epilog = epilog_of(f"{self.name} {name}")
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section with all commands that are not hidden."""
        rows = [(name, command.get_short_help_str(_LONGEST_SENTENCE)) for name in self.list_commands(ctx)
                if (command := self.get_command(ctx, name)) is not None and not command.hidden]  # fmt: skip
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class _OnDemand(WholeSentences):
    """A group that imports only the module of the command that runs: each import costs the start of its libraries."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.commands: dict[str, Any] = dict.fromkeys(_COMMANDS)  # click looks here for names near a mistyped one

    def list_commands(self, _ctx: object) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: object, name: str) -> Any:
        """Return a command with its module imported, None where there is none of that name."""
        if name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[name]
        with _no_garbage():
            command = getattr(import_module(f"gateway.cli.{module}"), attribute)
        holder = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(command, typer.Typer):
            holder.add_typer(command, name=name, cls=WholeSentences)
        else:
            holder.command(name=name)(command)
        made = typer.main.get_group(holder).commands[name]
        made.epilog = made.epilog or epilog_of(name)
        return made


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Switch garbage collection off in the block: what is imported there stays, and collecting takes a tenth of it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


app = typer.Typer(
    name="labline",
    cls=_OnDemand,
    help=_ABOUT,
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(show_version: bool) -> None:
    if show_version:
        print(f"labline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    configure_logs(level="warning")  # `run` sets its own level; standard output is for the command's result


def _print_on_any_terminal() -> None:
    """Print characters that the terminal's encoding lacks, such as ², as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show(error: LablineError) -> None:
    from gateway.cli.output import show_error  # noqa: PLC0415 - a gateway prints no tables

    show_error(error)


def main() -> None:
    """Run the command line; an error is printed as a sentence with what to do, and the exit code is the error's."""
    _print_on_any_terminal()
    try:
        app(prog_name="labline")
    except LablineError as error:
        _show(error)
        sys.exit(error.exit_code)
    except UnicodeEncodeError:  # an argument with bytes that are no UTF-8, on its way into the store
        _show(LablineError("an argument is not UTF-8 text", hint="write names in UTF-8, as the messages do"))
        sys.exit(2)
    except OSError as error:  # the edge of every command: whichever file fails, a person gets a sentence
        hint = _HINTS.get(type(error), _HINTS[OSError] if error.errno in _DISK_ERRORS else None)
        if hint is None:
            raise
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        _show(LablineError(message, hint=hint))
        sys.exit(2)
