"""Which specification holds of a product's analyte, for a client, at an instant. Pure.

Configuration and master data each state at most one; where they differ, the limits are not guessed: a result is judged
by both, the more careful recommendation holds, and the conflict is flagged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gateway.contract.lims.names import name_key
from gateway.lab.qualitative import texts_differ
from gateway.lab.specifications import action_limits, has_limits
from gateway.lab.units import converted
from gateway.records.laboratory import Specification

_ALWAYS_NS = -(2**62)


def in_force(
    stated: Iterable[Specification], *, product: str | None, analyte: str, client_id: str | None, at_ns: int
) -> Specification | None:
    """Return the specification of one source that holds at an instant, or None. Never guesses a product.

    One for the client goes before one for all, of several the one that came into force last, and of those the one that
    was stated last: that is how a mistake in it is corrected.
    """
    if product is None:
        return None
    analyte_key = name_key(analyte)
    holding = [
        specification
        for specification in stated
        if specification.product == product
        and (specification.analyte == analyte or name_key(specification.analyte) == analyte_key)
        and (specification.client_id is None or specification.client_id == client_id)
        and holds_at(specification, at_ns)
    ]
    if len(holding) < 2:  # noqa: PLR2004 - the usual case: there is nothing to choose
        return holding[0] if holding else None
    return max(
        reversed(holding),
        key=lambda specification: (specification.client_id is not None, _from_ns(specification)),
        default=None,
    )


def all_in_force(
    stated: Iterable[Specification], *, product: str, client_id: str | None, at_ns: int
) -> tuple[Specification, ...]:
    """Return, of each analyte of a product, the specification of one source that holds at an instant."""
    by_analyte: dict[str, list[Specification]] = {}
    for specification in stated:
        if specification.product == product:
            by_analyte.setdefault(name_key(specification.analyte), []).append(specification)
    holding = (
        in_force(of_analyte, product=product, analyte=of_analyte[0].analyte, client_id=client_id, at_ns=at_ns)
        for of_analyte in by_analyte.values()
    )
    return tuple(specification for specification in holding if specification is not None)


def holds_at(specification: Specification, at_ns: int) -> bool:
    """Return whether a specification is in force at an instant."""
    until_ns = specification.effective_until_ns
    return _from_ns(specification) <= at_ns and (until_ns is None or at_ns < until_ns)


def _from_ns(specification: Specification) -> int:
    return _ALWAYS_NS if specification.effective_from_ns is None else specification.effective_from_ns


def in_unit(specification: Specification, unit: str | None) -> Specification | None:
    """Return a specification with its limits in another unit, or None where they cannot be converted."""
    if not unit or not specification.unit or specification.unit == unit:
        return specification
    zero = converted(0.0, specification.unit, unit)
    if zero is None:
        return None
    if zero:  # percent of a target in degC are not percent of it in degF
        specification = replace(action_limits(specification), bands=None)

    limits = (specification.lower, specification.upper, specification.target)
    lower, upper, target = (None if limit is None else converted(limit, specification.unit, unit) for limit in limits)
    if limits.count(None) != (lower, upper, target).count(None):  # too large in that unit: no limit may be lost
        return None
    return replace(
        specification,
        lower=lower,
        upper=upper,
        target=target,
        unit=unit,
        decimals=None,  # they were of the other unit
    )


def differ(first: Specification, second: Specification) -> bool:
    """Return whether two specifications of the same analyte do not say the same."""
    other = in_unit(second, first.unit)
    return other is None or _limits(first) != _limits(other) or texts_differ(first, other)


def _limits(specification: Specification) -> tuple[object, ...]:
    lower, upper = specification.lower, specification.upper
    return (
        lower,
        upper,
        lower is not None and specification.includes("lower"),
        upper is not None and specification.includes("upper"),
    )


def strictest(specifications: Iterable[Specification], unit: str | None) -> Specification | None:
    """Return the limits that lie within those of all specifications; None without any, or where units differ.

    What only accepts texts says nothing of a number. Of several the limits are those from which on people act, and the
    target is that of the first, where it lies within.
    """
    converted_limits = [in_unit(specification, unit) for specification in specifications if has_limits(specification)]
    known = [specification for specification in converted_limits if specification is not None]
    if not known or len(known) < len(converted_limits):
        return None
    if len(known) == 1:
        return known[0]
    acting = [action_limits(specification) for specification in known]
    lowers = [specification.lower for specification in acting if specification.lower is not None]
    uppers = [specification.upper for specification in acting if specification.upper is not None]
    lower, upper = max(lowers, default=None), min(uppers, default=None)
    target = known[0].target
    within = target is not None and (lower is None or target >= lower) and (upper is None or target <= upper)
    return replace(known[0], lower=lower, upper=upper, target=target if within else None, bands=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecificationsOnRecord:
    """The specifications of the configuration, and those that master data has stated of the products in question.

    ``products_alike``: of products without any, those with one whose names only look alike.
    """

    configured: tuple[Specification, ...]
    stated: tuple[Specification, ...]
    products_alike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def in_force(
        self, analyte: str, at_ns: int, product: str | None, client_id: str | None
    ) -> tuple[Specification, ...]:
        """Return the specifications in force of a product's analyte: the configured one, and the one of master data."""
        holding = (
            in_force(source, product=product, analyte=analyte, client_id=client_id, at_ns=at_ns)
            for source in (self.configured, self.stated)
        )
        return tuple(specification for specification in holding if specification is not None)

    def required(self, at_ns: int, *, product: str | None, client_id: str | None) -> tuple[str, ...]:
        """Return the analytes without which no lot of a product is released."""
        sources = (self.configured, self.stated)
        of_product = [
            specification for source in sources for specification in source if specification.product == product
        ]
        spelled_required = {specification.analyte for specification in of_product if specification.required}
        if product is None or not spelled_required:
            return ()
        holding = (
            specification
            for source in sources
            for specification in all_in_force(source, product=product, client_id=client_id, at_ns=at_ns)
        )
        required = {name_key(specification.analyte) for specification in holding if specification.required}
        analytes = dict.fromkeys(specification.analyte for specification in of_product)
        return tuple(analyte for analyte in analytes if analyte in spelled_required and name_key(analyte) in required)
