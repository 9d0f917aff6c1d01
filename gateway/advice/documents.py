"""A deviation's draft for people: Markdown, and HTML with charts in it. Pure; the same draft gives the same bytes.

What laboratories, suppliers and people wrote is shown and never obeyed. In Markdown every text is escaped where it is
put in (``finalize``), so that no link, picture, heading or table can come from it; in HTML by the templates, and the
page itself forbids whatever would be fetched.
"""

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gateway.advice.deviation_charts import Chart, Mark, drawn
from gateway.advice.deviation_headline import results_of, series_of, title_of
from gateway.advice.deviation_process_text import tag_sentence
from gateway.advice.deviation_text import text_of
from gateway.advice.foreign_text import in_markdown, visible
from gateway.advice.plant_times import zone_of
from gateway.lab.deviations import AnalyteSeries, Deviation, Trace

__all__ = ["html", "markdown", "title_of"]

_MOST_CHARTS = 6
_NEAR = 0.5  # of what a chart shows: limits farther away than that would flatten it
_TEMPLATES = PackageLoader("gateway.advice")  # a folder of Markdown and HTML


def _in_html(value: object) -> object:
    """Return a text without what nobody sees; drawings stay as they are, and escaping is the templates' work."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def _templates(*, markdown: bool) -> Environment:
    return Environment(
        loader=_TEMPLATES,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=not markdown,  # noqa: S701 - Markdown is escaped by finalize
        finalize=in_markdown if markdown else _in_html,
    )


_PLAIN = _templates(markdown=True)
_HTML = _templates(markdown=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Figure:
    """A chart with the sentence beneath it."""

    drawing: Markup
    caption: str


def markdown(deviation: Deviation) -> str:
    """Return the document as Markdown."""
    return _PLAIN.get_template("deviation.md").render(deviation=deviation, text=text_of(deviation))


def html(deviation: Deviation) -> str:
    """Return the document as one page of HTML, its charts within it; nothing in it is fetched from elsewhere."""
    text = text_of(deviation)
    return _HTML.get_template("deviation.html").render(
        deviation=deviation,
        text=text,
        series=_series(deviation),
        charts=_charts(deviation),
    )


def _series(deviation: Deviation) -> list[_Figure]:
    """Return the charts of the product's results, one for each analyte that failed, those of this deviation marked."""
    return [_series_figure(each, deviation) for each in series_of(deviation) if len(each.points) > 1]


def _series_figure(series: AnalyteSeries, deviation: Deviation) -> _Figure:
    ours = [each for each in results_of(deviation) if each.analyte == series.analyte]
    drawn_ns = {(each.sampled_ns, each.value) for each in ours if each.sampled_ns is not None}
    values = {each.value for each in ours if each.sampled_ns is None}
    chart = Chart(
        title=f"{series.test_id} of {deviation.result.material_definition_id or 'the product'}",
        unit=series.unit or "",
        values_name="result",
        points=series.points,
        zone=zone_of(deviation),
        limits=tuple(each for each in (series.lower, series.upper) if each is not None),
        limits_name=f"limits, {series.limits}",
        own=[(at_ns, value) for at_ns, value in series.points if (at_ns, value) in drawn_ns or value in values],
        own_name="of this deviation",
        as_points=True,
    )
    caption = f"The last {len(series.points)} validated results of the product, by when their samples were drawn."
    return _Figure(drawing=drawn(chart), caption=caption)


def _charts(deviation: Deviation) -> list[_Figure]:
    shown = [trace for trace in deviation.process if len(trace.course) > 1][:_MOST_CHARTS]
    return [_figure(trace, deviation) for trace in shown]


def _figure(trace: Trace, deviation: Deviation) -> _Figure:
    known, zone = deviation.comparison, zone_of(deviation)
    from_ns, until_ns = trace.course[0][0], trace.course[-1][0] if known is None else known.until_ns
    marks = [
        Mark(at_ns=each.sampled_ns, name=each.sample_id)
        for each in results_of(deviation)
        if each.sampled_ns is not None and from_ns <= each.sampled_ns <= until_ns
    ]
    lots = 0 if known is None else known.lots
    chart = Chart(
        title=trace.tag,
        unit=trace.unit,
        values_name="this lot" if deviation.result.material_lot_id else "measured",
        points=trace.course,
        zone=zone,
        limits=_near_limits(trace),
        limits_name="validated range",
        usual=trace.usual,
        band=None if trace.low is None or trace.high is None else (trace.low, trace.high),
        usual_name=f"median and range of {lots} lots",
        marks=list({mark.at_ns: mark for mark in marks}.values())[-3:],
    )
    return _Figure(drawing=drawn(chart), caption=tag_sentence(trace, known))


def _near_limits(trace: Trace) -> tuple[float, ...]:
    """Return the tag's validated limits that lie near enough to be drawn."""
    if trace.validated is None:
        return ()
    values = [value for _at_ns, value in trace.course] + [each for each in (trace.low, trace.high) if each is not None]
    low, high = min(values), max(values)
    room = _NEAR * ((high - low) or abs(high) or 1.0)
    return tuple(each for each in trace.validated if low - room <= each <= high + room)
