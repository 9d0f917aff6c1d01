"""``labline bench``: measurements that anyone can rerun, each beside the floor measured in the same run."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import typer

from gateway.cli.options import JSON, how_long
from gateway.cli.output import err, show_json, show_table
from gateway.errors import LablineError

# each bench: its module below simulator.bench
_BENCHES: Mapping[str, str] = {
    "arms": "arms",
    "ask": "ask",
    "console": "console",
    "drain": "drain",
    "durability": "durability",
    "enqueue": "enqueue",
    "fuzz": "fuzz.measure",
    "history": "history",
    "laboratory-load": "laboratory_load",
    "latency": "latency",
    "memory": "memory",
    "review": "review.measured",
    "sampling": "sampling",
    "search": "search",
    "season": "season",
    "similar": "similar",
    "tags": "tags",
    "tick": "tick",
    "training": "training",
}
_OPTIONS = {"seed": "--seed", "only": "--only", "seconds": "--for"}
_TAKES = {"seed": ("training", "fuzz"), "only": ("training", "fuzz"), "seconds": ("fuzz",)}
_LONG = ("training", "fuzz")  # they say how far they are


def bench(
    name: str = typer.Argument(
        ...,
        help=f"What to measure: {', '.join(_BENCHES)}.",
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
    if name not in _BENCHES:
        raise LablineError(f"there is no bench {name}", hint=f"benches are: {', '.join(_BENCHES)}")
    stated = {"seed": seed, "only": only or None, "seconds": how_long(duration)}
    given = {key: value for key, value in stated.items() if value is not None}
    surplus = [_OPTIONS[key] for key in given if name not in _TAKES[key]]
    if surplus:
        raise LablineError(f"{surplus[0]} is not of the bench {name}", hint="leave it out; labline bench --help")
    err.print(f"measuring {name} ...")
    from simulator.bench.measuring import report  # noqa: PLC0415 - only a bench needs the simulator

    measured: dict[str, Any] = report(name, _measure_of(name)(small, **given))
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


def _measure_of(name: str) -> Callable[..., Any]:
    measure: Callable[..., Any] = import_module(f"simulator.bench.{_BENCHES[name]}").measure
    return partial(measure, on_progress=err.print) if name in _LONG else measure
