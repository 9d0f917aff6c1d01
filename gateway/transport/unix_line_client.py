"""A command's side of the control socket: it sends one line and waits for one line."""

import fcntl
import os
import socket
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import LablineError
from gateway.transport.unix_socket import PART_BYTES, SOCKET_FILE, folder_handle, peer_user

_CONNECT_AGAIN_SECONDS, _LOOK_SECONDS = 0.05, 0.25


class NotTakenError(LablineError):
    """The other end has not read the request, so nothing is done."""


class NoAnswerError(LablineError):
    """The other end has read the request and has not answered: whether it was done is not known."""


def ask_line(store: Path, line: bytes, *, taken_within: float, answered_within: float, longest_bytes: int) -> bytes:
    """Return the answer to a line from who listens for a store.

    Raises FileNotFoundError or ConnectionRefusedError where nobody listens, NotTakenError where the line has not been
    read within so many seconds, NoAnswerError where it was and no answer came.
    """
    begun = time.monotonic()
    with _connected(store, until=begun + taken_within) as connection:
        if not _is_owner(connection, store):
            what = f"who listens on {store / SOCKET_FILE} is not who owns the store"
            raise NotTakenError(what, hint="look who it is")
        connection.settimeout(_LOOK_SECONDS)
        try:
            _send(connection, line, until=begun + taken_within)
            return _answer(connection, begun=begun, taken_within=taken_within, answered_within=answered_within,
                           longest_bytes=longest_bytes)  # fmt: skip
        except (ConnectionResetError, BrokenPipeError) as error:
            raise NoAnswerError("the gateway ended before it answered") from error


@contextmanager
def _connected(store: Path, *, until: float) -> Iterator[socket.socket]:
    with (
        folder_handle(store) as handle,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection,
    ):
        connection.setblocking(False)
        while True:
            try:
                connection.connect(f"/proc/self/fd/{handle}/{SOCKET_FILE}")
                break
            except BlockingIOError:  # more wait there than it takes at once
                if time.monotonic() > until:
                    raise NotTakenError("the gateway takes no connection in time") from None
                time.sleep(_CONNECT_AGAIN_SECONDS)
        yield connection


def _is_owner(connection: socket.socket, store: Path) -> bool:
    return peer_user(connection) in {0, os.geteuid(), store.stat().st_uid}


def _send(connection: socket.socket, line: bytes, *, until: float) -> None:
    """Send a line; raises NotTakenError where it is not read in time."""
    left = memoryview(line)
    while left:
        try:
            left = left[connection.send(left) :]
        except TimeoutError:
            if time.monotonic() > until:
                raise NotTakenError("the gateway does not read what it is asked") from None


def _answer(
    connection: socket.socket, *, begun: float, taken_within: float, answered_within: float, longest_bytes: int
) -> bytes:
    read = bytearray()
    while not read.endswith(b"\n"):
        try:
            part = connection.recv(PART_BYTES)
        except TimeoutError:
            passed = time.monotonic() - begun
            if passed > taken_within and _unread(connection):
                raise NotTakenError("the gateway does not read what it is asked") from None
            if passed > answered_within:
                raise NoAnswerError("the gateway has taken it and does not answer") from None
            continue
        if not part or len(read) + len(part) > longest_bytes:
            raise NoAnswerError("the gateway ended before it answered")
        read += part
    return bytes(read[:-1])


def _unread(connection: socket.socket) -> bool:
    """Return whether the other end has not read all that was sent (unix(7), SIOCOUTQ)."""
    waiting = bytearray(4)
    fcntl.ioctl(connection, termios.TIOCOUTQ, waiting)
    return int.from_bytes(waiting, "little") > 0
