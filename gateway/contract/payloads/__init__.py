"""What is published: one file for each message. Pure."""
