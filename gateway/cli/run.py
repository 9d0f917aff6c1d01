"""``labline run``: the gateway itself, in the foreground, as systemd runs it."""

import gc
from collections.abc import Mapping
from pathlib import Path

import typer
import uvloop

from gateway.clock import SystemClock
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.errors import LablineError, first_of
from gateway.line.definition import LineDefinition, Promoted
from gateway.operations.logs import LogLevel, configure_logs
from gateway.runtime import daemon


def run(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    log_level: LogLevel = typer.Option(
        LogLevel.INFO, "--log-level", case_sensitive=False, help="From which level on the log tells."
    ),
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; a second signal skips the last drain."""
    configure_logs(level=log_level.value)
    gc.disable()  # all that a start loads stays; the daemon enables it once it has settled in
    settings, configuration_sha256 = read(config)
    path = config.resolve()
    define_line(settings, path=path)  # what is wrong with the configuration is said before anything is touched

    def define(in_service: Mapping[str, Promoted]) -> LineDefinition:
        return define_line(settings, path=path, in_service=in_service)

    try:
        uvloop.run(daemon.run(settings, configuration_sha256, define, clock=SystemClock()))
    except* LablineError as group:
        raise first_of(group) from None
