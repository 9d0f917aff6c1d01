"""Reading the file, by functions of a connection: chunks, the journal, newest samples, what was known at a time."""
