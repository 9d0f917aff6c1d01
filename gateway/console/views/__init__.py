"""What the console's pages show: one file for each view, with its shape and how it is read."""
