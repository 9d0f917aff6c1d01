"""Laboratory results in the words of each laboratory system, to one canonical result. Pure."""
