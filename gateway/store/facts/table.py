"""The facts of a decision, by the loader that returns what the decision takes. Runs inside the writer's transaction."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

from gateway.decisions.table import row_of
from gateway.events import Event
from gateway.facts.base import Facts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.line.definition import LineDefinition
from gateway.store import facts as loaders_of_facts
from gateway.store.facts.loaders import LOADERS
from gateway.store.facts.reading import Reading

for _module in iter_modules(loaders_of_facts.__path__, prefix=f"{loaders_of_facts.__name__}."):
    import_module(_module.name)  # each module of this folder registers its loaders


def load(
    connection: sqlite3.Connection,
    event: Event,
    line: LineDefinition,
    windows: Mapping[WindowRequest, TagWindow],
) -> Facts:
    """Return the facts that deciding an event stands on, as committed or as written before it in the same transaction.

    A record that does not match its hash is left out and named in ``damaged``.
    """
    reading = Reading(connection, line, windows)
    facts = LOADERS[row_of(event).facts](reading, event)
    return replace(facts, damaged=reading.damaged) if reading.damaged else facts
