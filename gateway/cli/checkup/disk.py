"""The disk: the store's folder, what is free, what is used."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.checkup.records import Examined, Remark, State

_SOON_DAYS = 30.0
_MIB, _GIB = 2**20, 2**30
_NEARLY = 0.9


def folder(seen: Examined) -> Iterator[Remark]:
    """Say whether the store's folder is there, can be written, and is closed to others."""
    path = seen.settings.store.directory
    if not path.is_dir():
        yield Remark(
            state=State.WRONG, what="the store's folder is not there", where=str(path),
            do="labline doctor --fix makes it; or systemd does, with StateDirectory",
        )  # fmt: skip
        return
    if not os.access(path, os.W_OK):
        yield Remark(
            state=State.WARN, what="this user may not write the store's folder", where=str(path),
            do="run the doctor as the service's user to see what it sees",
        )  # fmt: skip
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o007:
        yield Remark(
            state=State.WARN, what=f"everybody on this machine may look into it (mode {mode:04o})", where=str(path),
            do="chmod o-rwx; labline doctor --fix does",
        )  # fmt: skip
    else:
        yield Remark(state=State.OK, what="the store's folder is there, closed to others", where=str(path))


def room(seen: Examined) -> Iterator[Remark]:
    """Say how much is free, and when that will be the floor."""
    path, floor = _existing(seen.settings.store.directory), seen.settings.store.free_space_floor
    status = os.statvfs(path)
    free = status.f_bavail * status.f_frsize
    figures = {} if seen.status is None else dict(seen.status.get("disk", {}))
    days = figures.get("days_to_floor")
    what = f"{_text(free)} free, floor {_text(floor)}"
    if free < floor:
        yield Remark(
            state=State.WRONG, what=f"{what}: no advice is given and no result taken", where=str(path),
            do="make room on this disk, or lower [store] free_space_floor",
        )  # fmt: skip
    elif days is not None and float(days) < _SOON_DAYS:
        yield Remark(
            state=State.WARN, what=f"{what}, reached in {float(days):.0f} days at the pace of the last day",
            where=str(path), do="make room, lower [store] quota or history_retention, or archive the audit trail",
        )  # fmt: skip
    else:
        yield Remark(state=State.OK, what=what, where=str(path))


def quota(seen: Examined) -> Iterator[Remark]:
    """Say how much the store takes."""
    directory, allowed = seen.settings.store.directory, seen.settings.store.quota
    used = sum(file.stat().st_size for file in directory.glob("*.db*")) if directory.is_dir() else 0
    what = f"the store has {_text(used)}, quota {_text(allowed)} (of telemetry, guidance and history)"
    state = State.WARN if used > _NEARLY * allowed else State.OK
    do = "old history goes first; give it more with [store] quota, or archive the audit trail" if state else ""
    yield Remark(state=state, what=what, where=str(directory), do=do)


def _existing(path: Path) -> Path:
    """Return a folder, or the nearest one above it that is there."""
    return next(place for place in (path, *path.parents) if place.exists())


def _text(size_bytes: float) -> str:
    """Return a size for people."""
    return f"{size_bytes / _GIB:.1f} GiB" if size_bytes >= _GIB else f"{size_bytes / _MIB:.1f} MiB"
