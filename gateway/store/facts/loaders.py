"""Which function loads which facts: each is marked ``@loader`` and serves every decision that takes what it returns."""

from collections.abc import Callable
from inspect import get_annotations
from typing import Any, TypeVar

from gateway.events import Event
from gateway.facts.base import Facts
from gateway.store.facts.reading import Reading

Loader = TypeVar("Loader", bound=Callable[[Reading, Any], Facts])

LOADERS: dict[object, Callable[[Reading, Any], Facts]] = {}  # by the type of facts, or the union of several


def loader(function: Loader) -> Loader:
    """Register a function as the loader of the facts that it returns; raises TypeError where these have one already."""
    facts = get_annotations(function)["return"]
    if facts in LOADERS:
        raise TypeError(f"{facts} are already loaded by {LOADERS[facts]}")
    LOADERS[facts] = function
    return function


@loader
def facts_alone(reading: Reading, _event: Event) -> Facts:
    """Return what every decision knows."""
    return Facts(**reading.base())
