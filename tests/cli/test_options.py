"""A command that takes its options as a record is, for who calls it, a command like any other."""

from dataclasses import dataclass
from pathlib import Path

import typer
from typer.testing import CliRunner

from gateway.cli.options import takes


@dataclass(frozen=True, kw_only=True, slots=True)
class PourOptions:
    file: Path = typer.Argument(..., help="What is poured.")  # noqa: RUF009 - as every command does
    litres: float = typer.Option(1.0, "--litres", min=0.5, help="How much.")
    into: list[str] = typer.Option([], "--into", help="A vessel.")  # noqa: RUF009


@takes(PourOptions)
def pour(options: PourOptions) -> None:
    """Pour something."""
    typer.echo(f"{options.litres:g} {options.file} {options.into}")


app = typer.Typer()
app.command()(pour)
run = CliRunner().invoke


def test_the_options_arrive_as_one_record():
    assert run(app, ["water", "--litres", "2", "--into", "a", "--into", "b"]).stdout == "2 water ['a', 'b']\n"
    assert run(app, ["water"]).stdout == "1 water []\n"


def test_what_typer_checks_is_checked_of_a_record_too():
    assert run(app, ["water", "--litres", "0.1"]).exit_code == 2
    assert run(app, []).exit_code == 2


def test_the_help_says_what_the_command_does_and_what_its_fields_are():
    shown = run(app, ["--help"]).stdout
    assert all(words in shown for words in ("Pour something.", "What is poured.", "How much.", "A vessel."))
