"""Disks to make trouble with: small ones that fill up, and ones that turn read-only. They need root and Linux.

Each belongs to the block that made it: mounted on entering, unmounted on leaving.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_SBIN = "/usr/sbin:/sbin"
_LET_GO_SECONDS = 60.0


def program(name: str) -> str | None:
    """Return the path of a program, also where only root looks, or None."""
    return shutil.which(name) or shutil.which(name, path=_SBIN)


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """Mount a disk of so many MiB at a folder."""
    folder.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _run("umount", "-l", str(folder))


def fill_up(folder: Path) -> Path:
    """Take all the room there is, byte by byte at the end; return the file that takes it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        block = 1 << 20
        while block:
            try:
                file.write(b"\0" * block)
            except OSError:
                block //= 2
    return ballast


class FailingDisk:
    """An ext4 file system in a file, which turns read-only at an error; ``with FailingDisk(...) as disk``."""

    def __init__(self, image: Path, folder: Path, *, mebibytes: int = 48) -> None:
        self._image = image
        self._folder = folder
        self._mebibytes = mebibytes

    def __enter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        with self._image.open("wb") as file:
            file.truncate(self._mebibytes << 20)
        _run("mkfs.ext4", "-q", str(self._image))
        self._mount()
        return self

    def __exit__(self, *_exception: object) -> None:
        _run("umount", "-l", str(self._folder))

    def fail(self) -> None:
        """Let the file system meet an error: it turns read-only at once."""
        Path(f"/sys/fs/ext4/{self._device().name}/trigger_fs_error").write_text("1\n", encoding="ascii")

    def repair(self) -> None:
        """Unmount, check and mount again; nobody may use it meanwhile.

        A process with mounts of its own that was started meanwhile keeps the file system, read-only as it is, until it
        ends: mounted before then it would be the same one.
        """
        kept = Path("/sys/fs/ext4") / self._device().name
        _run("umount", str(self._folder))
        until = time.monotonic() + _LET_GO_SECONDS
        while kept.exists() and time.monotonic() < until:
            time.sleep(0.1)
        _run("fsck.ext4", "-fy", str(self._image), may_find=True)
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self._folder))

    def _device(self) -> Path:
        return Path(_run("findmnt", "-no", "SOURCE", str(self._folder)).strip())


def _run(name: str, *arguments: str, may_find: bool = False) -> str:
    """Run a program and return what it says; raises CalledProcessError."""
    done = subprocess.run([program(name) or name, *arguments], check=False, capture_output=True, text=True)
    if done.returncode and not may_find:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return done.stdout
