"""From the tables: what acts on corrective actions stand on. Runs inside the writer's transaction."""

from gateway.events import ActRequested
from gateway.facts.corrective_action import CompleteActionFacts, RecordActionFacts
from gateway.lab.deviations import DeviationInShort
from gateway.records.acts import CompleteAction, RecordAction
from gateway.records.corrective_actions import ActionRecorded
from gateway.store.codec import decode
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL, value_of


@loader
def record_action_facts(reading: Reading, event: ActRequested) -> RecordActionFacts:
    """Return the deviation that an action is against."""
    key = event.act.deviation_id if isinstance(event.act, RecordAction) else ""
    row = reading.connection.execute(SQL["deviation"], {"deviation_id": key}).fetchone()
    holds = row is None or bool(row["holds"])
    deviation = None if row is None or not holds else decode(DeviationInShort, row["body"])
    return RecordActionFacts(**act_base(reading, event), deviation=deviation, holds=holds)


@loader
def complete_action_facts(reading: Reading, event: ActRequested) -> CompleteActionFacts:
    """Return the action that is done."""
    key = event.act.action_id if isinstance(event.act, CompleteAction) else ""
    row = reading.connection.execute(SQL["corrective_action"], {"key": key}).fetchone()
    holds = row is None or bool(row["holds"])
    action = None if row is None or not holds else decode(ActionRecorded, row["body"])
    done = value_of(reading.connection, "corrective_action_is_done", key=key) is not None
    return CompleteActionFacts(**act_base(reading, event), action=action, holds=holds, done=done)
