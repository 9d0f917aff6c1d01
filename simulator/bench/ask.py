"""How long an answer to a question takes in a season of lots, from the question's words to the sentence."""

import statistics
import tempfile
import time
from contextlib import closing
from datetime import UTC
from pathlib import Path

from gateway.copilot.answering import answered
from gateway.copilot.ground import Asker, Ground
from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index
from gateway.knowledge.searching import Searched
from gateway.knowledge.synonyms import synonyms_of, usual_groups
from gateway.line.definition import LineDefinition
from gateway.records.laboratory import Specification
from gateway.records.sight import EVERYTHING
from gateway.records.users import Role
from gateway.store.database import read_state
from simulator.bench.measuring import Figure, Goal
from simulator.bench.season_store import BEGIN_NS, EVERY_NS, lot_name, write_season

LOTS, SMALL_LOTS = 10_000, 300
_TURNS = 4
_LIMITS = tuple(
    Specification(product="FG-100", analyte=analyte, lower=lower, upper=upper)
    for analyte, lower, upper in (("viscosity", 90.0, 110.0), ("ph", 6.8, 7.4))
)
_QUESTIONS = (
    "What is the pH of lot {lot}?", "Wie hoch ist die Viskosität der Charge {lot}?", "Why is lot {lot} on hold?",
    "Which lots used material RM-12?", "What was lot {lot} made of?", "What is missing for the release of {lot}?",
    "Which deviations were there in the last 30 days?", "How good is supplier Acme?", "last viscosity results",
    "find filter cleaned", "Who released {lot}?", "What is the weather today?", "What helped last time with viscosity?",
    "status of lot 99999", "Welche Alarme stehen an?", "Which lots are on hold?", "Which lots were released this week?",
    "Which supplier delivered RM-12?", "viscosty of lot 2345678",
)  # fmt: skip


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the times of answers over a season of lots."""
    lots = SMALL_LOTS if small else LOTS
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_season(directory, lots=lots)
        with closing(read_state(directory)) as state, open_index(directory) as index:
            catch_up(state, index)
            synonyms = synonyms_of(usual_groups())
            line = LineDefinition(path="a/b/c/d", topic_root="a", tags={}, specifications=_LIMITS)
            ground = Ground(
                state=state, line=line, now_ns=BEGIN_NS + lots * EVERY_NS, language="en", synonyms=synonyms,
                asker=Asker(name="bench", known=True, sight=EVERYTHING),
                searched=Searched(index=index, state=state, procedures=(), synonyms=synonyms, zone=UTC),
            )  # fmt: skip
            took = [
                _took(ground, text.format(lot=lot_name((turn * 977 + at * 41) % lots)))
                for turn in range(_TURNS)
                for at, text in enumerate(_QUESTIONS)
            ]
    return {
        "lots": Figure(value=lots, unit="lots"),
        "answer_median": Figure(value=statistics.median(took) * 1000, unit="ms", goal=Goal(op="<=", value=200)),
        "answer_95th": Figure(
            value=statistics.quantiles(took, n=20)[-1] * 1000, unit="ms", goal=Goal(op="<=", value=200)
        ),
        "answer_longest": Figure(value=max(took) * 1000, unit="ms"),
    }


def _took(ground: Ground, text: str) -> float:
    begun = time.perf_counter()
    answered(ground, text, roles=frozenset(Role))
    return time.perf_counter() - begun
