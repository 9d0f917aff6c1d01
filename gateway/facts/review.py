"""What settling exceptions and signing the review of a lot's record stand on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.lab.review.on_record import ReviewOnRecord
from gateway.records.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewFacts(ActFacts):
    """``shown``: the review of the lot as it is now, None where nothing is on record of it.

    ``waits``: whether the lot is about to be judged again. ``scope``: for whom it is made.
    """

    shown: ReviewOnRecord | None
    waits: bool
    scope: Scope
