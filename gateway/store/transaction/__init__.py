"""One event in one transaction: identified, decided on, written."""
