"""``labline buffer``: what waits to be sent."""

import time
from contextlib import closing
from pathlib import Path

import typer

from gateway.cli.presentation import show_json, show_table
from gateway.records import Lane
from gateway.settings import read
from gateway.store.database import read_state
from gateway.store.readers import depths
from gateway.store.statements import SQL

app = typer.Typer(help="The store-and-forward buffer.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The store-and-forward buffer."""


@app.command()
def status(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
) -> None:
    """Show how much waits in each lane, what is parked, and what left without an acknowledgement."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        waiting = depths([tuple(row) for row in connection.execute(SQL["depths"])])
        departures = {reason: count for reason, count in connection.execute(SQL["departures"])}  # noqa: C416
        (dead_letters,) = connection.execute(SQL["dead_letter_count"]).fetchone()
    figures = {
        **{lane.name.lower(): waiting.messages.get(lane, 0) for lane in Lane},
        "parked": waiting.parked,
        "bytes": waiting.bytes,
        "oldest_seconds": round(waiting.oldest_seconds(time.time_ns()), 1),
        **{f"left_{reason}": count for reason, count in departures.items()},
        "dead_letters": dead_letters,
    }
    if as_json:
        show_json(figures)
    else:
        show_table("buffer", ("what", "how much"), list(figures.items()))
