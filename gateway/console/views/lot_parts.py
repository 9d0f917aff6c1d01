"""The parts of a lot, or the lot that a part is of, as its page shows them."""

import sqlite3

from pydantic import Field

from gateway.console.views.parts import View
from gateway.contract.words import RecommendationWord
from gateway.facts.lot import PartOnRecord
from gateway.records.lot_decisions import DecisionState
from gateway.records.lot_parts import LotDivided
from gateway.store.queries.lot_parts import PartsOfLot, remainder_of


class PartOfView(View):
    """Of which lot this is a part, and how much."""

    lot: str
    part: str
    quantity: str
    reason: str = Field(description="why it was set apart, or put back, in the person's words")
    undone: bool = Field(description="it was put back into the lot: the lot's decision is the one that counts for it")


class PartView(View):
    """A part that is set apart from the lot."""

    part_id: str
    part: str
    quantity: str
    recommendation: RecommendationWord
    decision: str | None = Field(description="release, reject or hold; null: nobody has decided on the part")
    on_other_facts: bool = Field(description="what the decision rests on has changed since")
    awaits_certificate: bool = Field(
        description="its release waits for a certificate of its own, so nobody is told of it"
    )
    undone: bool = Field(
        description="it was put back into the lot, and something was reported for it since: decide on it"
    )


class RestView(View):
    """What is left of the lot beside its parts: the lot's recommendation and decision speak of this."""

    quantity: str | None = Field(description="null: production has not said how much the lot is")
    of: str | None
    exceeded: bool = Field(description="the parts are more than production says the lot is")
    not_comparable: str | None = Field(description="what production states, where parts cannot be compared with it")


def part_of(part: LotDivided | None) -> PartOfView | None:
    """Return of which lot it is a part; None of a lot."""
    if part is None:
        return None
    return PartOfView(
        lot=part.material_lot_id, part=part.name, quantity=part.amount, reason=part.reason, undone=part.undone
    )


def parts_view(of_lot: PartsOfLot) -> list[PartView]:
    """Return the parts of a lot as they stand."""
    return [_part(item) for item in of_lot.parts]


def _part(item: PartOnRecord) -> PartView:
    decision = item.decision
    return PartView(
        part_id=item.part.part_id,
        part=item.part.name,
        quantity=item.part.amount,
        recommendation=item.recommendation,
        decision=None if decision is None else decision.verdict.value,
        on_other_facts=decision is not None and decision.state is DecisionState.LAPSED,
        awaits_certificate=item.awaits_certificate,
        undone=item.part.undone,
    )


def rest_view(connection: sqlite3.Connection, lot: str, of_lot: PartsOfLot) -> RestView | None:
    """Return what is left beside the parts of a lot; None of one that is not divided."""
    if not of_lot.parts:
        return None
    left = remainder_of(connection, lot, (item.part for item in of_lot.parts))
    return RestView(
        quantity=None if left.rest is None else f"{left.rest} {left.unit}",
        of=None if left.total is None else f"{left.total} {left.unit}",
        exceeded=left.exceeded,
        not_comparable=left.not_comparable,
    )
