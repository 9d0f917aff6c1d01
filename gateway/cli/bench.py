"""``labline bench``: measurements that anyone can rerun, each beside the floor measured in the same run."""

from collections.abc import Callable, Mapping
from typing import Any

import typer

from gateway.cli.options import JSON
from gateway.cli.output import err, show_json, show_table
from gateway.errors import LablineError


def bench(
    name: str = typer.Argument(
        ...,
        help="What to measure: arms, console, drain, durability, enqueue, history, latency, memory, sampling, season, "
        "tags, tick or training.",
    ),
    as_json: bool = JSON,
    small: bool = typer.Option(False, "--small", help="A short run, only to see that it works."),
) -> None:
    """Measure how fast and how safe Labline is on this machine, and compare each figure with its goal.

    Exit 1 if a goal is missed. docs/measured.md explains the figures.
    """
    benches = _benches()
    if name not in benches:
        raise LablineError(f"there is no bench {name}", hint=f"benches are: {', '.join(benches)}")
    err.print(f"measuring {name} ...")
    from simulator.bench.measuring import report  # noqa: PLC0415 - only a bench needs the simulator

    measured: dict[str, Any] = report(name, benches[name](small))
    if as_json:
        show_json(measured)
    else:
        rows = [
            (figure_name, figure["value"], figure["unit"], _dash(figure["floor"]), _dash(figure["ratio"]),
             _goal(figure), {True: "yes", False: "NO", None: "-"}[figure["holds"]])
            for figure_name, figure in measured["figures"].items()
        ]  # fmt: skip
        show_table(name, ("figure", "value", "unit", "floor", "ratio", "goal", "holds"), rows)
    raise typer.Exit(1 if any(figure["holds"] is False for figure in measured["figures"].values()) else 0)


def _dash(value: object) -> object:
    return "-" if value is None else value


def _goal(figure: Mapping[str, Any]) -> str:
    return "-" if figure["goal"] is None else f"{figure['goal']['op']} {figure['goal']['value']:g}"


def _benches() -> dict[str, Callable[[bool], Any]]:
    from simulator.bench import (  # noqa: PLC0415 - only a bench needs it
        arms,
        console,
        drain,
        durability,
        enqueue,
        history,
        latency,
        memory,
        sampling,
        season,
        tags,
        tick,
        training,
    )

    return {
        "arms": arms.measure,
        "console": console.measure,
        "drain": drain.measure,
        "enqueue": enqueue.measure,
        "history": history.measure,
        "latency": latency.measure,
        "memory": memory.measure,
        "sampling": sampling.measure,
        "season": season.measure,
        "tags": tags.measure,
        "tick": tick.measure,
        "training": training.measure,
        "durability": durability.measure,
    }
