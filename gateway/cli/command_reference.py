"""The reference of commands, docs/commands.md, out of the commands themselves, as ``--help`` says it."""

import re
from itertools import groupby
from typing import Any

import typer

from gateway.cli import app
from gateway.cli.examples import EXAMPLES
from gateway.cli.manual import leaves

_REGION = re.compile(r"(<!-- made by `make manual` -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str) -> str:
    """Return the page with its region written anew: a section for each command, in groups."""
    commands = sorted(leaves(typer.main.get_command(app), ()), key=lambda row: row[0][0])
    body = "\n".join(
        "\n".join(_section(" ".join(path), command) for path, command in rows)
        for _first, rows in groupby(commands, key=lambda row: row[0][0])
    )
    return _REGION.sub(lambda region: f"{region[1]}{body}{region[2]}", page)


def _section(name: str, command: Any) -> str:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    shown = [parameter for parameter in command.params if parameter.name != "help"]
    options = [parameter for parameter in shown if parameter.param_type_name == "option" and not parameter.hidden]
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", command.help or "")
                  if not part.startswith("Example:")]  # fmt: skip
    rows = [(f"`{parameter.metavar or parameter.name.upper()}`", _text(parameter.help)) for parameter in arguments]
    rows += [(_names(parameter), _text(parameter.help) + _required(parameter)) for parameter in options]
    table = "".join(f"| {first} | {second} |\n" for first, second in rows)
    return "\n".join([
        f"### `labline {name}`\n",
        "\n\n".join(_text(paragraph.strip("\b ")) for paragraph in paragraphs) + "\n",
        *([f"| option | meaning |\n|---|---|\n{table}"] if rows else []),
        f"```console\n$ {EXAMPLES[name]}\n```\n",
    ])  # fmt: skip


def _names(parameter: Any) -> str:
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return (
        ", ".join(f"`{name}`" for name in parameter.opts[:-1])
        + (", " if parameter.opts[:-1] else "")
        + (f"`{parameter.opts[-1]}{value}`")
    )


def _required(parameter: Any) -> str:
    return " **Required.**" if parameter.required else ""


def _text(text: str | None) -> str:
    """Return a text as Markdown reads it as text."""
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
