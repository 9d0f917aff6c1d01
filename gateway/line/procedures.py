"""Procedures of the plant, of which advice names the one that applies."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Procedure:
    """A procedure of the plant; an empty tuple applies to all."""

    name: str
    title: str
    steps: tuple[str, ...]
    analyte: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
