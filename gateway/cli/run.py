"""``labline run``: the gateway itself, in the foreground, as systemd runs it."""

import gc
import os
from pathlib import Path

import typer
import uvloop

from gateway.cli.options import CONFIG
from gateway.clock import SystemClock
from gateway.config.file_in_force import ConfigurationFile
from gateway.errors import ConfigurationError, LablineError, first_of
from gateway.operations.logs import LogLevel, configure_logs
from gateway.runtime import daemon

EX_CONFIG = 78  # of sysexits.h: starting again does not help, so systemd does not (RestartPreventExitStatus)


def run(
    config: Path = CONFIG,
    log_level: LogLevel = typer.Option(
        LogLevel.INFO, "--log-level", case_sensitive=False, help="The lowest level that is logged."
    ),
) -> None:
    """Run the gateway in the foreground until SIGTERM or Ctrl-C.

    On the first signal it sends what waits for up to 5 seconds, and ends. A second signal ends it without that.
    SIGHUP has it take the configuration again: tags, limits and rules; what needs a restart is refused.
    """
    configure_logs(level=log_level.value)
    gc.disable()  # all that a start loads stays; the daemon enables it once it has settled in
    try:
        _run(config)
    except ConfigurationError as error:
        if _is_of_systemd():
            error.exit_code = EX_CONFIG
        raise


def _is_of_systemd() -> bool:
    """Return whether systemd has started this very process (systemd.exec, SYSTEMD_EXEC_PID), not one above it."""
    return os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid())


def _run(config: Path) -> None:
    file = ConfigurationFile(config)
    file.check()  # raises what is wrong with the configuration before anything is touched
    try:
        uvloop.run(daemon.run(file, clock=SystemClock()))
    except* LablineError as group:
        raise first_of(group) from None
