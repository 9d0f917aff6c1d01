"""The review of a lot as it stands: what is to be looked at, what people have said of it, and who has signed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.contract.identity import sha256_hex
from gateway.contract.signed_records import canonical
from gateway.lab.review.document import Answer, review_document
from gateway.lab.review.exceptions import ReviewException
from gateway.lab.review.facts import LotReviewFacts
from gateway.lab.review.review import Review
from gateway.records.reviews import LotReviewed


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewOnRecord:
    """The review of a lot as it stands: what is to be looked at, what people have said of it, and who has signed.

    ``signed``: the newest signed review that holds; ``lapsed``: something new is known since. ``sha256``: of
    ``document``, the list of what was looked at with each exception and its settlement.
    """

    facts: LotReviewFacts
    review: Review
    answers: Mapping[str, tuple[Answer, ...]]
    signed: LotReviewed | None
    lapsed: bool
    damaged: tuple[str, ...]

    def is_settled(self, item: ReviewException) -> bool:
        """Return whether a person has settled an exception."""
        return any(answer.settled for answer in self.answers.get(item.exception_id, ()))

    @property
    def open(self) -> tuple[ReviewException, ...]:
        """Return the exceptions that nobody has settled, the worst first."""
        return tuple(item for item in self.review.exceptions if not self.is_settled(item))

    @property
    def document(self) -> dict[str, Any]:
        """Return what is signed."""
        return review_document(self.review, self.answers)

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of what is signed."""
        return sha256_hex(canonical(self.document).encode())
