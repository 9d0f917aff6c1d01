"""``labline bench``: measurements that anyone can rerun, each beside the floor measured in the same run."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import typer

from gateway.cli.options import JSON, how_long
from gateway.cli.output import err, show_json, show_table
from gateway.errors import LablineError

_OPTIONS = {"seed": "--seed", "only": "--only", "seconds": "--for"}
_TAKES = {"seed": ("training", "fuzz"), "only": ("training", "fuzz"), "seconds": ("fuzz",)}


def bench(
    name: str = typer.Argument(
        ...,
        help="What to measure: arms, console, drain, durability, enqueue, fuzz, history, latency, memory, sampling, "
        "season, tags, tick or training.",
    ),
    as_json: bool = JSON,
    small: bool = typer.Option(False, "--small", "--quick", help="A short run, only to see that it works."),
    seed: int | None = typer.Option(None, "--seed", help="training: other plants; fuzz: other inputs."),
    only: list[str] = typer.Option(
        [], "--only", help="training: a plant, by name, or speed; fuzz: a parser; as often as wanted."
    ),
    duration: str | None = typer.Option(None, "--for", metavar="<time>", help="fuzz: for how long, such as 600s."),
) -> None:
    """Measure how fast and how safe Labline is on this machine, and compare each figure with its goal.

    Exit 1 if a goal is missed. docs/measured.md explains the figures.
    """
    benches = _benches()
    if name not in benches:
        raise LablineError(f"there is no bench {name}", hint=f"benches are: {', '.join(benches)}")
    stated = {"seed": seed, "only": only or None, "seconds": how_long(duration)}
    given = {key: value for key, value in stated.items() if value is not None}
    surplus = [_OPTIONS[key] for key in given if name not in _TAKES[key]]
    if surplus:
        raise LablineError(f"{surplus[0]} is not of the bench {name}", hint="leave it out; labline bench --help")
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
    from simulator.bench.fuzz import measure as fuzz  # noqa: PLC0415

    return {
        "arms": arms.measure,
        "console": console.measure,
        "drain": drain.measure,
        "enqueue": enqueue.measure,
        "fuzz": partial(fuzz.measure, on_progress=err.print),
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
