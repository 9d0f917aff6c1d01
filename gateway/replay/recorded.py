"""What a store has on record of a stretch of time: what came in, when models were due, and what was said."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.contract.identity import identity_of
from gateway.events import ContextChanged, Event, ModelDue, Origin, ResponseArrived, ResultArrived
from gateway.ingest.messages import Understand
from gateway.moments import Moment
from gateway.records import ContextChange, Guidance, LabResult, Prediction, Recommendation, Response
from gateway.store.codec import decode
from gateway.store.statements import SQL
from gateway.transport.mqtt_connection import Delivery

_BOOT = "replay"


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
    """An event as it came, and how many notifications of sources were known to its decision (0: not on record)."""

    event: Event
    arrival: int = 0


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said in a stretch: by the gateway at the time, or in a replay.

    ``predictions`` by (model, analyte, instant, result it is of); ``guidance`` by (kind, analyte, instant).
    """

    predictions: Mapping[tuple[str, str, int, str | None], Prediction]
    guidance: Mapping[tuple[str, str | None, int], Guidance]
    dispositions: Mapping[str, Recommendation]


def moment(at_ns: int) -> Moment:
    """Return the moment of a recorded instant: in a replay all clocks agree."""
    return Moment(wall_ns=at_ns, latest_ns=at_ns, boot_ns=at_ns, boot_id=_BOOT)


def recorded_stretch(connection: sqlite3.Connection) -> Stretch | None:
    """Return the whole stretch that is on record, or None where nothing is."""
    first_ns, last_ns = connection.execute(SQL["recorded_stretch"]).fetchone()
    return None if first_ns is None else Stretch(from_ns=first_ns, until_ns=last_ns + 1)


def epoch(connection: sqlite3.Connection) -> str:
    """Return what the store salts its ids with."""
    return str(connection.execute(SQL["store"]).fetchone()["epoch"])


def recorded_events(connection: sqlite3.Connection, stretch: Stretch, *, understand: Understand) -> list[Recorded]:
    """Return the events to decide again, in the order of time: messages until the end, models due in the stretch.

    ``understand``: how the laboratory's messages are read now. What was refused stays out: nothing was decided on it.
    """
    ticks, results = _from_predictions(said_then(connection, Stretch(from_ns=0, until_ns=stretch.until_ns)), stretch)
    messages = [
        Recorded(event=event, arrival=results.get(event_id, 0))
        for event_id, event in _messages(connection, stretch, understand)
    ]
    return sorted([*messages, *ticks], key=lambda each: (each.event.at_ns, each.arrival))


def _from_predictions(said: Said, stretch: Stretch) -> tuple[list[Recorded], dict[str, int]]:
    """Return (the models' ticks, what was known at the prediction of each result's sample, by the event's id)."""
    ticks: dict[tuple[str, int], Recorded] = {}
    results: dict[str, int] = {}
    for (model, _analyte, at_ns, result_id), prediction in said.predictions.items():
        if result_id is not None:
            results[prediction.cause] = prediction.arrival
        elif stretch.contains(at_ns):
            event_id = prediction.cause or identity_of("model-due", model, at_ns)
            event = ModelDue(event_id=event_id, at=moment(at_ns), model=model)
            ticks[model, at_ns] = Recorded(event=event, arrival=prediction.arrival)
    return list(ticks.values()), results


def _messages(
    connection: sqlite3.Connection, stretch: Stretch, understand: Understand
) -> Iterator[tuple[str, ResultArrived | ContextChanged | ResponseArrived]]:
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
        if isinstance(event, ResultArrived | ContextChanged | ResponseArrived):
            yield row["event_id"], event


def said_then(connection: sqlite3.Connection, stretch: Stretch) -> Said:
    """Return what a store says was said in a stretch."""
    when = {"from_ns": stretch.from_ns, "until_ns": stretch.until_ns}
    predictions = [decode(Prediction, row["body"]) for row in connection.execute(SQL["recorded_predictions"], when)]
    guidance = [decode(Guidance, row["body"]) for row in connection.execute(SQL["recorded_guidance"], when)]
    return Said(
        predictions={(each.model.name, each.analyte, each.at_ns, each.sample_result_id): each for each in predictions},
        guidance={(each.kind.value, each.analyte, each.issued_ns): each for each in guidance},
        dispositions={
            row["event_id"]: Recommendation(row["recommendation"])
            for row in connection.execute(SQL["recorded_dispositions"], when)
        },
    )


def measured(connection: sqlite3.Connection) -> dict[str, float]:
    """Return the numbers of all results, by result id; censored ones have none."""
    results = (decode(LabResult, row["body"]) for row in connection.execute(SQL["all_results"]))
    return {each.result_id: each.value for each in results if each.value is not None}
