"""``labline run``: the gateway itself, in the foreground, as systemd runs it."""

from pathlib import Path

import typer
import uvloop

from gateway import daemon
from gateway.clock import SystemClock
from gateway.errors import LablineError, first_of
from gateway.line import define_line
from gateway.operations.logs import configure_logs
from gateway.settings import read


def run(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    log_level: str = typer.Option("info", "--log-level", help="debug, info, warning or error."),
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; a second signal skips the last drain."""
    configure_logs(level=log_level)
    settings, configuration_sha256 = read(config)
    line = define_line(settings, path=config.resolve())
    try:
        uvloop.run(daemon.run(settings, configuration_sha256, line, clock=SystemClock()))
    except* LablineError as group:
        raise first_of(group) from None
