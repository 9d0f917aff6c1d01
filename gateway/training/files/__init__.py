"""What a user brings: exports of historians and laboratories, read as they are, with everything odd counted."""
