"""The store's SQL statements by name."""

from gateway.database.statements import read_statements

SQL = read_statements("gateway.store")
