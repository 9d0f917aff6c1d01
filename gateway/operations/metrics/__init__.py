"""Figures for monitoring: one row per metric in ``families.py``; loaded only where ``[monitoring]`` is set."""
