"""What the decision on a request for samples stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.facts.base import JudgingFacts
from gateway.lab.fingerprints import Fingerprint
from gateway.lab.materials import MaterialRisk
from gateway.lab.sampling import Waiting
from gateway.records.prediction import Prediction
from gateway.records.production import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingOnRecord:
    """What is known of a lot before the laboratory has measured it, and what else waits there.

    ``tested``: by analyte of the product, (failed, tested, when the newest sample was drawn).
    """

    analytes: tuple[str, ...] = ()  # that the product has a specification of
    measured: frozenset[str] = frozenset()
    queue: tuple[Waiting, ...] = ()
    predictions: tuple[Prediction, ...] = ()  # of the lot, the newest first
    fingerprint: Fingerprint | None = None
    references: tuple[Fingerprint, ...] = ()
    new_suppliers: tuple[str, ...] = ()
    materials: tuple[MaterialRisk, ...] = ()
    tested: Mapping[str, tuple[int, int, int | None]] = field(default_factory=dict)
    out_of_trend: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRequestFacts(JudgingFacts):
    """What the decision on a request for samples stands on."""

    context: Context
    sampling: SamplingOnRecord
