"""What the decisions on writes to the PLC stand on. Runs inside the writer's transaction."""

import sqlite3
from collections.abc import Iterable

from gateway.deadlines import ClockReading
from gateway.events import ActRequested, SetpointWriteBegun, SetpointWriteEnded, TimerDue
from gateway.facts.setpoint_write import FollowedMove, FollowFacts, StopFacts, WriteFacts
from gateway.guardrails.writing import manipulated_of
from gateway.lab.units import converted
from gateway.latches import mismatch_latch, not_followed_latch
from gateway.line.definition import LineDefinition
from gateway.records.laboratory import LabResult, ResultStatus
from gateway.records.setpoints import Followed, SetpointIntent, WritesOfModel
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.setpoints import automatic_moves, last_move, stop_of, write_on_record
from gateway.store.statements import SQL, value_of
from gateway.time_units import SECOND_NS

NO_WRITES = WritesOfModel(stopped=True, under_way=frozenset(), automatic_moves={})
_FOLLOWED_NS = 7 * 24 * 3600 * SECOND_NS  # a laboratory takes days at most
_AT_ONCE = 20
_COUNTS = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})


@loader
def write_facts(reading: Reading, event: SetpointWriteBegun | SetpointWriteEnded) -> WriteFacts:
    """Return the intent as it stands, its guidance, and what speaks against writing it."""
    known = write_on_record(reading.connection, event.intent_id, event.at)
    if known is None:
        return WriteFacts(**reading.base(), intent=None, state=None, guidance=None, stopped=True, since_move_ns=None,
                          automatic_moves=0)  # fmt: skip
    return WriteFacts(
        **reading.base(),
        intent=known.intent,
        state=known.state,
        guidance=known.guidance,
        stopped=known.stopped,
        since_move_ns=known.since_move_ns,
        automatic_moves=known.automatic_moves,
    )


@loader
def stop_facts(reading: Reading, event: ActRequested) -> StopFacts:
    """Return who acts, and whether writing is stopped."""
    return StopFacts(**act_base(reading, event), stop=stop_of(reading.connection))


def writes_of(reading: Reading, tags: Iterable[str], at: ClockReading) -> WritesOfModel:
    """Return what stands of writes to setpoints."""
    tags, latches = tuple(tags), frozenset(reading.values("latches"))
    return WritesOfModel(
        stopped=stop_of(reading.connection) is not None,
        under_way=frozenset(
            tag for tag in tags if value_of(reading.connection, "open_intent_of_tag", tag=tag) is not None
        ),
        automatic_moves={tag: automatic_moves(reading.connection, tag, at) for tag in tags},
        alarmed=frozenset(
            tag for tag in tags if not latches.isdisjoint({mismatch_latch(tag), not_followed_latch(tag)})
        ),
        last={tag: last for tag in tags if (last := last_move(reading.connection, tag)) is not None},
    )


# --- followed ----------------------------------------------------------------------------------------------


@loader
def follow_facts(reading: Reading, event: TimerDue) -> FollowFacts:
    """Return moves whose outcome can be told now: those that had their effect, until the tag was moved again."""
    since = {"since_ns": event.at_ns - _FOLLOWED_NS, "most": _AT_ONCE}
    rows = reading.rows("setpoint_writes_to_follow", since)
    moves: list[FollowedMove] = []
    for row in rows:
        (intent,) = reading.decoded(SetpointIntent, [row]) or (None,)
        window = None if intent is None else _window(reading, intent, row["written_ns"], event.at_ns)
        if intent is None or window is None:
            continue
        if not row["predicted"]:
            moves += _predicted(reading.connection, intent, window)
        if not row["measured"]:
            moves += _measured(reading, intent, window)
    return FollowFacts(**reading.base(), moves=tuple(moves))


def _window(reading: Reading, intent: SetpointIntent, written_ns: int, at_ns: int) -> tuple[int, int] | None:
    """Return between which instants the plant shows the move's effect, or None."""
    manipulated = manipulated_of(intent, reading.line)
    if manipulated is None:
        return None
    next_ns = value_of(reading.connection, "next_setpoint_write", tag=intent.tag, after_ns=written_ns)
    window = written_ns + manipulated.minimum_interval_ns, next_ns or at_ns + 1
    return window if window[0] < window[1] else None


def _predicted(connection: sqlite3.Connection, intent: SetpointIntent, window: tuple[int, int]) -> list[FollowedMove]:
    """Return the first prediction after the move had its effect."""
    between = {"from_ns": window[0], "until_ns": window[1], "model": intent.model, "analyte": intent.analyte}
    row = connection.execute(SQL["prediction_after"], between).fetchone()
    if row is None:
        return []
    return [FollowedMove(intent=intent, followed=Followed.PREDICTED, by=row["prediction_id"], value=row["value"])]


def _measured(reading: Reading, intent: SetpointIntent, window: tuple[int, int]) -> list[FollowedMove]:
    """Return the first result that counts of a sample that was drawn after the move had its effect."""
    between = {"from_ns": window[0], "until_ns": window[1], "model": intent.model, "analyte": intent.analyte}
    for row in reading.rows("results_after", between):
        for result in reading.decoded(LabResult, [row]):
            value = _value_of(result, intent, reading.line)
            if value is not None:
                return [FollowedMove(intent=intent, followed=Followed.MEASURED, by=row["result_id"], value=value)]
    return []


def _value_of(result: LabResult, intent: SetpointIntent, line: LineDefinition) -> float | None:
    """Return a result in the model's unit; None where it does not count, or says only below or above."""
    if result.value is None or result.qualifier is not None or result.status not in _COUNTS:
        return None
    model = line.model_named(intent.model)
    output = None if model is None else model.bundle.output_of(intent.analyte)
    return None if output is None else converted(result.value, result.unit, output.unit)
