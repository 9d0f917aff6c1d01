"""Advice to people: guidance and its life, setpoint suggestions. Pure."""
