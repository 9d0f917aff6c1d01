"""The manual page, ``man labline``, out of the commands themselves: what ``--help`` says, in one place."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from gateway import __version__
from gateway.cli import app
from gateway.cli.examples import EXAMPLES

_FILES = (
    ("labline.toml", "the configuration; deploy/labline.toml explains every key"),
    ("state.db, history.db", "records and history, in the folder of [store] directory"),
    ("control.sock", "by it commands reach the running gateway; for the store's owner and root"),
)
_VARIABLES = (
    ("LABLINE_<TABLE>__<KEY>", "overrides a key of the configuration, such as LABLINE_MQTT__HOST"),
    ("LABLINE_OPCUA_PASSWORD, LABLINE_BROKER_PASSWORD", "passwords for labline init and labline opcua browse"),
    ("CREDENTIALS_DIRECTORY", "a folder with one file for each secret, as systemd passes it"),
)
_EXIT = (("0", "all right"), ("1", "something wrong was found"), ("2", "the input cannot be used"))


def manual_page() -> str:
    """Return the page in roff; the same text as long as the commands are the same."""
    group = typer.main.get_command(app)
    about = [line for paragraph in (group.help or "").split("\n\n") for line in (".PP", _text(paragraph))]
    lines = [
        f'.TH LABLINE 1 "" "Labline {__version__}" "Labline"',
        ".SH NAME", r"labline \- gateway between the laboratory and the production line",
        ".SH SYNOPSIS", r".B labline", r"\fIcommand\fR [\fIoptions\fR]",
        ".SH DESCRIPTION", *about[1:],
        ".SH COMMANDS",
    ]  # fmt: skip
    for path, command in leaves(group, ()):
        lines += _command(" ".join(path), command)
    for title, rows in (("FILES", _FILES), ("ENVIRONMENT", _VARIABLES), ("EXIT STATUS", _EXIT)):
        lines.append(f".SH {title}")
        for term, meaning in rows:
            lines += [".TP", rf"\fB{_text(term)}\fR", _text(meaning)]
    return "\n".join(lines) + "\n"


def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield (the words of its name, the command) for each command that does something."""
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    for name in command.list_commands(None):
        below = command.get_command(None, name)
        if below is not None and not below.hidden:
            yield from leaves(below, (*path, name))


def _command(name: str, command: Any) -> list[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    named = " ".join(_argument(parameter) for parameter in arguments)
    lines = [f".SS labline {_text(name)}{' ' + _text(named) if named else ''}"]
    paragraphs = re.split(r"\n\s*\n", command.help or "")
    for number, paragraph in enumerate(paragraph for paragraph in paragraphs if not paragraph.startswith("Example:")):
        lines += [".PP"] * bool(number) + [_text(paragraph)]
    for parameter in options:
        if parameter.name != "help" and not parameter.hidden:
            lines += [".TP", _option(parameter), _text(parameter.help or "")]
    example = EXAMPLES.get(name)
    if example is not None:
        lines += [".PP", "Example:", ".PP", ".nf", rf"\&  {_text(example)}", ".fi"]
    return lines


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in parameter.opts)
    if parameter.is_flag:
        return names
    return rf"{names} \fI{_text(parameter.metavar or f'<{parameter.name}>')}\fR"


def _text(text: str) -> str:
    """Return a text on one line as roff reads it as text."""
    joined = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{joined}" if joined.startswith((".", "'")) else joined
