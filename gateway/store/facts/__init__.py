"""What a decision stands on, read from the tables."""
