"""What the tags were: rings in memory, and windows of them as plain arrays."""
