"""Watches everything the gateway says and counts, by id and before any deduplication."""

import asyncio
import json
import statistics
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.lims import Published
from simulator.mqtt import Received
from simulator.scenarios import TEN_PLANT_MINUTES_SECONDS

_KEPT = 12


@dataclass(slots=True)
class Observer:
    """Counts of a run, and the latest of everything for the live view."""

    published: dict[str, Published] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    disposition_latency: dict[str, float] = field(default_factory=dict)
    hold_latency: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    first_accepted_at: float | None = None
    applied: set[str] = field(default_factory=set)
    recovered: set[str] = field(default_factory=set)
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)
    guidance: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: deque[tuple[Published, str]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    status: dict[str, Any] = field(default_factory=dict)
    lots: dict[str, str] = field(default_factory=dict)  # what is recommended of them, the newest last
    certificates: dict[str, tuple[str, str, bool]] = field(default_factory=dict)  # id: lot, state, complete
    certificate_at: dict[tuple[str, str], float] = field(default_factory=dict)  # (lot, state), the first time
    plan: dict[str, Any] = field(default_factory=dict)  # of the laboratory
    calls: dict[str, float] = field(default_factory=dict)  # when each guidance has first called operators
    _judged: asyncio.Event = field(default_factory=asyncio.Event)

    def result_published(self, result: Published) -> None:
        """Note a result at the instant before it is sent."""
        self.published[result.result_id] = result

    def received(self, message: Received) -> None:
        """Take a message of the gateway."""
        if not message.payload or message.retained:
            return
        document = json.loads(message.payload)
        schema = str(document.get("schema", ""))
        handler = {
            "labline.prediction/1": self._prediction,
            "labline.disposition/1": self._disposition,
            "labline.guidance/1": self._guidance,
            "labline.deviation/1": self._deviation,
            "labline.dead-letter/1": self._dead_letter,
            "labline.certificate/1": self._certificate,
            "labline.laboratory-plan/1": self._plan,
            "labline.status/1": self._status,
        }.get(schema)
        if handler is not None:
            handler(document, message.at)

    def _prediction(self, document: dict[str, Any], at: float) -> None:
        self.seen[document["id"]] += 1
        self.counts["predictions"] += 1
        self.predictions[document["analyte"]] = document
        if document["verdict"]["accepted"] and self.first_accepted_at is None:
            self.first_accepted_at = at

    def _disposition(self, document: dict[str, Any], at: float) -> None:
        self.seen[document["id"]] += 1
        before_any_result = document["provisional"] and not document["rests_on"]["results"]
        result = self.published.get(document["cause"])
        by_a_person = result is None and document["decision"] is not None  # who has decided, and what rests on that
        kind = "provisional_holds" if before_any_result else "decisions" if by_a_person else "dispositions"
        self.counts[kind] += 1
        if result is None:
            return
        if document["material_lot_id"] is not None:
            self.lots.pop(document["material_lot_id"], None)
            self.lots[document["material_lot_id"]] = document["recommendation"]
        latency = (at - result.at) * 1000
        self.disposition_latency.setdefault(result.result_id, latency)
        self._judged.set()
        if result.out_of_specification and document["recommendation"] == "hold":
            self.hold_latency.setdefault(result.result_id, latency)
        self.results.append((result, document["recommendation"]))

    def _guidance(self, document: dict[str, Any], at: float) -> None:
        identity, state = document["id"], document["state"]
        self.seen[f"{identity}/{state}/{document['cause']}"] += 1  # what goes on is published again
        first = identity not in self.guidance
        if state == "proposed" and document["attention"] == "new" and document["requires"]["role"] == "operator":
            self.calls.setdefault(identity, at)
        self.guidance[identity] = document
        if state == "proposed" and first:
            self.counts["guidance"] += 1
            self.counts["suggestions"] += document["kind"] == "setpoint"
        if document["kind"] == "setpoint" and state == "applied":
            self.applied.add(identity)
        if document["kind"] == "setpoint" and state == "resolved" and identity in self.applied:
            self.recovered.add(identity)

    def _deviation(self, document: dict[str, Any], _at: float) -> None:
        self.seen[f"{document['id']}/{document['version']}"] += 1
        self.counts["deviations"] += document["version"] == 1

    def _dead_letter(self, document: dict[str, Any], _at: float) -> None:
        self.seen[document["id"]] += 1
        self.counts["dead_letters"] += 1

    def _certificate(self, document: dict[str, Any], at: float) -> None:
        self.seen[document["id"]] += 1
        stands = (document["material_lot_id"], document["state"], document["complete"])
        self.certificates[document["certificate_id"]] = stands
        self.certificate_at.setdefault((document["material_lot_id"], document["state"]), at)

    def _plan(self, document: dict[str, Any], _at: float) -> None:
        self.seen[document["id"]] += 1
        self.plan = document

    def _status(self, document: dict[str, Any], _at: float) -> None:
        self.status = document

    @property
    def lost(self) -> int:
        """Return how many published results have no disposition."""
        return len(self.published.keys() - self.disposition_latency.keys())

    async def until_nothing_lost(self) -> None:
        """Return when every published result has its disposition."""
        while self.lost:
            self._judged.clear()
            await self._judged.wait()

    @property
    def duplicates(self) -> int:
        """Return how many messages came more than once."""
        return sum(count - 1 for count in self.seen.values())

    def summary(self) -> dict[str, Any]:
        """Return the counts as the demo's summary names them."""
        return {
            "recovered": len(self.recovered),
            "predictions": self.counts["predictions"],
            "lab_results": len(self.published),
            "dispositions": self.counts["dispositions"],
            "provisional_holds": self.counts["provisional_holds"],
            "guidance": self.counts["guidance"],
            "operators_called": len(self.calls),
            "most_calls_in_10_plant_minutes": most_within(sorted(self.calls.values()), TEN_PLANT_MINUTES_SECONDS),
            "suggestions": self.counts["suggestions"],
            "suggestions_followed": len(self.applied),
            "deviations": self.counts["deviations"],
            "dead_letters": self.counts["dead_letters"],
            "lost": self.lost,
            "duplicates": self.duplicates,
            "latency_ms": {
                "result_to_disposition": spread(list(self.disposition_latency.values())),
                "result_to_hold": spread(list(self.hold_latency.values())),
            },
        }


def most_within(times: Sequence[float], seconds: float) -> int:
    """Return how many of some instants, the earliest first, lie at most within a span of so many seconds."""
    return max((sum(0 <= later - at < seconds for later in times) for at in times), default=0)


def spread(values: Sequence[float]) -> dict[str, float | int | None]:
    """Return n, median, 99th percentile (nearest rank) and maximum."""
    if not values:
        return {"n": 0, "p50": None, "p99": None, "max": None}
    ordered = sorted(values)
    rank = max(0, -(-99 * len(ordered) // 100) - 1)
    return {
        "n": len(ordered),
        "p50": round(statistics.median(ordered), 2),
        "p99": round(ordered[rank], 2),
        "max": round(ordered[-1], 2),
    }
