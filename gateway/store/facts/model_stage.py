"""From the tables: what changing a model's stage stands on. Runs inside the writer's transaction."""

from gateway.events import ActRequested
from gateway.facts.model_stage import ChangeStageFacts
from gateway.records.acts import ChangeStage
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.signed_stages import signed_stages, stage_evidence


@loader
def change_stage_facts(reading: Reading, event: ActRequested) -> ChangeStageFacts:
    """Return the stage that was signed before, and how the version did beside the laboratory."""
    act = event.act
    if not isinstance(act, ChangeStage):
        raise TypeError(f"{act.kind} is no ChangeStage")
    return ChangeStageFacts(
        **act_base(reading, event),
        before=signed_stages(reading.connection).by_model.get(act.model),
        evidence=stage_evidence(reading.connection, model=act.model, bundle_sha256=act.bundle_sha256),
    )
