"""What a line is: its tags, models, specifications and rules. Pure."""
