"""From ``[[knowledge.sight]]`` to whose records each user and terminal sees."""

from collections.abc import Iterable, Sequence

from gateway.config.knowledge_tables import SightTable
from gateway.records.sight import Sight, Sights


def sights_of(tables: Sequence[SightTable]) -> Sights:
    """Return whose records users and terminals see."""
    return Sights(
        of_users=_by_name((name, table) for table in tables for name in table.users),
        of_terminals=_by_name((name, table) for table in tables for name in table.terminals),
    )


def _by_name(rows: Iterable[tuple[str, SightTable]]) -> dict[str, Sight]:
    """Return the sight of each name; of several tables all that they name."""
    sights: dict[str, Sight] = {}
    for name, table in rows:
        sight = Sight(
            clients=frozenset(table.clients), studies=None if table.studies is None else frozenset(table.studies)
        )
        sights[name] = sight if name not in sights else sights[name].together(sight)
    return sights
