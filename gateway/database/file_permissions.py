"""Files of the store and what is copied from it: who may read them, and whom they belong to.

They hold results, people's names and whatever a laboratory writes: nobody but the service and its group reads them. A
command that is run as root leaves nothing behind that the service cannot write: what it makes belongs to the owner of
the folder.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import LablineError

FILE_MODE, FOLDER_MODE = 0o640, 0o750
_OTHERS = 0o027  # what the group may not do, and others neither
_OWNER = 0o700


def make_folder(path: Path, *, exist_ok: bool = False) -> None:
    """Make a folder for the owner and its group; one that is there stays as it is. Raises as ``Path.mkdir``."""
    if exist_ok and path.is_dir():
        return
    for parent in reversed(path.parents):
        if not parent.exists():
            parent.mkdir(mode=FOLDER_MODE)
            _give(parent)
    path.mkdir(mode=FOLDER_MODE)
    _give(path)


def make_new_folder(folder: Path) -> None:
    """Make a folder for the owner and its group; raises LablineError where it is there already or cannot be made."""
    try:
        make_folder(folder)
    except FileExistsError as error:
        raise LablineError(f"{folder} is there already", hint="name a folder that is to be made") from error
    except OSError as error:
        raise LablineError(
            f"{folder} cannot be made: {error.strerror}", hint="name a place that you may write to"
        ) from error


@contextmanager
def making_files_closed_to_others() -> Iterator[None]:
    """Make files and folders within the block for the owner and its group only; it holds for the whole process."""
    before = os.umask(_OTHERS)
    os.umask(before | _OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def make_file(path: Path) -> None:
    """Make an empty file for the owner and its group; one that is there stays, and is closed to others."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    close_to_others(path)


def close_to_others(path: Path) -> None:
    """Take a file's rights away from others, and give it the owner and group of its folder.

    The group may read where it may read the folder. A file of somebody else is left as it is.
    """
    present, folder = path.stat(), path.parent.stat()
    mode = stat.S_IMODE(present.st_mode)
    allowed = mode & ~_OTHERS & (folder.st_mode | _OWNER)
    if allowed != mode and os.geteuid() in {0, present.st_uid}:
        path.chmod(allowed)
    _give(path)


def _give(path: Path) -> None:
    of_folder, present = _owner(path.parent), _owner(path)
    if os.geteuid() == 0 and present != of_folder:
        os.chown(path, *of_folder)


def _owner(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid
