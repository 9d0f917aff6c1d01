"""What stands beside an exported record: how to verify it, and a script that does."""
