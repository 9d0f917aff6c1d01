"""What a lot is assessed by: its results, refused messages, context, parents, and what people have settled. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.lab.refused_specifications import RefusedOfProduct
from gateway.records.laboratory import LabResult, Recommendation
from gateway.records.lot_decisions import LotDecided
from gateway.records.scope import Scope
from gateway.records.verdicts import Reason


class Relation(StrEnum):
    """How it is known that a result is of a lot."""

    STATED = "stated"  # its message names the lot
    FOUND = "found"  # by equipment and drawn time, or by its sample, of which another result names the lot
    POSSIBLE = "possible"  # only its order, or its equipment, is known: it counts where it speaks against a release


@dataclass(frozen=True, kw_only=True, slots=True)
class LotContext:
    """What is known of a lot from production: ``contradictions`` names the fields with several values."""

    material_lot_id: str
    products: tuple[str, ...] = ()  # the one that holds first; more where nobody can say which one does
    client_id: str | None = None
    job_order_id: str | None = None
    equipment_id: str | None = None
    contradictions: tuple[str, ...] = ()
    stated: tuple[tuple[str, tuple[str, ...]], ...] = ()  # of a contradicted field all values on record

    @property
    def scope(self) -> Scope:
        """Return for whom the lot is made; production tells no study."""
        return Scope(client_id=self.client_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultOnRecord:
    """One version of a result in its own words, and how it stands to a lot."""

    result: LabResult
    arrived_ns: int
    current: bool
    relation: Relation
    order_products: tuple[str, ...] = ()  # of the order that its message names
    trends: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedResult:
    """A message about a lot that was refused; ``result``: what it says, where it only contradicts what is on record."""

    dead_letter_id: str
    reasons: tuple[Reason, ...]
    at_ns: int
    sample_id: str | None = None
    test_id: str | None = None
    result: LabResult | None = None
    superseded: bool = False  # whether a later version is on record
    order_products: tuple[str, ...] = ()  # of the order that it names


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """A lot that went into another one, directly or not, and that is itself on hold or for review.

    ``evidence``: what stands for all that asks for the hold, as a person settles that for one lot made of it.
    """

    material_lot_id: str
    asks: Recommendation
    evidence: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotsNamedAlike:
    """Lots whose names only look alike, this one among them: they may be one lot that two systems write differently.

    ``names``: in their order, and not all of very many; ``count``: how many there are. ``evidence``: what stands for
    all that asks for the hold of any of them, as a person settles that they are different lots.
    """

    names: tuple[str, ...]
    count: int
    evidence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleLots:
    """The lots of one sample, by each of its results that names any."""

    source: str
    sample_id: str
    stated: tuple[tuple[str, ...], ...]

    @property
    def contradicting(self) -> tuple[str, ...]:
        """Return all named lots, where no single result names all of them, as that of a composite sample does."""
        lots = {lot for named in self.stated for lot in named}
        return () if any(lots == set(named) for named in self.stated) else tuple(sorted(lots))


@dataclass(frozen=True, kw_only=True, slots=True)
class LotKnowledge:
    """What a lot is assessed by."""

    context: LotContext
    results: tuple[ResultOnRecord, ...] = ()
    refused: tuple[RefusedResult, ...] = ()
    of_product: tuple[RefusedOfProduct, ...] = ()  # that name its product or an analyte, and that nothing has answered
    alike: tuple[str, ...] = ()  # known lots whose names, with bars, may mean this one, or this one's them
    named_alike: LotsNamedAlike | None = None
    samples: tuple[SampleLots, ...] = ()  # of which another lot is named, too
    parents: tuple[Parent, ...] = ()
    settled: frozenset[str] = frozenset()
    decision: LotDecided | None = None  # the newest of a person
    is_part: bool = False  # of a lot
    left_out: int = 0  # results on record that are too many to be judged again

    @property
    def lot(self) -> str:
        """Return the lot's name; empty where no lot is named."""
        return self.context.material_lot_id

    @property
    def standing(self) -> tuple[LabResult, ...]:
        """Return the results that hold now and are known to be of this lot."""
        return tuple(
            record.result for record in self.results if record.current and record.relation is not Relation.POSSIBLE
        )


def result_key(result: LabResult) -> tuple[str, str, str, int]:
    """Return what all versions of one result have in common."""
    return (result.source, result.sample_id, result.test_id, result.replicate)
