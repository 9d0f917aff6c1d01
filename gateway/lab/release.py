"""Whether a lot may be recommended for release: what speaks for and against it, and nothing else. Pure.

The rule: a lot is recommended for release where a result asks for it, nothing that is known of the lot asks for more
care, and no required test is missing. What is known of a lot is a set of *assessments*: one for each version of each
result that speaks of it, for each refused message that names it, for each parent lot that is in question, and for
contradictions in its context. An assessment follows from facts alone, never from the order in which they came, so the
same facts end in the same recommendation. What speaks against a release is an *open point*: with its reason, its
evidence, and how a person settles it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypedDict

from gateway.contract.identity import identity_of
from gateway.contract.times import rfc3339
from gateway.lab.disposition import TREND_FLAGS, WITHDRAWN, Judged, LotState, judge_result, retested, worse
from gateway.lab.judgements import Judgement
from gateway.lab.refused_specifications import RefusedOfProduct, is_in_question
from gateway.records import LabResult, Reason, Recommendation, ResultStatus, Specification

MOST_REASONS = 20  # of a disposition: the worst in words, the others as a count
InForce = Callable[[str, int, str | None, str | None], tuple[Specification, ...]]
"""(analyte, instant, product, client) to the specifications that hold."""


class Relation(StrEnum):
    """How a result comes to speak of a lot."""

    STATED = "stated"  # its message names the lot
    FOUND = "found"  # by equipment and drawn time, or by its sample, of which another result names the lot
    POSSIBLE = "possible"  # only its order, or its equipment, is known: it counts where it speaks against


class Subject(StrEnum):
    """What an assessment is about."""

    RESULT = "result"
    REFUSED = "refused"
    PARENT = "parent"
    CONTEXT = "context"
    UNFINISHED = "unfinished"
    NAME = "name"  # which could mean this lot or another
    SAMPLE = "sample"  # of which results name different lots
    SPECIFICATION = "specification"  # a refused message about a product: the same for each of its lots


class OpenPoint(StrEnum):
    """What speaks against a release besides the value of a result, and how a person settles it."""

    RESULT_UNREAD = "RESULT_UNREAD"
    MESSAGE_REFUSED = "MESSAGE_REFUSED"
    SPECIFICATION_REFUSED = "SPECIFICATION_REFUSED"
    RESULT_CONTRADICTED = "RESULT_CONTRADICTED"
    RESULT_WITHDRAWN = "RESULT_WITHDRAWN"
    EARLIER_VERSION_FAILED = "EARLIER_VERSION_FAILED"
    EARLIER_VERSION_UNREAD = "EARLIER_VERSION_UNREAD"
    RESULT_LEFT_LOT = "RESULT_LEFT_LOT"
    SAMPLE_OF_SEVERAL_LOTS = "SAMPLE_OF_SEVERAL_LOTS"
    LOT_NAME_UNCLEAR = "LOT_NAME_UNCLEAR"
    RETEST = "RETEST"
    RETEST_WITHOUT_ORIGINAL = "RETEST_WITHOUT_ORIGINAL"
    RETESTED = "RETESTED"
    CONTROL_WITH_LOT = "CONTROL_WITH_LOT"
    RESULT_WITHOUT_LOT = "RESULT_WITHOUT_LOT"
    CONTEXT_CONTRADICTED = "CONTEXT_CONTRADICTED"
    PRODUCT_UNKNOWN = "PRODUCT_UNKNOWN"
    PARENT_IN_QUESTION = "PARENT_IN_QUESTION"
    NOT_JUDGED_AGAIN = "NOT_JUDGED_AGAIN"


HOW_TO_SETTLE: Mapping[str, str] = {
    OpenPoint.RESULT_UNREAD: "have the laboratory send it again in a readable form, or read it and settle the point",
    OpenPoint.MESSAGE_REFUSED: "read the message (labline buffer dead-letters --id ID); then settle the point",
    OpenPoint.SPECIFICATION_REFUSED: "have this version sent again in a readable form, or read it (labline buffer "
    "dead-letters --id ID) and settle the point: that holds for all lots of the message",
    OpenPoint.RESULT_CONTRADICTED: "ask the laboratory which value holds; then settle the point",
    OpenPoint.RESULT_WITHDRAWN: "have the laboratory replace it by a new version, or settle the point",
    OpenPoint.EARLIER_VERSION_FAILED: "look at why the value was corrected; then settle the point",
    OpenPoint.EARLIER_VERSION_UNREAD: "check that it said what its correction says; then settle the point",
    OpenPoint.RESULT_LEFT_LOT: "check that the result is not of this lot; then settle the point",
    OpenPoint.SAMPLE_OF_SEVERAL_LOTS: "have the laboratory correct the lot, or name all lots of a composite in one "
    "result; or settle the point on each of the lots",
    OpenPoint.LOT_NAME_UNCLEAR: "have lists of lots sent as lists; or settle the point on each of the lots",
    OpenPoint.RETEST: "decide on the out-of-specification investigation; then settle the point",
    OpenPoint.RETEST_WITHOUT_ORIGINAL: "find the result that it repeats; then settle the point",
    OpenPoint.RETESTED: "decide on the out-of-specification investigation; then settle the point",
    OpenPoint.CONTROL_WITH_LOT: "configure the control material, or settle the point",
    OpenPoint.RESULT_WITHOUT_LOT: "have the laboratory name the lot, or settle the point",
    OpenPoint.CONTEXT_CONTRADICTED: "correct the master data; then settle the point",
    OpenPoint.PRODUCT_UNKNOWN: "have the product of the lot told; it is judged again then",
    OpenPoint.PARENT_IN_QUESTION: "decide on the parent lot; this lot is judged again then",
    OpenPoint.NOT_JUDGED_AGAIN: "check the lot's results by hand; then settle the point",
    Judgement.NO_SPECIFICATION.name: "check the names of product and test, state a specification, or settle the point",
}
LOOK_AND_SETTLE = "look at the result; then settle the point"
SETTLE_ON_PARENT = "settle the points of the parent lot; this lot is judged again then"
A_HOLD_IS_DECIDED = "quality decides on the lot; no setting of the gateway lifts a hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One thing that asks for care, and why; ``settled``: a person has looked at it."""

    point_id: str
    code: str
    asks: Recommendation
    reason: Reason

    @property
    def how(self) -> str:
        """Return how a person settles it."""
        if self.asks is Recommendation.HOLD:
            return A_HOLD_IS_DECIDED
        if self.of_parent_for_review:
            return SETTLE_ON_PARENT
        return HOW_TO_SETTLE.get(self.code, LOOK_AND_SETTLE)

    @property
    def can_be_settled(self) -> bool:
        """Return whether a person can settle it: no hold, and no parent whose own points can still be settled."""
        return self.asks is not Recommendation.HOLD and not self.of_parent_for_review

    @property
    def of_parent_for_review(self) -> bool:
        """Return whether it is about a parent lot that is for review: what is found of it later must reach this lot."""
        of_parent = self.code == OpenPoint.PARENT_IN_QUESTION
        return of_parent and self.reason.parameters.get("recommendation") != Recommendation.HOLD.value


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
        asked = self.base if not self.points else Recommendation.PENDING
        for point in self.points:
            asked = worse(asked, point.asks)
        return asked


@dataclass(frozen=True, kw_only=True, slots=True)
class LotContext:
    """What is known of a lot from production: ``contradictions`` names the fields that were told in several ways."""

    material_lot_id: str
    products: tuple[str, ...] = ()  # the one that holds first; more where nobody can say which one does
    client_id: str | None = None
    job_order_id: str | None = None
    equipment_id: str | None = None
    contradictions: tuple[str, ...] = ()
    told: tuple[tuple[str, tuple[str, ...]], ...] = ()  # of a contradicted field all values that were ever told


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
class SampleLots:
    """The lots of one sample: those that each of its results names which names any."""

    source: str
    sample_id: str
    stated: tuple[tuple[str, ...], ...]

    @property
    def contradicting(self) -> tuple[str, ...]:
        """Return all lots that are named, where no result names all of them; a composite does, and contradicts none."""
        lots = {lot for named in self.stated for lot in named}
        return () if any(lots == set(named) for named in self.stated) else tuple(sorted(lots))


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Assessments of a lot that are not looked at now: how many ask for what, and the worst of them."""

    asks: Mapping[Recommendation, int] = field(default_factory=dict)
    failed: int = 0
    approved: frozenset[str] = frozenset()
    worst: tuple[Assessment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LotKnowledge:
    """What a lot is assessed by."""

    context: LotContext
    results: tuple[ResultOnRecord, ...] = ()
    refused: tuple[RefusedResult, ...] = ()
    of_product: tuple[RefusedOfProduct, ...] = ()  # that name its product or an analyte, and that nothing has answered
    alike: tuple[str, ...] = ()  # known lots whose names, with bars, may mean this one, or this one's them
    samples: tuple[SampleLots, ...] = ()  # of which another lot is named, too
    parents: tuple[Parent, ...] = ()
    settled: frozenset[str] = frozenset()
    left_out: int = 0  # results on record that are too many to be judged again


# --- from facts to assessments ---------------------------------------------------------------------------


def assessments(lot: LotKnowledge, in_force: InForce) -> tuple[Assessment, ...]:
    """Return what each subject asks for the lot."""
    results = _assessed_results(lot, in_force)
    return (
        *results,
        *(_refused(lot, message, in_force) for message in lot.refused),
        *_of_product(lot),
        *_of_samples(lot),
        *_of_name(lot),
        *(_parent(lot, parent) for parent in lot.parents),
        *_context(lot),
        *_unfinished(lot),
    )


def _assessed_results(lot: LotKnowledge, in_force: InForce) -> tuple[Assessment, ...]:
    standing = tuple(
        record.result for record in lot.results if record.current and record.relation is not Relation.POSSIBLE
    )
    present = {_key(result) for result in standing}
    return tuple(
        _result(lot, record, in_force, standing=standing, left=_key(record.result) not in present)
        for record in lot.results
    )


def _drawn_ns(record: ResultOnRecord) -> int:
    """Return when a result's sample was drawn, else when it came, in UTC ns."""
    return record.arrived_ns if record.result.sampled_ns is None else record.result.sampled_ns


def _key(result: LabResult) -> tuple[str, str, str, int]:
    return (result.source, result.sample_id, result.test_id, result.replicate)


def _result(
    lot: LotKnowledge, record: ResultOnRecord, in_force: InForce, *, standing: tuple[LabResult, ...], left: bool
) -> Assessment:
    products, clients = _scope(lot.context, record)
    holding = _holding(record, products, clients, in_force)
    judged = _judged_by(record, products, holding)
    points = _points(lot, record, judged, products, clients, standing=standing, left=left)
    evidence = _evidence(record.result, products, clients, holding) if points else {}
    return _assessment(lot, record, judged, products, points, evidence)


def _evidence(
    result: LabResult, products: tuple[str, ...], clients: tuple[str, ...], holding: tuple[Specification, ...]
) -> Mapping[str, object]:
    """Return what a point of a result is settled on besides its reason; where that changes, a person is asked again."""
    return {
        "value": result.value_text,
        "unit": result.unit,
        "products": sorted(products),
        "clients": sorted(clients),
        "limits": sorted({repr(replace(limits, **_OF_NO_LIMIT)) for limits in holding}),
    }


_OF_NO_LIMIT: Mapping[str, Any] = {"version": None, "effective_from_ns": None, "effective_until_ns": None}


def scoped_judgement(context: LotContext, record: ResultOnRecord, in_force: InForce) -> Judged:
    """Return what a result says by itself, in the context of a lot."""
    products, clients = _scope(context, record)
    return _judged_by(record, products, _holding(record, products, clients, in_force))


def _scope(context: LotContext, record: ResultOnRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return by which products and clients a result is judged: all that are named, its own first."""
    result = record.result
    own = (result.material_definition_id, *context.products, *record.order_products)
    clients = (result.client_id, context.client_id)
    return (
        tuple(dict.fromkeys(name for name in own if name is not None)),
        tuple(dict.fromkeys(name for name in clients if name is not None)),
    )


def _holding(
    record: ResultOnRecord, products: tuple[str, ...], clients: tuple[str, ...], in_force: InForce
) -> tuple[Specification, ...]:
    """Return all that is in force for a result, of the products and clients that are named of it."""
    analyte, at_ns = record.result.analyte, _drawn_ns(record)
    return tuple(
        dict.fromkeys(
            specification
            for product in products
            for client in clients or (None,)
            for specification in in_force(analyte, at_ns, product, client)
        )
    )


def _judged_by(record: ResultOnRecord, products: tuple[str, ...], holding: tuple[Specification, ...]) -> Judged:
    """Return a result judged by all that is in force of it."""
    result = record.result
    plain = not record.trends and not result.unread
    judged = _judged(result, holding) if plain else judge_result(result, holding, record.trends)
    if products or judged.specification is not None or judged.recommendation is not Recommendation.REVIEW:
        return judged
    return replace(judged, reasons=tuple(_product_unknown(reason, result) for reason in judged.reasons))


@lru_cache(maxsize=1024)
def _judged(result: LabResult, holding: tuple[Specification, ...]) -> Judged:
    """Return what a result says by these specifications: it is wanted with each later one of its lot."""
    return judge_result(result, holding)


def _product_unknown(reason: Reason, result: LabResult) -> Reason:
    """Return the reason as it is: without a product no specification can be missing."""
    if reason.code != "NO_SPECIFICATION":
        return reason
    return Reason(
        code=OpenPoint.PRODUCT_UNKNOWN,
        parameters={"analyte": result.analyte, "sample_id": result.sample_id},
        text=f"The product of {result.sample_id} is not known, so there is nothing to judge {result.test_id} by.",
    )


Found = tuple[str, Recommendation, Reason]
"""A point's code, what it asks for, and why."""


def _points(
    lot: LotKnowledge,
    record: ResultOnRecord,
    judged: Judged,
    products: tuple[str, ...],
    clients: tuple[str, ...],
    *,
    standing: tuple[LabResult, ...],
    left: bool,
) -> tuple[Found, ...]:
    """Return what of a version of a result asks for care, the most telling first."""
    result = record.result
    if record.relation is Relation.POSSIBLE:
        against = record.current and (judged.recommendation in _FOR_A_PERSON or bool(result.unread))
        return (_without_lot(result, judged),) if against else ()
    if not record.current:
        stands = next((other for other in standing if _key(other) == _key(result)), None)
        return _of_earlier_version(result, judged, None if left else stands)
    if result.control_id is not None:
        return (_control_with_lot(result),)
    if result.unread:
        return (_unread(result), *_judged_points(judged, result, only_hold=True))
    if result.status in WITHDRAWN:
        return (_withdrawn(result),)
    replaced = retested(result, standing)
    return (
        *((_retested(result, judged),) if replaced and judged.recommendation is Recommendation.HOLD
          else _judged_points(judged, result)),
        *((_retest(result, standing),) if result.retest_of is not None else ()),
        *_contradicted(result, lot.context, products, clients),
    )  # fmt: skip


_FOR_A_PERSON = frozenset({Recommendation.REVIEW, Recommendation.HOLD})


def _judged_points(judged: Judged, result: LabResult, *, only_hold: bool = False) -> tuple[Found, ...]:
    if judged.recommendation not in _FOR_A_PERSON:
        return ()
    if only_hold and (judged.recommendation is not Recommendation.HOLD or result.status in WITHDRAWN):
        return ()
    return tuple((reason.code, judged.recommendation, reason) for reason in judged.reasons)


def _review(code: OpenPoint, text: str, **parameters: object) -> Found:
    return code, Recommendation.REVIEW, Reason(code=code, parameters=parameters, text=text)


def _name(result: LabResult) -> str:
    return f"{result.test_id} of {result.sample_id}"


# what such a version said may have been a failure: its correction alone settles nothing (21 CFR 211.192)
_UNREADABLE = frozenset({"VALUE_UNKNOWN", "TEXT_UNKNOWN", "UNIT_MISMATCH"})


def _of_earlier_version(result: LabResult, judged: Judged, stands: LabResult | None) -> tuple[Found, ...]:
    """Return what an earlier version asks for; ``stands``: what has taken its place, None where that left the lot."""
    if stands is None:
        text = f"A correction moved {_name(result)} to another lot."
        return (_review(OpenPoint.RESULT_LEFT_LOT, text, analyte=result.analyte, sample_id=result.sample_id),)
    if result.control_id is not None:
        return ()
    if result.unread or not _UNREADABLE.isdisjoint(reason.code for reason in judged.reasons):
        why = result.unread[0].text if result.unread else judged.reasons[0].text
        text = f"Version {result.result_version} of {_name(result)} was not understood: {why}"
        return (
            _review(
                OpenPoint.EARLIER_VERSION_UNREAD, text, analyte=result.analyte, sample_id=result.sample_id,
                corrected_to=stands.value_text, corrected_in_version=stands.result_version,
            ),
        )  # fmt: skip
    if judged.recommendation is not Recommendation.HOLD:
        return ()
    text = f"Version {result.result_version} of {_name(result)} was out: {judged.reasons[0].text}"
    return (
        _review(
            OpenPoint.EARLIER_VERSION_FAILED, text, analyte=result.analyte, sample_id=result.sample_id,
            result_version=result.result_version, value=result.value_text, corrected_to=stands.value_text,
            corrected_in_version=stands.result_version,
        ),
    )  # fmt: skip


def _unread(result: LabResult) -> Found:
    first, more = result.unread[0], len(result.unread) - 1
    others = f" ({more} more)" if more else ""
    return _review(
        OpenPoint.RESULT_UNREAD,
        f"{_name(result)} could not be read: {first.text}{others}",
        analyte=result.analyte,
        sample_id=result.sample_id,
        codes=[reason.code for reason in result.unread],
        unread=[dict(reason.parameters) for reason in result.unread],
    )


def _withdrawn(result: LabResult) -> Found:
    text = f"The laboratory set {_name(result)} to {result.status.value}, and nothing has replaced it."
    return _review(OpenPoint.RESULT_WITHDRAWN, text, analyte=result.analyte, status=result.status.value)


def _control_with_lot(result: LabResult) -> Found:
    text = f"{_name(result)} names the control {result.control_id} and a lot: a control belongs to no lot."
    return _review(OpenPoint.CONTROL_WITH_LOT, text, analyte=result.analyte, control_id=result.control_id)


def _without_lot(result: LabResult, judged: Judged) -> Found:
    why = result.unread[0].text if result.unread else judged.reasons[0].text
    text = f"{_name(result)} names no lot, and may be of this one: {why}"
    codes = [reason.code for reason in (result.unread or judged.reasons)]
    return _review(OpenPoint.RESULT_WITHOUT_LOT, text, analyte=result.analyte, sample_id=result.sample_id, codes=codes)


def _retested(result: LabResult, judged: Judged) -> Found:
    text = f"{judged.reasons[0].text} It was tested again; a retest clears nothing without an investigation."
    return _review(OpenPoint.RETESTED, text, analyte=result.analyte, sample_id=result.sample_id)


def _retest(result: LabResult, standing: tuple[LabResult, ...]) -> Found:
    known = any(
        result.retest_of in {other.sample_id, other.foreign_id} and other.analyte == result.analyte
        for other in standing
        if _key(other) != _key(result)
    )
    if known:
        text = f"{_name(result)} repeats {result.retest_of}; a person decides which of them counts."
        return _review(OpenPoint.RETEST, text, analyte=result.analyte, retest_of=result.retest_of)
    text = f"{_name(result)} repeats {result.retest_of}, of which no result that stands is known for this lot."
    return _review(OpenPoint.RETEST_WITHOUT_ORIGINAL, text, analyte=result.analyte, retest_of=result.retest_of)


def _contradicted(
    result: LabResult, context: LotContext, products: tuple[str, ...], clients: tuple[str, ...]
) -> tuple[Found, ...]:
    """Return that a result and its lot name different products or clients; what the lot alone says is its own point."""
    several = {"product": set(products) - set(context.products), "client": set(clients) - {context.client_id}}
    named = {"product": products, "client": clients}
    return tuple(
        _review(
            OpenPoint.CONTEXT_CONTRADICTED,
            f"{_name(result)} and its lot name different {field}s: {', '.join(named[field])}.",
            field=field,
            names=list(named[field]),
        )
        for field, others in several.items()
        if others and len(named[field]) > 1
    )


def _refused(lot: LotKnowledge, message: RefusedResult, in_force: InForce) -> Assessment:
    about = " of ".join(name for name in (message.test_id, message.sample_id) if name) or "A message about this lot"
    point = _review(
        OpenPoint.MESSAGE_REFUSED,
        f"{about} could not be understood: {message.reasons[0].text if message.reasons else 'see the dead letter'}",
        dead_letter_id=message.dead_letter_id,
        codes=[reason.code for reason in message.reasons],
    )
    found: tuple[Found, ...] = (point,)
    if any(reason.code == "RESULT_VERSION_CONFLICT" for reason in message.reasons):
        found = (_review(OpenPoint.RESULT_CONTRADICTED, point[2].text, dead_letter_id=message.dead_letter_id),)
    if message.result is not None:
        found = _contradiction(lot, message, message.result, in_force)
    subject = f"{Subject.REFUSED} {message.dead_letter_id}"
    refused = Assessment(
        material_lot_id=lot.context.material_lot_id,
        subject=subject,
        kind=Subject.REFUSED,
        **_sorted(lot, subject, found),
        failed=any(asks is Recommendation.HOLD or code in _FAILURES for code, asks, _reason in found),
        sample_id=message.sample_id,
        test_id=message.test_id,
        at_ns=message.at_ns,
    )
    if message.result is None:
        return refused
    result, record = message.result, _as_record(message, message.result)
    return replace(
        refused,
        source=result.source,
        result_version=result.result_version,
        analyte=result.analyte,
        products=_scope(lot.context, record)[0],
        own_product=result.material_definition_id,
        own_client=result.client_id,
        awaited_order_id=_awaited_order(lot, result),
        at_ns=message.at_ns if result.sampled_ns is None else result.sampled_ns,
    )


def _as_record(message: RefusedResult, result: LabResult) -> ResultOnRecord:
    return ResultOnRecord(
        result=result,
        arrived_ns=message.at_ns,
        current=True,
        relation=Relation.STATED,
        order_products=message.order_products,
    )


def _awaited_order(lot: LotKnowledge, result: LabResult) -> str | None:
    """Return the order that a result names, where it is another one than the lot's: what it makes counts, too."""
    return result.job_order_id if result.job_order_id != lot.context.job_order_id else None


def _contradiction(
    lot: LotKnowledge, message: RefusedResult, result: LabResult, in_force: InForce
) -> tuple[Found, ...]:
    """Return that a version was told in two ways; where the other way would be a hold, a hold too."""
    judged = scoped_judgement(lot.context, _as_record(message, result), in_force)
    point = _review(
        OpenPoint.RESULT_CONTRADICTED,
        f"{_name(result)} came twice under one version, once as {result.value_text}; nobody can say which one holds.",
        analyte=result.analyte,
        sample_id=result.sample_id,
        dead_letter_id=message.dead_letter_id,
    )
    if not message.superseded:
        return (point, *_judged_points(judged, result, only_hold=True))
    current = (record.result for record in lot.results if record.current)
    stands = next((other for other in current if _key(other) == _key(result)), None)
    return (point, *(() if stands is None else _of_earlier_version(result, judged, stands)))


def _of_product(lot: LotKnowledge) -> tuple[Assessment, ...]:
    """Return what refused messages about its product ask for a lot; a person settles each once, for all of its lots."""
    if not lot.of_product:
        return ()
    speaking = [record for record in lot.results if record.current and record.relation is not Relation.POSSIBLE]
    scopes = [_scope(lot.context, record) for record in speaking]
    products = {*lot.context.products, *(product for named, _clients in scopes for product in named)}
    clients = {client for _products, named in scopes for client in named}
    measured = [(record.result.analyte, _drawn_ns(record)) for record in speaking]
    return tuple(
        _refused_of_product(lot, message)
        for message in lot.of_product
        if is_in_question(message, products=products, clients=clients, measured=measured)
    )


def _refused_of_product(lot: LotKnowledge, message: RefusedOfProduct) -> Assessment:
    about, why = message.about, message.reasons[0].text if message.reasons else "see the dead letter"
    product = about.product or "a product that it does not name"
    if about.states_limits:
        version = "" if about.version is None else f"version {about.version} of "
        code, what = OpenPoint.SPECIFICATION_REFUSED, f"{version}the specification of {about.analyte or 'a test'}"
        text = f"A message with {what} for {product} could not be taken: {why} Nobody knows which limits hold."
    else:
        code, text = OpenPoint.MESSAGE_REFUSED, f"A message about {product} could not be understood: {why}"
    point = _review(
        code,
        text,
        dead_letter_id=message.dead_letter_id,
        codes=[reason.code for reason in message.reasons],
        product=about.product,
        analyte=about.analyte,
        version=about.version,
    )
    subject = f"{Subject.SPECIFICATION} {message.dead_letter_id}"
    return Assessment(
        material_lot_id=lot.context.material_lot_id,
        subject=subject,
        kind=Subject.SPECIFICATION,
        **_sorted(lot, subject, (point,), of_all_lots=True),
    )


def _of_samples(lot: LotKnowledge) -> tuple[Assessment, ...]:
    """Return that a sample is said to be of this lot and of others: what was measured may be of any one of them."""
    own = lot.context.material_lot_id
    return tuple(_of_sample(lot, sample) for sample in lot.samples if own in sample.contradicting)


def _of_name(lot: LotKnowledge) -> tuple[Assessment, ...]:
    """Return that the lot's name may mean other known lots, or theirs this one: ``L-1|L-2`` beside ``L-1``."""
    if not lot.alike:
        return ()
    text = f"The lots {lot.context.material_lot_id} and {', '.join(lot.alike)} are known: | may stand between two lots."
    point = _review(OpenPoint.LOT_NAME_UNCLEAR, text, lots=list(lot.alike))
    subject = Subject.NAME.value
    return (
        Assessment(
            material_lot_id=lot.context.material_lot_id,
            subject=subject,
            kind=Subject.NAME,
            **_sorted(lot, subject, (point,)),
        ),
    )


def _of_sample(lot: LotKnowledge, sample: SampleLots) -> Assessment:
    lots = sample.contradicting
    others = ", ".join(name for name in lots if name != lot.context.material_lot_id)
    point = _review(
        OpenPoint.SAMPLE_OF_SEVERAL_LOTS,
        f"Results of sample {sample.sample_id} name this lot and {others}, and none of them names it as a composite.",
        sample_id=sample.sample_id,
        source=sample.source,
        lots=list(lots),
    )
    subject = f"{Subject.SAMPLE} {sample.source} {sample.sample_id}"
    return Assessment(
        material_lot_id=lot.context.material_lot_id,
        subject=subject,
        kind=Subject.SAMPLE,
        **_sorted(lot, subject, (point,)),
        source=sample.source,
        sample_id=sample.sample_id,
    )


def _parent(lot: LotKnowledge, parent: Parent) -> Assessment:
    stands = "on hold" if parent.asks is Recommendation.HOLD else "for review"
    point = _review(
        OpenPoint.PARENT_IN_QUESTION,
        f"Lot {parent.material_lot_id}, which went into this one, is {stands}.",
        parent=parent.material_lot_id,
        recommendation=parent.asks.value,
    )
    subject = f"{Subject.PARENT} {parent.material_lot_id}"
    return Assessment(
        material_lot_id=lot.context.material_lot_id,
        subject=subject,
        kind=Subject.PARENT,
        **_sorted(lot, subject, (point,), evidence={"held_by": parent.evidence}),
    )


def _context(lot: LotKnowledge) -> tuple[Assessment, ...]:
    if not lot.context.contradictions:
        return ()
    text = f"Production has told several values of this lot's {', '.join(lot.context.contradictions)}."
    held = {
        "products": list(lot.context.products),
        "client_id": lot.context.client_id,
        "equipment_id": lot.context.equipment_id,
    }
    point = _review(OpenPoint.CONTEXT_CONTRADICTED, text, fields=list(lot.context.contradictions), **held)
    subject = Subject.CONTEXT.value
    return (
        Assessment(
            material_lot_id=lot.context.material_lot_id,
            subject=subject,
            kind=Subject.CONTEXT,
            **_sorted(lot, subject, (point,), evidence=dict(lot.context.told)),
        ),
    )


def _unfinished(lot: LotKnowledge) -> tuple[Assessment, ...]:
    if not lot.left_out:
        return ()
    text = f"The lot has so many results that {lot.left_out} of them were not judged again."
    point = _review(OpenPoint.NOT_JUDGED_AGAIN, text, results=lot.left_out)
    subject = Subject.UNFINISHED.value
    return (
        Assessment(
            material_lot_id=lot.context.material_lot_id,
            subject=subject,
            kind=Subject.UNFINISHED,
            **_sorted(lot, subject, (point,)),
        ),
    )


class _Sorted(TypedDict):
    points: tuple[Point, ...]
    settled: tuple[Point, ...]


def _sorted(
    lot: LotKnowledge,
    subject: str,
    found: Iterable[Found],
    *,
    evidence: Mapping[str, object] = MappingProxyType({}),
    of_all_lots: bool = False,
) -> _Sorted:
    """Return the points that no person has settled, and those that one has; a hold is settled by nobody.

    ``evidence``: what they rest on besides their reasons; ``of_all_lots``: they are the same for each lot, and are
    settled for all of them at once.
    """
    name = "" if of_all_lots else lot.context.material_lot_id
    named = tuple(
        Point(point_id=_point_id(name, subject, code, reason, evidence), code=code, asks=asks, reason=reason)
        for code, asks, reason in found
    )
    settled = tuple(point for point in named if point.can_be_settled and point.point_id in lot.settled)
    return {"points": tuple(point for point in named if point not in settled), "settled": settled}


def _point_id(lot: str, subject: str, code: str, reason: Reason, evidence: Mapping[str, object]) -> str:
    """Return what a point is settled by. It is of the facts: where other facts speak, it is another point.

    A result that is out of trend has one such point: by which rule is known only when it arrives.
    """
    facts = {} if code in TREND_FLAGS else reason.parameters
    told = json.dumps([facts, dict(evidence)], sort_keys=True, default=str, separators=(",", ":"))
    return identity_of("point", lot, subject, code, told)


_FAILURES = frozenset({OpenPoint.EARLIER_VERSION_FAILED, OpenPoint.RETESTED})


def _assessment(
    lot: LotKnowledge,
    record: ResultOnRecord,
    judged: Judged,
    products: tuple[str, ...],
    found: tuple[Found, ...],
    evidence: Mapping[str, object],
) -> Assessment:
    result, certain = record.result, record.relation is not Relation.POSSIBLE
    judged_points = _sorted(lot, result.result_id, found, evidence=evidence)
    points = judged_points["points"]
    stands = record.current and certain and result.status not in WITHDRAWN and result.control_id is None
    return Assessment(
        material_lot_id=lot.context.material_lot_id,
        subject=result.result_id,
        kind=Subject.RESULT,
        base=Recommendation.RELEASE if stands else Recommendation.PENDING,
        inside=judged.reasons if judged.recommendation is Recommendation.RELEASE else (),
        **judged_points,
        failed=any(point.asks is Recommendation.HOLD or point.code in _FAILURES for point in points),
        approved=stands and result.status is ResultStatus.APPROVED,
        retest=result.retest_of is not None,
        states_lot=record.relation is Relation.STATED,
        source=result.source,
        sample_id=result.sample_id,
        test_id=result.test_id,
        result_version=result.result_version,
        analyte=result.analyte,
        products=products,
        own_product=result.material_definition_id,
        own_client=result.client_id,
        awaited_order_id=_awaited_order(lot, result),
        current=record.current,
        flags=judged.flags if record.current else (),
        at_ns=_drawn_ns(record),
    )


# --- from assessments to the recommendation --------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierHold:
    """That a lot was recommended for hold before: when that was told last (UTC ns), and why."""

    at_ns: int
    reasons: tuple[Reason, ...]


def with_history(state: LotState, reasons: tuple[Reason, ...], earlier: EarlierHold | None) -> tuple[Reason, ...]:
    """Return the reasons, and that the lot was on hold before, where it is not any more.

    It is a note and asks for nothing: the same facts in another order would not have held the lot.
    """
    if earlier is None or state.recommendation is Recommendation.HOLD:
        return reasons
    told_at = rfc3339(earlier.at_ns)
    why = f": {earlier.reasons[0].text}" if earlier.reasons else "."
    note = Reason(
        code=HELD_BEFORE,
        parameters={"told_at": told_at, "codes": [reason.code for reason in earlier.reasons]},
        text=f"The lot was recommended for hold before, last at {told_at}{why}",
    )
    return (*reasons, note)


HELD_BEFORE = "HELD_BEFORE"


def recommend(
    assessed: Collection[Assessment],
    rest: Tally,
    *,
    missing: tuple[str, ...] = (),
    provisional: tuple[str, ...] = (),
) -> tuple[LotState, tuple[Reason, ...]]:
    """Return what is recommended for a lot, and why.

    Args:
        assessed: what was looked at now.
        rest: what is known besides.
        missing: required tests without an approved result; with any of them nothing is released.
        provisional: analytes of which a model has said that they fail, and the laboratory nothing yet.
    """
    asked = Recommendation.PENDING
    for each in (*(item.asks for item in assessed), *(wanted for wanted, count in rest.asks.items() if count)):
        asked = worse(asked, each)
    latched = rest.failed > 0 or any(item.failed for item in assessed)
    reasons = _reasons(asked, assessed, rest)
    if asked is Recommendation.RELEASE and missing:
        asked, reasons = Recommendation.PENDING, (_missing(missing),)
    if latched and asked is not Recommendation.HOLD:
        reasons = (_HOLD_LATCHED, *reasons)
    if provisional and asked is not Recommendation.HOLD:
        state = LotState(recommendation=Recommendation.HOLD, latched=latched, provisional=True)
        return state, (_not_final(provisional), *reasons)
    return LotState(recommendation=asked, latched=latched), reasons


def _reasons(asked: Recommendation, assessed: Collection[Assessment], rest: Tally) -> tuple[Reason, ...]:
    """Return the reasons of the most careful; of very many the first, and how many more there are."""
    worst = [item for item in (*rest.worst, *assessed) if item.asks is asked]
    count = sum(item.asks is asked for item in assessed) + rest.asks.get(asked, 0)
    if asked in _FOR_A_PERSON:
        reasons = [point.reason for item in worst for point in item.points if point.asks is asked]
    else:
        reasons = [reason for item in worst for reason in item.inside]
        reasons += [_settled(point) for item in (*rest.worst, *assessed) for point in item.settled]
    distinct = list({(reason.code, reason.text): reason for reason in reasons}.values())
    hidden = max(0, count - len(worst)) + max(0, len(distinct) - MOST_REASONS)
    return (*distinct[:MOST_REASONS], *((_more(hidden),) if hidden else ()))


def _settled(point: Point) -> Reason:
    """Return the reason that a release rests on a person's word."""
    return Reason(
        code="POINT_SETTLED",
        parameters={"point_id": point.point_id, "code": point.code},
        text=f"A person has settled: {point.reason.text}",
    )


def _more(count: int) -> Reason:
    text = f"And {count} more: labline lot shows all of them."
    return Reason(code="AND_MORE", parameters={"count": count}, text=text)


def _missing(tests: tuple[str, ...]) -> Reason:
    return Reason(
        code="TESTS_MISSING",
        parameters={"tests": list(tests)},
        text=f"Without an approved result of {', '.join(tests)} the lot is not released.",
    )


def _not_final(analytes: tuple[str, ...]) -> Reason:
    return Reason(
        code="PROVISIONAL_HOLD",
        parameters={"analytes": list(analytes)},
        text=f"A model says that {', '.join(analytes)} is out of limits, and the laboratory's result is not there yet.",
    )


_HOLD_LATCHED = Reason(
    code="HOLD_LATCHED",
    text="A result of this lot was out of specification; only a person lifts that.",
)
