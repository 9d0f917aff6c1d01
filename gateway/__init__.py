"""Labline's gateway: from a process tag and a lab result to guidance on an operator terminal."""

__version__ = "0.1.0"
