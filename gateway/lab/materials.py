"""How risky a supplier's material is: a Beta posterior of the share of its lots that fail. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.lab.quantiles import beta_quantile

_PRIOR = 0.5  # Jeffreys' prior, Beta(1/2, 1/2): it gives way to few results
_COVERAGE = 0.9
_REDUCED_BELOW, _TIGHTENED_ABOVE = 0.05, 0.10  # share of failing lots


class Inspection(StrEnum):
    """How closely incoming lots are looked at."""

    REDUCED = "reduced"
    NORMAL = "normal"
    TIGHTENED = "tightened"


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialRisk:
    """The share of a supplier's lots of a material that fail a test: mean and 90 % credible interval."""

    supplier: str
    material: str
    analyte: str
    failed: int
    tested: int
    mean: float
    low: float
    high: float

    @property
    def inspection(self) -> Inspection:
        """Return how closely to inspect: less where the share surely is small, more where it surely is too large."""
        if self.high < _REDUCED_BELOW:
            return Inspection.REDUCED
        return Inspection.TIGHTENED if self.low > _TIGHTENED_ABOVE else Inspection.NORMAL


def material_risk(supplier: str, material: str, analyte: str, *, failed: int, tested: int) -> MaterialRisk:
    """Return the posterior after so many lots (Gelman et al., Bayesian Data Analysis, 2.4 and 2.8)."""
    alpha, beta = _PRIOR + failed, _PRIOR + tested - failed
    tail = (1 - _COVERAGE) / 2
    return MaterialRisk(
        supplier=supplier,
        material=material,
        analyte=analyte,
        failed=failed,
        tested=tested,
        mean=alpha / (alpha + beta),
        low=beta_quantile(alpha, beta, tail),
        high=beta_quantile(alpha, beta, 1 - tail),
    )
