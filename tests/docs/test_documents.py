"""README.md and docs/: links lead somewhere, and the worked examples change files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
CHANGED = re.findall(r"^--- a/(\S+)$", (ROOT / "docs" / "extending.md").read_text(encoding="utf-8"), re.MULTILINE)


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


def test_the_worked_examples_change_files_that_exist():
    assert CHANGED
    assert [file for file in CHANGED if not (ROOT / file).exists()] == []


def test_every_document_can_be_reached_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in (ROOT / "docs").glob("*.md") if f"(docs/{file.name})" not in readme] == []
