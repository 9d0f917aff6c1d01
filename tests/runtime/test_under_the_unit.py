"""The real gateway under the limits of its service's unit: the same filter of system calls, memory, files, families."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from gateway.transport.paper import WORKER, Form, example
from simulator.broker import free_port
from simulator.gateway_process import running_gateway
from tests.fixtures import under_unit
from tests.fixtures.real_parts import REPOSITORY, missing

UNIT = REPOSITORY / "deploy" / "labline@.service"
HIGHEST_EXPOSURE = 1.2


@pytest.fixture(autouse=True)
def _systemd():
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze")


def under(folder):
    return (sys.executable, under_unit.__file__, str(UNIT), str(folder))


@pytest.mark.real_interpreter
async def test_the_gateway_predicts_judges_and_records_under_the_limits_of_its_unit(bench_line):
    port = free_port()
    served = f'\n[opcua_server]\nlisten = {port}\nsecurity = ["None"]\nanonymous = true\n'
    bench_line.configuration.write_text(bench_line.configuration.read_text() + served)
    async with running_gateway(
        bench_line.configuration, directory=bench_line.folder, under=under(bench_line.folder)
    ) as gateway:
        prediction = await bench_line.until(
            lambda topic, document: topic.startswith("prediction/") and document["value"] is not None
        )
        assert prediction["low"] < prediction["value"] < prediction["high"]
        await bench_line.result(sample_id="S-1", test_id="pH", value=7.0, material_lot_id="LOT-1")
        await bench_line.disposition_of("S-1")
        async with asyncio.timeout(240):  # the OPC UA server is a process that the gateway starts under these limits
            while not await asyncio.to_thread(_listens, port):
                await asyncio.sleep(0.2)
        status = dict(
            re.findall(r"^(\w+):\s+(.*)$", Path(f"/proc/{gateway.process.pid}/status").read_text(), re.MULTILINE)
        )
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) == 0


def _listens(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("attempt", "why"),
    [
        ("import mmap; mmap.mmap(-1, 4096, prot=7)", "PermissionError"),
        ("open('/etc/labline-was-here', 'w')", "Read-only file system"),
        ("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "PermissionError"),
        ("import os; os.setpriority(os.PRIO_PROCESS, 0, -5)", "PermissionError"),
        ("import ctypes; print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))", "-1"),
        ("import os; os.chroot('/')", "PermissionError"),
    ],
    ids=["memory that is written and run", "a file elsewhere", "raw sockets", "priority", "tracing", "another root"],
)
def test_what_the_unit_forbids_is_refused(tmp_path, attempt, why):
    tried = subprocess.run(
        [*under(tmp_path), sys.executable, "-c", attempt], check=False, capture_output=True, text=True
    )
    assert why in tried.stderr + tried.stdout


def test_the_exposure_of_the_unit_is_low(tmp_path):
    """Systemd's own judgement; the goal is at most 1.2."""
    unit = tmp_path / "labline@line-1.service"
    unit.write_text(UNIT.read_text())
    limit = f"--threshold={HIGHEST_EXPOSURE * 10:.0f}"
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", limit, str(unit)]
    judged = subprocess.run(command, check=False, capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout[-3000:]
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)[1])
    assert exposure <= HIGHEST_EXPOSURE


@pytest.mark.real_interpreter
def test_a_certificate_is_printed_under_the_limits_of_the_unit(tmp_path):
    asked = json.dumps({"paper": asdict(example()), "form": Form.PDF.value}).encode()
    command = (*under(tmp_path), sys.executable, "-m", WORKER)
    ended = subprocess.run(command, input=asked, capture_output=True, check=True, cwd=REPOSITORY)
    head, _, content = ended.stdout.partition(b"\n")
    assert json.loads(head) == {"problem": None, "why": ""}
    assert content.startswith(b"%PDF-")


def test_no_secret_is_named_that_a_line_may_not_have():
    """Systemd starts nothing while a file that is named is missing; docs/installation.md names those that are there."""
    assert under_unit.values_of(under_unit.settings_of(UNIT), "LoadCredential") == []
