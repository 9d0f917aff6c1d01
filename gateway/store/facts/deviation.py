"""What the draft of a deviation stands on, and the record of what a lot was made by."""

from gateway.events import (
    FollowUpDue,
)
from gateway.facts.deviation import DeviationFacts, FingerprintFacts
from gateway.lab.review.process_window import ModelRun
from gateway.records.production import Context
from gateway.store.facts.investigation import around_result, uses_of_lot
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL


@loader
def deviation_facts(reading: Reading, event: FollowUpDue) -> DeviationFacts:
    """Return what is on record around a result that failed."""
    follow_up = event.follow_up
    investigation = around_result(reading, follow_up, at_ns=event.at_ns)
    result = investigation.result
    context = Context(
        equipment_id=follow_up.equipment_id,
        material_lot_id=None if result is None else result.material_lot_id,
        material_definition_id=None if result is None else result.material_definition_id,
    )
    gaps = () if result is None else reading.gaps(context, reading.line, follow_up.from_ns, follow_up.until_ns)
    return DeviationFacts(
        **reading.base(),
        windows=reading.windows,
        context=context,
        investigation=investigation,
        specifications=reading.specifications(context.material_definition_id),
        gaps=gaps,
    )


@loader
def fingerprint_facts(reading: Reading, event: FollowUpDue) -> FingerprintFacts:
    """Return what an ended lot was made of."""
    lot = event.follow_up.subject
    return FingerprintFacts(
        **reading.base(),
        windows=reading.windows,
        context=reading.context("context_of_lot", material_lot_id=lot) or Context(),
        uses=uses_of_lot(reading, lot),
        asked=tuple(
            ModelRun(model=model, predictions=predictions, abstained=abstained)
            for model, predictions, abstained in reading.connection.execute(SQL["predictions_of_run"], {"lot": lot})
        ),
    )
