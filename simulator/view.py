"""The live view of the demonstration, for a terminal: tags, predictions, results, guidance, buffer.

A large terminal shows panels beside each other; one of 80 columns and 24 lines shows the same as lines, the most
important first: state, predictions against the specification, results, guidance, tags.
"""

import asyncio
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from simulator.demo import Scene
from simulator.plant import TAGS
from simulator.scenarios import SPECIFICATIONS, UNITS
from simulator.view_of_release import release_rows

_BAR = 46
_LEAST_FOR_PANELS = (126, 36)  # columns and lines
_MIDDLE_LINES, _LEAST_GUIDANCE_PANEL, _MOST_RELEASE_LINES = 20, 5, 7
_TAGS_WIDTH = 50  # columns of a panel with the longest name, its value and unit
_RESULTS, _LEAST_GUIDANCE_LINES = 2, 4  # of a small terminal
_COLOURS = {
    "hold": "bold red",
    "review": "yellow",
    "release": "green",
    "setpoint": "cyan",
    "warning": "yellow",
}

_CLOSED = frozenset({"resolved", "withdrawn", "superseded", "expired", "rejected"})


@asynccontextmanager
async def silent(_scene: Scene) -> AsyncIterator[None]:
    """Show nothing."""
    yield


@asynccontextmanager
async def live(scene: Scene) -> AsyncIterator[None]:
    """Show the scene four times a second until the block ends."""
    console = Console(stderr=True)
    with Live(picture(scene, *console.size), console=console, screen=console.is_terminal, auto_refresh=False) as view:

        async def refresh() -> None:
            while True:
                view.update(picture(scene, *console.size), refresh=True)
                await asyncio.sleep(0.25)

        task = asyncio.create_task(refresh(), name="view")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def picture(scene: Scene, columns: int, lines: int) -> RenderableType:
    """Return the whole view for a terminal of this size."""
    if columns < _LEAST_FOR_PANELS[0] or lines < _LEAST_FOR_PANELS[1]:
        return Group(*small_picture(scene, columns, lines))
    layout, header = Layout(), _header(scene)
    height = 2 + len(_wrapped(header, columns - 4))
    layout.split_column(
        Layout(Panel(header), size=height), Layout(name="middle", size=_MIDDLE_LINES), Layout(name="below")
    )
    tags = Layout(Panel(_tags(scene), title="process tags"), size=_TAGS_WIDTH)
    layout["middle"].split_row(tags, Layout(name="right"))
    layout["right"].split_column(
        Layout(Panel(_predictions(scene), title="predictions against the specification"), size=10),
        Layout(Panel(_results(scene), title="laboratory results", subtitle=_drafted(scene))),
    )
    release = [line for row in release_rows(scene) for line in _wrapped(row, columns - 4)]
    room = max(0, lines - height - _MIDDLE_LINES - _LEAST_GUIDANCE_PANEL - 2)
    shown = release[: min(room, _MOST_RELEASE_LINES)]
    layout["below"].split_column(
        Layout(Panel(Group(*shown), title="release and answers"), size=len(shown) + 2, visible=bool(shown)),
        Layout(Panel(_guidance(scene), title="guidance on the terminal")),
    )
    return layout


# --- a small terminal ---------------------------------------------------------------------------------------


def small_picture(scene: Scene, columns: int, lines: int) -> list[Text]:
    """Return the view as lines that fit; the guidance that is open stands first, and takes the room that is left."""
    before = [
        *_wrapped(_header(scene), columns),
        *(line for row in _prediction_rows(scene) for line in _wrapped(row, columns)),
        Text(f"laboratory results ({_drafted(scene)})", style="bold"),
        *(line for row in _result_rows(scene)[-_RESULTS:] for line in _wrapped(row, columns)),
        Text("guidance on the terminal", style="bold"),
    ]
    after = [Text("process tags", style="bold"), *_tag_rows(scene, columns)]
    spare = lines - len(before) - len(after) - _LEAST_GUIDANCE_LINES
    for row in release_rows(scene, is_small=True):
        wrapped = _wrapped(row, columns)
        if len(wrapped) <= spare:
            before[-1:-1] = wrapped  # above the heading of the guidance
            spare -= len(wrapped)
    guidance, room = list[Text](), max(_LEAST_GUIDANCE_LINES, lines - len(before) - len(after))
    for row in _guidance_rows(scene):
        wrapped = _wrapped(row, columns)
        if len(guidance) + len(wrapped) > room:
            break
        guidance += wrapped
    return [*before, *guidance, *after][:lines]


def _wrapped(text: Text, columns: int) -> list[Text]:
    """Return a text as lines, broken at spaces; one of a single line keeps the styles of its parts."""
    if text.cell_len <= columns:
        return [text]
    lines = textwrap.wrap(text.plain, columns, subsequent_indent="  ", break_on_hyphens=False)
    return [Text(line, style=text.style) for line in lines]


def _tag_rows(scene: Scene, columns: int) -> list[Text]:
    """Return the tags, as many beside each other as fit."""
    values = scene.plant.reported
    cells = [f"{tag} {values.get(tag, float('nan')):.2f} {info.unit}" for tag, info in TAGS.items()]
    per_line = next(count for count in (3, 2, 1) if count == 1 or sum(_widths(cells, count)) <= columns)
    widths = _widths(cells, per_line)
    return [
        Text(
            "".join(cell.ljust(width) for cell, width in zip(cells[at : at + per_line], widths, strict=False)).rstrip()
        )
        for at in range(0, len(cells), per_line)
    ]


def _widths(cells: list[str], per_line: int) -> list[int]:
    return [max(map(len, cells[at::per_line])) + 2 for at in range(per_line)]


# --- parts --------------------------------------------------------------------------------------------------


def _header(scene: Scene) -> Text:
    status, buffer = scene.observer.status, scene.observer.status.get("buffer", {})
    waiting = "/".join(str(int(buffer.get(lane, 0))) for lane in ("guidance", "evidence", "telemetry"))
    share = scene.tally.off_share
    online = bool(status.get("online"))
    degraded = ", ".join(status.get("degraded", [])) or "healthy"
    return Text.assemble(
        ("Labline demo ", "bold"),
        f"seed {scene.options.seed} | {time.perf_counter() - scene.gateway.ready_at:.0f} s | {scene.stage} | ",
        f"lot {scene.mes.current_lot or '-'} | broker: {scene.broker.name} | buffer {waiting} | ",
        (f"gateway {'online' if online else '...'}, {degraded}", "green" if online else "red"),
        f" | off-specification {share:.0%}" if share is not None else "",
    )


def _tags(scene: Scene) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    values = scene.plant.reported
    for tag, info in TAGS.items():
        style = "cyan" if info.writable else ""
        table.add_row(Text(tag, style=style), f"{values.get(tag, float('nan')):.2f}", info.unit)
    return table


def _predictions(scene: Scene) -> RenderableType:
    return Group(*_prediction_rows(scene))


def _prediction_rows(scene: Scene) -> list[Text]:
    rows: list[Text] = []
    for analyte, limits in SPECIFICATIONS.items():
        document = scene.observer.predictions.get(analyte)
        if document is None:
            rows.append(Text(f"{analyte}: waiting for the first prediction"))
            continue
        rows.append(_prediction_line(analyte, document))
        if document["value"] is not None:
            rows.append(_bar(document, limits))
    return rows


def _prediction_line(analyte: str, document: dict[str, Any]) -> Text:
    lower, upper = SPECIFICATIONS[analyte]
    if document["value"] is None:
        reason = document["verdict"]["reasons"][0]["text"] if document["verdict"]["reasons"] else ""
        return Text(f"{analyte}: abstained. {reason}", style="dim")
    inside = lower <= document["low"] and document["high"] <= upper
    outside = not lower <= document["value"] <= upper
    style = "bold red" if outside else "green" if inside else "yellow"
    return Text(
        f"{analyte} {document['value']:.2f} {UNITS[analyte]} "
        f"[{document['low']:.2f} to {document['high']:.2f}]  specification {lower:g} to {upper:g}",
        style=style,
    )


def _bar(document: dict[str, Any], limits: tuple[float, float]) -> Text:
    """Draw the specification as a line of dashes between bars, the interval as blocks, the value as a dot."""
    span = limits[1] - limits[0]
    begin = limits[0] - span / 2

    def at(value: float) -> int:
        return max(0, min(_BAR - 1, round((value - begin) / (2 * span) * (_BAR - 1))))

    cells = [" "] * _BAR
    for position in range(at(limits[0]), at(limits[1]) + 1):
        cells[position] = "-"
    cells[at(limits[0])] = cells[at(limits[1])] = "|"
    if document["value"] is not None:
        for position in range(at(document["low"]), at(document["high"]) + 1):
            cells[position] = "="
        cells[at(document["value"])] = "O"
    return Text("  " + "".join(cells))


def _results(scene: Scene) -> RenderableType:
    return Group(*_result_rows(scene)[-7:])


def _result_rows(scene: Scene) -> list[Text]:
    """Return the results, the newest last, each with what is recommended for its lot."""
    return [
        Text.assemble(
            f"{result.sample_id} {result.analyte} ",
            (f"{result.value:g}", "red" if result.out_of_specification else ""),
            "  lot: ",
            (recommendation, _COLOURS.get(recommendation, "")),
        )
        for result, recommendation in scene.observer.results
    ]


def _drafted(scene: Scene) -> str:
    return f"{scene.observer.counts['deviations']} drafts of deviations"


def _guidance(scene: Scene) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for document in _newest_guidance(scene)[:12]:
        steps = [step for instruction in document["instructions"] for step in instruction["steps"]]
        todo = f"; first of {len(steps)} steps: {steps[0]}" if steps and document["state"] not in _CLOSED else ""
        cells = (document["issued_at"][11:19], document["kind"], document["state"], document["title"] + todo)
        table.add_row(*(Text(cell, style=_style(document)) for cell in cells))
    return table


def _guidance_rows(scene: Scene) -> list[Text]:
    """Return the guidance of a small terminal: what is open first, the newest first."""
    ordered = sorted(_newest_guidance(scene), key=lambda document: document["state"] in _CLOSED)
    return [
        Text(f"{document['issued_at'][11:19]} {document['title']} ({document['state']})", style=_style(document))
        for document in ordered
    ]


def _newest_guidance(scene: Scene) -> list[dict[str, Any]]:
    return sorted(scene.observer.guidance.values(), key=lambda document: document["issued_at"], reverse=True)


def _style(document: dict[str, Any]) -> str:
    return "dim" if document["state"] in _CLOSED else _COLOURS.get(document["kind"], "")
