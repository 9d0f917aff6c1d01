"""The ``labline`` command itself: every command is there, and only the one that is asked for costs its libraries."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gateway.cli import _COMMANDS, app


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_says_what_it_does(name):
    told = CliRunner().invoke(app, [name, "--help"])
    assert told.exit_code == 0, told.output
    assert f"{name} " in told.output


def test_the_help_lists_every_command_and_an_unknown_one_is_refused():
    listed = CliRunner().invoke(app, ["--help"]).output
    assert all(f"  {name} " in listed for name in _COMMANDS)
    refused = CliRunner().invoke(app, ["chek"])
    assert refused.exit_code == 2
    assert "check" in refused.output  # what was meant, perhaps


def test_looking_at_the_buffer_does_not_import_what_speaks_opc_ua_or_runs_models():
    script = (
        "import sys; from typer.testing import CliRunner; from gateway.cli import app; "
        "assert CliRunner().invoke(app, ['buffer', '--help']).exit_code == 0; "
        "sys.exit(bool({'asyncua', 'onnxruntime'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
