"""Specifications that came and could not be taken: which lots they put in question, and what answers them. Pure.

Nobody knows the limits of such a message, so the older ones are not certain any more. It is answered by the same
version in a readable form, and by a later version from when that is in force; else a person settles it, once for all
lots. Only what comes after it answers it: a version that is refused since another content is on record stays in
question.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial

from gateway.contract.lims.names import name_key
from gateway.records.laboratory import ProductReference
from gateway.records.verdicts import Reason

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedSpecification:
    """A message about a specification that could be taken; ``from_ns``: since when it holds, UTC."""

    product: str | None
    analyte: str
    client_id: str | None
    version: str
    from_ns: int
    withdrawn: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedOfProduct:
    """A refused message that names a product or an analyte; ``until_ns``: since when a later version holds, UTC."""

    dead_letter_id: str
    about: ProductReference
    reasons: tuple[Reason, ...]
    at_ns: int
    until_ns: int | None = None


def answered_since(about: ProductReference, later: Iterable[StatedSpecification]) -> tuple[bool, int | None]:
    """Return (whether its own version has come in a readable form, since when a later version holds in UTC ns).

    ``later``: what was stated after it. Of a message that does not say its analyte or version nobody can say what is
    later: a person settles it.
    """
    if about.analyte is None or about.version is None or not about.states_limits:
        return False, None
    same = [specification for specification in later if _is_same_test(about, specification)]
    if any(specification.version == about.version for specification in same):
        return True, None
    newer = [
        specification.from_ns
        for specification in same
        if _in_order(specification.version) > _in_order(about.version) and not specification.withdrawn
    ]
    return False, min(newer, default=None)


def is_in_question(
    message: RefusedOfProduct,
    *,
    products: Collection[str],
    clients: Collection[str],
    measured: Iterable[tuple[str, int]],
) -> bool:
    """Return whether a refused message speaks against a lot.

    Args:
        message: the message, which its own version has not answered.
        products: those that are named of the lot.
        clients: those that are named of it.
        measured: the analyte of each of its results, and when the sample was drawn, else when it came, in UTC ns.
    """
    about = message.about
    if about.product is not None and about.product not in products:
        return False
    if about.client_id is not None and about.client_id not in clients:
        return False
    concerns = partial(_concerns, about)
    return any(_in_its_time(message, at_ns) for analyte, at_ns in measured if concerns(analyte))


def _concerns(about: ProductReference, analyte: str) -> bool:
    """Return whether a message may concern a result; one that may require a test concerns any of its product."""
    if about.analyte is None or (about.may_require and about.product is not None):
        return True
    return name_key(about.analyte) == name_key(analyte)


def _in_its_time(message: RefusedOfProduct, at_ns: int) -> bool:
    """Return whether a message may have been in force at an instant: from its stated time until a later version."""
    from_ns = message.about.from_ns
    if message.until_ns is None:
        return from_ns is None or at_ns >= from_ns
    return (message.at_ns if from_ns is None else from_ns) <= at_ns < message.until_ns


def _is_same_test(about: ProductReference, specification: StatedSpecification) -> bool:
    return (
        (about.product is None or specification.product == about.product)
        and about.analyte is not None
        and name_key(specification.analyte) == name_key(about.analyte)
        and specification.client_id == about.client_id
    )


def _in_order(version: str) -> tuple[tuple[bool, int, str], ...]:
    """Return what versions are ordered by: 2 before 10, 1.9 before 1.10, A before B."""
    parts = (part for part in _DIGITS.split(version.casefold()) if part)
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)
