"""All assessments of a lot, one subject after the other. Pure."""

from gateway.lab.release.assessment import Assessment
from gateway.lab.release.basis import InForce
from gateway.lab.release.decided import by_decision
from gateway.lab.release.lot_knowledge import LotKnowledge
from gateway.lab.release.production import (
    by_context,
    by_likeness,
    by_name,
    by_parents,
    by_samples,
    by_unjudged_results,
)
from gateway.lab.release.refused import by_refused_messages, by_refused_specifications
from gateway.lab.release.results import by_results


def assessments(lot: LotKnowledge, in_force: InForce) -> tuple[Assessment, ...]:
    """Return what each subject asks for a lot."""
    return (
        *by_results(lot, in_force),
        *by_refused_messages(lot, in_force),
        *by_refused_specifications(lot),
        *by_samples(lot),
        *by_name(lot),
        *by_likeness(lot),
        *by_parents(lot),
        *by_context(lot),
        *by_unjudged_results(lot),
        *by_decision(lot),
    )
