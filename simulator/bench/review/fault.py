"""A kind of fault: how it is planted in a lot, when, and which exception must report it."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.lab.review.codes import ReviewCode
from simulator.bench.review.plant import Lot

Step = Callable[[Lot], None]


def nothing(_lot: Lot) -> None:
    """Plant nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A kind of fault: ``how`` it is planted, the ``code`` that must report it, and what is done when.

    ``before``: the lot is begun; ``running``: it is made; ``measured``: its results are there; ``ended``: it has ended.
    """

    kind: str
    how: str
    code: ReviewCode
    before: Step = nothing
    running: Step = nothing
    measured: Step = nothing
    ended: Step = nothing
