"""How the simulator starts gateways."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.gateway_process import _environment


@pytest.mark.parametrize("byte_code", ["", "1"])
def test_a_gateway_that_a_test_starts_is_forked_off_and_imports_nothing_anew(tmp_path, monkeypatch, byte_code):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", byte_code)
    os.mkfifo(tmp_path / "labline.toml")  # on which it waits
    command = [sys.executable, "-m", "gateway", "run", "--config", str(tmp_path / "labline.toml")]
    gateway = subprocess.Popen(command, env=_environment())
    try:
        assert "fork_server" in Path(f"/proc/{gateway.pid}/cmdline").read_text()
    finally:
        gateway.kill()
        gateway.wait(timeout=60)
