"""What a search for lags and windows came to."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search came to: the groups in the order in which they were taken, each with the error then.

    ``outer_error`` and ``outer_error_written``: on the outer blocks, of what the search takes and of the recipe as it
    is written; ``taken``: whether the model is made of what the search has taken.
    """

    path: tuple[tuple[str, float], ...]
    trials: int
    error_written: float
    outer_error: float
    outer_error_written: float
    taken: bool

    @property
    def outcome(self) -> str:
        """Return in a sentence what became of it."""
        errors = f"{self.outer_error:.4g} as served, as written {self.outer_error_written:.4g}"
        beyond = f"on blocks that it has not seen {errors}"
        return f"taken ({beyond})" if self.taken else f"not taken, the recipe stays as it is ({beyond})"
