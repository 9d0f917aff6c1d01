"""One row for each kind of record: the table of writers and the table of tables say the same."""

import ast
import inspect
import re
import textwrap
import types

import pytest

from gateway.records.record import Record
from gateway.store.statements import SQL
from gateway.store.tables import TABLES
from gateway.store.transaction.records import table
from gateway.store.transaction.records.table import RECORD_KINDS

_WRITTEN = re.compile(
    r"\b(?:INSERT(?: OR \w+)? INTO|REPLACE INTO|UPDATE(?: OR \w+)?|DELETE FROM)\s+(\w+)", re.IGNORECASE
)


def written_by(function):
    """Return the tables of all statements that a function of the store, or one that it calls there, may execute."""
    tables, seen, waiting = set(), set(), [function]
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        tables |= {table for name in _texts(function) for table in _WRITTEN.findall(SQL.get(name, ""))}
        waiting += [called for called in _called(function) if called.__module__.startswith("gateway.store.")]
    return tables - {"SET"}


def _tree(function):
    return ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function))))


def _texts(function):
    """Return the texts in a function, and in the module's own mappings that it reads: statements are named by them."""
    mappings = [function.__globals__.get(node.id) for node in _tree(function) if isinstance(node, ast.Name)]
    in_mappings = [
        text
        for mapping in mappings
        if isinstance(mapping, dict) and mapping is not SQL
        for value in mapping.values()
        for text in (value if isinstance(value, tuple) else (value,))
        if isinstance(text, str)
    ]
    texts = [node.value for node in _tree(function) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [*texts, *in_mappings]


def _called(function):
    for node in _tree(function):
        value = None
        if isinstance(node, ast.Name):
            value = function.__globals__.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            value = getattr(function.__globals__.get(node.value.id), node.attr, None)
        if isinstance(value, types.FunctionType):
            yield value


def test_every_kind_of_record_has_a_row():
    named = {(kind.__module__, kind.__qualname__) for kind in Record.__subclasses__()}
    assert named == {(kind.__module__, kind.__qualname__) for kind in RECORD_KINDS}


def test_no_kind_of_record_has_two_rows():
    rows = inspect.getsource(table).count("\n    _kind(")
    assert rows == len(RECORD_KINDS)


@pytest.mark.parametrize("kind", RECORD_KINDS, ids=lambda kind: kind.__name__)
def test_a_row_names_the_tables_that_its_writer_writes(kind):
    row = RECORD_KINDS[kind]
    assert row.tables
    assert row.tables <= TABLES.keys()
    assert row.tables == written_by(row.write)


def test_a_table_is_written_by_a_kind_of_record_or_says_by_whom():
    of_records = {table for row in RECORD_KINDS.values() for table in row.tables}
    assert TABLES.keys() - of_records == {row.name for row in TABLES.values() if row.written_by is not None}


def test_no_two_kinds_share_a_writer():
    assert len({row.write for row in RECORD_KINDS.values()}) == len(RECORD_KINDS)
