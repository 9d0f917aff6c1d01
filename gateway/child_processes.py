"""The end of a process that we have started: it is waited for, and killed where it takes too long."""

import asyncio
from asyncio.subprocess import Process
from contextlib import suppress


async def ended(process: Process, *, within_seconds: float) -> int:
    """Wait for a process that has been asked to end, kill it after a time, and return its exit code.

    Also in a task that is being cancelled: there ``asyncio.timeout`` raises no TimeoutError before Python 3.11.3, and
    what follows would be passed over.
    """
    waiting = asyncio.create_task(process.wait(), name=f"end of process {process.pid}")
    try:
        await asyncio.wait({waiting}, timeout=within_seconds)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
    return await waiting
