"""The measures of the house: short functions and files, few parameters, and a docstring for what others call."""

import ast
import gc
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tests.fixtures.real_parts import REPOSITORY

# the goals are 40 lines of a function, 300 of a file, 15 methods and 7 parameters; what lies between is to be split
LONGEST_FUNCTION, LONGEST_FILE, MOST_METHODS, MOST_PARAMETERS = 50, 360, 20, 8  # of a function without its docstring
LONG_ENOUGH_TO_SAY = 10  # lines of a function within another one, from which on it says what it does
FUNCTIONS = {"gateway/runtime/wiring.py:build": 65, "gateway/training/train.py:train": 80}  # these may not grow
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Part(NamedTuple):
    """A function or class of a file, with the names around it."""

    name: str
    node: Function | ast.ClassDef
    public: bool


def files() -> list[Path]:
    return sorted(path for room in ("gateway", "simulator") for path in (REPOSITORY / room).rglob("*.py"))


def parts(path: Path) -> Iterator[Part]:
    """Yield the functions and classes of a file; what stands within a function is nobody else's."""

    def inside(node: ast.AST, around: str, *, public: bool) -> Iterator[Part]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):  # of which none has a function with a name, and which are nine of ten nodes
                continue
            if not isinstance(child, Function | ast.ClassDef):
                yield from inside(child, around, public=public)
                continue
            shown = public and not child.name.startswith("_")
            yield Part(f"{around}{child.name}", child, shown)
            yield from inside(child, f"{around}{child.name}.", public=shown and isinstance(child, ast.ClassDef))

    where = str(path.relative_to(REPOSITORY))
    yield from inside(ast.parse(path.read_text(encoding="utf-8")), f"{where}:", public=True)


@pytest.fixture(scope="module")
def all_parts() -> Iterator[list[Part]]:
    gc.disable()  # two thirds of the time it would walk over millions of nodes that stay
    try:
        yield [part for path in files() for part in parts(path)]
    finally:
        gc.enable()


def lines_of(node: Function) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is None or first.end_lineno is None:
        return lines
    return lines - (first.end_lineno - first.lineno + 1)


def parameters_of(node: Function) -> int:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in given)


def without_a_word(all_parts: list[Part]) -> list[str]:
    """Return what says nothing of itself: what others call, and what has ten lines or more wherever it stands."""
    return [
        part.name
        for part in all_parts
        if ast.get_docstring(part.node) is None
        and not _is_setter(part.node)  # its property says it
        and (part.public or (isinstance(part.node, Function) and _is_long(part.node)))
    ]


def _is_setter(node: Function | ast.ClassDef) -> bool:
    return any(isinstance(item, ast.Attribute) and item.attr == "setter" for item in node.decorator_list)


def _is_long(node: Function) -> bool:
    return not node.name.startswith("_") and lines_of(node) >= LONG_ENOUGH_TO_SAY


def beyond(sizes: dict[str, int], most: int, known: Mapping[str, int] = MappingProxyType({})) -> dict[str, int]:
    """Return what is larger than it may be."""
    return {name: size for name, size in sizes.items() if size > max(most, known.get(name, 0))}


def test_files_are_short():
    sizes = {str(path.relative_to(REPOSITORY)): path.read_text("utf-8").count("\n") for path in files()}
    assert beyond(sizes, LONGEST_FILE) == {}


def test_functions_are_short_and_take_few_parameters(all_parts):
    functions = [part for part in all_parts if isinstance(part.node, Function)]
    assert beyond({name: lines_of(node) for name, node, _public in functions}, LONGEST_FUNCTION, FUNCTIONS) == {}
    assert beyond({name: parameters_of(node) for name, node, _public in functions}, MOST_PARAMETERS) == {}


def test_classes_have_few_methods(all_parts):
    methods = {
        part.name: sum(isinstance(item, Function) for item in part.node.body)
        for part in all_parts
        if isinstance(part.node, ast.ClassDef)
    }
    assert beyond(methods, MOST_METHODS) == {}


def test_what_others_call_says_what_it_does(all_parts):
    assert without_a_word(all_parts) == []
