"""From when a live value counts: its source time, where that can be believed.

A source time is not believed where it is ahead of the gateway's clock by more than its source is allowed to be (two
seconds at least), goes back behind the tag's own last by more than two seconds, or comes by a clock that is found
wrong: the sample then counts as bad, from when it came. What is ahead by more than two seconds, and allowed to be,
counts from when it came, too. Else a window that ends now would leave out the newest values and take old ones for
fresh. A value that the server resends after a loss counts from the time of resending.
"""

from gateway.history.columns import HeldSample, SampleFlag
from gateway.history.memory.tag_ring import TagRing, put_sample
from gateway.records.process import Quality, TagSample, quality_of

BAD_OUT_OF_RANGE = 0x803C0000
LARGEST_LEAD_NS = 2_000_000_000


def add_live_sample(
    ring: TagRing, sample: TagSample, confirmed_ns: int, arrival: int, *, clock_trusted: bool, allowed_lead_ns: int
) -> HeldSample:
    """Put a live sample into its ring as it counts, and return it as it is recorded.

    ``confirmed_ns``: when the sample came; ``allowed_lead_ns``: not less than ``LARGEST_LEAD_NS``.
    """
    held_ns, status, flags = sample.source_ns, sample.status, SampleFlag.NONE
    leads = sample.source_ns > confirmed_ns + LARGEST_LEAD_NS
    if ring.resent_until_ns is not None and sample.source_ns <= ring.resent_until_ns:
        held_ns = ring.earliest_next_ns = max(confirmed_ns, ring.resent_until_ns)
        flags |= SampleFlag.TOLD_AGAIN
    elif leads and sample.source_ns <= ring.false_until_ns:  # dated by the clock that was wrong, and resent now
        held_ns = ring.earliest_next_ns = max(confirmed_ns, ring.earliest_next_ns)
        flags, leads = flags | SampleFlag.TOLD_AGAIN, False
    else:
        ring.resent_until_ns = None
        held_ns = max(held_ns, ring.earliest_next_ns)
    steps_back = ring.last_ns is not None and held_ns < ring.last_ns - LARGEST_LEAD_NS
    if leads:
        held_ns = confirmed_ns
    leads = leads and sample.source_ns > confirmed_ns + allowed_lead_ns
    if leads or steps_back or not clock_trusted:
        held_ns = confirmed_ns
        status = status if quality_of(status) is Quality.BAD else BAD_OUT_OF_RANGE
    return put_sample(ring, sample, held_ns, status, flags, arrival)
