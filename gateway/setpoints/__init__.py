"""Setpoint suggestions: the search, and the other values that a move changes. The gates are in ``guardrails``. Pure."""
