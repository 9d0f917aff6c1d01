"""A page of a list from which some rows are left out: it is filled up, so that nobody counts what is hidden."""

from collections.abc import Callable
from typing import TypeVar

Row = TypeVar("Row")
_MOST_READS = 40  # of pages: beyond them a list ends


def page_of(
    rows_before: Callable[[int], list[Row]],
    before: int,
    *,
    most: int,
    place: Callable[[Row], int],
    shows: Callable[[Row], bool],
) -> list[Row]:
    """Return at most one row more than a page has; the further one says that there are more.

    ``rows_before``: reads so many rows before a place, the newest first; ``shows``: whether a row may be seen.
    """
    shown: list[Row] = []
    for _ in range(_MOST_READS):
        rows = rows_before(before)
        shown += [row for row in rows if shows(row)]
        if len(shown) > most or len(rows) <= most:
            break
        before = place(rows[-1])
    return shown[: most + 1]
