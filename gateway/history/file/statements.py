"""The history's SQL statements by name, and its schema."""

from gateway.database.opening import Schema
from gateway.database.statements import read_migrations, read_statements

SQL = read_statements("gateway.history.file")
HISTORY = Schema(migrations=read_migrations("gateway.history.file"))
HISTORY_FILE = "history.db"
