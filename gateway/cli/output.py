"""What commands print: tables for people, one JSON object for machines, errors with what to do.

Text from a broker, a file or a person may hold terminal escapes and markup. No command prints such text as it is:
the two consoles here read no markup and show control characters as escapes (``safe_text``), whatever is printed.
On a terminal nothing is cut short, and a word (an id) is never broken by us. In a pipe no line is broken at all.
"""

import json
import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from rich.text import Text

from gateway.errors import ConfigurationError, LablineError, Problem
from gateway.records.scope import Scope

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, bidirectional and zero-width marks, surrogates
_LONG_NUMBER = re.compile(r"(?<![\w.-])-?\d+\.\d{6,}(?:e[+-]?\d+)?(?![\w.-])")
_BETWEEN_COLUMNS = 3  # what rich puts between two columns
_UNLIMITED = 100_000  # columns of a pipe


def safe_text(value: object, *, lines: bool = False) -> str:
    r"""Return a text that is safe to print: invisible and control characters become escapes such as \x1b.

    ``lines``: whether it may have several lines; else a line break is escaped, too, so that data forge no line.
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode()
        if unicodedata.category(char) in _HIDDEN and not (lines and char == "\n")
        else char
        for char in text
    )


class SafeConsole(Console):
    """A console that takes no markup from a text, and sends no control characters to the terminal."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; a sentence that is wider than the terminal is broken at spaces."""
        if len(objects) == 1 and isinstance(objects[0], str) and "\n" not in objects[0] and self.is_terminal:
            begin = len(objects[0]) - len(objects[0].lstrip())
            objects = ("\n".join(self.wrapped(objects[0], hanging=begin + 2)),)
        super().print(*objects, **options)

    def wrapped(self, text: str, *, hanging: int) -> list[str]:
        """Return a text as lines that fit the terminal, broken at spaces only; in a pipe it is one line."""
        shown = safe_text(text)
        if not self.is_terminal or cell_len(shown) <= self.width:
            return [shown]
        room = max(self.width, 2 * hanging)
        return textwrap.wrap(
            shown, room, subsequent_indent=" " * hanging, break_long_words=False, break_on_hyphens=False
        )  # fmt: skip

    def render_str(self, text: str, **options: Any) -> Text:  # every string passes here, those in tables too
        """Return a text as it may be shown."""
        return super().render_str(safe_text(text, lines=True), **{**options, "markup": False, "emoji": False})


out = SafeConsole()
err = SafeConsole(stderr=True)


def show_error(error: LablineError) -> None:
    """Print an error on standard error: what happened, where, what to do."""
    if isinstance(error, ConfigurationError):
        show_problems(error.problems)
        return
    err.print(f"labline: {error}", style="red", soft_wrap=True)
    if error.hint:
        err.print(f"  -> {error.hint}", soft_wrap=True)


def show_problems(problems: tuple[Problem, ...]) -> None:
    """Print every problem of a configuration on standard error."""
    for problem in problems:
        place = f"{problem.file}: {problem.key}" if problem.key else problem.file
        err.print(f"{place}: {problem.message}", style="red", soft_wrap=True)
        if problem.hint:
            err.print(f"  -> {problem.hint}", soft_wrap=True)
    err.print(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} found.")


@contextmanager
def progress_of(what: str, *, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar on a terminal; yields the function to call with (part, done, total)."""
    with Progress(console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report_progress(part: str, done: int, total: int) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(f"{what} {part}", total=total)
            bar.update(tasks[part], completed=done, total=total)

        yield report_progress


def show_wrapped(text: str, *, hanging: int, style: str = "") -> None:
    """Print a text on one line of a pipe; on a terminal wrapped at spaces, the lines after the first indented."""
    for line in out.wrapped(text, hanging=hanging):
        out.print(line, style=style)


def show_lines(*lines: str) -> None:
    """Print lines, none of which is cut short."""
    for line in lines:
        out.print(line, soft_wrap=True)


def show_json(document: Mapping[str, Any]) -> None:
    """Print one JSON object on one line."""
    print(json.dumps(document, allow_nan=False), flush=True)


def cell(value: Any) -> str:
    """Return a figure as it stands in a table: a number, counts by name, or a dash where there is none."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "-" if value is None else str(value)


def few_digits(text: str) -> str:
    """Return a text with its long numbers rounded to six significant digits; numbers within ids stay."""
    return _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.6g}", text)


def _shown(value: Any) -> str:
    """Return a value as text for a table: a float with six digits, a pair of numbers as a range."""
    match value:
        case float():
            return f"{value:.6g}"
        case (float() | int() as low, float() | int() as high):
            return f"{low:.6g} to {high:.6g}"
    return safe_text(value)


def with_scopes(
    columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], scopes: Sequence[Scope]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return columns and rows of a table with the client and the study of each row before it, where any is known."""
    names = {
        "client": [scope.client_id or "-" for scope in scopes],
        "study": [scope.study_id or "-" for scope in scopes],
    }
    known = {name: values for name, values in names.items() if any(value != "-" for value in values)}
    cells = zip(*known.values(), strict=True) if known else [()] * len(rows)
    return (*known, *columns), [(*scope, *row) for scope, row in zip(cells, rows, strict=True)]


def show_table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Print a table; where its words do not fit beside each other on the terminal, each row as lines of its own.

    Where there is no row it says so.
    """
    if not rows:
        out.print(f"{title}: none", style="italic")
        return
    texts = [[_shown(value) for value in row] for row in rows]
    room = out.width if out.is_terminal else _UNLIMITED
    widths = column_widths([list(columns), *texts], room)
    out.print(title, style="italic", soft_wrap=True)
    if widths is None:
        _show_rows_as_lines(columns, texts)
        return
    table = Table(show_edge=False)
    for column, width in zip(columns, widths, strict=True):
        table.add_column(Text(safe_text(column)), overflow="fold", width=width)
    for row in texts:
        table.add_row(*(Text(text) for text in row))
    for line in out.render_lines(table, out.options.update(width=room), pad=False):
        shown = Text("").join(Text(part.text, style=part.style or "") for part in line)
        shown.rstrip()
        out.print(shown, soft_wrap=True)


def column_widths(rows: Sequence[Sequence[str]], room: int) -> tuple[int, ...] | None:
    """Return a width for each column, so that only spaces are broken at; None where the words do not fit.

    ``room`` is the width of the whole table in terminal cells.
    """
    natural = [max(cell_len(text) for text in column) for column in zip(*rows, strict=True)]  # on one line each
    narrowest = [max((cell_len(word) for text in column for word in text.split()), default=0)
                 for column in zip(*rows, strict=True)]  # fmt: skip
    spare = room - _BETWEEN_COLUMNS * (len(natural) - 1) - 2 - sum(narrowest)
    if spare < 0:
        return None
    missing = sum(natural) - sum(narrowest)
    if missing <= spare:
        return tuple(natural)
    return tuple(low + (high - low) * spare // missing for low, high in zip(narrowest, natural, strict=True))


def _show_rows_as_lines(columns: tuple[str, ...], rows: Sequence[Sequence[str]]) -> None:
    """Print each row as lines, one for each column that is not empty, with the column's name before it."""
    longest = max(map(len, columns))
    for row in rows:
        for column, text in zip(columns, row, strict=True):
            if text:
                line = f"  {column.ljust(longest)}  {text}"
                for part in out.wrapped(line, hanging=longest + 4) if " " in text else [line]:
                    out.print(Text(part))
        out.print()
