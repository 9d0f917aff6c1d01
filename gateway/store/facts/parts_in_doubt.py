"""From the tables: parts of lots whose declaration was taken out or altered by hand. Runs in the transaction."""

from gateway.events import StoreChecked
from gateway.facts.parts_in_doubt import StoreCheckedFacts
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading


@loader
def store_checked_facts(reading: Reading, _event: StoreChecked) -> StoreCheckedFacts:
    """Return the parts of lots that are in doubt."""
    return StoreCheckedFacts(**reading.base(), parts_in_doubt=parts_in_doubt(reading))


def parts_in_doubt(reading: Reading) -> tuple[str, ...]:
    """Return the names of parts whose newest declaration is missing, altered, or vouched for by no line."""
    return tuple(str(name) for name in reading.values("parts_in_doubt"))
