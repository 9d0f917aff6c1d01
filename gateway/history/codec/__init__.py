"""Columns of samples to bytes and back: chunks of one series, and entries of the journal. Pure."""
