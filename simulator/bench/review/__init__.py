"""The review of batch records by exception: lots with planted faults, none of which may be missed, and what is read."""

from simulator.bench.review.measured import measure

__all__ = ["measure"]
