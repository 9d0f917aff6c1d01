"""The figures of a replay, as PNG: predictions then and now over time, and how both did, in bars."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from gateway.records.prediction import Prediction
from gateway.replay.compare import Figures, figures, guidance_counts, predictions_of
from gateway.replay.recorded import GatewayOutput
from gateway.training.plots import MAIN, QUIET, SECOND, panel, png

_BAR_WIDTH = 0.4


def figures_of(then: GatewayOutput, now: GatewayOutput, measured: Mapping[str, float]) -> dict[str, bytes]:
    """Return the figures by file name; ``measured``: the numbers of results by result id."""
    before, after = figures(then, measured), figures(now, measured)
    files = {}
    for model, analyte in sorted(before.keys() | after.keys()):
        name = (model, analyte)
        file = f"{model}-{analyte}".replace("/", "_")
        files[f"{file}-over-time.png"] = _over_time(name, then, now, measured)
        files[f"{file}-counts.png"] = _counts(name, before.get(name), after.get(name))
    files["guidance-counts.png"] = _bars(
        "guidance by kind", [guidance_counts(then), guidance_counts(now)], sorted({*guidance_counts(then),
                                                                                   *guidance_counts(now)})
    )  # fmt: skip
    return files


def _over_time(name: tuple[str, str], then: GatewayOutput, now: GatewayOutput, measured: Mapping[str, float]) -> bytes:
    model, analyte = name
    units = {prediction.unit for output in (then, now) for prediction in predictions_of(output, name)}
    figure, axes = panel(
        f"{analyte} by {model}: then and now", x="time, UTC", y=f"{analyte}, {', '.join(sorted(units))}"
    )
    for output, color, label in ((then, QUIET, "said then"), (now, MAIN, "said now")):
        _line(
            axes,
            [prediction for prediction in predictions_of(output, name) if prediction.sample_result_id is None],
            color,
            label,
        )
    results = [
        (prediction.features.end_ns, measured[result_id])
        for result_id, prediction in (_by_result(then, name) | _by_result(now, name)).items()
        if result_id in measured and prediction.features is not None
    ]
    if results:
        at_ns, values = zip(*results, strict=True)
        axes.plot(_times(at_ns), values, "o", color="black", markersize=3, label="laboratory")
    axes.legend(loc="best")
    figure.autofmt_xdate()
    return png(figure)


def _by_result(output: GatewayOutput, name: tuple[str, str]) -> dict[str, Prediction]:
    return {
        prediction.sample_result_id: prediction
        for prediction in predictions_of(output, name)
        if prediction.sample_result_id is not None
    }


def _line(axes: Axes, predictions: list[Prediction], color: str, label: str) -> None:
    """Draw values with their interval; where the model abstained, the line is broken."""
    ordered = sorted(predictions, key=lambda prediction: prediction.at_ns)
    times = _times(prediction.at_ns for prediction in ordered)
    value, low, high = (
        np.array([np.nan if number is None else number for number in numbers], np.float64)
        for numbers in ([prediction.value for prediction in ordered], [prediction.low for prediction in ordered],
                        [prediction.high for prediction in ordered])
    )  # fmt: skip
    axes.plot(times, value, color=color, linewidth=1.2, label=label)
    axes.fill_between(times, low, high, color=color, alpha=0.2, linewidth=0)


def _times(at_ns: Iterable[int]) -> NDArray[np.datetime64]:
    return np.array([*at_ns], "datetime64[ns]")


def _counts(name: tuple[str, str], then: Figures | None, now: Figures | None) -> bytes:
    model, analyte = name
    counted = [_counted(model_figures) for model_figures in (then, now)]
    names = [*dict.fromkeys(what for counts in counted for what in counts)]
    return _bars(f"{analyte} by {model}: then and now", counted, names)


def _counted(of: Figures | None) -> dict[str, int]:
    if of is None:
        return {}
    abstentions = {f"abstained: {code}": count for code, count in of.abstained.items()}
    return {"predictions": of.predictions, "accepted": of.accepted, **abstentions, "results answered": of.answered,
            "hits": of.hits}  # fmt: skip


def _bars(title: str, counted: list[dict[str, int]], names: list[str]) -> bytes:
    figure, axes = panel(title, x="count", y="")
    places = np.arange(len(names))[::-1]
    for counts, shift, color, label in zip(
        counted, (_BAR_WIDTH / 2, -_BAR_WIDTH / 2), (QUIET, SECOND), ("then", "now"), strict=True
    ):
        bars = axes.barh(places + shift, [counts.get(name, 0) for name in names], _BAR_WIDTH, color=color, label=label)
        axes.bar_label(bars, padding=2, fontsize=8)
    axes.set_yticks(places, names)
    axes.legend(loc="lower right")
    return png(figure)
