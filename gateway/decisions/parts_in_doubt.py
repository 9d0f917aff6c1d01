"""What a broker has kept of a part of a lot is cleared where the part's declaration was taken out or altered. Pure.

Nobody may go by it any more, and nothing else would replace it: what is in doubt is judged as no part. Its lot is
judged again, so that no release of it is told on.
"""

from gateway.advice.publication import cleared_part
from gateway.decision import Decision, LotsQuestioned
from gateway.decisions.changes import audit_entry
from gateway.events import Event
from gateway.line.definition import LineDefinition
from gateway.records.lot_parts import BETWEEN


def parts_cleared(parts: tuple[str, ...], event: Event, line: LineDefinition) -> Decision:
    """Clear the messages of parts in doubt from the broker, and have them and their lots judged again."""
    if not parts:
        return Decision()
    lots = dict.fromkeys(name for part in parts for name in (part.rpartition(BETWEEN)[0], part))
    return Decision(
        records=(LotsQuestioned(lots=tuple(lots)),),
        audit=tuple(audit_entry("lot_part_in_doubt", part) for part in parts),
        messages=tuple(cleared_part(part, line=line, cause=event.event_id) for part in parts),
    )
