"""Setpoint suggestions: the search, what else hangs on a setpoint, the gates and the second check. Pure."""
