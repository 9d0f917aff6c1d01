"""What commands, the console and the replay read."""
