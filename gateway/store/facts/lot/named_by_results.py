"""Which product and client a lot's results name: they count where production has named none."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from gateway.lab.release.lot_knowledge import LotContext
from gateway.records.laboratory import LabResult
from gateway.store.facts.lot.results import NEVER
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL

_NO_NAME = (-1, "")
_PRODUCT, _CLIENT = "material_definition_id", "client_id"
Named = dict[tuple[str, str, str, str], tuple[int, str]]
"""By what is named, sample and test: the newest version that names a product or a client, and which one."""


def named_on_record(reading: Reading, lot: str, there_is: sqlite3.Row, arriving: tuple[LabResult, ...]) -> Named:
    """Return which products and clients the results of a lot name, as they were last assessed.

    Where they name one, and a result that arrives no other, which of them does so makes no difference.
    ``there_is``: the first and the last of the names on record.
    """
    known = {
        _PRODUCT: {there_is["first_product"], there_is["last_product"]} - {None},
        _CLIENT: {there_is["first_client"], there_is["last_client"]} - {None},
    }
    several = any(
        len({*names, *(getattr(result, what) for result in arriving)} - {None}) > 1 for what, names in known.items()
    )
    if not several:
        return {(what, "", "", ""): (0, name) for what, names in known.items() for name in names}
    return named_by_all(reading, lot)


def named_by_all(reading: Reading, lot: str) -> Named:
    """Return which products and clients the results of a lot name, by each of them as it was last assessed."""
    named: Named = {}
    for row in reading.connection.execute(SQL["named_by_results"], {"material_lot_id": lot}):
        for what in (_PRODUCT, _CLIENT):
            key = (what, row["source"], row["sample_id"], row["test_id"])
            if row[what] is not None:
                named[key] = max(named.get(key, _NO_NAME), (row["version"] or 0, row[what]))
    return named


def named_with(named: Named, results: Iterable[LabResult]) -> Named:
    """Return the product and client that results name for their lot, where the context does not have them yet."""
    both = dict(named)
    for result in results:
        for what in (_PRODUCT, _CLIENT):
            name = getattr(result, what)
            key = (what, result.source, result.sample_id, result.test_id)
            if name is not None:
                both[key] = max(both.get(key, _NO_NAME), (result.result_version or NEVER, name))
    return both


def products_named(named: Named) -> tuple[str, ...]:
    """Return the products that results name."""
    return _names(named, _PRODUCT)


def _names(named: Named, what: str) -> tuple[str, ...]:
    return tuple(sorted({name for (of, *_key), (_version, name) in named.items() if of == what}))


def adds_a_name(context: LotContext, before: Named, now: Named) -> bool:
    """Return whether a result is the first to name a product or client where production has named none."""
    unknown = {_PRODUCT: not context.products, _CLIENT: context.client_id is None}
    return any(is_unknown and _names(before, what) != _names(now, what) for what, is_unknown in unknown.items())


def with_names(context: LotContext, named: Named) -> LotContext:
    """Return the context with the product and the client that the results name, where production has named none."""
    products, clients = _names(named, _PRODUCT), _names(named, _CLIENT)
    stated = dict(context.stated)
    if context.products or not products:
        products = context.products
    elif len(products) > 1:
        stated["product"] = products
    if context.client_id is None and len(clients) > 1:
        stated["client"] = clients
    client_id = context.client_id or next(iter(clients), None)
    return replace(
        context, products=products, client_id=client_id, contradictions=tuple(stated), stated=tuple(stated.items())
    )
