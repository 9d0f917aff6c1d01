"""The newest samples of each tag in memory, and when a live value counts."""
