"""By what a result is judged: its products and clients, and the specifications in force for them. Pure."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from gateway.lab.disposition import Judged, judge_result
from gateway.lab.release.lot_knowledge import LotContext, ResultOnRecord
from gateway.lab.release.open_points import OpenPoint
from gateway.records.laboratory import LabResult, Recommendation, Specification
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import language, text

InForce = Callable[[str, int, str | None, str | None], tuple[Specification, ...]]
"""(analyte, instant, product, client) to the specifications that hold."""


class Basis(NamedTuple):
    """By what a result is judged; of products and clients its own first."""

    products: tuple[str, ...]
    clients: tuple[str, ...]
    specifications: tuple[Specification, ...]


def scoped_judgement(context: LotContext, record: ResultOnRecord, in_force: InForce) -> Judged:
    """Return what a result says by itself, in the context of a lot."""
    return judged_by(record, basis_of(context, record, in_force))


def basis_of(context: LotContext, record: ResultOnRecord, in_force: InForce) -> Basis:
    """Return by what a result is judged in the context of a lot."""
    products, clients = named_of(context, record)
    analyte, at_ns = record.result.analyte, drawn_ns(record)
    specifications = tuple(
        dict.fromkeys(
            specification
            for product in products
            for client in clients or (None,)
            for specification in in_force(analyte, at_ns, product, client)
        )
    )
    return Basis(products, clients, specifications)


def named_of(context: LotContext, record: ResultOnRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the products and the clients that are named of a result: by itself, its lot and its order."""
    result = record.result
    products = (result.material_definition_id, *context.products, *record.order_products)
    clients = (result.client_id, context.client_id)
    return (
        tuple(dict.fromkeys(name for name in products if name is not None)),
        tuple(dict.fromkeys(name for name in clients if name is not None)),
    )


def drawn_ns(record: ResultOnRecord) -> int:
    """Return when a result's sample was drawn, else when it came, in UTC ns."""
    return record.arrived_ns if record.result.sampled_ns is None else record.result.sampled_ns


def judged_by(record: ResultOnRecord, basis: Basis) -> Judged:
    """Return a result judged by all that is in force of it."""
    result, specifications = record.result, basis.specifications
    plain = not record.trends and not result.unread
    judged = (
        _judged(result, specifications, language()) if plain else judge_result(result, specifications, record.trends)
    )
    if basis.products or judged.specification is not None or judged.recommendation is not Recommendation.REVIEW:
        return judged
    return replace(judged, reasons=tuple(_product_unknown(reason, result) for reason in judged.reasons))


@lru_cache(maxsize=1024)
def _judged(result: LabResult, specifications: tuple[Specification, ...], _language: str) -> Judged:
    """Return a result judged by these specifications; cached, as each later result of its lot has all judged again."""
    return judge_result(result, specifications)


def _product_unknown(reason: Reason, result: LabResult) -> Reason:
    """Return the reason; without a product it is not a missing specification, but an unknown product."""
    if reason.code != "NO_SPECIFICATION":
        return reason
    return Reason(
        code=OpenPoint.PRODUCT_UNKNOWN,
        parameters={"analyte": result.analyte, "sample_id": result.sample_id},
        text=text("open_point", OpenPoint.PRODUCT_UNKNOWN.value, sample=result.sample_id, test=result.test_id),
    )
