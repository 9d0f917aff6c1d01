"""The live view of the demonstration, for a terminal: tags, predictions, results, guidance, buffer."""

import asyncio
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

_BAR = 46
_COLOURS = {
    "hold": "bold red",
    "review": "yellow",
    "release": "green",
    "setpoint": "cyan",
    "warning": "yellow",
}


@asynccontextmanager
async def silent(_scene: Scene) -> AsyncIterator[None]:
    """Show nothing."""
    yield


@asynccontextmanager
async def live(scene: Scene) -> AsyncIterator[None]:
    """Show the scene four times a second until the block ends."""
    console = Console(stderr=True)
    with Live(picture(scene), console=console, screen=console.is_terminal, auto_refresh=False) as view:

        async def refresh() -> None:
            while True:
                view.update(picture(scene), refresh=True)
                await asyncio.sleep(0.25)

        task = asyncio.create_task(refresh(), name="view")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def picture(scene: Scene) -> RenderableType:
    """Return the whole view."""
    layout = Layout()
    layout.split_column(Layout(_header(scene), size=3), Layout(name="middle", size=20), Layout(name="below"))
    layout["middle"].split_row(Layout(Panel(_tags(scene), title="process tags")), Layout(name="right", ratio=2))
    layout["right"].split_column(
        Layout(Panel(_predictions(scene), title="predictions against the specification"), size=10),
        Layout(Panel(_results(scene), title="laboratory results", subtitle=_drafted(scene))),
    )
    layout["below"].split_row(Layout(Panel(_guidance(scene), title="guidance on the terminal")))
    return layout


def _header(scene: Scene) -> RenderableType:
    status, buffer = scene.observer.status, scene.observer.status.get("buffer", {})
    waiting = "/".join(str(int(buffer.get(lane, 0))) for lane in ("guidance", "evidence", "telemetry"))
    share = scene.tally.off_share
    online = bool(status.get("online"))
    degraded = ", ".join(status.get("degraded", [])) or "healthy"
    text = Text.assemble(
        ("Labline demo ", "bold"),
        f"seed {scene.options.seed} | {time.perf_counter() - scene.gateway.ready_at:4.0f} s | {scene.stage} | ",
        f"lot {scene.mes.current_lot or '-'} | broker: {scene.broker.name} | buffer {waiting} | ",
        (f"gateway {'online' if online else '...'}, {degraded}", "green" if online else "red"),
        f" | off-specification {share:.0%}" if share is not None else "",
    )  # fmt: skip
    return Panel(text)


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
    rows: list[RenderableType] = []
    for analyte, limits in SPECIFICATIONS.items():
        document = scene.observer.predictions.get(analyte)
        if document is None:
            rows.append(Text(f"{analyte}: waiting for the first prediction"))
            continue
        rows += [_prediction_line(analyte, document), _bar(document, limits)]
    return Group(*rows)


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
    table = Table.grid(padding=(0, 1))
    for result, recommendation in list(scene.observer.results)[-7:]:
        colour = "red" if result.out_of_specification else ""
        table.add_row(result.sample_id, result.analyte, Text(f"{result.value:g}", style=colour), "lot:",
                      Text(recommendation, style=_COLOURS.get(recommendation, "")))  # fmt: skip
    return table


def _drafted(scene: Scene) -> str:
    return f"{scene.observer.counts['deviations']} drafts of deviations"


def _guidance(scene: Scene) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    newest = sorted(scene.observer.guidance.values(), key=lambda item: item["issued_at"], reverse=True)
    for document in newest[:12]:
        closed = document["state"] in {"resolved", "withdrawn", "superseded", "expired", "rejected"}
        style = "dim" if closed else _COLOURS.get(document["kind"], "")
        steps = [step for instruction in document["instructions"] for step in instruction["steps"]]
        todo = f"; first of {len(steps)} steps: {steps[0]}" if steps and not closed else ""
        cells = (document["issued_at"][11:19], document["kind"], document["state"], document["title"] + todo)
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table
