"""``labline suppliers``: for each supplier's material how often its lots failed, where that is going, what is open."""

from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import show_json, show_table, with_scopes
from gateway.config.reading import read
from gateway.store.database import read_state
from gateway.store.queries.suppliers import Scorecard, scorecards


def suppliers(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Show a scorecard for each supplier's material, the riskiest first.

    It has the share of failing lots with its 90 % interval, how closely to inspect, the trend of the last ten lots, and
    open deviations of lots that were made with it.
    """
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        cards = scorecards(connection)
    if as_json:
        show_json({"suppliers": [_document(card) for card in cards]})
        return
    cells = [
        (card.supplier, card.material or "-", f"{card.risk.failed} of {card.risk.tested}",
         f"{card.risk.low:.1%} to {card.risk.high:.1%}", card.risk.inspection.value, card.trend.value, card.used_in,
         card.open_deviations)
        for card in cards
    ]  # fmt: skip
    columns = (
        "supplier",
        "material",
        "failed lots",
        "90 % interval",
        "inspection",
        "trend",
        "used in",
        "open deviations",
    )
    show_table("suppliers", *with_scopes(columns, cells, [card.scope for card in cards]))


def _document(card: Scorecard) -> dict[str, Any]:
    return {
        "supplier": card.supplier,
        "material": card.material,
        "client_id": card.scope.client_id,
        "lots": card.risk.tested,
        "failed": card.risk.failed,
        "share": card.risk.mean,
        "low": card.risk.low,
        "high": card.risk.high,
        "inspection": card.risk.inspection.value,
        "trend": card.trend.value,
        "recent": {"lots": card.recent.tested, "failed": card.recent.failed},
        "analytes": list(card.analytes),
        "used_in": card.used_in,
        "deviations": card.deviations,
        "open_deviations": card.open_deviations,
    }
