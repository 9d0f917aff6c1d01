"""What there is of a lot at all, and whether a result that arrives may change more of it than its own assessment."""

import json
import sqlite3
from dataclasses import dataclass, replace
from typing import cast

from gateway.lab.lookalike_names import likeness_key
from gateway.lab.release.lot_knowledge import LotContext, ResultOnRecord
from gateway.records.laboratory import LabResult
from gateway.records.lot_parts import LotDivided
from gateway.store.facts.lot.context import context_of_lot, products_of_order
from gateway.store.facts.lot.named_by_results import (
    Named,
    adds_a_name,
    named_on_record,
    named_with,
    products_named,
)
from gateway.store.facts.lot.results import NO_SAMPLE, Sample, sample_of
from gateway.store.facts.lot.whole_lot import whole_lot
from gateway.store.facts.reading import Reading
from gateway.store.facts.standing import MOST_READ
from gateway.store.queries.lots import part_declared
from gateway.store.statements import SQL, value_of

_TOUCHED = ("waits", "retested", "sample_without_lot", "sample_refused", "sample_elsewhere", "sample_in_doubt")


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A result that arrives, its versions on record, and the lots that its own message concerns."""

    result: LabResult
    versions: tuple[ResultOnRecord, ...]
    lots: tuple[str, ...]

    def speaking_of(self, lot: str) -> tuple[LabResult, ...]:
        """Return the result where it concerns a lot itself, and not only through an earlier version."""
        return (self.result,) if lot in self.lots else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LotAtAGlance:
    """What there is of a lot. Columns of ``there_is`` stand in the statement ``lot_at_a_glance``."""

    lot: str
    production: sqlite3.Row | None  # production's record of the lot, with its order
    there_is: sqlite3.Row
    context: LotContext  # as production states it
    arrival: Arrival | None
    part: LotDivided | None  # of which lot it is a part
    named: Named  # by the results on record
    now_named: Named  # with what the arriving result names

    @property
    def arriving(self) -> LabResult | None:
        """Return the result that arrives."""
        return None if self.arrival is None else self.arrival.result

    @property
    def speaking(self) -> tuple[LabResult, ...]:
        """Return the arriving result, where it concerns the lot itself."""
        return () if self.arrival is None else self.arrival.speaking_of(self.lot)

    @property
    def sample(self) -> Sample:
        """Return the sample of an arriving result that names the lot."""
        result = self.arriving
        return sample_of(result) if result is not None and self.lot in result.lots else NO_SAMPLE

    @property
    def name_known(self) -> bool:
        """Return whether a message has called the lot by its name before."""
        return bool(self.there_is["name_known"])

    @property
    def named_alike(self) -> bool:
        """Return whether other lots have names that only look like its own, also by the arriving result."""
        key = likeness_key(self.lot)
        named_with_it = () if self.arrival is None else self.arrival.lots
        return bool(self.there_is["named_alike"]) or any(
            likeness_key(other) == key for other in named_with_it if other != self.lot
        )

    @property
    def closed_ns(self) -> int | None:
        """Return when the lot was closed, in UTC ns."""
        return None if self.production is None else self.production["closed_ns"]


def lot_at_a_glance(reading: Reading, lot: str, arrival: Arrival | None, *, at_ns: int) -> LotAtAGlance:
    """Return what there is of a lot."""
    production = reading.row("lot_with_order", material_lot_id=lot)
    there_is = _there_is(reading, lot, arrival, at_ns=at_ns)
    part = _part(reading, lot) if there_is["is_part"] else None
    context = context_of_lot(reading, lot) if part is None else _context_of_part(reading, part)
    speaking = () if arrival is None else arrival.speaking_of(lot)
    named = named_on_record(reading, lot, there_is, speaking)
    return LotAtAGlance(
        lot=lot,
        production=production,
        there_is=there_is,
        context=context,
        arrival=arrival,
        part=part,
        named=named,
        now_named=named_with(named, speaking),
    )


def _part(reading: Reading, lot: str) -> LotDivided | None:
    """Return of which lot it is a part; a declaration that does not hold is noted as damaged."""
    declared = part_declared(reading.connection, lot)
    reading.note_damaged(declared.damaged)
    return declared.part


def _context_of_part(reading: Reading, part: LotDivided) -> LotContext:
    """Return what production, and the lot's results, say of the lot that a part is of, with what names the part itself.

    What is contradicted of the lot is a point of the lot; what production says otherwise of the part is the part's.
    """
    known = whole_lot(reading, part.material_lot_id).context
    own = context_of_lot(reading, part.part_id)
    products = tuple(dict.fromkeys((*known.products, *own.products)))
    clients = tuple(dict.fromkeys(name for name in (known.client_id, own.client_id) if name is not None))
    stated = dict(own.stated)
    if own.products and len(products) > 1:
        stated["product"] = products
    if len(clients) > 1:
        stated["client"] = clients
    return replace(
        own,
        products=products,
        client_id=next(iter(clients), None),
        contradictions=tuple(stated),
        stated=tuple(stated.items()),
    )


def _there_is(reading: Reading, lot: str, arrival: Arrival | None, *, at_ns: int) -> sqlite3.Row:
    """Return what there is of a lot, and of the sample of an arriving result and its earlier versions."""
    arriving = None if arrival is None else arrival.result
    results = () if arrival is None else (arrival.result, *(record.result for record in arrival.versions))
    parameters = {
        "material_lot_id": lot,
        "sample_id": None if arriving is None else arriving.sample_id,
        "source": None if arriving is None else arriving.source,
        "besides": None if arriving is None else arriving.result_id,
        "lots": json.dumps(arriving.lots) if arriving is not None and arriving.lots else None,
        "names": json.dumps([name for result in results for name in (result.sample_id, result.foreign_id) if name]),
        "likeness": likeness_key(lot),
        "at_ns": at_ns,
        "most": MOST_READ + 1,
    }
    (row,) = reading.connection.execute(SQL["lot_at_a_glance"], parameters)
    return cast("sqlite3.Row", row)


def is_read_whole(reading: Reading, glance: LotAtAGlance) -> bool:
    """Return whether something other than the arriving result may have changed what is known of the lot."""
    arrival, there_is = glance.arrival, glance.there_is
    if arrival is None:
        return True
    results = (arrival.result, *(record.result for record in arrival.versions))
    if any(result.retest_of is not None for result in results) or any(there_is[name] for name in _TOUCHED):
        return True
    if glance.named_alike and not glance.name_known:
        return True
    others = there_is["assessments"] or there_is["spoken_of"]  # of a lot without any, nothing can change
    if others and adds_a_name(glance.context, glance.named, glance.now_named):
        return True
    if not there_is["product_refused"]:
        return False
    products = {*products_of_lot(reading, glance), *products_named(glance.now_named)}
    return value_of(reading.connection, "is_refused_of_product", products=json.dumps(sorted(products))) is not None


def products_of_lot(reading: Reading, glance: LotAtAGlance) -> set[str]:
    """Return the products that are named of a lot: by production, by the arriving result, and by that one's order."""
    products = set(glance.context.products)
    if glance.arriving is not None:
        own = glance.arriving.material_definition_id
        products |= {*products_of_order(reading, glance.arriving.job_order_id), *(() if own is None else (own,))}
    return products
