"""The ``labline`` command: one small module per command group.

Exit codes: 0 all right, 1 something wrong was found, 2 the input cannot be used.
"""

import sys

import typer

from gateway import __version__
from gateway.cli import (
    audit,
    backup,
    bench,
    buffer,
    check,
    demo,
    deviation,
    history,
    lab,
    lims,
    model,
    opcua,
    play,
    replay,
    run,
    trend,
)
from gateway.cli.presentation import show_error
from gateway.errors import LablineError
from gateway.operations.logs import configure_logs

app = typer.Typer(
    name="labline",
    help="The edge gateway between the lab and the line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(name="run")(run.run)
app.command(name="check")(check.check)
app.command(name="demo")(demo.demo)
app.command(name="play")(play.play)
app.command(name="replay")(replay.replay)
app.command(name="bench")(bench.bench)
app.command(name="backup")(backup.backup)
app.command(name="restore")(backup.restore)
app.add_typer(opcua.app, name="opcua")
app.add_typer(model.app, name="model")
app.add_typer(audit.app, name="audit")
app.add_typer(buffer.app, name="buffer")
app.add_typer(deviation.app, name="deviation")
app.add_typer(history.app, name="history")
app.add_typer(lab.app, name="lab")
app.add_typer(lims.app, name="lims")
app.add_typer(trend.app, name="trend")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"labline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    """The edge gateway between the lab and the line."""
    configure_logs(level="warning")  # `run` asks for more; standard output belongs to the answer


def main() -> None:
    """Run the command; an error of ours is told in a sentence, with what to do, and ends with 2."""
    try:
        app()
    except LablineError as error:
        show_error(error)
        sys.exit(2)
