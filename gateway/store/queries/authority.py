"""What gives authority in a store: as the trail vouches for it, and held against the rows that are there."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.store.audit.authority import Authority
from gateway.store.audit.governed import from_trail
from gateway.store.audit.vouching import evidence_tables
from gateway.store.database import read_state
from gateway.store.tables import TABLES


def authority_in(directory: Path) -> Authority:
    """Return what the trail of a store vouches for of the rows that authorise."""
    with closing(read_state(directory)) as connection:
        return from_trail(connection)


def not_vouched_for(directory: Path, authority: Authority, *, all_tables: bool) -> dict[str, str | None]:
    """Return the rows that authorise and are not as they are vouched for: name and hash, None of one that is missing.

    A row that was just written may be among them: who asks looks twice. ``all_tables``: also those that grow with time.
    """
    with closing(read_state(directory)) as connection:
        known = dict(authority.rows)
        doubtful = dict[str, str | None]()
        for table in evidence_tables(connection):
            row = TABLES.get(table.table)
            if row is None or not row.authorises or not (all_tables or row.name in _SMALL):
                continue
            there = _there(connection, table.table, table.rows())
            doubtful |= {name: digest for name, digest in there.items() if known.get(name) != digest}
            prefix = f"{row.name} "
            doubtful |= {name: None for name in known if name.startswith(prefix) and name not in there}
    return doubtful


_SMALL = frozenset({"user_version", "user_password", "user_key", "stage_change", "setpoint_stop", "console_session"})


def _there(connection: sqlite3.Connection, table: str, statement: str) -> dict[str, str | None]:
    return {f"{table} {row['name']}": row["hash"] for row in connection.execute(statement)}
