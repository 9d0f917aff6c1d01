"""README.md and docs/: what stands in code blocks is right, in the language that the block names."""

import json
import re
import tomllib
from typing import NamedTuple

import jsonschema_rs
import pytest

from gateway.config.tables import Settings
from tests.docs.test_commands_of_documents import wrong_in
from tests.docs.test_documents import DOCUMENTS, ROOT
from tests.fixtures.commands import labline

_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)
_NEEDED = """
site = {enterprise = "acme", site = "lyon", area = "polymers", line = "line-1"}
store = {directory = "store"}
mqtt = {host = "broker.local", client_id = "labline-line-1"}
"""
# recipes, texts of operators, and the parts of docs/every-key.toml: other tests read them
_OTHERS = {"recipes.md", "extending.md", "configuration.md"}


class Block(NamedTuple):
    """A code block; ``place``: its document and the line at which it begins."""

    place: str
    document: str
    text: str


def blocks(*languages: str) -> list[Block]:
    found = []
    for document in DOCUMENTS:
        page = document.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(page):
            if match["language"] in languages:
                line = page.count("\n", 0, match.start()) + 1
                text = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
                found.append(Block(f"{document.name}:{line}", document.name, text))
    return found


def of(*languages: str):
    return pytest.mark.parametrize("block", [pytest.param(block, id=block.place) for block in blocks(*languages)])


def whole(document: dict) -> dict:
    """Return a part of a configuration with what every configuration needs."""
    document["model"] = [{"equipment": "R1", **model} for model in document.get("model", [])]
    return {**tomllib.loads(_NEEDED), **document}


@of("toml")
def test_a_block_of_configuration_can_be_read(block):
    document = tomllib.loads(block.text)
    if block.document not in _OTHERS:
        Settings.model_validate(whole(document))


@of("json")
def test_a_message_in_a_block_is_of_its_schema(block, tmp_path):
    message = json.loads(block.text)
    if "event" in message:
        schema = json.loads((ROOT / "docs" / "schema" / "context.json").read_text(encoding="utf-8"))
        jsonschema_rs.validate(schema, message)
    elif "schema" in message:
        name = message["schema"].removeprefix("labline.").split("/")[0]
        jsonschema_rs.validate(json.loads((ROOT / "docs" / "schema" / f"{name}.json").read_text("utf-8")), message)
    else:
        (tmp_path / "message.json").write_text(json.dumps(message), encoding="utf-8")
        assert labline("lims", "try", "canonical", str(tmp_path / "message.json")).code == 0


def test_a_block_of_python_compiles():
    for block in blocks("python"):
        compile(block.text, block.place, "exec")


@of("console")
def test_a_console_shows_commands_that_there_are(block):
    lines = re.sub(r"\\\n\s*", " ", block.text).splitlines()
    commands = [line.removeprefix("$ ").split() for line in lines if line.startswith("$ ")]
    assert commands, "a console shows at least one command, after $"
    for words in commands:
        if words[0] == "labline":
            assert wrong_in(words[1:]) is None


def test_every_language_of_a_block_is_one_that_is_tested():
    known = {"toml", "json", "python", "console", "diff", "markdown", "yaml", "sh", "text"}
    languages = {match["language"] for document in DOCUMENTS
                 for match in _BLOCK.finditer(document.read_text(encoding="utf-8"))}  # fmt: skip
    assert languages <= known
