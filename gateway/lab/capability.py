"""How a process's spread compares with its specification: Cp, Cpk, Pp, Ppk. Pure.

They say something only of a process in control: where a chart signals they are withheld, with the reason.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.lab.phase_one import ChartLimits
from gateway.records.laboratory import Specification
from gateway.texts.catalogue import text

FEWEST = 25  # values, below which the figures would say more about chance than about the process


class Withheld(StrEnum):
    """Why the capability of a series is withheld: the codes of the group ``capability``."""

    NO_SPECIFICATION = "NO_SPECIFICATION"
    UNIT_DIFFERS = "UNIT_DIFFERS"
    NEWEST_DO_NOT_VARY = "NEWEST_DO_NOT_VARY"
    TOO_FEW = "TOO_FEW"
    DOES_NOT_VARY = "DOES_NOT_VARY"
    NOT_IN_CONTROL = "NOT_IN_CONTROL"
    NEEDS_MORE_VALUES = "NEEDS_MORE_VALUES"
    NOT_STABLE = "NOT_STABLE"


def withheld(code: Withheld, **parameters: Any) -> str:
    """Return the sentence that says why a capability is withheld."""
    return text("capability", code.value, **parameters)


@dataclass(frozen=True, kw_only=True, slots=True)
class Capability:
    """The four figures; those that the specification does not allow are None (Cp and Pp need both limits).

    ``withheld``: why there are none.
    """

    cp: float | None = None
    cpk: float | None = None
    pp: float | None = None
    ppk: float | None = None
    withheld: str | None = None


def capability(limits: ChartLimits, specification: Specification, *, stable: bool) -> Capability:
    """Return the figures of a series (NIST/SEMATECH e-Handbook, 6.1.6).

    Cp and Cpk by sigma within (moving ranges), Pp and Ppk by the overall standard deviation. ``stable``: whether no
    rule signals.
    """
    if not stable:
        return Capability(withheld=withheld(Withheld.NOT_STABLE))
    if limits.count < FEWEST:
        return Capability(withheld=withheld(Withheld.NEEDS_MORE_VALUES, needed=FEWEST, count=limits.count))
    cp, cpk = _ratios(limits.center, limits.sigma, specification)
    pp, ppk = _ratios(limits.center, limits.overall_sigma, specification)
    return Capability(cp=cp, cpk=cpk, pp=pp, ppk=ppk)


def _ratios(center: float, sigma: float, specification: Specification) -> tuple[float | None, float | None]:
    lower, upper = specification.lower, specification.upper
    width = None if lower is None or upper is None else (upper - lower) / (6 * sigma)
    sides = [
        *([] if lower is None else [(center - lower) / (3 * sigma)]),
        *([] if upper is None else [(upper - center) / (3 * sigma)]),
    ]
    return width, min(sides, default=None)
