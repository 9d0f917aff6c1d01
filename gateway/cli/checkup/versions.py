"""Versions: of this program, of what it stands on, and of the store."""

import platform
import sqlite3
import ssl
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from gateway import __version__
from gateway.cli.checkup.records import Examined, Remark, State
from gateway.store.database import STATE

_LEAST_PYTHON = (3, 11)
_LIBRARIES = ("asyncua", "paho-mqtt", "onnxruntime", "numpy", "pydantic", "cryptography", "aiosqlite")


def versions() -> dict[str, str]:
    """Return the versions of everything that matters, by name."""
    found = {"labline": __version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version,
             "openssl": ssl.OPENSSL_VERSION, "system": f"{platform.system()} {platform.release()}",
             "machine": platform.machine()}  # fmt: skip
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def package_versions(seen: Examined) -> Iterator[Remark]:
    """Say which versions are installed, and whether the running gateway is of the same one."""
    known = versions()
    old = sys.version_info[:2] < _LEAST_PYTHON
    do = "install Python 3.11 or newer, and Labline into its own environment" if old else ""
    first = ", ".join(f"{name} {known[name]}" for name in ("labline", "python", "sqlite", "openssl"))
    yield Remark(state=State.WRONG if old else State.OK, what=first, where=sys.executable, do=do)
    missing = [name for name in _LIBRARIES if known[name] == "missing"]
    if missing:
        yield Remark(state=State.WRONG, what=f"not installed: {', '.join(missing)}", do="install requirements/run.lock")
    else:
        yield Remark(state=State.OK, what=", ".join(f"{name} {known[name]}" for name in _LIBRARIES))
    running = None if seen.status is None else seen.status.get("version")
    if running is not None and running != __version__:
        what = f"the running gateway is version {running}, this command is {__version__}"
        yield Remark(state=State.WARN, what=what, do="restart the gateway: systemctl restart labline@<line>")


def schema_version(seen: Examined) -> Iterator[Remark]:
    """Say which schema the store has."""
    if seen.store is None:
        return
    (present,) = seen.store.execute("PRAGMA user_version").fetchone()
    newest = len(STATE.migrations)
    if present == newest:
        yield Remark(state=State.OK, what=f"the store has schema {present}, as this version makes it")
    else:
        what = f"the store has schema {present}, this version makes {newest}"
        yield Remark(state=State.WARN, what=what, do="it is migrated when the gateway starts; back it up before")
