"""What a request for samples stands on."""

from gateway.events import (
    FollowUpDue,
)
from gateway.facts.sample_request import SampleRequestFacts
from gateway.records.production import Context
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.facts.sampling import sampling_of


@loader
def sample_request_facts(reading: Reading, event: FollowUpDue) -> SampleRequestFacts:
    """Return what a request for samples of a lot stands on."""
    lot = event.follow_up.subject
    context = reading.context("context_of_lot", material_lot_id=lot) or Context()
    specifications = reading.specifications(context.material_definition_id)
    return SampleRequestFacts(
        **reading.base(),
        specifications=specifications,
        context=context,
        sampling=sampling_of(reading, context, specifications, lot, at_ns=event.at_ns),
    )
