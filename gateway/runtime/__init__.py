"""The running gateway: its life, its wiring, its loops."""
