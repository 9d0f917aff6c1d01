"""The wheels that every package holds: Labline's own, and those of requirements/run.lock for one or more Pythons."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN_LOCK = ROOT / "requirements" / "run.lock"
_OWN_SOURCES = ("gateway", "simulator", "pyproject.toml", "README.md", "LICENSE")
_ABOUT_PYTHON = "import platform, sys; print('%d.%d' % sys.version_info[:2], platform.machine())"


class PackagingError(Exception):
    """A package cannot be built; the message says why and what to do."""


def run(*command: str | Path, **variables: str) -> str:
    """Return what a command printed; raises PackagingError with what it said where it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        check=False, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **variables},
    )  # fmt: skip
    if done.returncode != 0:
        raise PackagingError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build_own_wheel(python: Path, folder: Path) -> Path:
    """Return Labline's own wheel, built from a copy of the sources, so that nothing of an earlier build is in it.

    The Python needs what requirements/build.lock lists.
    """
    with tempfile.TemporaryDirectory() as copy:
        for name in _OWN_SOURCES:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, Path(copy, name), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, copy)
        epoch = os.environ.get("SOURCE_DATE_EPOCH") or _time_of_commit()
        run(python, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps", "--no-index",
            "--no-build-isolation", "--wheel-dir", folder, copy, SOURCE_DATE_EPOCH=epoch)  # fmt: skip
    (wheel,) = folder.glob("labline-*.whl")
    return wheel


def download_wheels(pythons: Sequence[Path], folder: Path) -> None:
    """Put every wheel of the lock for these Pythons into the folder; pip compares each with the lock's hashes."""
    for python in pythons:
        run(python, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--require-hashes", "--no-deps",
            "--only-binary", ":all:", "--requirement", RUN_LOCK, "--dest", folder)  # fmt: skip


def write_lists(pythons: Sequence[Path], folder: Path) -> None:
    """Write what the installation goes by: ``install.lock`` (a hash for every wheel here) and ``pythons``."""
    hashes: dict[str, set[str]] = {}
    for wheel in sorted(folder.glob("*.whl")):
        about = metadata(wheel)
        hashes.setdefault(f"{about['Name']}=={about['Version']}", set()).add(sha256(wheel))
    lines = [" \\\n".join([name, *(f"    --hash=sha256:{digest}" for digest in sorted(digests))])
             for name, digests in sorted(hashes.items())]  # fmt: skip
    (folder / "install.lock").write_text("\n".join(lines) + "\n", encoding="utf-8")
    fitting = dict.fromkeys(run(python, "-I", "-c", _ABOUT_PYTHON) for python in pythons)
    (folder / "pythons").write_text("".join(fitting), encoding="utf-8")


def metadata(wheel: Path) -> Message:
    """Return the METADATA of a wheel."""
    with zipfile.ZipFile(wheel) as content:
        (name,) = (name for name in content.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        return HeaderParser().parsestr(content.read(name).decode())


def sha256(file: Path) -> str:
    """Return the digest of a file, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def with_version(wheel: Path, version: str, folder: Path) -> Path:
    """Return a copy of Labline's wheel that says another version, for release candidates and for tests of upgrades."""
    old = str(metadata(wheel)["Version"])
    copy = folder / wheel.name.replace(f"-{old}-", f"-{version}-")
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
        records = []
        for name in source.namelist():
            content, new = source.read(name), name.replace(f"labline-{old}.", f"labline-{version}.")
            if name.endswith(".dist-info/RECORD"):
                record = new
                continue
            if name.endswith(".dist-info/METADATA"):
                content = content.replace(f"\nVersion: {old}\n".encode(), f"\nVersion: {version}\n".encode())
            if name == "gateway/__init__.py":
                content = content.replace(f'"{old}"'.encode(), f'"{version}"'.encode())
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            records.append(f"{new},sha256={digest},{len(content)}\n")
            target.writestr(new, content)
        target.writestr(record, "".join([*records, f"{record},,\n"]))
    return copy


def _time_of_commit() -> str:
    try:
        return run("git", "log", "-1", "--format=%ct").strip()
    except (PackagingError, OSError):
        return "315532800"  # 1980, the earliest that a zip file can hold
