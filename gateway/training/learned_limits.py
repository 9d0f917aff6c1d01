"""How far from what a model has learned it may be asked: the ranges of its inputs, the limits of its domain. Pure.

Rows that training sees say where the model has learned. Beyond that, a margin is earned by blocks of time that were
left out: how far outside the other blocks did they lie while errors as served stayed below 1.5 times those inside
(``margin_evidence``). The lags of a tag are taken together: an excursion passes one after the other. Above and below a
range are earned apart. An input that was hardly ever outside has a small margin if all inputs together vouch for it,
and none of its own rows speaks against it: the more inputs there are, the more often one of them is a little outside.
Where errors grew outside, nothing is earned.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gateway.inference.applicability_domain import scores
from gateway.line.definition import InputDefinition
from gateway.line.model_domain import Domain
from gateway.training.applicability_domain import fit_domain
from gateway.training.cross_validation import blocks, later_blocks
from gateway.training.margin_evidence import Numbers, Part, own_margins, seen, shared_margin
from gateway.training.recipe_tables.output import OutputTable
from gateway.training.spread import noise_of


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What limits are earned by: rows as models serve them that have not seen them; ``folds``, ``gap``: the blocks.

    ``quantities``: of each input, shape (k,), which quantity it is; lags of one tag are one. None: each is its own.
    """

    features: Numbers  # (n, k)
    errors: Numbers  # (n,), as served
    folds: int
    gap: int
    domain_alpha: float = 0.001  # of each domain's limits
    later_errors: Numbers | None = None  # (n,), of models of earlier blocks only; NaN where there is none
    quantities: Sequence[int] | None = None

    def parts(self) -> Iterator[Part]:
        """Yield the rows that a block's model was fitted on, and the block."""
        return blocks(len(self.features), folds=self.folds, gap=self.gap)


@dataclass(frozen=True, kw_only=True)
class Margins:
    """By how much of its range an input may lie below and above what was learned, shape (k,) each; T2 and SPE limits.

    The limits of a domain that was fitted on fewer rows are no narrower than these. ``averaged_over``: of the domain.
    """

    below: Numbers
    above: Numbers
    t2_limit: float
    spe_limit: float
    averaged_over: int = 1


def margins_of(left_out: LeftOut, table: OutputTable) -> Margins:
    """Return the margins that the recipe gives, and those that were earned."""
    features = left_out.features
    below, above = (np.full(features.shape[1], table.range_margin) for _side in range(2))
    if table.earned_margin:
        below, above = (np.maximum(below, earned) for earned in _earned_ranges(left_out, table))
    t2_limit, spe_limit = _domain_limits(left_out)
    return Margins(below=below, above=above, t2_limit=t2_limit, spe_limit=spe_limit)


def with_ranges(inputs: tuple[InputDefinition, ...], learned: Numbers, margins: Margins) -> tuple[InputDefinition, ...]:
    """Return the inputs with the ranges that rows of shape (n, k) span, and these with the margins: valid nowhere else.

    An input that never moved has no margin but for arithmetic.
    """
    low, high = learned.min(axis=0), learned.max(axis=0)
    noise = noise_of(learned)
    lower, upper = low - margins.below * (high - low) - noise, high + margins.above * (high - low) + noise
    return tuple(
        replace(
            item,
            learned=(float(low[at]), float(high[at])),
            validated=(float(lower[at]), float(upper[at])),
        )
        for at, item in enumerate(inputs)
    )


def with_limits(learned: Numbers, margins: Margins, *, alpha: float) -> Domain:
    """Return the domain of rows of shape (n, k), its limits no narrower than what blocks left out have earned."""
    domain = fit_domain(learned, alpha=alpha)
    return replace(
        domain,
        t2_limit=max(domain.t2_limit, margins.t2_limit),
        spe_limit=max(domain.spe_limit, margins.spe_limit),
        averaged_over=margins.averaged_over,
    )


def quantities_of(inputs: Sequence[InputDefinition]) -> tuple[int, ...]:
    """Return for each input a number that it shares with those that are the same at another lag."""
    names = [replace(item, name="", lag_ns=0, validated=(0.0, 0.0), learned=None) for item in inputs]
    return tuple(names.index(name) for name in names)


def _earned_ranges(left_out: LeftOut, table: OutputTable) -> tuple[Numbers, Numbers]:
    """Return by which shares of its range, shape (k,), an input may lie below it, and above it.

    Models of the other blocks and models of earlier blocks are heard together, the errors of either against those of
    its own inside: in service what is new lies to what is past.
    """
    features = left_out.features
    schemes = [seen(features, left_out.errors, left_out.parts(), as_in_service=True)]
    moved = schemes[0].moved
    if left_out.later_errors is not None:
        later = later_blocks(len(features), folds=left_out.folds, gap=left_out.gap)
        schemes.append(seen(features, left_out.later_errors, later, as_in_service=False))
    below, above = (np.zeros(features.shape[1]) for _side in range(2))
    quantities = np.arange(features.shape[1]) if left_out.quantities is None else np.array(left_out.quantities)
    of_all = min(shared_margin(schemes, quantities), table.shared_margin)
    for quantity in np.unique(quantities):
        lags = np.flatnonzero(quantities == quantity)
        below[lags], above[lags] = own_margins(schemes, lags, shared=of_all if moved[lags].all() else 0.0)
    return np.minimum(below, table.most_margin), np.minimum(above, table.most_margin)


def _domain_limits(left_out: LeftOut) -> tuple[float, float]:
    """Return the T2 and SPE that all but a share of alpha of the rows left out stay below.

    They are not drawn nearer where errors grow: the interval is calibrated on these very rows, and so it holds there.
    """
    alpha = left_out.domain_alpha
    measured = [
        scores(fit_domain(left_out.features[fitting], alpha=alpha), left_out.features[leaving])
        for fitting, leaving in left_out.parts()
    ]
    t2, spe = (float(np.quantile(np.concatenate(parts), 1 - alpha)) for parts in zip(*measured, strict=True))
    return t2, spe
