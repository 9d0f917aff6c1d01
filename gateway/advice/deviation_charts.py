"""The charts of a deviation's document, as SVG: time across, the value up. Pure; the same points give the same bytes.

One meaning for each style, in every chart: values are a blue line, limits are dashed red lines, what is usual is a grey
line in a grey band, the instant of a sample is a dotted black upright. The legend names those that a chart has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, isfinite, log10
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from gateway.advice.document_texts import ChartText, chart_text
from gateway.advice.foreign_text import visible
from gateway.texts.catalogue import number_in_text
from gateway.time_units import SECOND_NS

_WIDTH, _HEIGHT = 480, 262
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 28, 74  # of the area with the values
_LEGEND_BELOW, _LEGEND_LEFT, _ROW_HIGH = 12, 18, 19  # its first row above the edge of the drawing
_FLAT = 1e-6  # of a value: no course at all
_LEAST_STEP, _LARGEST = 1e-5, 1e6  # beyond, labels have an exponent
_MOST_TIMES, _MOST_VALUES = 6, 5  # labelled on an axis
_CHARACTER_WIDE = 6.6  # of a label, on average, in the drawing's units
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TIME_STEPS = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR,
    3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY, 365 * _DAY,
)  # fmt: skip
_VALUES, _LIMIT, _USUAL, _BAND, _INSTANT, _OWN = "#0b5fa5", "#c8102e", "#6b6b6b", "#d9d9d9", "#111111", "#d55e00"
_LIMIT_DASHES, _INSTANT_DOTS = "7 4", "1.5 3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """An instant with its name: when a sample was drawn."""

    at_ns: int
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """What one chart shows. ``own``: points of this deviation; ``as_points``: results, which are nothing in between."""

    title: str
    unit: str
    values_name: str
    points: Sequence[tuple[int, float]]
    zone: ZoneInfo
    limits: Sequence[float] = ()
    limits_name: str = ""
    usual: float | None = None
    band: tuple[float, float] | None = None
    usual_name: str = ""
    marks: Sequence[Mark] = ()
    own: Sequence[tuple[int, float]] = ()
    own_name: str = ""
    as_points: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scale:
    """From instants and values to places in the drawing."""

    first_ns: int
    last_ns: int
    low: float
    high: float

    def x(self, at_ns: int) -> float:
        share = (at_ns - self.first_ns) / max(self.last_ns - self.first_ns, 1)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share


def drawn(chart: Chart) -> Markup:
    """Return a chart as one SVG element, with axes, units and a legend."""
    scale = _scale(chart)
    legend, rows = _legend(chart)
    parts = [
        _frame(chart, scale),
        _band(chart, scale),
        *(_level(value, scale, colour=_LIMIT, dashes=_LIMIT_DASHES) for value in chart.limits),
        "" if chart.usual is None else _level(chart.usual, scale, colour=_USUAL, dashes=None),
        _values(chart, scale),
        _instants(chart, scale),
        _own(chart, scale),
        legend,
    ]
    name = escape(visible(f"{chart.title}, {chart.unit}" if chart.unit else chart.title))
    high = _HEIGHT + (rows - 1) * _ROW_HIGH
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {high}" role="img" aria-label="{name}"'
        ' font-family="system-ui,sans-serif" font-size="13">'
    )
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704 - numbers, and texts that are escaped


def _scale(chart: Chart) -> _Scale:
    """Return the scale that shows everything, with a little room around it."""
    instants = [at_ns for at_ns, _value in (*chart.points, *chart.own)] + [mark.at_ns for mark in chart.marks]
    values = [value for _at_ns, value in (*chart.points, *chart.own)]
    values += [*chart.limits, *(chart.band or ()), *(() if chart.usual is None else (chart.usual,))]
    first_ns, last_ns = min(instants), max(instants)
    room_ns = max((last_ns - first_ns) // 30, SECOND_NS)
    low, high = min(values), max(values)
    flat = high - low <= _FLAT * max(abs(high), abs(low))
    room = max(abs(high) * 0.02, 1e-6) if flat else 0.08 * (high - low)
    return _Scale(
        first_ns=first_ns - (room_ns if chart.as_points else 0),
        last_ns=last_ns + room_ns,
        low=low - room,
        high=high + room,
    )


# --- axes -----------------------------------------------------------------------------------------------


def _frame(chart: Chart, scale: _Scale) -> str:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    title = f"{chart.title} ({chart.unit})" if chart.unit else chart.title
    times, values = time_ticks(scale.first_ns, scale.last_ns, chart.zone), value_ticks(scale.low, scale.high)
    parts = [
        f'<text x="{_LEFT}" y="15" font-weight="600">{escape(_short(title, 52))}</text>',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}" fill="#fff" stroke="#bbb"/>',
    ]
    for value, label in values:
        y = scale.y(value)
        parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eee"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for at_ns, label in times:
        x = scale.x(at_ns)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}" stroke="#666"/>')
        inside = min(x, _WIDTH - 2 - _CHARACTER_WIDE * len(label) / 2)
        parts.append(f'<text x="{inside:.1f}" y="{bottom + 17}" text-anchor="middle">{label}</text>')
    axis = escape(time_axis_name(scale.first_ns, scale.last_ns, chart.zone))
    parts.append(
        f'<text x="{(_LEFT + right) / 2:.0f}" y="{bottom + 34}" text-anchor="middle" fill="#555">{axis}</text>'
    )
    return "".join(parts)


def time_axis_name(first_ns: int, last_ns: int, zone: ZoneInfo) -> str:
    """Return what stands under a time axis: the days that it spans, and the time zone."""
    first, last = _local(first_ns, zone), _local(last_ns, zone)
    first_day, last_day = f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"
    if first_day == last_day:
        return chart_text(ChartText.TIME_AXIS, day=first_day, zone=zone.key)
    return chart_text(ChartText.TIME_AXIS_OF_DAYS, first=first_day, last=last_day, zone=zone.key)


def time_ticks(first_ns: int, last_ns: int, zone: ZoneInfo) -> list[tuple[int, str]]:
    """Return at most six round instants of the plant's clock within a span, each with its label."""
    seconds = (last_ns - first_ns) / SECOND_NS
    step = next(
        (seconds_apart for seconds_apart in _TIME_STEPS if seconds / seconds_apart <= _MOST_TIMES), _TIME_STEPS[-1]
    )
    start = _local(first_ns, zone)
    offset = int((start.utcoffset() or timedelta()).total_seconds())
    first = -(-(first_ns + offset * SECOND_NS) // (step * SECOND_NS)) * step - offset  # whole steps of the local clock
    form = "%Y-%m" if step > 28 * _DAY else "%m-%d" if step >= _DAY else "%H:%M" if step >= _MINUTE else "%H:%M:%S"
    return [
        (at * SECOND_NS, f"{_local(at * SECOND_NS, zone):{form}}")
        for at in range(first, last_ns // SECOND_NS + 1, step)
    ]


def value_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return at most about five round values within a span, each with its label."""
    if not (isfinite(low) and isfinite(high) and high > low):
        return []
    rough = (high - low) / _MOST_VALUES
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = ceil(low / step), floor(high / step)
    form = _form(max(abs(low), abs(high)), step)
    return [(at * step, number_in_text(f"{at * step + 0.0:{form}}")) for at in range(first, last + 1)]


def _form(largest: float, step: float) -> str:
    """Return how the labels of an axis are written: as decimals, or where these would be long with an exponent."""
    power = floor(log10(step) + 1e-9)
    if step >= _LEAST_STEP and largest < _LARGEST:
        return f".{max(0, -power)}f"
    return f".{max(3, floor(log10(largest)) - power + 2)}g"


def _local(at_ns: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ns / SECOND_NS, zone)


# --- what is drawn --------------------------------------------------------------------------------------


def _band(chart: Chart, scale: _Scale) -> str:
    if chart.band is None:
        return ""
    top, bottom = scale.y(chart.band[1]), scale.y(chart.band[0])
    width = _WIDTH - _LEFT - _RIGHT
    return f'<rect x="{_LEFT}" y="{top:.1f}" width="{width}" height="{max(bottom - top, 1):.1f}" fill="{_BAND}"/>'


def _level(value: float, scale: _Scale, *, colour: str, dashes: str | None) -> str:
    y, dashed = scale.y(value), "" if dashes is None else f' stroke-dasharray="{dashes}"'
    return f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="1.3"{dashed}/>'  # noqa: E501


def _values(chart: Chart, scale: _Scale) -> str:
    places = " ".join(f"{scale.x(at_ns):.1f},{scale.y(value):.1f}" for at_ns, value in chart.points)
    line = f'<polyline fill="none" stroke="{_VALUES}" stroke-width="1.6" points="{places}"/>'
    if not chart.as_points:
        return line
    dots = (_dot(scale.x(at_ns), scale.y(value)) for at_ns, value in chart.points)
    return line.replace('stroke-width="1.6"', 'stroke-width="0.7"') + "".join(dots)


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{_VALUES}"/>'


def _diamond(x: float, y: float) -> str:
    return (
        f'<path d="M{x:.1f} {y - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5 -5.5z" fill="{_OWN}" stroke="#fff" stroke-width="0.8"/>'
    )


def _own(chart: Chart, scale: _Scale) -> str:
    return "".join(_diamond(scale.x(at_ns), scale.y(value)) for at_ns, value in chart.own)


def _instants(chart: Chart, scale: _Scale) -> str:
    """Return the uprights of the samples, each with its name where there is room, the newest first."""
    parts, free = [], float(_WIDTH)
    for mark in sorted(chart.marks, key=lambda mark: -mark.at_ns):
        x, name = scale.x(mark.at_ns), _short(mark.name, 24)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="{_INSTANT}"'
            f' stroke-width="1.5" stroke-dasharray="{_INSTANT_DOTS}"/>'
        )
        if x <= free:
            halo = 'paint-order="stroke" stroke="#fff" stroke-width="3"'
            parts.append(f'<text x="{x - 4:.1f}" y="{_TOP + 14}" text-anchor="end" {halo}>{escape(name)}</text>')
            free = x - 10 - _CHARACTER_WIDE * len(name)
    return "".join(parts)


def _legend_entries(chart: Chart) -> list[tuple[str, str]]:
    """Return the styles that a chart has, each as drawn and with its name."""
    entries = [(_dot(10, -4) if chart.as_points else _sample_line(_VALUES, None), chart.values_name)]
    if chart.own:
        entries.append((_diamond(10, -4), chart.own_name))
    if chart.limits:
        entries.append((_sample_line(_LIMIT, _LIMIT_DASHES), chart.limits_name))
    if chart.usual is not None:
        swatch = "" if chart.band is None else f'<rect y="-10" width="20" height="12" fill="{_BAND}"/>'
        entries.append((swatch + _sample_line(_USUAL, None), chart.usual_name))
    if chart.marks:
        entries.append((_sample_line(_INSTANT, _INSTANT_DOTS), chart_text(ChartText.SAMPLE_DRAWN)))
    return entries


def _legend(chart: Chart) -> tuple[str, int]:
    """Return the names of the styles, in rows beneath the drawing, and how many rows they need."""
    parts, x, row = [], float(_LEGEND_LEFT), 1
    for drawing, name in _legend_entries(chart):
        wide = 36 + _CHARACTER_WIDE * len(name)
        if x > _LEGEND_LEFT and x + wide > _WIDTH:
            x, row = float(_LEGEND_LEFT), row + 1
        y = _HEIGHT - _LEGEND_BELOW + (row - 1) * _ROW_HIGH
        parts.append(f'<g transform="translate({x:.0f} {y})">{drawing}<text x="25">{escape(visible(name))}</text></g>')
        x += wide
    return "".join(parts), row


def _sample_line(colour: str, dashes: str | None) -> str:
    dashed = "" if dashes is None else f' stroke-dasharray="{dashes}"'
    return f'<line x1="0" x2="20" y1="-4" y2="-4" stroke="{colour}" stroke-width="1.6"{dashed}/>'


def _short(text: str, most: int) -> str:
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
