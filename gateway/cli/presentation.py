"""How commands speak: tables for people, one JSON object for machines, errors with what to do."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from gateway.errors import ConfigurationError, LablineError, Problem

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def show_error(error: LablineError) -> None:
    """Tell an error on standard error: what, where, what to do."""
    if isinstance(error, ConfigurationError):
        show_problems(error.problems)
        return
    err.print(f"labline: {error}", style="red", markup=False, soft_wrap=True)
    if error.hint:
        err.print(f"  -> {error.hint}", markup=False, soft_wrap=True)


def show_problems(problems: tuple[Problem, ...]) -> None:
    """Tell every problem of a configuration on standard error."""
    for problem in problems:
        place = f"{problem.file}: {problem.key}" if problem.key else problem.file
        err.print(f"{place}: {problem.message}", style="red", markup=False, soft_wrap=True)
        if problem.hint:
            err.print(f"  -> {problem.hint}", markup=False, soft_wrap=True)
    err.print(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} found.")


@contextmanager
def progress_of(what: str, *, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on a terminal while long work runs; yields what to call with (part, done, total)."""
    with Progress(console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def told(part: str, done: int, total: int) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(f"{what} {part}", total=total)
            bar.update(tasks[part], completed=done, total=total)

        yield told


def show_json(document: Mapping[str, Any]) -> None:
    """Print one JSON object on one line."""
    print(json.dumps(document, allow_nan=False), flush=True)


def cell(value: Any) -> str:
    """Return a figure as it stands in a table: a number, counts by name, or a dash where there is none."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "-"
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def show_table(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")  # a name cut short names nothing
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)
