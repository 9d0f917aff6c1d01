"""SQLite beneath the store and the history: opening, migrations, named statements, one writing thread."""
