"""README.md, docs/, deploy/ and the texts of operators: each command and option that they name exists."""

import re
from functools import cache

import pytest
import typer

from gateway.cli import app
from gateway.texts.catalogue import catalogue
from tests.docs.test_documents import DOCUMENTS, ROOT
from tests.texts.test_catalogue import LANGUAGES, forms

FILES = [*DOCUMENTS, *sorted((ROOT / "deploy").glob("labline*"))]
_NAMED = re.compile(r"(?<![\w./@-])labline((?: +[^\s`|;()]+)+)")
_WORD = re.compile(r"[a-z][a-z-]*")


@cache
def group():
    return typer.main.get_command(app)


def wrong_in(words):
    """Return the first word of a command line that is no command or option; None where all are known."""
    command, at = group(), 0
    while hasattr(command, "get_command") and at < len(words) and _WORD.fullmatch(words[at].strip(".,:")):
        name = words[at].strip(".,:")
        below = command.get_command(None, name)
        if below is None:
            return name
        command, at = below, at + 1
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    stated = [word.split("=")[0].strip(".,:\"'[]") for word in words[at:] if word.startswith(("--", "[--"))]
    return next((option for option in stated if option not in {*options, "--help"}), None)


def command_lines(text):
    """Yield the command lines of a text: in code blocks and between backticks, joined where a line goes on.

    A worked example (``diff``) may add a command that there is not.
    """
    joined = re.sub(r"^```diff\n.*?^```", "", re.sub(r"\\\n\s*", " ", text), flags=re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^```\w*\n(.*?)^```", joined, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`(labline [^`]*)`", re.sub(r"```.*?```", "", joined, flags=re.DOTALL))
    for line in [line for block in blocks for line in block.splitlines()] + [span.replace("\n", " ") for span in spans]:
        for named in _NAMED.findall(line.split(" #")[0]):
            yield named.split()


def test_a_wrong_command_and_a_wrong_option_are_noticed():
    page = (
        "Run `labline lot LOT --json`, `labline lott`, `labline audit veryfy` or:\n```\nlabline check --confgi F\n```\n"
    )
    assert {wrong_in(words) for words in command_lines(page)} == {None, "lott", "veryfy", "--confgi"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_command_and_option_that_a_document_names_exists(file):
    wrong = {" ".join(words): word for words in command_lines(file.read_text(encoding="utf-8"))
             if (word := wrong_in(words)) is not None}  # fmt: skip
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_command_that_operators_are_told_to_use_exists(language):
    texts = [form for entry in catalogue(language).values() for form in forms(entry)]
    wrong = {" ".join(words): word for text in texts for words in (named.split() for named in _NAMED.findall(text))
             if (word := wrong_in(words)) is not None}  # fmt: skip
    assert wrong == {}
