"""The file ``history.db``: its schema and statements, its threads, hashes, retention, and what is set aside."""
