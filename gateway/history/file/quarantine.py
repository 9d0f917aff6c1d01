"""At a start: a history file that SQLite cannot read is set aside, and a new one begins."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import structlog

from gateway.database.opening import SQLITE_ERRORS, open_for_writing, still_wrong, translated
from gateway.errors import StoreCorruptError, StoreUnavailableError
from gateway.history.file.history_file import SUSPECT_FILE
from gateway.history.file.statements import HISTORY, HISTORY_FILE, SQL

log = structlog.get_logger()

_CHUNKS_TRIED = 256


def set_aside_if_corrupt(directory: Path, *, at_ns: int, on_damage: Callable[[], None]) -> None:
    """Set a history file aside that SQLite cannot read, so that a new one begins; ``on_damage`` hears of it."""
    path, note = directory / HISTORY_FILE, directory / SUSPECT_FILE
    why = still_wrong(lambda: _why_unsound(path, suspected=note.exists()))
    note.unlink(missing_ok=True)
    if why is not None:
        folder = directory / "quarantine" / str(at_ns)
        folder.mkdir(parents=True, exist_ok=True)
        for suffix in ("", "-wal", "-shm"):
            file = directory / f"{HISTORY_FILE}{suffix}"
            if file.exists():
                file.rename(folder / file.name)
        log.critical("tag history is corrupt and was set aside; a new one begins", error=why)
        on_damage()


def _why_unsound(path: Path, *, suspected: bool) -> str | None:
    """Return why SQLite cannot use the file, or None; raises StoreUnavailableError where the disk does not serve."""
    try:
        with closing(open_for_writing(path, HISTORY)) as connection:
            if suspected:
                (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
                if verdict != "ok":
                    return str(verdict)
            for statement in ("series", "journal", "newest_chunks", "oldest_chunks"):
                for _row in connection.execute(SQL[statement], {"most": _CHUNKS_TRIED}):
                    pass
    except StoreCorruptError as error:
        return str(error)
    except SQLITE_ERRORS as error:
        why = translated(error, "the history cannot be read")
        if isinstance(why, StoreUnavailableError):
            raise why from error
        return str(why)
    return None
