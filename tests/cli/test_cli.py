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


_HEAVY = {  # library to where it is needed
    "asyncua": "a source of tags", "uvicorn": "the webhook", "starlette": "the webhook", "onnxruntime": "a model",
    "scipy": "training", "sklearn": "training", "skl2onnx": "training", "onnx": "training", "matplotlib": "figures",
    "pyarrow": "Parquet", "pandas": "nothing", "simulator": "the demo", "gateway.training": "training",
    "rich": "tables on a terminal", "pydantic_settings": "variables over the file", "google.protobuf": "Sparkplug",
    "opentelemetry": "traces", "numpy.random": "a plan of the laboratory",
    "weasyprint": "a certificate as PDF", "jinja2": "a document",
    "gateway.copilot.phrasing": "phrased answers",
}  # fmt: skip


def _loaded_by(script):
    """Return which of the heavy ones are loaded once a script has run, in a Python of its own."""
    wanted = f"print(*sorted({set(_HEAVY)} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", f"import sys\n{script}\n{wanted}"], check=True, capture_output=True)
    return set(ended.stdout.decode().splitlines()[-1].split())


def test_looking_at_the_buffer_does_not_import_what_speaks_opc_ua_or_runs_models():
    look = "from typer.testing import CliRunner; from gateway.cli import app"
    assert _loaded_by(f"{look}; assert CliRunner().invoke(app, ['buffer', '--help']).exit_code == 0") == {"rich"}


def test_a_gateway_loads_only_what_its_configuration_needs(tmp_path):
    site = '[site]\nenterprise = "a"\nsite = "b"\narea = "c"\nline = "d"\n'
    broker = '[mqtt]\nhost = "127.0.0.1"\nport = 9\ntls = false\nclient_id = "bare"\n'
    (tmp_path / "labline.toml").write_text(f"{site}{broker}[store]\ndirectory = '{tmp_path / 'store'}'\n")
    assert _loaded_by(_LIFE.format(configuration=str(tmp_path / "labline.toml"))) == set()


# a whole gateway, which is asked to stop at once, without a last drain, as soon as it is ready
_LIFE = """
import os, signal
from pathlib import Path
from gateway.cli.run import run
from gateway.runtime import daemon
from gateway.operations.logs import LogLevel
settled = daemon._settle_in
def ready():
    settled()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
daemon._settle_in = ready
daemon._READY_WAIT_SECONDS = 0.05
run(Path({configuration!r}), LogLevel.ERROR)
"""
