"""docs/troubleshooting.md: each message that it shows is the program's, and its list of alarms is the catalogue's."""

import ast
import re
from functools import cache

import pytest

from gateway.texts.catalogue import ENGLISH, catalogue
from gateway.texts.reference import refreshed
from tests.docs.test_documents import ROOT
from tests.texts.test_catalogue import forms

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
BY_HAND = PAGE.split("## Every alarm", maxsplit=1)[0]
_PLACE = "\0"  # of what differs in a message


def messages():
    """Return what first columns of tables show as messages: what stands between backticks and has a space in it."""
    cells = re.findall(r"^\| (.*?) \|", BY_HAND, re.MULTILINE)
    spans = [span for cell in cells for span in re.findall(r"`([^`]*)`", cell)]
    return [span for span in spans if " " in span and not span.startswith("labline ") and "=" not in span.split()[1]]


@cache
def templates():
    """Return every text of the program, with a mark where something is put in."""
    texts = {re.sub(r"\{[^{}]*\}", _PLACE, form) for entry in catalogue(ENGLISH).values() for form in forms(entry)}
    for file in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(re.sub(r"\{[^{}]*\}", _PLACE, node.value))
            elif isinstance(node, ast.JoinedStr):
                texts.add("".join(part.value if isinstance(part, ast.Constant) else _PLACE for part in node.values))
    programs = [ROOT / "deploy" / "packaging" / name for name in ("labline", "labline-rebuild", "install.sh")]
    texts |= {line for program in programs for line in program.read_text(encoding="utf-8").splitlines()}
    return "\n".join(sorted(text.replace("\n", " ") for text in texts))


def is_said(message):
    """Return whether the program says a message; ``...`` stands for what differs."""
    pieces = [re.escape(piece.strip()) for piece in message.split("...") if piece.strip(" :()")]
    return re.search("[^\n]*".join(pieces), templates()) is not None


@pytest.mark.parametrize("message", messages())
def test_a_message_is_one_of_the_program(message):
    assert is_said(message)


def test_messages_are_found_and_invented_ones_are_not():
    assert len(messages()) > 30
    assert not is_said("the broker is asleep")
    assert is_said("the store in ... is in use by process ...")


def test_the_list_of_alarms_is_current():
    assert refreshed(PAGE) == PAGE, "make texts writes it again"
    assert {code for group, code in catalogue(ENGLISH) if group == "gateway_alarm_title"} <= set(
        re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    )
