"""How an ended lot was made, for comparisons. Pure."""

from gateway.decision import Decision
from gateway.events import FollowUpDue
from gateway.facts.deviation import DeviationFacts, FingerprintFacts
from gateway.lab.fingerprints import Fingerprint, LotRun, MaterialUse, fingerprint
from gateway.lab.review.process_window import LotProcess, tag_runs


def on_fingerprint(event: FollowUpDue, facts: FingerprintFacts) -> Decision:
    """Return the record of how a lot was made, for comparisons, and of how its equipment ran, for its review."""
    follow_up = event.follow_up
    process = LotProcess(
        material_lot_id=follow_up.subject,
        from_ns=follow_up.from_ns,
        until_ns=follow_up.until_ns,
        begins_with_lot=follow_up.begins_with_lot,
        tags=tag_runs(facts.windows.values(), facts.line.tags),
        models=facts.asked,
    )
    return Decision(records=(fingerprint_of(event, facts, facts.uses, follow_up.subject), process))


def fingerprint_of(
    event: FollowUpDue, facts: FingerprintFacts | DeviationFacts, uses: tuple[MaterialUse, ...], lot: str
) -> Fingerprint:
    """Return how a lot was made between two instants."""
    follow_up = event.follow_up
    run = LotRun(
        material_lot_id=lot,
        product=facts.context.material_definition_id,
        equipment_id=follow_up.equipment_id,
        from_ns=follow_up.from_ns,
        until_ns=follow_up.until_ns,
        begins_with_lot=follow_up.begins_with_lot,
    )
    return fingerprint(
        run,
        windows=facts.windows.values(),
        uses=[use for use in uses if use.material_lot_id == lot],
        zone=facts.line.time_zone,
    )
