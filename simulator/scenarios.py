"""The bench's plan: products, limits and paces of a demonstration."""

from dataclasses import dataclass

PRODUCT = "FG-100"
EQUIPMENT = "R1"
SPECIFICATIONS = {"viscosity": (95.0, 105.0), "ph": (6.5, 7.5)}
TARGETS = {"viscosity": 100.0, "ph": 7.0}
UNITS = {"viscosity": "mPa.s", "ph": "pH"}
TEST_NAMES = {"viscosity": "Viscosity", "ph": "pH"}


PLANT_SECONDS = 240.0  # of a real plant, for one second on the bench: a lot of a minute takes four hours
TEN_PLANT_MINUTES_SECONDS = 600.0 / PLANT_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How fast things go on the bench, in seconds.

    ``opening_lots_seconds``: of the lots of an order before all others.
    """

    opening_lots_seconds: tuple[float, ...] = ()
    lot_seconds: float = 60.0
    lots_per_order: int = 2
    sample_every_seconds: float = 5.0
    laboratory_delay_seconds: float = 4.0
    reaction_seconds: float = 1.0
    close_after_seconds: float = 12.0


OPENING = Pace(opening_lots_seconds=(6.5, 6.5), close_after_seconds=6.0)
"""The pace of a demonstration: two short lots first, before anything drifts; the second has a planted fault."""
PLANTED_LOT, PLANTED_CODE = "LOT-1000/2", "APPROVED_BEFORE_ANALYSED"


def off_specification(viscosity: float, ph: float) -> bool:
    """Return whether a product is outside any of its specifications."""
    return any(
        not SPECIFICATIONS[analyte][0] <= value <= SPECIFICATIONS[analyte][1]
        for analyte, value in (("viscosity", viscosity), ("ph", ph))
    )
