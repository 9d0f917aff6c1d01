"""What lots that are judged again stand on."""

from gateway.events import (
    LotsJudgedAgain,
)
from gateway.facts.lot import LotFacts, LotsAgainFacts
from gateway.store.facts.loaders import loader
from gateway.store.facts.lot.facts import facts_of_lots
from gateway.store.facts.reading import Reading


@loader
def lots_again_facts(reading: Reading, event: LotsJudgedAgain) -> LotsAgainFacts:
    """Return what is on record of lots that are judged again."""
    facts = facts_of_lots(reading, event.lots, at_ns=event.at_ns)
    products = dict.fromkeys(product for lot in facts for product in products_of(lot))
    return LotsAgainFacts(**reading.base(), lots=facts, specifications=reading.specifications(*products))


def products_of(lot: LotFacts) -> tuple[str | None, ...]:
    """Return every product by which results of a lot may be judged."""
    results, refused = lot.knowledge.results, lot.knowledge.refused
    return (
        *lot.knowledge.context.products,
        *(record.result.material_definition_id for record in results),
        *(product for record in results for product in record.order_products),
        *(message.result.material_definition_id for message in refused if message.result is not None),
        *(product for message in refused for product in message.order_products),
    )
