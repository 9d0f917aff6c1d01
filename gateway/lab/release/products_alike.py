"""A missing specification may be a product's name in another spelling: the reason names the product that has one. Pure.

Only the sentence says so. What a person settles stays the same point, whenever the other product becomes known.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.lab.conformity_reasons import ConformityReason
from gateway.lab.phrases import LabPhrase, lab_phrase
from gateway.lab.release.assessment import Assessment
from gateway.lab.release.open_points import Point

MOST_NAMED = 4  # products, in a sentence


def naming_products_alike(
    assessed: tuple[Assessment, ...], products_alike: Mapping[str, tuple[str, ...]]
) -> tuple[Assessment, ...]:
    """Return assessments in which a missing specification names the products that have one and a name that looks alike.

    ``products_alike``: of products without a specification.
    """
    return tuple(_naming(item, products_alike) for item in assessed) if products_alike else assessed


def _naming(item: Assessment, products_alike: Mapping[str, tuple[str, ...]]) -> Assessment:
    others = dict.fromkeys(other for product in item.products for other in products_alike.get(product, ()))
    if not others:
        return item
    named = ", ".join(list(others)[:MOST_NAMED])
    return replace(
        item,
        points=tuple(_with_others(point, named) for point in item.points),
        settled=tuple(_with_others(point, named) for point in item.settled),
    )


def _with_others(point: Point, products: str) -> Point:
    if point.code != ConformityReason.NO_SPECIFICATION:
        return point
    shown = lab_phrase(LabPhrase.PRODUCTS_ALIKE, reason=point.reason.text, products=products)
    return replace(point, reason=replace(point.reason, text=shown))
