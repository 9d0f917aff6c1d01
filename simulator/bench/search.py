"""How long a search takes among a season of lots, with every hit read and checked again; and how long the index."""

import statistics
import tempfile
import time
from contextlib import closing
from datetime import UTC
from pathlib import Path

from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index
from gateway.knowledge.searching import Asked, Searched, search
from gateway.knowledge.synonyms import synonyms_of, usual_groups
from gateway.records.sight import Sight
from gateway.store.database import read_state
from simulator.bench.measuring import Figure, Goal
from simulator.bench.season_store import lot_name, write_season

LOTS, SMALL_LOTS = 10_000, 300
_TURNS = 5
_QUERIES = (
    "viscosity", "Viskosität außer Spezifikation", "pressure filter", "supplier:acme kind:lot hold", "RM-12",
    "monomer purity cleaned", "analyte:pH from:2026-10-01 to:2026-10-31", '"measured again"', "FG-103 -release",
    "kind:deviation", "Charge gesperrt Filter", "analyst 3 density", "person:quality", "viscos", "hold lot",
)  # fmt: skip


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the times of searches over a season of lots."""
    lots = SMALL_LOTS if small else LOTS
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_season(directory, lots=lots)
        with closing(read_state(directory)) as state, open_index(directory) as index:
            begun = time.perf_counter()
            catch_up(state, index)
            built = time.perf_counter() - begun
            where = Searched(index=index, state=state, procedures=(), synonyms=synonyms_of(usual_groups()), zone=UTC)
            queries = (*_QUERIES, *(lot_name(number) for number in range(0, lots, max(1, lots // 10))))
            took = [_took(where, text, sight) for _ in range(_TURNS) for text in queries for sight in (Sight(), _ONE)]
            size = index.used_bytes()
            records = sum(index.counts().values())
    return {
        "lots": Figure(value=lots, unit="lots"),
        "records": Figure(value=records, unit="records"),
        "search_median": Figure(value=statistics.median(took) * 1000, unit="ms", goal=Goal(op="<=", value=100)),
        "search_95th": Figure(
            value=statistics.quantiles(took, n=20)[-1] * 1000, unit="ms", goal=Goal(op="<=", value=100)
        ),
        "search_longest": Figure(value=max(took) * 1000, unit="ms"),
        "index_built": Figure(value=built, unit="s"),
        "index_size": Figure(value=size / 2**20, unit="MiB"),
    }


_ONE = Sight(clients=frozenset({"CLIENT-A"}))


def _took(where: Searched, text: str, sight: Sight) -> float:
    begun = time.perf_counter()
    search(where, Asked(text=text, sight=sight))
    return time.perf_counter() - begun
