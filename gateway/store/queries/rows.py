"""How parts of a reader get the rows of a statement, by its name and parameters."""

from collections.abc import Awaitable, Callable

Rows = Callable[..., Awaitable[list[tuple[object, ...]]]]
