"""What is on record of writes to the PLC. Runs on any connection; what does not match its hash never lets one go."""

import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from gateway.deadlines import ClockReading
from gateway.records.guidance import Guidance
from gateway.records.setpoints import (
    FOLLOWING_WRITES,
    OPEN_WRITES,
    Followed,
    IntentMoved,
    LastMove,
    SetpointIntent,
    SetpointOutcome,
    StopOnRecord,
    WriteState,
)
from gateway.store.codec import decode
from gateway.store.statements import SQL, value_of
from gateway.time_units import SECOND_NS

_HOUR_NS = 3600 * SECOND_NS
_MOST_MOVES = 1000  # of a tag, the newest: far more than fit into an hour
_NEWEST_MOVES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteOnRecord:
    """What is on record of a write at an instant, for its gates."""

    intent: SetpointIntent
    state: WriteState
    guidance: Guidance | None
    latches: tuple[str, ...]
    stopped: bool
    since_move_ns: int | None
    automatic_moves: int


def stop_of(connection: sqlite3.Connection) -> StopOnRecord | None:
    """Return the stop that stands, None where writing is allowed; a damaged record counts as a stop."""
    row = connection.execute(SQL["newest_setpoint_stop"]).fetchone()
    if row is None and value_of(connection, "setpoint_stop_is_missing"):
        return StopOnRecord(person="", reason="the record of who stopped or resumed is missing", at_ns=0)
    if row is None or (row["holds"] and not row["stopped"]):
        return None
    why = row["reason"] if row["holds"] else "the record of who stopped or resumed does not match its hash"
    return StopOnRecord(person=row["person"], reason=why, at_ns=row["at_ns"])


def open_intents(connection: sqlite3.Connection) -> tuple[tuple[SetpointIntent, WriteState], ...]:
    """Return the open intents with their states, the oldest first; what does not hold is left out."""
    rows = connection.execute(SQL["open_setpoint_intents"]).fetchall()
    decoded = ((_decoded(row), WriteState(row["state"])) for row in rows if row["holds"])
    return tuple((intent, state) for intent, state in decoded if intent is not None)


def since_move_ns(connection: sqlite3.Connection, tag: str, at: ClockReading) -> int | None:
    """Return how long ago the gateway last wrote a tag, None where it never did.

    A wall clock that is set makes it neither longer nor shorter within one boot; across boots wall time decides.
    """
    since_ns: int | None = value_of(connection, "since_setpoint_write", tag=tag, most=_NEWEST_MOVES, **_clocks(at))
    return since_ns


def automatic_moves(connection: sqlite3.Connection, tag: str, at: ClockReading) -> int:
    """Return how often a tag was written without a person within the hour before an instant, by the same clocks."""
    return int(
        value_of(connection, "automatic_setpoint_writes", tag=tag, within_ns=_HOUR_NS, most=_MOST_MOVES, **_clocks(at))
    )


def _clocks(at: ClockReading) -> dict[str, int | str]:
    return {"wall_ns": at.wall_ns, "boot_ns": at.boot_ns, "boot_id": at.boot_id}


def intent_of_id(connection: sqlite3.Connection, intent_id: str) -> SetpointIntent | None:
    """Return an intent, None where it is not there or does not hold."""
    row = connection.execute(SQL["setpoint_intent"], {"intent_id": intent_id}).fetchone()
    return None if row is None or not row["holds"] else _decoded(row)


def write_on_record(connection: sqlite3.Connection, intent_id: str, at: ClockReading) -> WriteOnRecord | None:
    """Return what is on record of a write, None where the intent is not there or does not hold."""
    row = connection.execute(SQL["setpoint_intent"], {"intent_id": intent_id}).fetchone()
    intent = None if row is None or not row["holds"] else _decoded(row)
    if intent is None:
        return None
    return WriteOnRecord(
        intent=intent,
        state=WriteState(row["state"]),
        guidance=_guidance(connection, intent.guidance_id),
        latches=tuple(code for (code,) in connection.execute(SQL["latches"])),
        stopped=stop_of(connection) is not None,
        since_move_ns=since_move_ns(connection, intent.tag, at),
        automatic_moves=automatic_moves(connection, intent.tag, at),
    )


def state_of_intent(connection: sqlite3.Connection, intent_id: str, state: WriteState) -> IntentMoved | None:
    """Return what was on record as an intent came into a state, None where it never did or that does not hold."""
    rows = connection.execute(SQL["states_of_setpoint_intent"], {"intent_id": intent_id}).fetchall()
    row = next((row for row in rows if row["state"] == state and row["holds"]), None)
    return None if row is None else decode(IntentMoved, row["body"])


def last_move(connection: sqlite3.Connection, tag: str) -> LastMove | None:
    """Return what became of the newest move of a setpoint that is over, None where there is none."""
    row = connection.execute(SQL["newest_setpoint_intent_of_tag"], {"tag": tag}).fetchone()
    if row is None or row["open"]:
        return None
    intent = _decoded(row) if row["holds"] else None
    states = {state["state"]: state for state in connection.execute(SQL["states_of_setpoint_intent"],
                                                                    {"intent_id": row["intent_id"]})}  # fmt: skip
    newest = states.get(row["state"])
    if intent is None or newest is None or not newest["holds"]:
        return LastMove(intent_id=row["intent_id"], model="", model_sha256="", product=None, stands_at=math.nan,
                        in_force=False, cause=None, holds=False)  # fmt: skip
    record = decode(IntentMoved, newest["body"])
    ended = states.get(WriteState.CAUSE_ENDED)
    guidance = _guidance(connection, intent.guidance_id)
    return LastMove(
        intent_id=intent.intent_id,
        model=intent.model,
        model_sha256=intent.model_sha256,
        product=None if guidance is None else guidance.material_definition_id,
        stands_at=intent.to_value if record.written is None else record.written,
        in_force=record.state in {WriteState.WRITTEN, WriteState.NOT_FOLLOWED},
        cause=None if ended is not None and ended["holds"] else _cause_of(record),
        holds=True,
    )


def _cause_of(record: IntentMoved) -> str | None:
    """Return the code of what kept a move from coming into force, None where it came into force."""
    reason = record.reason
    if reason is None or record.state not in FOLLOWING_WRITES or record.state in OPEN_WRITES:
        return None
    return str(reason.parameters.get("cause_code") or reason.code)


def _guidance(connection: sqlite3.Connection, guidance_id: str) -> Guidance | None:
    row = connection.execute(SQL["guidance_by_id"], {"guidance_id": guidance_id}).fetchone()
    if row is None or not row["holds"]:
        return None
    try:
        return decode(Guidance, row["body"])
    except ValidationError:  # of another version: nobody can say what was approved
        return None


def _decoded(row: sqlite3.Row) -> SetpointIntent | None:
    try:
        return decode(SetpointIntent, row["body"])
    except ValidationError:
        return None


# --- for people ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeShown:
    """What came of a move, and when it was seen."""

    outcome: SetpointOutcome
    at_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteShown:
    """An intent with its newest state and what came of it; ``holds``: whether every row of it matches its hash.

    ``at_ns``: since when it is in that state. ``outcomes_at``: by what it was followed.
    """

    intent: SetpointIntent
    state: WriteState
    at_ns: int
    last: IntentMoved
    states: tuple[tuple[WriteState, int], ...]  # with when it came into each, the newest last
    outcomes_at: Mapping[str, OutcomeShown]
    holds: bool

    @property
    def outcomes(self) -> Mapping[str, SetpointOutcome]:
        """Return what came of the move, by what it was followed."""
        return {followed: known.outcome for followed, known in self.outcomes_at.items()}


def newest_writes(connection: sqlite3.Connection, *, most: int) -> tuple[WriteShown, ...]:
    """Return the newest intents, the newest first; one that cannot be read is left out."""
    shown = (_shown(connection, row) for row in connection.execute(SQL["newest_setpoint_intents"], {"most": most}))
    return tuple(write for write in shown if write is not None)


def write_of_guidance(connection: sqlite3.Connection, guidance_id: str) -> WriteShown | None:
    """Return the newest intent of a guidance, None where nothing was approved or it cannot be read."""
    row = connection.execute(SQL["setpoint_intent_of_guidance"], {"guidance_id": guidance_id}).fetchone()
    return None if row is None else _shown(connection, row)


def newest_write_of_tag(connection: sqlite3.Connection, tag: str) -> WriteShown | None:
    """Return the newest intent of a setpoint, None where there is none or it cannot be read."""
    row = connection.execute(SQL["newest_move_of_tag"], {"tag": tag}).fetchone()
    return None if row is None else _shown(connection, row)


def _shown(connection: sqlite3.Connection, row: sqlite3.Row) -> WriteShown | None:
    intent = _decoded(row)
    if intent is None:
        return None
    of_intent = {"intent_id": row["intent_id"]}
    states = connection.execute(SQL["states_of_setpoint_intent"], of_intent).fetchall()
    outcomes = connection.execute(SQL["outcomes_of_setpoint_intent"], of_intent).fetchall()
    state = WriteState(row["state"])
    newest = next((item for item in states if item["state"] == state), None)
    last = IntentMoved(intent_id=intent.intent_id, tag=intent.tag, state=state)
    return WriteShown(
        intent=intent,
        state=state,
        at_ns=row["issued_ns"] if newest is None else newest["at_ns"],
        last=last if newest is None else decode(IntentMoved, newest["body"]),
        states=tuple((WriteState(item["state"]), item["at_ns"]) for item in states),
        outcomes_at={item["followed"]: _outcome(intent, item) for item in outcomes},
        holds=all(item["holds"] for item in (row, *states, *outcomes)),
    )  # fmt: skip


def _outcome(intent: SetpointIntent, row: sqlite3.Row) -> OutcomeShown:
    outcome = SetpointOutcome(
        intent_id=intent.intent_id, followed=Followed(row["followed"]), by=row["by"], expected=row["expected"],
        value=row["value"], as_expected=bool(row["as_expected"]),
    )  # fmt: skip
    return OutcomeShown(outcome=outcome, at_ns=row["at_ns"])
