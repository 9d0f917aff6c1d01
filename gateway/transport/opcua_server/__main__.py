"""The process of the OPC UA server: leaves processor, memory and files to the gateway, then serves."""

import logging
import os
import resource
import sys
from contextlib import suppress

from gateway.transport.opcua_server.serving import run

_MOST_MEMORY_BYTES = 1024 * 2**20
_MOST_FILES = 256
_NICE = 10


def _bound_resources() -> None:
    """Set limits; where the system forbids it, those of the service's unit hold."""
    for number, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY_BYTES), (resource.RLIMIT_NOFILE, _MOST_FILES), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        with suppress(OSError, ValueError):
            resource.setrlimit(number, (most, most))
    with suppress(OSError):
        os.nice(_NICE)


logging.disable(logging.CRITICAL)  # what clients do wrong would fill the journal
_bound_resources()
sys.exit(run())
