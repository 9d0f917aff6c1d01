"""The Unix socket between a command and a running gateway: its name, and who is at the other end.

It lies in a folder that may be named by a path of any length: it is reached through the folder's handle, as an address
has at most 107 bytes.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET_FILE = "control.sock"
PART_BYTES = 64 * 1024
_CREDENTIALS = struct.Struct("3i")  # of unix(7), SO_PEERCRED: process, user, group


@contextmanager
def folder_handle(folder: Path) -> Iterator[int]:
    """Yield a folder's handle, under which ``/proc/self/fd`` names it in few bytes."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def peer_user(connection: socket.socket) -> int:
    """Return the number of the operating system's user at the other end, as the kernel says."""
    _process, user, _group = _CREDENTIALS.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return int(user)
