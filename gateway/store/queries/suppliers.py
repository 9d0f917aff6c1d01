"""Scorecards of suppliers: how often their lots of a material failed, where that is going, and what is open."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.lab.materials import MaterialRisk, material_risk
from gateway.records.scope import Scope
from gateway.store.statements import SQL

_RECENT, _FEWEST = 10, 5  # lots, by which a trend is seen
_MOST_RESULTS = 200_000


class Trend(StrEnum):
    """Where the share of failing lots is going."""

    BETTER = "better"
    WORSE = "worse"
    STEADY = "steady"  # the last lots and those before do not surely differ
    UNKNOWN = "unknown"  # too few lots


@dataclass(frozen=True, kw_only=True, slots=True)
class Scorecard:
    """A supplier's material: its lots that were tested, and the lots that were made with it.

    ``risk``: the share of failing lots; ``recent``: of the last ``_RECENT`` lots. ``open_deviations``: of lots that
    were made with it, are held or in review, and not closed.
    """

    scope: Scope
    risk: MaterialRisk
    recent: MaterialRisk
    trend: Trend
    analytes: tuple[str, ...]
    used_in: int
    deviations: int
    open_deviations: int

    @property
    def supplier(self) -> str:
        """Return the supplier."""
        return self.risk.supplier

    @property
    def material(self) -> str:
        """Return the material."""
        return self.risk.material


def scorecards(connection: sqlite3.Connection, supplier: str | None = None) -> tuple[Scorecard, ...]:
    """Return a scorecard for each material of each client, of one supplier or of all, the riskiest first."""
    lots: dict[tuple[str, str, str], dict[str, bool]] = {}
    analytes: dict[tuple[str, str, str], set[str]] = {}
    for row in connection.execute(SQL["supplier_results"], {"most": _MOST_RESULTS, "supplier": supplier}):
        key = (row["supplier"], row["material"], row["client_id"])
        of_lot = lots.setdefault(key, {})
        failed = of_lot.pop(row["lot"], False) or bool(row["failed"])  # in the order of its newest result
        of_lot[row["lot"]] = failed
        analytes.setdefault(key, set()).add(row["analyte"])
    uses = {
        (row["supplier"], row["material"], row["client_id"]): row
        for row in connection.execute(SQL["supplier_uses"], {"supplier": supplier})
    }
    cards = [
        _card(key, list(lots.get(key, {}).values()), analytes.get(key, set()), uses.get(key))
        for key in dict.fromkeys((*lots, *uses))
    ]
    return tuple(sorted(cards, key=lambda card: (-card.risk.low, -card.open_deviations, card.supplier, card.material)))


def _card(
    key: tuple[str, str, str], failures: list[bool], analytes: Iterable[str], use: sqlite3.Row | None
) -> Scorecard:
    supplier, material, client = key
    recent = failures[-_RECENT:]
    earlier = failures[: -len(recent)] if recent else []

    def risk(of: list[bool]) -> MaterialRisk:
        return material_risk(supplier, material, "", failed=sum(of), tested=len(of))

    return Scorecard(
        scope=Scope(client_id=client or None),
        risk=risk(failures),
        recent=risk(recent),
        trend=_trend(risk(recent), risk(earlier)),
        analytes=tuple(sorted(analytes)),
        used_in=0 if use is None else use["lots"],
        deviations=0 if use is None else use["deviations"],
        open_deviations=0 if use is None else use["open_deviations"],
    )


def _trend(recent: MaterialRisk, earlier: MaterialRisk) -> Trend:
    if recent.tested < _FEWEST or earlier.tested < _FEWEST:
        return Trend.UNKNOWN
    if recent.low > earlier.mean:
        return Trend.WORSE
    return Trend.BETTER if recent.high < earlier.mean else Trend.STEADY
