"""What a forecast of the laboratory's load is made from: orders as planned and as run, lots and their tests."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderStatement:
    """What production planned of an order at ``stated_ns``: from when until when, and how many lots."""

    stated_ns: int
    start_ns: int
    end_ns: int
    lots: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order, as planned and as run. ``statements`` in their order; ``ended_lots``: how many have ended."""

    job_order_id: str
    product: str
    statements: tuple[OrderStatement, ...] = ()
    cancelled: bool = False
    started_ns: int | None = None
    ended_ns: int | None = None
    ended_lots: int = 0

    def known_at(self, at_ns: int) -> OrderStatement | None:
        """Return what was planned of it at an instant; None where nothing was."""
        return next((said for said in reversed(self.statements) if said.stated_ns <= at_ns), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class TestOfLot:
    """A test that was made of a lot: of which sample (numbered within the lot), and how long after the lot's end."""

    __test__ = False  # no test of pytest's

    analyte: str
    sample: int
    after_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Lot:
    """A lot that has ended, with the tests that were made of it until now."""

    material_lot_id: str
    product: str
    job_order_id: str | None
    ended_ns: int
    tests: tuple[TestOfLot, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TestHistory:
    """How often a test of a product failed, of how many, and whether its series signals."""

    __test__ = False

    failed: int
    tested: int
    out_of_trend: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadHistory:
    """What is known at ``at_ns``. ``from_ns``: since when lots are on record without a hole.

    ``waiting``: by product and analyte, how many tests are asked for and not made. ``analytes``: by product, those of
    its specifications. ``tested``: by product and analyte.
    """

    at_ns: int
    from_ns: int
    orders: tuple[Order, ...] = ()
    lots: tuple[Lot, ...] = ()
    waiting: Mapping[tuple[str, str], int]
    analytes: Mapping[str, tuple[str, ...]]
    tested: Mapping[tuple[str, str], TestHistory]
