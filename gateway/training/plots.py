"""Figures as PNG files, the same bytes for the same numbers; matplotlib (the ``train`` extra) comes in here."""

import io

from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# three tones that stay apart in print and for colour-blind eyes (Okabe and Ito 2008)
MAIN, SECOND, QUIET = "#0072b2", "#d55e00", "#9a9a9a"
_WIDE_INCHES, _HIGH_INCHES, _DOTS_PER_INCH = 8.0, 4.5, 100


def panel(title: str, *, x: str, y: str, square: bool = False) -> tuple[Figure, Axes]:
    """Return an empty figure with its one pair of axes, named with their units."""
    with rc_context(rcParamsDefault):
        return _panel(title, x=x, y=y, square=square)


def _panel(title: str, *, x: str, y: str, square: bool) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_HIGH_INCHES * 1.2 if square else _WIDE_INCHES, _HIGH_INCHES), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(visible=True, color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def png(figure: Figure) -> bytes:
    """Return the figure's bytes; nothing in them says when or by which version it was drawn."""
    written = io.BytesIO()
    with rc_context(rcParamsDefault):  # whatever a person has set for figures of their own
        figure.savefig(written, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return written.getvalue()
