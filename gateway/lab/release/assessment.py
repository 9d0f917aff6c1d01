"""What one subject asks for a lot, and a tally of the subjects that are not assessed now. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from gateway.lab.disposition import worse
from gateway.lab.release.lot_knowledge import LotKnowledge
from gateway.lab.release.open_points import Finding, OpenPoint, Point, Points, open_and_settled
from gateway.records.laboratory import Recommendation
from gateway.records.verdicts import Reason

FAILURES = frozenset({OpenPoint.EARLIER_VERSION_FAILED, OpenPoint.RETESTED})
"""Points of results that are or were out of specification, though they ask for a review only."""


class Subject(StrEnum):
    """What an assessment is about."""

    RESULT = "result"
    REFUSED = "refused"
    PARENT = "parent"
    CONTEXT = "context"
    UNFINISHED = "unfinished"
    NAME = "name"  # which could mean this lot or another
    LIKENESS = "likeness"  # of its name to those of other lots: the same for each of them
    SAMPLE = "sample"  # of which results name different lots
    DECISION = "decision"  # of a person who rejects the lot or keeps it on hold
    PRODUCTION = "production"  # whether production has begun it again since it was released
    PARTS = "parts"  # of a divided lot: whether they fit in what production says the lot is
    PART = "part"  # as a person has declared it: of which lot it is, and how much
    WHOLE_LOT = "whole_lot"  # a person's decision on the lot of which this is a part
    SPECIFICATION = "specification"  # a refused message about a product: the same for each of its lots


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """What one subject asks for a lot: the worst of its open points; without any, ``base``."""

    material_lot_id: str
    subject: str
    kind: Subject
    base: Recommendation = Recommendation.PENDING
    inside: tuple[Reason, ...] = ()  # why it asks for a release, where it does
    points: tuple[Point, ...] = ()
    settled: tuple[Point, ...] = ()  # that would speak against a release, had no person settled them
    failed: bool = False  # it is, or was, out of specification, and nobody has settled that
    approved: bool = False
    unchecked: bool = False  # typed in, and checked by nobody in the laboratory
    retest: bool = False
    states_lot: bool = False
    source: str | None = None
    sample_id: str | None = None
    test_id: str | None = None
    result_version: int | None = None
    analyte: str | None = None
    products: tuple[str, ...] = ()  # by which it was judged, its own first
    own_product: str | None = None  # what the message itself says
    own_client: str | None = None
    awaited_order_id: str | None = None
    current: bool = False
    flags: tuple[str, ...] = ()
    at_ns: int = 0

    @property
    def asks(self) -> Recommendation:
        """Return what it asks for."""
        worst = self.base if not self.points else Recommendation.PENDING
        for point in self.points:
            worst = worse(worst, point.asks)
        return worst


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """The subjects of a lot that are not assessed now: how many ask for what, and the worst of them."""

    asks: Mapping[Recommendation, int] = field(default_factory=dict)
    failed: int = 0
    approved: frozenset[str] = frozenset()
    worst: tuple[Assessment, ...] = ()


def points_of(
    lot: LotKnowledge,
    subject: str,
    findings: Iterable[Finding],
    evidence: Mapping[str, object] = MappingProxyType({}),
) -> Points:
    """Return the points of a subject for a lot; ``evidence``: what they rest on besides their reasons."""
    return open_and_settled(findings, lot.settled, lot=lot.lot, subject=subject, evidence=evidence)


def assessment_of_lot(
    lot: LotKnowledge, kind: Subject, finding: Finding, *, evidence: Mapping[str, object] = MappingProxyType({})
) -> Assessment:
    """Return the assessment of a subject that a lot has at most once."""
    subject = kind.value
    points = points_of(lot, subject, (finding,), evidence)
    return Assessment(material_lot_id=lot.lot, subject=subject, kind=kind, **points)
