"""The gateway's own loops, the plant and its people in one process and in virtual time: an hour takes seconds."""
