"""A gateway that is killed between a person's request and its answer: the act is done once or not at all."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.database import read_state
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.commands import labline

CODE = "MODEL_DRIFT_X"
REPOSITORY = Path(__file__).parents[2]
KILLED = {
    "before it is decided": ("gateway.runtime.process_loop.decide_batch", [CODE]),
    "once it is committed": ("gateway.runtime.control_socket.answer_line", []),
}
GATEWAY = """
import os, signal, sys, threading
from importlib import import_module
from pathlib import Path
from tests.fixtures.acting import acting
from tests.fixtures.building import line

module, name = sys.argv[2].rsplit(".", 1)
setattr(import_module(module), name, lambda *_arguments, **_options: os.kill(os.getpid(), signal.SIGKILL))
with acting(Path(sys.argv[1]), line()):
    print("ready", flush=True)
    threading.Event().wait()
"""


@pytest.mark.parametrize(("killed_in", "standing"), KILLED.values(), ids=KILLED)
def test_a_kill_between_request_and_answer_leaves_it_done_or_not_and_the_command_does_not_know(
    tmp_path, killed_in, standing
):
    with closing(Plant(tmp_path)) as plant:
        plant.connection.execute("INSERT INTO latch (code, at_ns, body) VALUES (?, 1, '{}')", (CODE,))
    directory, asked = tmp_path / "store", ("audit", "acknowledge", CODE, "--reason", "r")
    gateway = subprocess.Popen([sys.executable, "-c", GATEWAY, str(directory), killed_in], stdout=subprocess.PIPE,
                               cwd=REPOSITORY)  # fmt: skip
    try:
        assert gateway.stdout.readline() == b"ready\n"
        ended = labline(*asked, "--config", plant.file)
        assert gateway.wait(10) == -signal.SIGKILL
    finally:
        gateway.kill()
        gateway.stdout.close()
        gateway.wait()
    assert (ended.code, "whether it is done is not known" in ended.error) == (2, True)
    with closing(read_state(directory)) as connection:
        assert [code for (code,) in connection.execute("SELECT code FROM latch")] == standing
        (lines,) = connection.execute("SELECT count(*) FROM audit WHERE kind = 'alarm_acknowledged'").fetchone()
        assert lines == (0 if standing else 1)
    again = labline(*asked, "--config", plant.file)  # nobody runs: what was left behind keeps nobody out
    assert again.code == (0 if standing else 2)
