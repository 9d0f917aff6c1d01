"""What follows from each kind of event: one file for each kind, read from top to bottom. Pure."""
