"""What became of an approved move: on its way, written and read back, and what came of it."""

import sqlite3

from gateway.console.views.parts import MoveOutcomeView, MoveView
from gateway.contract.times import rfc3339
from gateway.line.definition import LineDefinition
from gateway.records.setpoints import OPEN_WRITES, Followed
from gateway.store.queries.seen import Seen
from gateway.store.queries.setpoints import WriteShown, newest_write_of_tag, write_of_guidance


def move_of_guidance(connection: sqlite3.Connection, guidance_id: str, line: LineDefinition) -> MoveView | None:
    """Return what became of the move of a guidance, None where none was approved."""
    write = write_of_guidance(connection, guidance_id)
    return None if write is None else _move(write, line)


def newest_move(connection: sqlite3.Connection, tag: str, line: LineDefinition, seen: Seen) -> MoveView | None:
    """Return what became of the newest approved move of a setpoint, None where there is none that may be seen."""
    write = newest_write_of_tag(connection, tag)
    if write is None or (seen.limited and not seen.guidance_named(write.intent.guidance_id)):
        return None
    return _move(write, line)


def _move(write: WriteShown, line: LineDefinition) -> MoveView:
    intent, last = write.intent, write.last
    model = line.model_named(intent.model)
    output = None if model is None else model.bundle.output_of(intent.analyte)
    outcomes = [
        MoveOutcomeView(
            followed=followed.value, at=rfc3339(known.at_ns), value=known.outcome.value,
            as_expected=known.outcome.as_expected,
        )
        for followed in Followed
        if (known := write.outcomes_at.get(followed.value)) is not None
    ]  # fmt: skip
    return MoveView(
        tag=intent.tag,
        unit=intent.unit,
        from_value=intent.from_value,
        to_value=intent.to_value,
        state=write.state.value,
        at=rfc3339(write.at_ns),
        on_its_way=write.state in OPEN_WRITES,
        read_back=last.read_back,
        reason=None if last.reason is None else last.reason.text,
        analyte=intent.analyte,
        analyte_unit=None if output is None else output.unit,
        expected_low=intent.expected_low,
        expected_high=intent.expected_high,
        outcomes=outcomes,
        helped=outcomes[-1].as_expected if outcomes and write.holds else None,
        holds=write.holds,
    )
