"""Laboratory results, the specifications that they are held against, and what is recommended for a lot."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from gateway.records.prediction import Prediction
from gateway.records.record import Record
from gateway.records.scope import Scope
from gateway.records.verdicts import Reason


class ResultStatus(StrEnum):
    """How far a result has come in the laboratory."""

    ENTERED = "entered"
    VALIDATED = "validated"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bands:
    """Percent of target: inside ``release`` release, inside ``review`` review, outside hold."""

    release: tuple[float, float]
    review: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Specification:
    """Limits of one analyte of one product, or those that came with a result."""

    analyte: str
    lower: float | None
    upper: float | None
    product: str | None = None
    target: float | None = None
    unit: str | None = None
    version: str | None = None
    inclusive: bool = True
    bands: Bands | None = None
    lower_inclusive: bool | None = None  # None: as ``inclusive``
    upper_inclusive: bool | None = None
    decimals: int | None = None  # results are rounded to so many before they are compared
    client_id: str | None = None  # None: for all
    effective_from_ns: int | None = None
    effective_until_ns: int | None = None
    required: bool = False  # whether a lot may be released without it
    accepts: tuple[str, ...] = ()  # texts that are inside; whole ones, in any case
    rejects: tuple[str, ...] = ()  # texts that are outside
    non_negative: bool | None = None  # whether no value can lie below 0; None: where the limits begin at 0
    assume_unit: bool = False  # whether a number without a unit is in the specification's

    @property
    def scope(self) -> Scope:
        """Return whose results and lots it is for; without a client it is for all."""
        return Scope(client_id=self.client_id)

    def includes(self, side: Literal["lower", "upper"]) -> bool:
        """Return whether a value equal to a limit is inside."""
        own = self.lower_inclusive if side == "lower" else self.upper_inclusive
        return self.inclusive if own is None else own


@dataclass(frozen=True, kw_only=True, slots=True)
class LabResult:
    """One version of one result. ``<x`` is never the number x: then ``value`` is None, ``censored_at`` is x."""

    result_id: str
    source: str
    sample_id: str
    test_id: str
    analyte: str
    replicate: int
    value_text: str
    value: float | None
    qualifier: str | None
    unit: str | None
    status: ResultStatus
    result_version: int | None  # None: the message had none; the store counts
    censored_at: float | None = None
    specification: Specification | None = None
    lod: float | None = None
    loq: float | None = None
    retest_of: str | None = None
    sampled_ns: int | None = None
    received_ns: int | None = None
    analysed_ns: int | None = None
    approved_ns: int | None = None
    material_lot_id: str | None = None
    job_order_id: str | None = None
    material_definition_id: str | None = None
    equipment_id: str | None = None
    client_id: str | None = None
    study_id: str | None = None
    analyst: str | None = None
    instrument_id: str | None = None
    method_id: str | None = None
    supplier: str | None = None  # of incoming material
    control_id: str | None = None  # of a control sample: the material that was measured; it belongs to no lot
    run_id: str | None = None  # what was measured together
    foreign_id: str | None = None  # the laboratory's own id of it, by which a retest may name it
    other_lots: tuple[str, ...] = ()  # of a composite: the lots that it speaks of besides material_lot_id
    unread: tuple[Reason, ...] = ()  # what of the message could not be understood: its lots are for a person
    context_from: tuple[str, ...] = ()  # fields that the message left open and production filled in when it came
    flags: tuple[str, ...] = ()

    @property
    def lots(self) -> tuple[str, ...]:
        """Return every lot that the result speaks of."""
        return (() if self.material_lot_id is None else (self.material_lot_id,)) + self.other_lots

    @property
    def scope(self) -> Scope:
        """Return the client and study for whom the sample was measured."""
        return Scope(client_id=self.client_id, study_id=self.study_id)

    def to_be_numbered(self) -> "LabResult":
        """Return the result without an id and a version, as a message that has neither."""
        return replace(self, result_id="", result_version=None)

    def in_its_own_words(self) -> "LabResult":
        """Return the result as its message states it, without the fields that production filled in."""
        if not self.context_from:
            return self
        empty: dict[str, Any] = {name: () if name == "other_lots" else None for name in self.context_from}
        return replace(self, **empty, context_from=())


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductReference:
    """What a refused message names of a product: it may concern lots that it does not name.

    Without a product it speaks of any; without an analyte, of all of them. ``version`` and ``from_ns`` are of the
    specification that it tells, as far as they can be read.
    """

    product: str | None = None
    analyte: str | None = None
    client_id: str | None = None
    version: str | None = None
    from_ns: int | None = None  # UTC, from when it says that it is in force
    states_limits: bool = True  # whether it is about a specification
    may_require: bool = True  # whether it could say that no lot is released without the analyte


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultReference:
    """What a refused message names: lots, sample, test, order and equipment.

    Order and equipment count where it names no lot, and where it speaks of others besides.
    """

    source: str
    lots: tuple[str, ...] = ()
    sample_id: str | None = None
    test_id: str | None = None
    job_order_id: str | None = None
    equipment_id: str | None = None
    sampled_ns: int | None = None
    others_besides: bool = False  # whether it also speaks of lots on its equipment that it does not name
    products: tuple[ProductReference, ...] = ()

    @property
    def says_something(self) -> bool:
        """Return whether it names anything that leads to a lot."""
        return bool(self.lots or self.sample_id or self.job_order_id or self.equipment_id or self.products)


class Recommendation(StrEnum):
    """What the gateway recommends for a lot. People decide."""

    PENDING = "pending"
    RELEASE = "release"
    REVIEW = "review"
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class RestedOn:
    """A result that a disposition rests on."""

    result_id: str
    sample_id: str
    test_id: str
    result_version: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Disposition:
    """The recommendation for a lot after one result version, and what it rests on."""

    disposition_id: str
    material_lot_id: str | None
    job_order_id: str | None
    recommendation: Recommendation
    previous: Recommendation
    latched: bool
    reasons: tuple[Reason, ...]
    rests_on_results: tuple["RestedOn", ...]
    rests_on_predictions: tuple[Prediction, ...]
    flags: tuple[str, ...]
    trends: tuple[str, ...] = ()  # which of its results were out of trend: sample, test and why
    gaps: tuple[str, ...] = ()  # known holes in the process data while it was made
    missing_tests: tuple[str, ...] = ()  # required ones without an approved result
    provisional: bool = False  # before the laboratory's result, by what a model says
    results: int = 0  # how many current results it rests on; of very many, rests_on_results names the worst


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvisionalHold(Record):
    """A lot's hold before its result, by a prediction; ``settled_by``: the result that confirmed or withdrew it.

    ``since_ns``: from when on what the model spoke of was made. An earlier sample says nothing of it.
    """

    material_lot_id: str
    analyte: str
    prediction_id: str
    since_ns: int
    settled_by: str | None = None
