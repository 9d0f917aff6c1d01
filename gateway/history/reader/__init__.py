"""Reading the file, by functions of a connection: chunks, journal, newest samples, windows as they were known."""
