"""A deviation's draft for people: Markdown, and HTML with charts in it. Pure; the same draft gives the same bytes."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gateway.contract.times import rfc3339
from gateway.lab.deviations import Deviation, Trace
from gateway.lab.specifications import limits_text

_MOST_TOLD = 12  # tags in a document
_WIDTH, _HEIGHT, _PAD = 640, 160, 8


def title_of(deviation: Deviation) -> str:
    """Return what it is about in a line."""
    result = deviation.result
    subject = f"lot {result.material_lot_id}" if result.material_lot_id else f"sample {result.sample_id}"
    shown = result.value_text + (f" {result.unit}" if result.unit else "")
    return f"{result.test_id} {shown} of {subject}"


_TEMPLATES = PackageLoader("gateway.advice")  # a folder of Markdown and HTML


def _templates(*, escaped: bool) -> Environment:
    return Environment(
        loader=_TEMPLATES,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=escaped,  # noqa: S701
    )


_PLAIN = _templates(escaped=False)  # Markdown; see _cell
_HTML = _templates(escaped=True)


def _cell(text: object) -> str:
    """Return a text that ends no line and no cell of a table, whatever a laboratory or a plant wrote into it."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


_PLAIN.filters |= {"when": rfc3339, "cell": _cell}
_HTML.filters["when"] = rfc3339


def markdown(deviation: Deviation) -> str:
    """Return the document as Markdown."""
    return _PLAIN.get_template("deviation.md").render(
        deviation=deviation,
        title=title_of(deviation),
        limits=_limits(deviation),
        facts=_facts(deviation),
        told=deviation.process[:_MOST_TOLD],
    )


def html(deviation: Deviation) -> str:
    """Return the document as one page of HTML, its charts within it."""
    limits = deviation.specification
    marks = () if limits is None else tuple(each for each in (limits.lower, limits.upper) if each is not None)
    return _HTML.get_template("deviation.html").render(
        deviation=deviation,
        title=title_of(deviation),
        limits=_limits(deviation),
        facts=_facts(deviation),
        history=_chart(deviation.history, marks) if len(deviation.history) > 1 else None,
        charts=[(each, _chart(each.course, _usual(each))) for each in deviation.process[:6] if len(each.course) > 1],
    )


def _limits(deviation: Deviation) -> str:
    return "" if deviation.specification is None else limits_text(deviation.specification)


def _facts(deviation: Deviation) -> list[tuple[str, str]]:
    result = deviation.result
    found = (
        ("sample", result.sample_id),
        ("result", f"{result.value_text} {result.unit or ''} (version {result.result_version}, {result.status})"),
        ("lot", result.material_lot_id),
        ("product", result.material_definition_id),
        ("order", result.job_order_id),
        ("client", result.client_id),
        ("equipment", deviation.equipment_id),
        ("drawn", None if result.sampled_ns is None else rfc3339(result.sampled_ns)),
        ("instrument", result.instrument_id),
        ("method", result.method_id),
    )
    return [(name, value) for name, value in found if value]


def _usual(trace: Trace) -> tuple[float, ...]:
    return () if trace.usual is None else (trace.usual,)


def _chart(points: Sequence[tuple[int, float]], marks: Sequence[float]) -> Markup:
    """Return a line chart as SVG: the points in time, and level lines at the marks."""
    values = [value for _at, value in points] + list(marks)
    low, high = min(values), max(values)
    span, first, last = (high - low) or 1.0, points[0][0], points[-1][0]

    def across(at_ns: int) -> float:
        return _PAD + (_WIDTH - 2 * _PAD) * (at_ns - first) / ((last - first) or 1)

    def up(value: float) -> float:
        return _HEIGHT - _PAD - (_HEIGHT - 2 * _PAD) * (value - low) / span

    line = " ".join(f"{across(at_ns):.1f},{up(value):.1f}" for at_ns, value in points)
    levels = "".join(
        f'<line x1="0" x2="{_WIDTH}" y1="{up(mark):.1f}" y2="{up(mark):.1f}" stroke="#b00" stroke-dasharray="4 3"/>'
        for mark in marks
    )
    text = "".join(
        f'<text x="{_PAD}" y="{at}" font-size="10">{value:.5g}</text>' for at, value in ((12, high), (_HEIGHT - 2, low))
    )
    return Markup(  # noqa: S704 - numbers only
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{levels}'
        f'<polyline fill="none" stroke="#246" stroke-width="1.5" points="{line}"/>{text}</svg>'
    )
