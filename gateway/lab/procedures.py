"""Procedures of the plant: which of them applies to what has happened, and its steps. Pure.

A procedure is a Markdown file. Between two lines of ``---`` at its head stands what it applies to, one word to a line
with commas between several: ``analyte``, ``product``, ``failure`` (the code of a reason, such as out_of_specification)
and ``equipment``. What is not named applies to all. Its steps are the lines of its lists.
"""

import re
from collections.abc import Iterable, Sequence

from gateway.line.procedures import Procedure
from gateway.records.guidance import Instruction

_HEAD = re.compile(r"\A---\s*\n(?P<head>.*?)\n---\s*(\n|\Z)(?P<body>.*)\Z", re.DOTALL)
_STEP = re.compile(r"^\s{0,3}(?:\d{1,3}[.)]|[-*])\s+(?P<step>\S.*)$", re.MULTILINE)
_TITLE = re.compile(r"^#\s+(?P<title>\S.*)$", re.MULTILINE)
_KEYS = ("analyte", "product", "failure", "equipment")
MOST_STEPS = 20


def read_procedure(name: str, text: str) -> Procedure:
    """Return the procedure in a Markdown text; raises ValueError with a sentence where it is none."""
    document = _HEAD.match(text.replace("\r\n", "\n"))
    if document is None:
        raise ValueError("has no head between two lines of ---")
    head: dict[str, tuple[str, ...]] = {}
    title = None
    for line in document["head"].splitlines():
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        key = key.strip().lower()
        if not colon or key not in (*_KEYS, "title"):
            raise ValueError(f"line {line.strip()!r} of its head is none of title, {', '.join(_KEYS)}")
        if key == "title":
            title = value.strip()
        else:
            head[key] = tuple(name.strip() for name in value.strip(" []").split(",") if name.strip())
    steps = tuple(step["step"].strip() for step in _STEP.finditer(document["body"]))
    if not steps:
        raise ValueError("has no steps: lines of a list, such as 1. Take a second sample")
    heading = _TITLE.search(document["body"])
    return Procedure(
        name=name, title=title or (heading["title"].strip() if heading else name), steps=steps[:MOST_STEPS], **head
    )


def instructions_for(
    procedures: Iterable[Procedure],
    *,
    analyte: str | None,
    product: str | None,
    failures: Sequence[str],
    equipment: str | None,
) -> tuple[Instruction, ...]:
    """Return the steps of the procedures that apply, those that say most of what they apply to first."""
    codes = {code.lower() for code in failures}
    applying = [
        procedure
        for procedure in procedures
        if _applies(procedure.analyte, analyte)
        and _applies(procedure.product, product)
        and _applies(procedure.equipment, equipment)
        and (not procedure.failure or not codes.isdisjoint(word.lower() for word in procedure.failure))
    ]
    applying.sort(key=lambda procedure: (-sum(bool(getattr(procedure, key)) for key in _KEYS), procedure.name))
    return tuple(
        Instruction(procedure=procedure.name, title=procedure.title, steps=procedure.steps) for procedure in applying
    )


def _applies(names: tuple[str, ...], value: str | None) -> bool:
    return not names or (value is not None and value.lower() in {word.lower() for word in names})
