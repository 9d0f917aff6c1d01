"""``labline run``: the gateway itself, in the foreground, as systemd runs it."""

import gc
from collections.abc import Mapping
from pathlib import Path

import typer
import uvloop

from gateway.cli.options import CONFIG
from gateway.clock import SystemClock
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.errors import LablineError, first_of
from gateway.line.definition import LineDefinition, Promoted
from gateway.operations.logs import LogLevel, configure_logs
from gateway.runtime import daemon


def run(
    config: Path = CONFIG,
    log_level: LogLevel = typer.Option(
        LogLevel.INFO, "--log-level", case_sensitive=False, help="The lowest level that is logged."
    ),
) -> None:
    """Run the gateway in the foreground until SIGTERM or Ctrl-C.

    On the first signal it sends what waits for up to 5 seconds, and ends. A second signal ends it without that.
    """
    configure_logs(level=log_level.value)
    gc.disable()  # all that a start loads stays; the daemon enables it once it has settled in
    settings, configuration_sha256 = read(config)
    path = config.resolve()
    define_line(settings, path=path)  # raises what is wrong with the configuration before anything is touched

    def define(in_service: Mapping[str, Promoted]) -> LineDefinition:
        return define_line(settings, path=path, in_service=in_service)

    try:
        uvloop.run(daemon.run(settings, configuration_sha256, define, clock=SystemClock()))
    except* LablineError as group:
        raise first_of(group) from None
