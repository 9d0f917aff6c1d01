"""A process that we have started has ended when we go on, even where its task is cancelled and it does not listen."""

import asyncio
import signal
import sys

from gateway.child_processes import ended

DEAF = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"


async def started(program):
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    await process.stdout.readline()
    return process


async def test_one_that_does_not_end_in_time_is_killed_also_in_a_task_that_is_cancelled():
    process, codes = await started(DEAF), []

    async def at_work():
        try:
            await asyncio.sleep(60)
        finally:
            process.terminate()
            codes.append(await ended(process, within_seconds=0.1))

    task = asyncio.create_task(at_work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert codes == [-signal.SIGKILL]


async def test_one_that_ends_by_itself_is_not_killed():
    process = await started("print(flush=True)")
    assert await ended(process, within_seconds=60) == 0
