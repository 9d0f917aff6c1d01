"""What a store has on record of a stretch of time: messages that came in, due models, and what was sent."""

import itertools
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from gateway.contract.identity import identity_of
from gateway.deadlines import ClockReading
from gateway.events import (
    Arrived,
    ContextChanged,
    Event,
    MessageRefused,
    ModelDue,
    ResponseArrived,
    SpecificationStated,
)
from gateway.inference.signed_stages import StageThen
from gateway.ingest.messages import Understand
from gateway.records.deliveries import Origin
from gateway.records.guidance import Guidance
from gateway.records.laboratory import LabResult, ProductReference, Recommendation, ResultReference, Specification
from gateway.records.lot_decisions import LotDecided
from gateway.records.lot_parts import LotDivided
from gateway.records.people import Response, Settlement, SignedBias
from gateway.records.prediction import Prediction
from gateway.records.production import ContextChange
from gateway.records.signatures import SignedOnRecord
from gateway.records.verdicts import Reason
from gateway.replay.kept_from_calling import SuppressionStep
from gateway.replay.setpoint_writes import WriteStep
from gateway.store.codec import decode
from gateway.store.queries.guidance import IdentifiedAnswer
from gateway.store.statements import SQL
from gateway.transport.mqtt_messages import Delivery

_BOOT = "replay"
_REASONS = TypeAdapter(tuple[Reason, ...])


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """From when until before when, in nanoseconds UTC."""

    from_ns: int
    until_ns: int

    def contains(self, at_ns: int) -> bool:
        """Return whether an instant lies in it."""
        return self.from_ns <= at_ns < self.until_ns


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An event as it came, and how many notifications of sources were known to its decision (0: not on record).

    ``place``: (the message's row, or that of the last message decided before it; its own place after that).
    """

    event: Event
    place: tuple[int, int]
    arrival: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedThen:
    """A decision as it was made, with the record that was signed."""

    decision: LotDecided
    signed: SignedOnRecord

    @property
    def at_ns(self) -> int:
        """Return when the last person had signed it, in ns UTC."""
        return self.decision.at_ns


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What a replay decides again: the events of a stretch in their order, and what people did meanwhile.

    ``epoch``: what the store salts its ids with. ``signed_biases``: corrections that people had signed, each in force
    from its instant on. ``settlements``: points of lots that people had settled, by lot, in their order.
    ``decided``: what people had decided on lots; ``divided``: their parts. ``answers``: to guidance, by identified
    people. ``writes``: what was written to PLCs, and stops of it. ``stages``: how far people had let models go.
    ``kept_from_calling``: which alarms were shelved, out of service or suppressed, and when.
    ``language``: of the sentences at the time; None: it is not on record, and that of the line counts.
    """

    events: Sequence[Recorded]
    stretch: Stretch
    epoch: str = ""
    signed_biases: Sequence[SignedBias] = ()
    settlements: Sequence[tuple[str, Settlement]] = ()
    decided: Sequence[DecidedThen] = ()
    divided: Sequence[LotDivided] = ()
    answers: Sequence[IdentifiedAnswer] = ()
    writes: Sequence[WriteStep] = ()
    kept_from_calling: Sequence[SuppressionStep] = ()
    stages: Sequence[StageThen] = ()
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class GatewayOutput:
    """What was predicted, advised and recommended in a stretch: by the gateway at the time, or in a replay.

    ``predictions`` by (model, analyte, instant, result it is of); ``guidance`` by (kind, analyte, instant).
    """

    predictions: Mapping[tuple[str, str, int, str | None], Prediction]
    guidance: Mapping[tuple[str, str | None, int], Guidance]
    dispositions: Mapping[str, Recommendation]


def moment(at_ns: int) -> ClockReading:
    """Return the moment of a recorded instant: in a replay all clocks agree."""
    return ClockReading(wall_ns=at_ns, latest_ns=at_ns, boot_ns=at_ns, boot_id=_BOOT)


def recorded_stretch(connection: sqlite3.Connection) -> Stretch | None:
    """Return the whole stretch that is on record, or None where nothing is."""
    first_ns, last_ns = connection.execute(SQL["recorded_stretch"]).fetchone()
    return None if first_ns is None else Stretch(from_ns=first_ns, until_ns=last_ns + 1)


def epoch(connection: sqlite3.Connection) -> str:
    """Return what the store salts its ids with."""
    return str(connection.execute(SQL["store"]).fetchone()["epoch"])


def language_at_the_time(connection: sqlite3.Connection, stretch: Stretch) -> str | None:
    """Return the language that the gateway spoke at a stretch's end, or None where no start is on record."""
    row = connection.execute(SQL["language_of_start"], {"until_ns": stretch.until_ns}).fetchone()
    return None if row is None else row["language"]


def recorded_events(connection: sqlite3.Connection, stretch: Stretch, *, understand: Understand) -> list[Recorded]:
    """Return the events to decide again, in the order in which they were decided.

    These are the messages until the stretch's end, and the models due in it. ``understand``: how the laboratory's
    messages are read now. What was refused stays out, unless it concerns lots.
    """
    ticks, results = _from_predictions(connection, stretch)
    messages = [
        Recorded(event=event, place=(row_number, 0), arrival=results.get(event_id, 0))
        for row_number, event_id, event in _messages(connection, stretch, understand)
    ]
    if connection.execute(SQL["times_salvaged"]).fetchone()[0]:  # what was put back is of earlier, and stands behind
        return sorted([*messages, *ticks], key=lambda recorded: (recorded.event.at_ns, recorded.arrival))
    return sorted([*messages, *ticks], key=lambda recorded: recorded.place)


def _from_predictions(connection: sqlite3.Connection, stretch: Stretch) -> tuple[list[Recorded], dict[str, int]]:
    """Return (the models' ticks, what was known at the prediction of each result's sample, by the event's id)."""
    ticks: dict[tuple[str, int], Recorded] = {}
    results: dict[str, int] = {}
    until = {"until_ns": stretch.until_ns}
    by_time = _LastMessage(connection.execute(SQL["recorded_times"], until))
    for number, row in enumerate(connection.execute(SQL["recorded_occasions"], until), start=1):
        prediction = decode(Prediction, row["body"])
        name, at_ns = prediction.model.name, prediction.at_ns
        if prediction.sample_result_id is not None:
            results[prediction.cause] = prediction.arrival
        elif stretch.contains(at_ns):
            event_id = prediction.cause or identity_of("model-due", name, at_ns)
            after = row["after_row"] if row["after_row"] is not None else by_time.at(at_ns)
            ticks[name, at_ns] = Recorded(
                event=ModelDue(event_id=event_id, at=moment(at_ns), model=name),
                place=(after, number),
                arrival=prediction.arrival,
            )
    return list(ticks.values()), results


class _LastMessage:
    """Which message was the last before an instant, for predictions without a record of it."""

    def __init__(self, rows: Iterable[sqlite3.Row]) -> None:
        arrivals = [(row["row_number"], row["at_ns"]) for row in rows]
        self._rows = [row_number for row_number, _at_ns in arrivals]
        self._latest_ns = list(itertools.accumulate((at_ns for _row_number, at_ns in arrivals), max))

    def at(self, at_ns: int) -> int:
        """Return its row, 0 where none had come."""
        number = bisect_right(self._latest_ns, at_ns)
        return self._rows[number - 1] if number else 0


def _messages(
    connection: sqlite3.Connection, stretch: Stretch, understand: Understand
) -> Iterator[tuple[int, str, Arrived]]:
    for row in connection.execute(SQL["recorded_messages"], {"until_ns": stretch.until_ns}):
        at = moment(row["at_ns"])
        origin = Origin(
            session=row["session"],
            topic=row["topic"],
            message_number=row["message_number"],
            redelivered=False,
            payload_sha256=row["payload_sha256"],
        )
        event: Event | None = None
        if row["result"] is not None:
            delivery = Delivery(session=origin.session, topic=origin.topic, payload=row["result"], redelivered=False,
                                message_number=origin.message_number, qos=1, generation=0)  # fmt: skip
            event = understand(delivery, origin, at)
        elif row["change"] is not None:
            change = decode(ContextChange, row["change"])
            event = ContextChanged(at=at, origin=origin, change=change, payload=b"")
        elif row["response"] is not None:
            event = ResponseArrived(at=at, origin=origin, response=decode(Response, row["response"]), payload=b"")
        elif row["specification"] is not None:
            stated, withdrawn = decode(Specification, row["specification"]), bool(row["withdrawn"])
            event = SpecificationStated(at=at, origin=origin, specification=stated, withdrawn=withdrawn, payload=b"")
        else:
            event = _refused(connection, row["event_id"], at, origin)
        if isinstance(event, Arrived):
            yield row["row_number"], row["event_id"], event


def _refused(connection: sqlite3.Connection, event_id: str, at: ClockReading, origin: Origin) -> MessageRefused | None:
    """Return a refused message that concerns lots: it is a point against their release, as it was then."""
    rows = connection.execute(SQL["refused_of_event"], {"event_id": event_id}).fetchall()
    if not rows:
        return None
    first = rows[0]
    about = ResultReference(
        source=first["source"],
        lots=tuple(row["material_lot_id"] for row in rows if row["material_lot_id"]),
        sample_id=first["sample_id"],
        test_id=first["test_id"],
        **_place(connection, event_id),
        products=_products(connection, event_id),
    )
    contradicting = next((row["result"] for row in rows if row["result"] is not None), None)
    return MessageRefused(
        at=at,
        origin=origin,
        payload=b"",
        reasons=_REASONS.validate_json(first["reasons"]),
        about=about,
        contradicts=None if contradicting is None else decode(LabResult, contradicting),
    )


def _place(connection: sqlite3.Connection, event_id: str) -> dict[str, Any]:
    """Return the place and time that a refused message states."""
    row = connection.execute(SQL["refused_in_place_of_event"], {"event_id": event_id}).fetchone()
    if row is None:
        return {}
    return {
        "equipment_id": row["equipment_id"],
        "job_order_id": row["job_order_id"],
        "sampled_ns": row["drawn_ns"] if row["timed"] else None,
        "others_besides": True,
    }


def _products(connection: sqlite3.Connection, event_id: str) -> tuple[ProductReference, ...]:
    """Return what a refused message named of products."""
    rows = connection.execute(SQL["refused_of_product_of_event"], {"event_id": event_id}).fetchall()
    flags = ("states_limits", "may_require")
    return tuple(ProductReference(**{**dict(row), **{name: bool(row[name]) for name in flags}}) for row in rows)


def output_on_record(connection: sqlite3.Connection, stretch: Stretch) -> GatewayOutput:
    """Return what a store has on record as predicted, advised and recommended in a stretch."""
    when = {"from_ns": stretch.from_ns, "until_ns": stretch.until_ns}
    predictions = [decode(Prediction, row["body"]) for row in connection.execute(SQL["recorded_predictions"], when)]
    guidance = [decode(Guidance, row["body"]) for row in connection.execute(SQL["recorded_guidance"], when)]
    return GatewayOutput(
        predictions={
            (prediction.model.name, prediction.analyte, prediction.at_ns, prediction.sample_result_id): prediction
            for prediction in predictions
        },
        guidance={(advice.kind.value, advice.analyte, advice.issued_ns): advice for advice in guidance},
        dispositions={
            row["event_id"]: Recommendation(row["recommendation"])
            for row in connection.execute(SQL["recorded_dispositions"], when)
        },
    )


def measured(connection: sqlite3.Connection) -> dict[str, float]:
    """Return the numbers of all results, by result id; censored ones have none."""
    results = (decode(LabResult, row["body"]) for row in connection.execute(SQL["all_results"]))
    return {result.result_id: result.value for result in results if result.value is not None}
