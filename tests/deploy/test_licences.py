"""Every dependency that a package holds may be passed on with a program under Apache-2.0."""

import json
import re

import pytest

from tests.fixtures.real_parts import REPOSITORY

NOTICES = (REPOSITORY / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
# as packages write them: SPDX names, classifiers, and older spellings of the same
PERMISSIVE = {
    "0BSD", "3-Clause BSD License", "Apache 2.0", "Apache-2.0", "BSD License", "BSD-2-Clause", "BSD-3-Clause",
    "BlueOak-1.0.0", "CC0-1.0", "ISC", "ISC License", "MIT", "MIT License", "MIT-0", "MIT-CMU", "PSF-2.0", "Zlib",
}  # fmt: skip
# weak copyleft: passed on unmodified, and may be replaced by who has it; the notices say how
UNMODIFIED_LIBRARY = {
    "asyncua": "GNU Lesser General Public License v3 or later",
    "pyphen": "GNU General Public License v2 or later (GPLv2+) or GNU Lesser General Public License v2 or later "
    "(LGPLv2+) or Mozilla Public License 1.1 (MPL 1.1)",
}


def rows():
    return re.findall(r"^\| ([\w.-]+) \| (\d[\w.]*) \| ([^|]+) \| [^|]*\|$", NOTICES, re.MULTILINE)


def acceptable(name, expression):
    """Return whether one way to read a licence expression is permissive throughout."""
    if UNMODIFIED_LIBRARY.get(name) == expression:
        return True
    return any(
        all(part.strip() in PERMISSIVE for part in choice.split(" AND "))
        for choice in re.split(r" OR | or ", expression)
    )


def test_a_licence_that_is_not_on_the_list_is_noticed():
    assert acceptable("x", "EPL-2.0 OR BSD-3-Clause")
    assert not acceptable("x", "MIT AND GPL-3.0-only")
    assert not acceptable("x", "GNU Lesser General Public License v3 or later")
    assert not acceptable("x", "AGPL-3.0-only")


def test_the_notices_have_every_package_of_the_lock():
    lock = (REPOSITORY / "requirements" / "run.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    assert pinned <= {(name, version) for name, version, _ in rows()}


@pytest.mark.parametrize(("name", "licence"), [(name, licence) for name, _, licence in rows()])
def test_the_licence_of_each_package_allows_to_pass_it_on(name, licence):
    assert acceptable(name, licence)


def test_the_notices_say_how_a_library_under_the_lgpl_is_passed_on_and_replaced():
    statement = " ".join(NOTICES.split())
    for name in UNMODIFIED_LIBRARY:
        assert f"`{name}` is under the GNU Lesser General Public License" in statement
    assert "unmodified" in statement


# only started beside the gateway by tests, and in no package
NODE_LOCK = json.loads((REPOSITORY / "tests" / "node" / "package-lock.json").read_text(encoding="utf-8"))
FOR_TESTS_ONLY = {"sparkplug-payload": "EPL-2.0", "tweetnacl": "Unlicense"}
# these packages name no licence; this is what their own files say
SAID_ELSEWHERE = {"dequeue": "BSD-2-Clause", "humanize": "MIT", "precond": "MIT"}


def test_the_programs_of_others_that_tests_start_are_free_and_locked_by_hash_without_an_address():
    packages = {path.rpartition("node_modules/")[2]: entry for path, entry in NODE_LOCK["packages"].items() if path}
    assert len(packages) > 100
    for name, entry in packages.items():
        licence = (entry.get("license") or SAID_ELSEWHERE[name]).strip("()")
        assert FOR_TESTS_ONLY.get(name) == licence or acceptable(name, licence), name
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry
