"""Gateways and commands as processes of their own, without a second of imports for each.

``python -m gateway ...`` is forked off a server process that has imported what takes long. Whoever starts it by
``subprocess`` or ``asyncio`` gets a process as always: a child of this one, to be killed, traced and waited for, with
arguments, environment, folder, session and files of its own. ``gateway.cli`` is imported after the fork, as it looks at
the environment. With an environment that an interpreter reads at its start (LD_PRELOAD, PYTHON...), with
``@pytest.mark.real_interpreter``, and wherever this cannot be, a real interpreter starts.
"""

import atexit
import ctypes
import gc
import importlib
import inspect
import json
import os
import random
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import contextmanager
from pathlib import Path

_LOADED = (
    "gateway.daemon", "gateway.line", "gateway.ingest.opcua", "gateway.transport.onnx", "gateway.transport.http",
    "gateway.transport.opcua_browse", "gateway.replay.compare", "gateway.replay.rerun", "gateway.replay.recorded",
    "gateway.store.salvage", "gateway.store.backup", "gateway.store.archive", "gateway.store.investigating",
    "uvloop", "rich.table", "rich.progress",
)  # fmt: skip
_LOADED_FOR = {"train": ("gateway.training.recipe", "gateway.training.train", "gateway.training.write")}
_READ_AT_START = ("LD_", "PYTHON", "LC_", "LANG", "TZ", "MALLOC_", "OMP_", "OPENBLAS_")
_PARAMETERS = (
    "self", "args", "executable", "preexec_fn", "close_fds", "pass_fds", "cwd", "env", "startupinfo", "creationflags",
    "shell", "p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite", "restore_signals", "gid", "gids",
    "uid", "umask", "start_new_session", "process_group",
)  # fmt: skip
_PLAIN = {"preexec_fn": None, "pass_fds": (), "gid": None, "gids": None, "uid": None, "umask": -1, "process_group": -1}
_MAIN = str(Path(__file__).parents[1] / "gateway" / "__main__.py")
_ADOPT_ORPHANS = 36  # prctl(2), PR_SET_CHILD_SUBREAPER
_LARGEST_REQUEST_BYTES = 1 << 20
_ANSWER_SECONDS = 60.0


class ForkServer:
    """The server, as the process sees it that starts gateways."""

    def __init__(self):
        self._lock = threading.Lock()
        self._start_really = subprocess.Popen._execute_child
        self._environment = dict(os.environ)
        self._process = self._connection = None
        self._usable = tuple(inspect.signature(self._start_really).parameters) == _PARAMETERS
        self._away = 0

    def install(self):
        """From now on gateways that this process starts are forked off; the server starts with the first."""
        server = self

        def start(popen, *arguments):
            wanted = dict(zip(_PARAMETERS[1:], arguments, strict=True))
            if not (server._can_fork(wanted) and server._runs()):
                server._start_really(popen, *arguments)
                return
            popen.pid = server._forked(wanted)
            popen._child_created = True
            popen._close_pipe_fds(*(wanted[name] for name in _PARAMETERS[11:17]))

        if self._usable:
            subprocess.Popen._execute_child = start

    @contextmanager
    def away(self):
        """Within the block real interpreters start."""
        self._away += 1
        try:
            yield
        finally:
            self._away -= 1

    def close(self):
        """End the server, if it runs; what was forked off it lives on."""
        if self._process is not None:
            self._connection.close()
            self._process.wait()
            self._process, self._usable = None, False

    def _can_fork(self, wanted):
        """Whether a process is one of ours, and nothing is asked for that only a real start can give."""
        arguments = wanted["args"]
        if not self._usable or self._away or isinstance(arguments, str | bytes):
            return False
        if list(arguments[:3]) != [sys.executable, "-m", "gateway"] or not wanted["close_fds"]:
            return False
        if any(wanted[name] != value for name, value in _PLAIN.items()):
            return False
        known, new = self._environment, os.environ if wanted["env"] is None else wanted["env"]
        changed = {name for name in {*known, *new} if known.get(name) != new.get(name)}
        return not any(name.startswith(_READ_AT_START) for name in changed)

    def _runs(self):
        """Start the server where it does not run yet; return whether what it forks off becomes a child of ours."""
        with self._lock:
            if self._process is not None:
                return self._usable
            self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._connection.settimeout(_ANSWER_SECONDS)
            with theirs, self.away():
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())], pass_fds=[theirs.fileno()],
                    start_new_session=True, cwd=Path(__file__).parents[1],
                )  # fmt: skip
            try:
                os.waitpid(self._ask(None, [0, 1, 2]), 0)
            except ChildProcessError:  # a system that gives orphans to nobody but its first process
                self._usable = False
            return self._usable

    def _forked(self, wanted):
        """Return the id of a process that was forked off; it is a child of this one."""
        request = {
            "arguments": [os.fsdecode(argument) for argument in wanted["args"]][3:],
            "environment": dict(os.environ if wanted["env"] is None else wanted["env"]),
            "folder": os.fspath(wanted["cwd"] or Path.cwd()),
            "own_session": bool(wanted["start_new_session"]),
        }
        ends = (wanted["p2cread"], wanted["c2pwrite"], wanted["errwrite"])
        with self._lock:
            return self._ask(request, [at if end == -1 else end for at, end in enumerate(ends)])

    def _ask(self, request, files):
        libc = ctypes.CDLL(None)
        libc.prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)  # its own parent ends at once
        try:
            socket.send_fds(self._connection, [json.dumps(request).encode()], files)
            return json.loads(self._connection.recv(_LARGEST_REQUEST_BYTES))
        finally:
            libc.prctl(_ADOPT_ORPHANS, 0, 0, 0, 0)


SERVER = ForkServer()


# --- the server's side ------------------------------------------------------------------------------------


def _serve(connection):
    """Fork for each request; returns within a process that was forked off, which is to run the command."""
    for name in _LOADED:
        importlib.import_module(name)
    gc.freeze()
    while True:
        message, files, _flags, _address = socket.recv_fds(connection, _LARGEST_REQUEST_BYTES, 3)
        if not message:
            os._exit(0)
        request = json.loads(message)
        for word in _LOADED_FOR.keys() & set(request["arguments"] if request else ()):
            for name in _LOADED_FOR[word]:
                importlib.import_module(name)
        reading, writing = os.pipe()
        parent = os.fork()
        if parent == 0:
            pid = os.fork()
            if pid == 0:
                if request is None:
                    os._exit(0)
                connection.detach()
                _become(request, files)
                return
            os.write(writing, str(pid).encode())
            os._exit(0)
        os.waitpid(parent, 0)  # only then its child has another parent
        connection.send(os.read(reading, 32))
        for file in (reading, writing, *files):
            os.close(file)


def _become(request, files):
    """Make this process what was asked for: its session, files, folder, environment and arguments."""
    if request["own_session"]:
        os.setsid()
    for at, file in enumerate(files):
        os.dup2(file, at)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [_MAIN, *request["arguments"]]
    sys.path[0] = request["folder"]
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    sys.stdin = open(0, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    random.seed()
    sys.modules["__main__"] = importlib.import_module("gateway.__main__")


def _run():
    """Run the command and end as an interpreter does, but without taking every module apart."""
    code = 0
    try:
        importlib.import_module("gateway.cli").main()
    except SystemExit as ended:
        code = ended.code or 0
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        code = 1
    threading._shutdown()  # waits for threads, as long as there are any
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    _run()
