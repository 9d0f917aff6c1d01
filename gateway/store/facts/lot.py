"""From the tables: what a lot is assessed by. Runs inside the writer's transaction.

A lot is read *whole* where anything but the arriving result can change what is known of it: it waits to be judged
again, the result is a retest or a retest of the lot names it, or its sample has results without a lot. Else only the
versions of the arriving result are read, and the others stand as they were assessed; so a result costs the same in a
lot of ten and of ten thousand.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, cast

from pydantic import TypeAdapter

from gateway.contract.identity import identity_of
from gateway.events import ResultArrived
from gateway.facts.lot import LotFacts
from gateway.lab.disposition import LotState
from gateway.lab.names_of_lots import as_one_lot, parts_of
from gateway.lab.refused_specifications import RefusedOfProduct, ToldSpecification, answered_since
from gateway.lab.release.assessment import Tally
from gateway.lab.release.lot_knowledge import (
    LotContext,
    LotKnowledge,
    Parent,
    RefusedResult,
    Relation,
    ResultOnRecord,
    SampleLots,
)
from gateway.lab.release.recommendation import EarlierHold
from gateway.lab.result_versions import is_newer
from gateway.records.guidance import Guidance
from gateway.records.laboratory import (
    LabResult,
    ProductReference,
    ProvisionalHold,
    Recommendation,
    ResultStatus,
    Specification,
)
from gateway.records.production import Context
from gateway.records.verdicts import Reason
from gateway.store.codec import decode
from gateway.store.facts.investigation import Records
from gateway.store.facts.standing import MOST_READ, all_standing, standing_and_others
from gateway.store.statements import SQL, value_of

MOST_JUDGED_AGAIN = 2000  # results of one lot, in one go
FINAL = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})
Gaps = Callable[[Context, int | None, int], tuple[str, ...]]
_REASONS = TypeAdapter(tuple[Reason, ...])
_PROVISIONAL = tuple(field.name for field in fields(ProvisionalHold))
_CONTEXT = tuple(field.name for field in fields(Context))
Sample = tuple[str, str]
"""A laboratory interface and its sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """What production has told of one field: the values that hold now, and whether it ever told others."""

    holding: tuple[str, ...] = ()
    ever: tuple[str, ...] = ()

    @property
    def contradicted(self) -> bool:
        return len(self.ever) > 1

    @property
    def first(self) -> str | None:
        return self.holding[0] if self.holding else None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where something speaks of that names no lot; ``drawn_ns``: None where only its arrival is known."""

    source: str
    sample_id: str | None
    equipment_id: str | None
    job_order_id: str | None
    drawn_ns: int | None
    arrived_ns: int


class LotReading:
    """Reads the facts of lots; damaged rows are left out and noted by ``records``."""

    def __init__(self, connection: sqlite3.Connection, records: Records, gaps: Gaps) -> None:
        self._connection = connection
        self._records = records
        self._gaps = gaps

    # --- which lots a result speaks of ---------------------------------------------------------------------

    def lots_of(self, result: LabResult, arrived_ns: int) -> tuple[tuple[str, ...], Relation]:
        """Return the lots that a result in its own words speaks of, and how that is known."""
        if result.lots:
            return result.lots, Relation.STATED
        place = _Place(
            source=result.source,
            sample_id=result.sample_id,
            equipment_id=result.equipment_id,
            job_order_id=result.job_order_id,
            drawn_ns=result.sampled_ns,
            arrived_ns=arrived_ns,
        )
        return self._lots_in(place)

    def _lots_in(self, place: "_Place") -> tuple[tuple[str, ...], Relation]:
        """Return the lots that something speaks of which names none, and how that is known."""
        at_equipment = self._on_equipment(place.equipment_id, place.drawn_ns)
        of_sample: tuple[str, ...] = ()
        if place.sample_id is not None:
            of_sample = self._values("lots_of_sample", sample_id=place.sample_id, source=place.source)
        lots = tuple(dict.fromkeys((*at_equipment, *of_sample)))
        if lots:
            return lots, Relation.FOUND
        if place.job_order_id is not None:
            return self._values("lots_of_order", job_order_id=place.job_order_id), Relation.POSSIBLE
        # drawn while nothing was made there, it may be of the lot that was made last
        last = self._on_equipment(place.equipment_id, place.drawn_ns, statement="lots_last_on_equipment")
        here = self._on_equipment(place.equipment_id, place.arrived_ns)
        return tuple(dict.fromkeys((*last, *here))), Relation.POSSIBLE

    def _on_equipment(
        self, equipment_id: str | None, at_ns: int | None, *, statement: str = "lots_on_equipment"
    ) -> tuple[str, ...]:
        if equipment_id is None or at_ns is None:
            return ()
        rows = self._records.rows(statement, {"equipment_id": equipment_id, "at_ns": at_ns})
        return tuple(row["material_lot_id"] for row in rows)

    def _values(self, statement: str, **parameters: Any) -> tuple[str, ...]:
        return tuple(row[0] for row in self._connection.execute(SQL[statement], parameters))

    # --- facts -----------------------------------------------------------------------------------------------

    def of_result(self, event: ResultArrived, *, first: bool) -> tuple[LotFacts, ...]:
        """Return the facts of each lot that an arriving result, or an earlier version of it, speaks of.

        Of a result of no lot: one without a name, which nothing but this result is known of. ``first``: whether no
        version of it is on record yet.
        """
        result, versions = event.result, () if first else self._versions(event.result)
        lots, relation = self.lots_of(result, event.at_ns)
        certain = lots if relation is not Relation.POSSIBLE else ()
        for record in versions:
            earlier, how = self.lots_of(record.result, record.arrived_ns)
            certain += earlier if how is not Relation.POSSIBLE else ()
        named = tuple(dict.fromkeys(certain))
        if not named:
            own = tuple(replace(record, relation=Relation.FOUND) for record in versions)
            return (LotFacts(knowledge=LotKnowledge(context=LotContext(material_lot_id=""), results=own), whole=False),)
        return tuple(
            self._facts(lot, at_ns=event.at_ns, arriving=result, versions=versions, own=lot in lots) for lot in named
        )

    def of_lots(self, lots: Iterable[str], *, at_ns: int) -> tuple[LotFacts, ...]:
        """Return all that is known of lots."""
        return tuple(self._facts(lot, at_ns=at_ns, arriving=None, versions=()) for lot in lots)

    def _at_a_glance(
        self, lot: str, arriving: LabResult | None, versions: tuple[ResultOnRecord, ...], at_ns: int
    ) -> sqlite3.Row:
        """Return what there is of a lot at all, and of the sample of an arriving result and its earlier versions."""
        told = (*(() if arriving is None else (arriving,)), *(record.result for record in versions))
        asked = {
            "material_lot_id": lot,
            "sample_id": None if arriving is None else arriving.sample_id,
            "source": None if arriving is None else arriving.source,
            "besides": None if arriving is None else arriving.result_id,
            "lots": json.dumps(arriving.lots) if arriving is not None and arriving.lots else None,
            "names": json.dumps([name for result in told for name in (result.sample_id, result.foreign_id) if name]),
            "at_ns": at_ns,
            "most": MOST_READ + 1,
        }
        (row,) = self._connection.execute(SQL["lot_at_a_glance"], asked)
        return cast("sqlite3.Row", row)

    def _facts(
        self,
        lot: str,
        *,
        at_ns: int,
        arriving: LabResult | None,
        versions: tuple[ResultOnRecord, ...],
        own: bool = True,
    ) -> LotFacts:
        """Return what is known of a lot: all of it, or where a result touches nothing else, its own versions.

        ``own``: whether the arriving result itself speaks of the lot, and not only an earlier version of it.
        """
        row = next(iter(self._records.rows("lot_with_order", {"material_lot_id": lot})), None)
        glance = self._at_a_glance(lot, arriving, versions, at_ns)
        context = self._context(lot)
        spoken = (arriving,) if arriving is not None and own else ()
        named = self._named_by_results(lot, glance, besides=spoken)
        now_named = _named_with(named, spoken)
        whole = arriving is None or self._is_whole(glance, arriving, versions, context, named, now_named)
        sample = _sample(arriving) if arriving is not None and lot in arriving.lots else ("", "")
        settled = self._settled(lot) if glance["settled"] else frozenset()
        if whole:
            results, left_out = self._results(context, row, sample)
            refused = self._refused(context, row, results, sample, arriving)
            contradicting = (message.result for message in refused if message.result is not None)
            now_named = _named_with({}, (*(record.result for record in results), *contradicting, *spoken))
            context = _with_names(context, now_named)
            knowledge = LotKnowledge(
                context=context,
                results=results,
                refused=refused,
                of_product=self._refused_of_product(context, results, arriving, row)
                if glance["product_refused"]
                else (),
                alike=self._alike(lot) if glance["names_with_bars"] else (),
                samples=self._samples(lot, () if arriving is None else (arriving,)),
                parents=self._parents(lot),
                settled=settled,
                left_out=left_out,
            )
            standing, rest = all_standing(self._records, lot), Tally()
        else:
            of_lot = (self._to_lot(record, lot, sample) for record in versions)
            results = tuple(record for record in of_lot if record is not None)
            knowledge = LotKnowledge(context=_with_names(context, now_named), results=results, settled=settled)
            subjects = [record.result.result_id for record in results]
            standing, rest = standing_and_others(
                self._connection, self._records, lot, subjects, count=glance["assessments"]
            )
        provisional = self._provisional(lot) if glance["provisional"] else ()
        about = Context(equipment_id=knowledge.context.equipment_id, material_lot_id=lot)
        started_ns = row["started_ns"] if row else None
        return LotFacts(
            knowledge=knowledge,
            whole=whole,
            production=self._production(lot, row),
            on_record=row is not None,
            is_parent=bool(glance["is_parent"]),
            standing=standing,
            rest=rest,
            before=_state_in(row),
            closed=row is not None and row["closed_ns"] is not None,
            names_with_bars=bool(glance["names_with_bars"]),
            earlier_hold=self._earlier_hold(lot) if glance["held"] else None,
            started_ns=started_ns,
            ended_ns=row["ended_ns"] if row else None,
            made_known_until_ns=glance["made_known_until_ns"],
            provisional=provisional,
            final_results=self._final(provisional),
            gaps=self._gaps(about, started_ns, at_ns) if glance["gap"] else (),
            open_guidance=self._open_guidance(lot) if glance["guided"] else (),
        )

    # --- parts -------------------------------------------------------------------------------------------------

    def _versions(self, result: LabResult) -> tuple[ResultOnRecord, ...]:
        rows = self._records.rows("results_of_key", _key(result))
        return tuple(self._on_record(row) for row in rows)

    def _alike(self, lot: str) -> tuple[str, ...]:
        """Return the known lots whose names may mean a known lot by their bars, or which its own name may mean."""
        wholes = [name for name in self._values("names_with_bars") if lot in parts_of(name)]
        known = [name for name in wholes if self._known_parts(name, (lot,))]
        return tuple(sorted({*known, *self._known_parts(lot, parts_of(lot))}))

    def _known_parts(self, name: str, parts: tuple[str, ...]) -> tuple[str, ...]:
        return self._values("known_parts", material_lot_id=name, parts=json.dumps(parts)) if parts else ()

    def _on_record(self, row: sqlite3.Row) -> ResultOnRecord:
        result = with_known_lots(self._connection, own_words(row["body"]))
        return ResultOnRecord(
            result=result,
            arrived_ns=row["arrived_ns"],
            current=bool(row["current"]),
            relation=Relation.STATED,
            order_products=self.products_of_order(result.job_order_id),
        )

    def _to_lot(self, record: ResultOnRecord, lot: str, sample: Sample) -> ResultOnRecord | None:
        """Return a result as it stands to a lot; None where it does not speak of it."""
        lots, relation = self.lots_of(record.result, record.arrived_ns)
        if relation is not Relation.STATED and _sample(record.result) == sample:
            lots, relation = (lot,), Relation.FOUND  # the arriving result of its sample names the lot
        return replace(record, relation=relation) if lot in lots else None

    def _results(
        self, context: LotContext, row: sqlite3.Row | None, sample: Sample
    ) -> tuple[tuple[ResultOnRecord, ...], int]:
        """Return the results of a lot, the oldest first, and how many are left out as they are too many."""
        source, sample_id = sample
        wanted = {
            **_whereabouts(context, row),
            "sample_id": sample_id,
            "source": source,
            "most": MOST_JUDGED_AGAIN,
        }
        rows = self._records.rows("results_speaking_of_lot", wanted)
        known = (self._to_lot(self._on_record(found), context.material_lot_id, sample) for found in reversed(rows))
        left_out = 0
        if len(rows) == MOST_JUDGED_AGAIN:
            counted = value_of(self._connection, "count_results_of_lot", material_lot_id=context.material_lot_id) or 0
            left_out = max(0, counted - MOST_JUDGED_AGAIN)
        return tuple(record for record in known if record is not None), left_out

    def _refused(
        self,
        context: LotContext,
        row: sqlite3.Row | None,
        results: tuple[ResultOnRecord, ...],
        sample: Sample,
        arriving: LabResult | None,
    ) -> tuple[RefusedResult, ...]:
        """Return the refused messages that speak of a lot: by its name, a sample of it, its order or its equipment."""
        samples = {sample, *(_sample(record.result) for record in results)} - {("", "")}
        asked = {"material_lot_id": context.material_lot_id, "samples": json.dumps(sorted(samples))}
        named = self._records.rows("refused_of_lot", asked)
        placed = [
            message
            for message in self._records.rows("refused_in_place", _whereabouts(context, row))
            if context.material_lot_id in self._lots_in(_place_of(message))[0]
        ]
        messages = {message["dead_letter_id"]: message for message in reversed([*placed, *named])}
        return tuple(self._refused_result(message, arriving) for message in messages.values())

    def _refused_result(self, row: sqlite3.Row, arriving: LabResult | None) -> RefusedResult:
        result = None if row["result"] is None else decode(LabResult, row["result"])
        return RefusedResult(
            dead_letter_id=row["dead_letter_id"],
            reasons=_REASONS.validate_json(row["reasons"]),
            at_ns=row["at_ns"],
            sample_id=row["sample_id"],
            test_id=row["test_id"],
            result=result,
            superseded=result is not None and self._has_later_version(result, arriving),
            order_products=() if result is None else self.products_of_order(result.job_order_id),
        )

    def _is_whole(
        self,
        glance: sqlite3.Row,
        arriving: LabResult,
        versions: tuple[ResultOnRecord, ...],
        context: LotContext,
        before: "_Named",
        now: "_Named",
    ) -> bool:
        """Return whether something besides the arriving result may have changed what is known of the lot."""
        touched = ("waits", "retested", "sample_without_lot", "sample_refused", "sample_elsewhere", "sample_in_doubt")
        others = glance["assessments"] or glance["spoken_of"]  # of a lot of which nothing is known, nothing can change
        retests = arriving.retest_of is not None or any(record.result.retest_of is not None for record in versions)
        if retests or any(glance[name] for name in touched):
            return True
        if others and _adds_a_name(context, before, now):
            return True
        if not glance["product_refused"]:
            return False
        products = {*self._products(context, now, arriving), arriving.material_definition_id} - {None}
        asked = json.dumps(sorted(str(name) for name in products))
        return value_of(self._connection, "is_refused_of_product", products=asked) is not None

    def _products(self, context: LotContext, named: "_Named", arriving: LabResult | None) -> set[str]:
        """Return the products that are named of a lot, by production, its results, or the order of the arriving one."""
        of_order = () if arriving is None else self.products_of_order(arriving.job_order_id)
        return {*context.products, *_names(named, _PRODUCT), *of_order}

    def _refused_of_product(
        self,
        context: LotContext,
        results: tuple[ResultOnRecord, ...],
        arriving: LabResult | None,
        row: sqlite3.Row | None,
    ) -> tuple[RefusedOfProduct, ...]:
        """Return the refused messages about a lot's products that came before it was closed and are not answered."""
        named = {*self._products(context, {}, arriving), None if arriving is None else arriving.material_definition_id}
        for record in results:
            named |= {record.result.material_definition_id, *record.order_products}
        asked = {"products": json.dumps(sorted(name for name in named if name is not None))}
        specifications = [
            (stated["place"], _told_specification(stated))
            for stated in self._records.rows("specifications_told", asked)
        ]
        closed_ns = None if row is None else row["closed_ns"]
        messages = (
            _unanswered(message, [specification for place, specification in specifications if place > message["place"]])
            for message in self._records.rows("refused_of_product", asked)
            if closed_ns is None or message["at_ns"] < closed_ns
        )
        return tuple(message for message in messages if message is not None)

    def _samples(self, lot: str, arriving: tuple[LabResult, ...]) -> tuple[SampleLots, ...]:
        """Return the samples of a lot of which another lot is named, too; ``arriving``: the result that is new."""
        shared = self._connection.execute(SQL["samples_of_several_lots"], {"material_lot_id": lot})
        samples = {(row["source"], row["sample_id"]) for row in shared} | {_sample(result) for result in arriving}
        return tuple(self._lots_of_sample(sample, arriving) for sample in sorted(samples))

    def _lots_of_sample(self, sample: Sample, new: tuple[LabResult, ...]) -> SampleLots:
        source, sample_id = sample
        asked = {"source": source, "sample_id": sample_id}
        said = [
            with_known_lots(self._connection, own_words(row["body"]))
            for row in self._records.rows("current_of_sample", asked)
        ]
        contradicting = [decode(LabResult, row["result"]) for row in self._records.rows("refused_of_sample", asked)]
        standing = {tuple(_key(result).values()): result for result in said}
        for result in new:
            key = tuple(_key(result).values())
            counts = result.result_version is None or is_newer(result, standing.get(key))
            if counts and _sample(result) == sample:
                standing[key] = result
        arriving = next(iter(new), None)
        naming = (
            *standing.values(),
            *(result for result in contradicting if not self._has_later_version(result, arriving)),
        )
        stated = {result.lots for result in naming if result.lots and result.control_id is None}
        return SampleLots(source=source, sample_id=sample_id, stated=tuple(sorted(stated)))

    def _has_later_version(self, result: LabResult, arriving: LabResult | None) -> bool:
        version = result.result_version or 0
        if arriving is not None and _key(arriving) == _key(result) and (arriving.result_version or _NEVER) > version:
            return True
        asked = {**_key(result), "result_version": version}
        return value_of(self._connection, "has_later_version", **asked) is not None

    def _parents(self, lot: str) -> tuple[Parent, ...]:
        rows = self._connection.execute(SQL["parents_in_question"], {"material_lot_id": lot})
        return tuple(
            Parent(
                material_lot_id=row["material_lot_id"],
                asks=Recommendation.HOLD if row["on_hold"] else Recommendation.REVIEW,
                evidence=identity_of(*sorted(json.loads(row["holding"]))) if row["on_hold"] else None,
            )
            for row in rows
        )

    def _settled(self, lot: str) -> frozenset[str]:
        return frozenset(row["point_id"] for row in self._records.rows("settled_of_lot", {"material_lot_id": lot}))

    def _production(self, lot: str, row: sqlite3.Row | None) -> Context | None:
        """Return what production's records say of a lot: its own, and its order's; None where one does not hold."""
        if row is None or not row["order_holds"]:  # read once more, so that what does not hold is noted
            row = next(iter(self._records.rows("context_of_lot", {"material_lot_id": lot})), None)
        return None if row is None else Context(**{name: row[name] for name in _CONTEXT})

    def _earlier_hold(self, lot: str) -> EarlierHold | None:
        """Return the last hold that was told of a lot, but for those by what a model said."""
        rows = self._records.rows("last_hold_of_lot", {"material_lot_id": lot})
        return next(
            (EarlierHold(at_ns=row["at_ns"], reasons=_REASONS.validate_json(row["reasons"])) for row in rows), None
        )

    def _open_guidance(self, lot: str) -> tuple[Guidance, ...]:
        return self._records.decoded(Guidance, self._records.rows("open_guidance_of_lot", {"material_lot_id": lot}))

    def _provisional(self, lot: str) -> tuple[ProvisionalHold, ...]:
        rows = self._records.rows("provisional_holds", {"material_lot_id": lot})
        return tuple(ProvisionalHold(**{name: row[name] for name in _PROVISIONAL}) for row in rows)

    def _final(self, provisional: tuple[ProvisionalHold, ...]) -> frozenset[str]:
        named = [hold.settled_by for hold in provisional if hold.settled_by is not None]
        rows = [row for result_id in named for row in self._records.rows("result_if_current", {"result_id": result_id})]
        results = (decode(LabResult, row["body"]) for row in rows)
        return frozenset(result.result_id for result in results if result.status in FINAL)

    # --- what production has told of a lot ------------------------------------------------------------------------

    def _context(self, lot: str) -> LotContext:
        """Return what production has told of a lot: of several messages, in whatever order, the latest time holds."""
        rows = self._records.rows("lot_context_told", {"material_lot_id": lot})
        product, client = _told(rows, "material_definition_id"), _told(rows, "client_id")
        order, equipment = _told(rows, "job_order_id"), _told(rows, "equipment_id")
        of_order, client_of_order = self._order(order.first)
        products = tuple(dict.fromkeys((*product.holding, *of_order.holding)))
        clients = tuple(dict.fromkeys((*client.holding, *client_of_order.holding)))
        told = {
            "product": tuple(sorted({*product.ever, *of_order.ever})),
            "client": tuple(sorted({*client.ever, *client_of_order.ever})),
            "equipment": equipment.ever,
        }
        contradicted = {
            "product": product.contradicted or of_order.contradicted or len(products) > 1,
            "client": client.contradicted or client_of_order.contradicted or len(clients) > 1,
            "equipment": len(equipment.holding) > 1,
        }
        return LotContext(
            material_lot_id=lot,
            products=products,
            client_id=clients[0] if clients else None,
            job_order_id=order.first,
            equipment_id=equipment.first,
            contradictions=tuple(name for name, holds in contradicted.items() if holds),
            told=tuple((name, told[name]) for name, holds in contradicted.items() if holds),
        )

    def _named_by_results(self, lot: str, glance: sqlite3.Row, *, besides: tuple[LabResult, ...]) -> "_Named":
        """Return which products and clients the results of a lot name, as they were last assessed.

        Where they name one, and a result that arrives no other, which of them does so makes no difference.
        """
        known = {
            _PRODUCT: {glance["first_product"], glance["last_product"]} - {None},
            _CLIENT: {glance["first_client"], glance["last_client"]} - {None},
        }
        several = any(
            len({*names, *(getattr(result, what) for result in besides)} - {None}) > 1 for what, names in known.items()
        )
        if not several:
            return {(what, "", "", ""): (0, name) for what, names in known.items() for name in names}
        named: _Named = {}
        for row in self._connection.execute(SQL["named_by_results"], {"material_lot_id": lot}):
            for what in (_PRODUCT, _CLIENT):
                key = (what, row["source"], row["sample_id"], row["test_id"])
                if row[what] is not None:
                    named[key] = max(named.get(key, _NO_NAME), (row["version"] or 0, row[what]))
        return named

    def products_of_order(self, job_order_id: str | None) -> tuple[str, ...]:
        """Return what an order makes, as far as that is known."""
        return self._order(job_order_id)[0].holding

    def _order(self, job_order_id: str | None) -> tuple[_Told, _Told]:
        """Return (product, client) of an order."""
        if job_order_id is None:
            return _Told(), _Told()
        rows = self._records.rows("order_context_told", {"job_order_id": job_order_id})
        return _told(rows, "material_definition_id"), _told(rows, "client_id")


_NEVER = 2**62
_NO_NAME = (-1, "")
_PRODUCT, _CLIENT = "material_definition_id", "client_id"
_Named = dict[tuple[str, str, str, str], tuple[int, str]]
"""By what is named, sample and test: the newest version that names a product or a client, and which one."""


def _named_with(named: _Named, results: Iterable[LabResult]) -> _Named:
    """Return what results say besides of their lot's product and client, where that is newer than what is known."""
    both = dict(named)
    for result in results:
        for what in (_PRODUCT, _CLIENT):
            name = getattr(result, what)
            key = (what, result.source, result.sample_id, result.test_id)
            if name is not None:
                both[key] = max(both.get(key, _NO_NAME), (result.result_version or _NEVER, name))
    return both


def _names(named: _Named, what: str) -> tuple[str, ...]:
    return tuple(sorted({name for (of, *_key), (_version, name) in named.items() if of == what}))


def _adds_a_name(context: LotContext, before: _Named, now: _Named) -> bool:
    """Return whether a result names the lot's product or client anew, of which production has told nothing."""
    open_ones = {_PRODUCT: not context.products, _CLIENT: context.client_id is None}
    return any(is_open and _names(before, what) != _names(now, what) for what, is_open in open_ones.items())


def _with_names(context: LotContext, named: _Named) -> LotContext:
    """Return the context with the product and the client that the results name, where production has named none."""
    products, clients = _names(named, _PRODUCT), _names(named, _CLIENT)
    told = dict(context.told)
    if context.products or not products:
        products = context.products
    elif len(products) > 1:
        told["product"] = products
    if context.client_id is None and len(clients) > 1:
        told["client"] = clients
    client_id = context.client_id or next(iter(clients), None)
    return replace(
        context, products=products, client_id=client_id, contradictions=tuple(told), told=tuple(told.items())
    )


def _told(rows: list[sqlite3.Row], name: str) -> _Told:
    """Return what rows, the latest first, say of one field."""
    stating = [row for row in rows if row[name] is not None]
    if not stating:
        return _Told()
    latest_ns = stating[0]["at_ns"]
    holding = sorted({row[name] for row in stating if row["at_ns"] == latest_ns})
    return _Told(holding=tuple(holding), ever=tuple(sorted({row[name] for row in stating})))


def with_known_lots(connection: sqlite3.Connection, result: LabResult) -> LabResult:
    """Return a result with the lots that it names; a name with bars is one lot where production knows it so."""

    def is_one_lot(name: str) -> bool:
        asked = {"material_lot_id": name, "parts": json.dumps(parts_of(name))}
        return value_of(connection, "is_one_lot", **asked) is not None

    return as_one_lot(result, is_one_lot) if result.unread else result


@lru_cache(maxsize=1024)
def own_words(body: str) -> LabResult:
    """Return the result in a body as its message told it: those of a lot are wanted again with each that follows."""
    return decode(LabResult, body).in_its_own_words()


def _whereabouts(context: LotContext, row: sqlite3.Row | None) -> dict[str, Any]:
    """Return where and when a lot was made, as statements ask for it."""
    return {
        "material_lot_id": context.material_lot_id,
        "equipment_id": context.equipment_id,
        "from_ns": _NEVER if row is None or row["started_ns"] is None else row["started_ns"],
        "job_order_id": context.job_order_id,
    }


def _told_specification(row: sqlite3.Row) -> ToldSpecification:
    from_ns = decode(Specification, row["body"]).effective_from_ns
    return ToldSpecification(
        product=row["product"],
        analyte=row["analyte"],
        client_id=row["client_id"] or None,
        version=row["version"],
        from_ns=row["at_ns"] if from_ns is None else from_ns,
        withdrawn=bool(row["withdrawn"]),
    )


def _unanswered(row: sqlite3.Row, later: list[ToldSpecification]) -> RefusedOfProduct | None:
    """Return a refused message about a product as it stands; None where its own version was told readably since."""
    about = ProductReference(
        product=row["product"] or None,
        analyte=row["analyte"],
        client_id=row["client_id"],
        version=row["version"],
        from_ns=row["from_ns"],
        states_limits=bool(row["states_limits"]),
        may_require=bool(row["may_require"]),
    )
    answered, until_ns = answered_since(about, later)
    if answered:
        return None
    return RefusedOfProduct(
        dead_letter_id=row["dead_letter_id"],
        about=about,
        reasons=_REASONS.validate_json(row["reasons"]),
        at_ns=row["at_ns"],
        until_ns=until_ns,
    )


def _place_of(row: sqlite3.Row) -> _Place:
    return _Place(
        source=row["source"],
        sample_id=row["sample_id"],
        equipment_id=row["equipment_id"],
        job_order_id=row["job_order_id"],
        drawn_ns=row["drawn_ns"] if row["timed"] else None,
        arrived_ns=row["at_ns"],
    )


def _state_in(row: sqlite3.Row | None) -> LotState:
    if row is None:
        return LotState()
    return LotState(recommendation=Recommendation(row["recommendation"]), latched=bool(row["latched"]))


def _sample(result: LabResult) -> Sample:
    return result.source, result.sample_id


def _key(result: LabResult) -> dict[str, Any]:
    return {
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
    }
