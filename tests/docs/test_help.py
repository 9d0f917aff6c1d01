"""Every command teaches: it has an example that is right, and stands in the manual page, which is current."""

import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.examples import EXAMPLES
from gateway.cli.manual import leaves, manual_page
from tests.docs.test_commands_of_documents import wrong_in
from tests.fixtures.commands import labline

PAGE = Path(__file__).parents[2] / "docs" / "labline.1"
MADE = manual_page()
COMMANDS = {" ".join(path): command for path, command in leaves(typer.main.get_command(app), ())}


def test_every_command_has_an_example_and_every_example_a_command():
    assert COMMANDS.keys() == EXAMPLES.keys(), "add the example of a new command to gateway/cli/examples.py"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_of_its_command_and_has_all_that_it_needs(name):
    words = shlex.split(EXAMPLES[name])
    assert words[: 1 + len(name.split())] == ["labline", *name.split()]
    assert wrong_in(words[1:]) is None
    command = COMMANDS[name]
    needed = {parameter.opts[0] for parameter in command.params
              if parameter.required and parameter.param_type_name == "option"}  # fmt: skip
    assert needed <= set(words)
    command.make_context(name, words[1 + len(name.split()) :], resilient_parsing=True)


def test_the_help_of_a_command_ends_with_its_example():
    for name in ("doctor", "opcua browse"):
        lines = labline(*name.split(), "--help").output.rstrip().splitlines()
        assert lines[-1].strip() == EXAMPLES[name]


def test_the_manual_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == MADE, "make manual writes it again"
    for name in COMMANDS:
        assert f".SS labline {name}".replace("-", r"\-") in MADE


def test_the_page_has_only_macros_that_man_knows():
    macros = {line.split()[0] for line in MADE.splitlines() if line.startswith(".")}
    assert macros <= {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".nf", ".fi"}
    assert not [line for line in MADE.splitlines() if line.startswith("'")]


def test_the_shell_completes_commands_and_options():
    def completed(line):
        words = line.split(" ")
        environment = {"_LABLINE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        return CliRunner().invoke(app, [], prog_name="labline", env=environment).output.split()

    assert "doctor" in completed("labline do")
    assert "browse" in completed("labline opcua b")
    assert "--connect" in completed("labline check --con")
