"""Whether production has begun a lot again since a person released it."""

from collections.abc import Mapping

from gateway.lab.release.assessment import Assessment, Subject
from gateway.records.lot_decisions import LotDecided, Verdict
from gateway.store.facts.reading import Reading
from gateway.store.statements import value_of


def begun_again_ns(
    reading: Reading, lot: str, decision: LotDecided | None, standing: Mapping[str, Assessment]
) -> int | None:
    """Return when a lot was begun after its end, where a release was signed before that; None where it was not.

    Once it is an open point, it is one until the lot has ended again, whatever is signed meanwhile. The time of either
    clock is enough: production's report may be late, and the gateway's clock may have been set back.
    """
    stands = Subject.PRODUCTION.value in standing
    if not stands and (decision is None or decision.verdict is not Verdict.RELEASE):
        return None
    since_ns = None if stands or decision is None else decision.at_ns
    begun_ns: int | None = value_of(reading.connection, "lot_begun_again_since", material_lot_id=lot, since_ns=since_ns)
    return begun_ns
