"""The file ``history.db``: its schema, statements, threads, hashes and retention, and quarantine of a corrupt one."""
