"""``[review]``: what the review of a batch record calls an exception, and whether a release needs a signed one."""

from pydantic import Field

from gateway.config.forms import Table
from gateway.config.measures import Duration
from gateway.line.review_rules import ReviewRules


class ReviewTable(Table):
    """``[review]``: the review of a lot's record by exception."""

    required_for_release: bool = Field(
        default=False, description="whether quality releases a lot only after a signed review of its record that stands"
    )
    near_limit: float = Field(
        default=0.05, ge=0, lt=0.5, description="what is near a limit: this share of the range, next to each limit"
    )
    acknowledged_within: Duration = Field(
        default=600.0, gt=0, description="how soon an alarm is acknowledged, else that is an exception"
    )
    signed_within: Duration = Field(
        default=86400.0, gt=0, description="how soon a signature follows, else that is an exception"
    )
    unknown: Duration = Field(
        default=60.0, ge=0, description="for how long a tag may be bad or unknown at once without being an exception"
    )
    outside: Duration = Field(
        default=0.0, ge=0, description="for how long in all a tag may be outside its validated range"
    )
    abstained_share: float = Field(
        default=0.5, ge=0, le=1, description="for which share of a lot's time a model may give no prediction"
    )
    undelivered: Duration = Field(
        default=600.0, gt=0, description="for how long a message or delivery about a lot may wait"
    )


def review_rules(table: ReviewTable) -> ReviewRules:
    """Return what is configured."""
    return ReviewRules(
        required_for_release=table.required_for_release,
        near_limit=table.near_limit,
        acknowledged_within_seconds=table.acknowledged_within,
        signed_within_seconds=table.signed_within,
        unknown_seconds=table.unknown,
        outside_seconds=table.outside,
        abstained_share=table.abstained_share,
        undelivered_seconds=table.undelivered,
    )
