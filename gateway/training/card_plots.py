"""The figures of a model card: predicted against measured values of the test rows, and the applicability domain."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from gateway.inference.applicability_domain import scores
from gateway.training.plots import MAIN, QUIET, SECOND, panel, png
from gateway.training.trained_model import Trained

PARITY, RESIDUALS, COVERAGE, DOMAIN = "parity.png", "residuals.png", "coverage.png", "domain.png"
_MOVING_SHARE = 0.125  # of the test rows: over so many the coverage is taken, so that its course is seen
_LEAST = 1e-3  # of a limit: what lies nearer to the centre is drawn there


def figures_of(trained: Trained) -> dict[str, bytes]:
    """Return the figures by file name, as PNG."""
    return {PARITY: _parity(trained), RESIDUALS: _residuals(trained), COVERAGE: _coverage(trained),
            DOMAIN: _domain(trained)}  # fmt: skip


def _parity(trained: Trained) -> bytes:
    served, values, accepted = trained.served.values, trained.rows.values[trained.test], trained.accepted
    unit = trained.recipe.output.unit
    figure, axes = panel(
        f"{_name(trained)}: said against measured, test rows", x=f"measured, {unit}", y=f"said as served, {unit}",
        square=True,
    )  # fmt: skip
    ends = [float(min(values.min(), served.min())), float(max(values.max(), served.max()))]
    axes.plot(ends, ends, color="black", linewidth=0.8)
    _dots(axes, values, served, accepted)
    if trained.recipe.output.logarithmic and ends[0] > 0:
        axes.set(xscale="log", yscale="log")
    return png(figure)


def _residuals(trained: Trained) -> bytes:
    at, values = trained.rows.at[trained.test], trained.rows.values[trained.test]
    figure, axes = panel(
        f"{_name(trained)}: errors over time, with the interval", x="row of the data",
        y=f"measured less said, {trained.recipe.output.unit}",
    )  # fmt: skip
    widths = trained.served.half_widths
    axes.fill_between(at, -widths, widths, color=MAIN, alpha=0.15, linewidth=0, label="inside the interval")
    axes.axhline(0.0, color="black", linewidth=0.8)
    _dots(axes, at, values - trained.served.values, trained.accepted)
    return png(figure)


def _coverage(trained: Trained) -> bytes:
    at, values, output = trained.rows.at[trained.test], trained.rows.values[trained.test], trained.output
    inside = np.abs(values - trained.served.values) <= trained.served.half_widths
    over = max(1, round(_MOVING_SHARE * len(at)))
    moving = np.convolve(inside, np.ones(over) / over, mode="valid")
    figure, axes = panel(
        f"{_name(trained)}: share inside the interval, over {over} rows", x="last row of the data", y="share"
    )
    axes.axhline(output.coverage, color="black", linewidth=0.8, label=f"promised: {output.coverage:.0%}")
    axes.axhline(float(inside.mean()), color=SECOND, linestyle="--", label=f"all test rows: {inside.mean():.1%}")
    axes.plot(at[over - 1 :], moving, color=MAIN, label="moving")
    axes.set_ylim(0.0, 1.02)
    axes.legend(loc="lower left")
    return png(figure)


def _domain(trained: Trained) -> bytes:
    figure, axes = panel(
        f"{_name(trained)}: distance from what was learned", x="T2, as a share of its limit",
        y="SPE, as a share of its limit", square=True,
    )  # fmt: skip
    for rows, color, label in ((trained.made_from, QUIET, "made from"), (trained.test, MAIN, "test rows")):
        t2, spe = scores(trained.domain, trained.rows.features[rows])
        shares = (np.maximum(t2 / trained.domain.t2_limit, _LEAST), np.maximum(spe / trained.domain.spe_limit, _LEAST))
        axes.plot(*shares, ".", color=color, markersize=3, label=label)
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(xscale="log", yscale="log")
    axes.legend(loc="lower left")
    return png(figure)


def _dots(axes: Axes, x: NDArray[np.generic], y: NDArray[np.float64], accepted: NDArray[np.bool_]) -> None:
    axes.plot(x[~accepted], y[~accepted], ".", color=QUIET, markersize=3, label="refused by the gates")
    axes.plot(x[accepted], y[accepted], ".", color=MAIN, markersize=3, label="accepted")
    axes.legend(loc="upper left")


def _name(trained: Trained) -> str:
    return f"{trained.recipe.name} {trained.recipe.version}"
