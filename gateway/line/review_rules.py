"""What the review of a batch record by exception calls an exception, where the plant may choose. Pure data."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewRules:
    """``[review]``: from where on something is an exception, and whether a release needs a signed review.

    ``near_limit``: share of a specification's range next to each limit. ``abstained_share``: of a model's predictions.
    """

    required_for_release: bool = False
    near_limit: float = 0.05
    acknowledged_within_seconds: float = 600.0
    signed_within_seconds: float = 86400.0
    unknown_seconds: float = 60.0
    outside_seconds: float = 0.0
    abstained_share: float = 0.5
    undelivered_seconds: float = 600.0


USUAL_REVIEW = ReviewRules()
