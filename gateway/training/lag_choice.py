"""What became of lags that a recipe leaves open."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """Lags for every tag alike, in rows: of levels, and since when changes are taken."""

    lags: tuple[float, ...]
    changes: tuple[float, ...]

    @property
    def inputs(self) -> int:
        """Return how many inputs it makes of a tag."""
        return len(self.lags) + len(self.changes)

    @property
    def name(self) -> str:
        """Return it in words."""
        levels = f"levels at {_rows(self.lags)}" if self.lags else ""
        changes = f"changes over {_rows(self.changes)}" if self.changes else ""
        return " and ".join(part for part in (levels, changes) if part) or "nothing"


def _rows(of: tuple[float, ...]) -> str:
    return f"{', '.join(f'{rows:g}' for rows in of)} rows"


@dataclass(frozen=True, kw_only=True)
class LagChoice:
    """The schemes that were compared, the error of each as served on left-out blocks, and which was taken.

    ``plainer``: by tag, for those that often lie outside what was learned and whose levels the data do not need.
    """

    schemes: tuple[Scheme, ...]
    errors: tuple[float, ...]
    chosen: int
    plainer: Mapping[str, Scheme] = field(default_factory=dict)

    @property
    def scheme(self) -> Scheme:
        """Return the one that was taken."""
        return self.schemes[self.chosen]

    @property
    def name(self) -> str:
        """Return what was taken in words."""
        others = [f"of {tag} {scheme.name}" for tag, scheme in self.plainer.items()]
        return "; ".join([self.scheme.name, *others])
