"""``labline bench``: measurements that anyone can rerun, each beside the floor measured in the same run."""

from collections.abc import Callable, Mapping
from functools import partial
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
    small: bool = typer.Option(False, "--small", "--quick", help="A short run, only to see that it works."),
    seed: int | None = typer.Option(None, "--seed", help="training: other plants of the same kinds."),
    only: list[str] = typer.Option([], "--only", help="training: a plant, by name, or speed; as often as wanted."),
) -> None:
    """Measure how fast and how safe Labline is on this machine, and compare each figure with its goal.

    Exit 1 if a goal is missed. docs/measured.md explains the figures.
    """
    benches = _benches()
    if name not in benches:
        raise LablineError(f"there is no bench {name}", hint=f"benches are: {', '.join(benches)}")
    given = {key: value for key, value in {"seed": seed, "only": only or None}.items() if value is not None}
    if given and name != "training":
        raise LablineError(f"--{next(iter(given))} is of the bench training", hint=f"leave it out for {name}")
    err.print(f"measuring {name} ...")
    from simulator.bench.measuring import report  # noqa: PLC0415 - only a bench needs the simulator

    measured: dict[str, Any] = report(name, benches[name](small, **given))
    if as_json:
        show_json(measured)
    else:
        _show(name, measured["figures"])
    raise typer.Exit(1 if any(figure["holds"] is False for figure in measured["figures"].values()) else 0)


def _show(name: str, figures: Mapping[str, Any]) -> None:
    """Print the figures as a table; those of one plant have been printed as it was done."""
    rows = [
        (figure_name, figure["value"], figure["unit"], _dash(figure["floor"]), _dash(figure["ratio"]),
         _goal(figure), {True: "yes", False: "NO", None: "-"}[figure["holds"]])
        for figure_name, figure in figures.items() if "." not in figure_name
    ]  # fmt: skip
    show_table(name, ("figure", "value", "unit", "floor", "ratio", "goal", "holds"), rows)


def _dash(value: object) -> object:
    return "-" if value is None else value


def _goal(figure: Mapping[str, Any]) -> str:
    return "-" if figure["goal"] is None else f"{figure['goal']['op']} {figure['goal']['value']:g}"


def _benches() -> dict[str, Callable[..., Any]]:
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
        "training": partial(training.measure, on_progress=err.print),
        "durability": durability.measure,
    }
