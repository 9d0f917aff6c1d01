"""The sequence numbers of notifications: which are missing. They go round and leave out zero (OPC 10000-4, 7.6)."""

MOST_REPUBLISHED = 50
_SEQUENCE_WRAPS = 2**32 - 1


class Sequence:
    """Which number comes next in one subscription."""

    def __init__(self) -> None:
        self._expected: int | None = None

    def missing(self, number: int, *, has_data: bool) -> list[int]:
        """Return the numbers between the last notification and this one; a keep-alive states the next number."""
        expected = self._expected
        missing = [] if expected is None or number == expected else _between(expected, number)
        self._expected = _next_sequence(number) if has_data else number
        return missing


def _next_sequence(number: int) -> int:
    """Return the sequence number after one; they go round and leave out zero (OPC 10000-4, 7.6)."""
    return 1 if number >= _SEQUENCE_WRAPS else number + 1


def _between(expected: int, number: int) -> list[int]:
    """Return the missing numbers before the one that came, at most a few more than can be republished."""
    distance = (number - expected) % _SEQUENCE_WRAPS
    if distance > _SEQUENCE_WRAPS // 2:
        return []  # an older one again
    first = max(0, distance - MOST_REPUBLISHED - 1)
    return [(expected + at - 1) % _SEQUENCE_WRAPS + 1 for at in range(first, distance)]
