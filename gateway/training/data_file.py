"""A file of an historian or a laboratory: its columns as they are asked for, and each wrong cell by line and column.

Only what the recipe uses is read as numbers or times; other columns may hold anything. What is wrong is an error with
everything at once; what only has no value is counted by column.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import LablineError
from gateway.training.files.cells import CellStyle, NumberColumn, number_column, style_hint
from gateway.training.files.parquet import PARQUET, read_parquet
from gateway.training.recipe_tables.data import FileTable

_SEPARATORS = {"tab": "\t"}
_MOST_PROBLEMS = 5  # that an error names; more are only counted
_BYTE_ORDERS = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """The rows of a file as texts: ``lines`` has the number of each, ``key`` is its table in the recipe."""

    path: Path
    key: str
    table: FileTable
    names: tuple[str, ...]
    lines: Sequence[int]
    rows: Sequence[Sequence[str]]
    sha256: str
    odd: Counter[str]

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, row: int, column: str) -> str:
        """Return the place of a cell, for a sentence."""
        return f"{self.path}, line {self.lines[row]}, column {column}"

    def must_have(self, columns: Iterable[str]) -> None:
        """Raise LablineError where columns are missing, or stand twice."""
        wanted = {*columns}
        missing = sorted(wanted - {*self.names})
        if missing:
            named = ", ".join(self.names[:20]) + (f" and {len(self.names) - 20} more" if len(self.names) > 20 else "")  # noqa: PLR2004
            raise LablineError(
                f"{self.path} has no column {', '.join(missing)}", hint=f"it has {named}{self._likely()}"
            )
        twice = sorted(name for name in wanted if self.names.count(name) > 1)
        if twice:
            raise LablineError(f"{self.path} has several columns {', '.join(twice)}", hint="rename all but one of each")

    def _likely(self) -> str:
        if self.table.header and all(_is_number(name) for name in self.names):
            return f"; line {self.table.skip_lines + 1} has no names: set {self.key} header = false and columns"
        other = _other_separator(self.names[0]) if len(self.names) == 1 else None
        return "" if other is None else f'; set {self.key} separator = "{other}"'

    def texts(self, column: str) -> list[str]:
        """Return a column as it is written, without blanks around it."""
        self.must_have([column])
        at = self.names.index(column)
        return [row[at].strip() for row in self.rows]

    def numbers(self, columns: Iterable[str]) -> dict[str, NumberColumn]:
        """Return columns of numbers by name; raises LablineError with what else stands in them, over all columns."""
        wanted = [*dict.fromkeys(columns)]
        self.must_have(wanted)
        style, read, problems = _style(self.table), dict[str, NumberColumn](), list[tuple[int, str, str]]()
        for column in wanted:
            at = self.names.index(column)
            read[column], wrong = number_column([row[at] for row in self.rows], style)
            problems.extend((self.lines[row], column, self.rows[row][at].strip()) for row in wrong)
        if problems:
            raise self._not_numbers(sorted(problems))
        return read

    def _not_numbers(self, problems: list[tuple[int, str, str]]) -> LablineError:
        named = "; ".join(
            f'line {line}, column {column}: "{text[:40]}"' for line, column, text in problems[:_MOST_PROBLEMS]
        )
        more = f" and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        hint = style_hint(text for _line, _column, text in problems)
        if hint is None and {line for line, _column, _text in problems} == {self.lines[0]}:
            hint = f"are these units? set {self.key} lines_after_header = 1"
        if hint is None:
            hint = f"mend the cells, or name such a text in {self.key} no_value = [...]"
        elif hint.startswith("set "):
            hint = f"set {self.key} {hint.removeprefix('set ')}"
        return LablineError(f"{self.path}: no numbers: {named}{more}", hint=hint)


def read_data_file(table: FileTable, path: Path, *, key: str) -> DataFile:
    """Return a file's rows; raises LablineError where it cannot be read as lines of cells.

    ``key``: the table of the recipe, for hints.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = f"the recipe's {key} file is relative to the recipe"
        raise LablineError(f"{path} cannot be read: {error.strerror}", hint=hint) from error
    digest = hashlib.sha256(content).hexdigest()
    if content.startswith(PARQUET):
        names, rows = read_parquet(path)
        numbered = list(enumerate(rows, start=1))
    else:
        names, numbered = _names_and_rows(table, path, _decoded(content, table, path, key), key)
    odd = Counter[str]()
    filled = [(line, cells) for line, cells in numbered if any(cell.strip() for cell in cells)]
    if len(filled) < len(numbered):
        odd["lines without any value"] = len(numbered) - len(filled)
    if not filled:
        hint = f"set {key} skip_lines, separator or header"
        raise LablineError(f"{path} has no rows of numbers", hint=hint)
    width = len(names)
    rows = [_fitted(cells, width, path=path, line=line, key=key) for line, cells in filled]
    return DataFile(
        path=path, key=key, table=table, names=tuple(names), lines=[line for line, _cells in filled], rows=rows,
        sha256=digest, odd=odd,
    )  # fmt: skip


def _decoded(content: bytes, table: FileTable, path: Path, key: str) -> str:
    if content.startswith(_WORKBOOKS):
        raise LablineError(f"{path} is a workbook, no text", hint="save it as CSV")
    marked = "utf-16" if content.startswith(_BYTE_ORDERS) else str(table.encoding)
    encoding = "utf-8-sig" if marked == "utf-8" else marked
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        hint = "mend the file" if table.encoding != "utf-8" else f'set {key} encoding = "cp1252", or save it as UTF-8'
        raise LablineError(f"{path}, line {line}: the bytes there are not {table.encoding}", hint=hint) from error
    if "\0" in text:
        hint = "save it as CSV in UTF-8"
        raise LablineError(f"{path}, line {text[: text.index(chr(0))].count(chr(10)) + 1}: it is no text", hint=hint)
    return text


def _names_and_rows(table: FileTable, path: Path, text: str, key: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    numbered = _cells(_LINE_END.split(text)[table.skip_lines :], table, path, key)
    if not table.header:
        return table.columns, numbered[table.lines_after_header :]
    if not numbered:
        return [], []
    names = [name.strip() for name in numbered[0][1]]
    while names and not names[-1]:
        names.pop()
    return names, numbered[1 + table.lines_after_header :]


def _cells(lines: list[str], table: FileTable, path: Path, key: str) -> list[tuple[int, list[str]]]:
    """Return the cells of each line that has any, with its number."""
    first = table.skip_lines + 1
    if table.separator == "whitespace":
        return [(number, cells) for number, line in enumerate(lines, start=first) if (cells := line.split())]
    reader = csv.reader(lines, delimiter=_SEPARATORS.get(table.separator, table.separator))
    numbered, before = list[tuple[int, list[str]]](), 0
    try:
        for cells in reader:
            if reader.line_num > before + 1:
                hint = f"close it, or set {key} skip_lines where the text before the table has one"
                raise LablineError(f"{path}, line {first + before}: a quotation mark is not closed", hint=hint)
            before = reader.line_num
            if cells:
                numbered.append((first + before - 1, cells))
    except csv.Error as error:
        raise LablineError(f"{path}, line {first + before}: {error}", hint=f"set {key} separator") from error
    return numbered


def _fitted(cells: list[str], width: int, *, path: Path, line: int, key: str) -> list[str]:
    """Return a row's cells, one per column; blank ones beyond the last column are left out."""
    if len(cells) == width:
        return cells
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        return cells[:width]
    problem = f"{path}, line {line}: {len(cells)} cells for {width} columns"
    if width == 1 or len(cells) == 1:
        raise LablineError(problem, hint=_separator_hint(",".join(cells), key))
    hint = f"is the line cut off, or a separator within a number? see {key} separator, decimal, skip_lines and columns"
    raise LablineError(problem, hint=hint)


def _separator_hint(text: str, key: str) -> str:
    """Return what to set where a line is not in the cells that it should be in: the separator that it seems to have."""
    names = {";": '";"', "\t": '"tab"'}
    seems = max(names, key=text.count)
    return f"set {key} separator = {names[seems]}" if text.count(seems) else f"set {key} separator or skip_lines"


def _style(table: FileTable) -> CellStyle:
    return CellStyle(decimal=table.decimal, thousands=table.thousands, no_value=frozenset(table.no_value))


def _is_number(text: str) -> bool:
    return not number_column([text], CellStyle())[1]


def _other_separator(header: str) -> str | None:
    """Return the separator that a line seems to have, or None."""
    counts: Mapping[str, int] = {name: header.count(_SEPARATORS.get(name, name)) for name in (";", ",", "tab")}
    most = max(counts, key=lambda name: counts[name])
    if counts[most]:
        return most
    return "whitespace" if len(header.split()) > 1 else None
