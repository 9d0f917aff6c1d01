"""README.md and docs/: links lead somewhere, and the worked examples change files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
EXTENDING = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def anchors(document):
    """Return the anchors of a document's headings, as its readers' software makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document):
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(target)
    assert wrong == []


def changes():
    """Yield of each change in the worked examples its file and the lines that it replaces, with one around them."""
    for example in re.findall(r"^```diff\n(.*?)^```", EXTENDING, re.MULTILINE | re.DOTALL):
        for file, hunks in re.findall(r"^--- (\S+)\n\+\+\+ .*\n((?:[@ +-].*\n)+?)(?=diff |\Z)", example, re.MULTILINE):
            for hunk in re.split(r"^@@ .*\n", hunks, flags=re.MULTILINE)[1:]:
                replaced = "".join(line[1:] for line in hunk.splitlines(keepends=True) if not line.startswith("+"))
                yield pytest.param(file.removeprefix("a/"), replaced, id=f"{file}: {hunk.splitlines()[-1]}")


@pytest.mark.parametrize(("file", "replaced"), list(changes()))
def test_the_worked_examples_apply_to_this_version(file, replaced):
    if file == "/dev/null":
        assert replaced == ""
    else:
        assert replaced in (ROOT / file).read_text(encoding="utf-8")


def test_every_document_can_be_reached_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in (ROOT / "docs").glob("*.md") if f"(docs/{file.name})" not in readme] == []


def test_the_tests_that_the_table_of_clauses_names_are_there():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")))
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert len(named) > 20
    assert named - there == set()
