"""Writes THIRD_PARTY_NOTICES.md: every package of requirements/run.lock with its version, licence and copyright lines.

    python requirements/notices.py [OUTPUT]

Reads the packages as they are installed beside this Python, so run it in an environment made from the lock. The wheel
of Labline does not hold these packages; the offline bundle and the Debian package hold their publishers' wheels, each
with its own licence files. What the wheel holds of others stands in ``VENDORED``, each with its licence file in the
folder that is named there.
"""

import re
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

LOCK = Path(__file__).parent / "run.lock"
OUTPUT = Path(__file__).parent.parent / "THIRD_PARTY_NOTICES.md"
# name, version, licence, copyright, folder
VENDORED = (("uPlot", "1.6.32", "MIT", "Copyright (c) 2022 Leon Sorokin", "gateway/console/static/vendor/uplot"),)
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
_COPYRIGHT = re.compile(r"^\W*((?:Copyright|\(c\)|©)[^\n]*\d{4}[^\n]*)$", re.MULTILINE | re.IGNORECASE)
_LICENCE_FILE = re.compile(r"(?:^|/)(?:LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$", re.IGNORECASE)
_CLASSIFIER = "License :: OSI Approved :: "
_MOST_LINES = 5
_SHORT = 80  # characters: some packages put the whole text there
_HEAD = """# Third-party notices

Labline runs on the packages below, each under its own licence, whose text is installed with the package. The versions
are those of `requirements/run.lock`; `make lock` writes both anew.

The offline bundle and the Debian package hold the wheels of these packages as their publishers made them, unmodified.
`asyncua` is under the GNU Lesser General Public License, and `pyphen` is under the GNU Lesser General Public License,
too (of its three licences the one that is taken here): their wheels are their source. Who wants another version puts it
into the environment (`/opt/labline/current/bin/python3 -m pip install ...`); nothing in Labline stands in the way.

| package | version | licence | copyright |
|---|---|---|---|
"""


_SHIPPED = """
Labline ships a copy of the parts below, unchanged, with their licence beside them.

| part | version | licence | copyright | where |
|---|---|---|---|---|
"""


def packages(lock: str) -> list[tuple[str, str]]:
    """Return (name, version) of every package that a lock file pins."""
    return _PINNED.findall(lock)


def licence_of(package: Distribution) -> str:
    """Return the licence as the package's metadata name it; raises ValueError where they do not."""
    told = package.metadata
    expression = told.get("License-Expression")
    if expression:
        return expression
    classifiers = [each.removeprefix(_CLASSIFIER) for each in told.get_all("Classifier") or []
                   if each.startswith(_CLASSIFIER)]  # fmt: skip
    named = (told.get("License") or "").strip().splitlines()
    short = named[0] if len(named) == 1 and len(named[0]) < _SHORT else ""
    found = short or " or ".join(classifiers)
    if not found:
        raise ValueError(f"{told['Name']} names no licence: look at its files, and say it in this script")
    return found


def copyright_of(package: Distribution) -> str:
    """Return the first copyright lines in the package's licence files, or its authors where there are none."""
    found: list[str] = []
    for file in package.files or ():
        if _LICENCE_FILE.search(str(file)) and ".dist-info" in str(file):
            text = Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
            found += [" ".join(line.split()) for line in _COPYRIGHT.findall(text)]
    told = package.metadata
    lines = list(dict.fromkeys(found))[:_MOST_LINES] or [told.get("Author") or told.get("Author-email") or "-"]
    return "; ".join(lines).replace("|", "/")


def notices(lock: str) -> str:
    """Return the whole document."""
    rows = []
    for name, version in packages(lock):
        package = distribution(name)
        if package.version != version:
            raise ValueError(f"{name} {package.version} is installed, the lock has {version}")
        rows.append(f"| {name} | {version} | {licence_of(package)} | {copyright_of(package)} |\n")
    shipped = "".join(f"| {name} | {version} | {licence} | {holder} | `{folder}` |\n"
                      for name, version, licence, holder, folder in VENDORED)  # fmt: skip
    return _HEAD + "".join(rows) + _SHIPPED + shipped


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else OUTPUT).write_text(notices(LOCK.read_text("utf-8")), encoding="utf-8")
