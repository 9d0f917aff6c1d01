"""From vendor messages to events: understood, or refused with reasons. Nothing is dropped here."""
