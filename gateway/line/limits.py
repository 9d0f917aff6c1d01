"""Limits of values, both inclusive, and where several hold."""

Limits = tuple[float, float]


def intersection(*limits: Limits | None) -> Limits:
    """Return the limits that lie within all of several: the largest lower, the smallest upper.

    An empty intersection comes back as it is (lower above upper), so that nothing lies inside it.
    """
    present = [pair for pair in limits if pair is not None]
    return (
        max((lower for lower, _ in present), default=float("-inf")),
        min((upper for _, upper in present), default=float("inf")),
    )
