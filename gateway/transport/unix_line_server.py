"""The gateway's side of the control socket: one line asks, one line answers; only the store's owner and root may ask.

What a kill has left in the folder is taken away. A client that sends nothing, sends too much, or never reads has few
seconds; a few clients are served at once, and the others wait.
"""

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from gateway.errors import LablineError
from gateway.transport.unix_socket import PART_BYTES, SOCKET_FILE, folder_handle, peer_user

log = structlog.get_logger()

UNAVAILABLE = "CONTROL_SOCKET_UNAVAILABLE"
_MODE = 0o600
_WAITING, _AT_ONCE = 32, 8
_READ_SECONDS, _SEND_SECONDS = 5.0, 2.0
_AGAIN_SECONDS, _ACCEPT_AGAIN_SECONDS = 5.0, 0.2


class LineServer:
    """Answers lines until it is cancelled; it finishes the answers that it has begun."""

    def __init__(
        self,
        folder: Path,
        *,
        named_in: Path,
        longest_bytes: int,
        answer: Callable[[bytes, int], Awaitable[bytes]],
        too_long: bytes,
        on_condition: Callable[[str, bool], None],
        closing_seconds: float,
    ) -> None:
        """``folder``: where the socket is made; ``named_in``: the store's folder, in which it is looked for.

        ``answer`` gets a line and the number of the operating system's user who sent it. ``too_long``: the answer to a
        line of more than ``longest_bytes``. ``on_condition`` hears where there can be no socket. ``closing_seconds``:
        for what is being answered as it ends.
        """
        self._folder = folder
        self._named_in = named_in
        self._longest_bytes = longest_bytes
        self._answer = answer
        self._too_long = too_long
        self._on_condition = on_condition
        self._closing_seconds = closing_seconds
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until cancelled; a socket that cannot be made is reported and tried again."""
        while True:
            try:
                with _listening(self._folder, named_in=self._named_in) as listening:
                    self._on_condition(UNAVAILABLE, False)
                    await self._serve(listening)
            except (OSError, LablineError) as error:
                self._on_condition(UNAVAILABLE, True)
                log.error("commands cannot reach the gateway", error=str(error))  # noqa: TRY400 - the cause is in it
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._room.acquire()
                try:
                    connection = await _accepted(listening)
                except OSError as error:  # too many open files: others will be closed
                    log.warning("a command's connection could not be taken", error=str(error))
                    self._room.release()
                    await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                    continue
                task = loop.create_task(self._converse(connection), name="control-answer")
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)
        finally:
            if self._answering:
                _done, late = await asyncio.wait(self._answering, timeout=self._closing_seconds)
                for task in late:
                    task.cancel()

    async def _converse(self, connection: socket.socket) -> None:
        """Read one line and answer it; whatever the client does is no matter of the gateway's."""
        loop = asyncio.get_running_loop()
        try:
            with connection:
                connection.setblocking(False)
                async with asyncio.timeout(_READ_SECONDS):
                    line = await self._line(connection)
                if line is None:
                    return
                answer = (
                    self._too_long
                    if len(line) > self._longest_bytes
                    else await self._answer(line, peer_user(connection))
                )
                async with asyncio.timeout(_SEND_SECONDS):
                    await loop.sock_sendall(connection, answer)
        except (OSError, TimeoutError) as error:
            log.debug("a command sent no request, or did not read its answer", error=repr(error))
        except Exception:  # a loop's edge: no request may end the gateway
            log.exception("a command's request failed")
        finally:
            self._room.release()

    async def _line(self, connection: socket.socket) -> bytes | None:
        """Return the first line, or more bytes than are taken; None where the client has gone without one."""
        loop, read = asyncio.get_running_loop(), bytearray()
        while b"\n" not in read and len(read) <= self._longest_bytes:
            part = await loop.sock_recv(connection, PART_BYTES)
            if not part:
                return None
            read += part
        return bytes(read.partition(b"\n")[0] if b"\n" in read else read)


async def _accepted(listening: socket.socket) -> socket.socket:
    """Return the next connection; a cancellation leaves none behind that has been taken already."""
    loop = asyncio.get_running_loop()
    while True:
        with suppress(BlockingIOError):
            return listening.accept()[0]
        readable = asyncio.Event()
        loop.add_reader(listening, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(listening)


@contextmanager
def _listening(folder: Path, *, named_in: Path) -> Iterator[socket.socket]:
    """Yield a socket that listens in a folder, and that is found in the store's folder, too."""
    with folder_handle(folder) as handle, folder_handle(named_in) as named:
        _remove_left_over(handle, folder)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as listening:
            os.fchmod(listening.fileno(), _MODE)  # before it has a name: nobody else gets in between
            listening.bind(f"/proc/self/fd/{handle}/{SOCKET_FILE}")
            _give_to_owner(handle, named)
            listening.listen(_WAITING)
            listening.setblocking(False)
            elsewhere = not os.path.samestat(os.fstat(handle), os.fstat(named))
            if elsewhere:
                _remove_left_over(named, named_in)
                os.symlink(folder.resolve() / SOCKET_FILE, SOCKET_FILE, dir_fd=named)
            made = os.stat(SOCKET_FILE, dir_fd=handle, follow_symlinks=False)
            try:
                yield listening
            finally:
                with suppress(OSError):
                    if os.stat(SOCKET_FILE, dir_fd=handle, follow_symlinks=False).st_ino == made.st_ino:
                        os.unlink(SOCKET_FILE, dir_fd=handle)
                    if elsewhere:
                        os.unlink(SOCKET_FILE, dir_fd=named)


def _remove_left_over(handle: int, folder: Path) -> None:
    """Remove what a gateway that was killed has left; raises LablineError where it is something else."""
    try:
        mode = os.stat(SOCKET_FILE, dir_fd=handle, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISSOCK(mode) or stat.S_ISLNK(mode)):
        raise LablineError(f"{folder / SOCKET_FILE} is no socket", hint="move it away")
    if stat.S_ISSOCK(mode):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as other:
            other.setblocking(False)
            with suppress(ConnectionRefusedError, BlockingIOError):
                other.connect(f"/proc/self/fd/{handle}/{SOCKET_FILE}")
                raise LablineError(
                    f"another gateway listens on {folder / SOCKET_FILE}",
                    hint="give each line a runtime directory of its own",
                )
    os.unlink(SOCKET_FILE, dir_fd=handle)


def _give_to_owner(handle: int, named: int) -> None:
    """Let the socket belong to whom the store belongs, where the gateway may say so."""
    owner = os.fstat(named)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(SOCKET_FILE, owner.st_uid, owner.st_gid, dir_fd=handle, follow_symlinks=False)
