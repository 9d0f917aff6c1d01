"""A deviation's draft for people: Markdown, and HTML with charts in it. Pure; the same draft gives the same bytes.

What laboratories, suppliers and people wrote is shown and never obeyed. In Markdown every text is escaped where it is
put in (``finalize``), so that no link, picture, heading or table can come from it; in HTML by the templates, and the
page itself forbids whatever would be fetched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from gateway.advice.deviation_actions import actions_text
from gateway.advice.deviation_charts import Chart, Mark, drawn
from gateway.advice.deviation_headline import results_of, series_of, title_of
from gateway.advice.deviation_process_text import tag_sentence
from gateway.advice.deviation_text import text_of
from gateway.advice.document_texts import ChartText, DocumentText, Heading, chart_text, heading, sentence
from gateway.advice.foreign_text import in_markdown, visible
from gateway.advice.plant_times import zone_of
from gateway.lab.deviations import AnalyteSeries, Deviation, Trace
from gateway.lab.effectiveness import ActionOnRecord
from gateway.records.deviation_states import DeviationClosed
from gateway.texts.catalogue import language, unit_in_text

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["html", "markdown", "title_of"]

_SENTENCES = (
    DocumentText.NOTHING_UNUSUAL,
    DocumentText.NO_VALUES,
    DocumentText.NOTHING_ON_RECORD,
    DocumentText.NO_SIMILAR_CASE,
    DocumentText.NO_PROCEDURE,
    DocumentText.NO_ACTION_YET,
)  # of the templates
_MOST_CHARTS = 6
_NEAR = 0.5  # of what a chart shows: limits farther away than that would flatten it


def _in_html(value: object) -> object:
    """Return a text without what nobody sees; drawings stay as they are, and escaping is the templates' work."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


@cache
def _templates(*, markdown: bool) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only a deviation's draft needs it

    return Environment(
        loader=PackageLoader("gateway.advice"),  # a folder of Markdown and HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=not markdown,  # noqa: S701 - Markdown is escaped by finalize
        finalize=in_markdown if markdown else _in_html,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Figure:
    """A chart with the sentence beneath it."""

    drawing: Markup
    caption: str


def markdown(
    deviation: Deviation, *, actions: Sequence[ActionOnRecord] = (), closed: DeviationClosed | None = None
) -> str:
    """Return the document as Markdown, with the actions against it and its closing, where there is any."""
    template = _templates(markdown=True).get_template("deviation.md")
    done = actions_text(actions, closed, zone_of(deviation))
    return template.render(deviation=deviation, text=text_of(deviation), actions=done, **_catalogue())


def html(
    deviation: Deviation,
    *,
    actions: Sequence[ActionOnRecord] = (),
    closed: DeviationClosed | None = None,
    signatures: Sequence[tuple[str, str, str, str]] = (),
) -> str:
    """Return the document as one page of HTML, its charts within it; nothing in it is fetched from elsewhere.

    ``signatures``: on the lot and on the closing, each its printed name, role, time in UTC and meaning.
    """
    text = text_of(deviation)
    template = _templates(markdown=False).get_template("deviation.html")
    return template.render(
        deviation=deviation,
        text=text,
        series=_series(deviation),
        charts=_charts(deviation),
        signatures=signatures,
        actions=actions_text(actions, closed, zone_of(deviation)),
        **_catalogue(),
    )


def _catalogue() -> dict[str, object]:
    """Return what templates say by themselves: headings, and the sentences that have no parameters."""
    return {
        "language": language(),
        "heading": {code.value: heading(code) for code in Heading if code is not Heading.TIMELINE_OF_LOT},
        "sentence": {code.value: sentence(code) for code in _SENTENCES},
    }


def _series(deviation: Deviation) -> list[_Figure]:
    """Return the charts of the product's results, one for each analyte that failed, those of this deviation marked."""
    return [_series_figure(series, deviation) for series in series_of(deviation) if len(series.points) > 1]


def _series_figure(series: AnalyteSeries, deviation: Deviation) -> _Figure:
    product = deviation.result.material_definition_id
    ours = [result for result in results_of(deviation) if result.analyte == series.analyte]
    drawn_ns = {(result.sampled_ns, result.value) for result in ours if result.sampled_ns is not None}
    values = {result.value for result in ours if result.sampled_ns is None}
    chart = Chart(
        title=chart_text(
            ChartText.RESULTS_OF_PRODUCT if product else ChartText.RESULTS, test=series.test_id, product=product
        ),
        unit=unit_in_text(series.unit, series.analyte, series.test_id),
        values_name=chart_text(ChartText.RESULT),
        points=series.points,
        zone=zone_of(deviation),
        limits=tuple(limit for limit in (series.lower, series.upper) if limit is not None),
        limits_name=chart_text(ChartText.LIMITS, limits=series.limits),
        own=[(at_ns, value) for at_ns, value in series.points if (at_ns, value) in drawn_ns or value in values],
        own_name=chart_text(ChartText.OF_THIS_DEVIATION),
        as_points=True,
    )
    caption = chart_text(ChartText.RESULTS_CAPTION, results=len(series.points))
    return _Figure(drawing=drawn(chart), caption=caption)


def _charts(deviation: Deviation) -> list[_Figure]:
    shown = [trace for trace in deviation.process if len(trace.course) > 1][:_MOST_CHARTS]
    return [_figure(trace, deviation) for trace in shown]


def _figure(trace: Trace, deviation: Deviation) -> _Figure:
    known, zone = deviation.comparison, zone_of(deviation)
    from_ns, until_ns = trace.course[0][0], trace.course[-1][0] if known is None else known.until_ns
    marks = [
        Mark(at_ns=result.sampled_ns, name=result.sample_id)
        for result in results_of(deviation)
        if result.sampled_ns is not None and from_ns <= result.sampled_ns <= until_ns
    ]
    lots = 0 if known is None else known.lots
    chart = Chart(
        title=trace.tag,
        unit=unit_in_text(trace.unit),
        values_name=chart_text(ChartText.THIS_LOT if deviation.result.material_lot_id else ChartText.MEASURED),
        points=trace.course,
        zone=zone,
        limits=_near_limits(trace),
        limits_name=chart_text(ChartText.VALIDATED_RANGE),
        usual=trace.usual,
        band=None if trace.low is None or trace.high is None else (trace.low, trace.high),
        usual_name=chart_text(ChartText.MEDIAN_AND_RANGE, lots=lots),
        marks=list({mark.at_ns: mark for mark in marks}.values())[-3:],
    )
    return _Figure(drawing=drawn(chart), caption=tag_sentence(trace, known))


def _near_limits(trace: Trace) -> tuple[float, ...]:
    """Return the tag's validated limits that lie near enough to be drawn."""
    if trace.validated is None:
        return ()
    values = [value for _at_ns, value in trace.course] + [end for end in (trace.low, trace.high) if end is not None]
    low, high = min(values), max(values)
    room = _NEAR * ((high - low) or abs(high) or 1.0)
    return tuple(limit for limit in trace.validated if low - room <= limit <= high + room)
