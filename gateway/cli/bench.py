"""``labline bench``: measurements that anyone can rerun, each beside the floor measured in the same run."""

from collections.abc import Callable, Mapping
from typing import Any

import typer

from gateway.cli.presentation import err, show_json, show_table
from gateway.errors import LablineError


def bench(
    name: str = typer.Argument(
        ...,
        help="drain, enqueue, history, latency, memory, sampling, season, tags, tick or durability; all with figures.",
    ),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
    small: bool = typer.Option(False, "--small", help="A short form, to see that it runs."),
) -> None:
    """Measure, and hold each figure against its goal. Exit 1 when a goal does not hold."""
    benches = _benches()
    if name not in benches:
        raise LablineError(f"there is no bench {name}", hint=f"there are: {', '.join(benches)}")
    err.print(f"measuring {name} ...")
    from simulator.bench.measuring import report  # noqa: PLC0415 - only a bench needs the simulator

    found: dict[str, Any] = report(name, benches[name](small))
    if as_json:
        show_json(found)
    else:
        rows = [
            (figure, each["value"], each["unit"], _dash(each["floor"]), _dash(each["ratio"]), _goal(each),
             {True: "yes", False: "NO", None: "-"}[each["holds"]])
            for figure, each in found["figures"].items()
        ]  # fmt: skip
        show_table(name, ("figure", "value", "unit", "floor", "ratio", "goal", "holds"), rows)
    raise typer.Exit(1 if any(each["holds"] is False for each in found["figures"].values()) else 0)


def _dash(value: object) -> object:
    return "-" if value is None else value


def _goal(figure: Mapping[str, Any]) -> str:
    return "-" if figure["goal"] is None else f"{figure['goal']['op']} {figure['goal']['value']:g}"


def _benches() -> dict[str, Callable[[bool], Any]]:
    from simulator.bench import drain, durability, enqueue, history, latency, memory, sampling, season, tags, tick  # noqa: PLC0415

    return {
        "drain": drain.measure,
        "enqueue": enqueue.measure,
        "history": history.measure,
        "latency": latency.measure,
        "memory": memory.measure,
        "sampling": sampling.measure,
        "season": season.measure,
        "tags": tags.measure,
        "tick": tick.measure,
        "durability": durability.measure,
    }
