"""A wall clock stepped under load (libfaketime, the monotonic clock as it is): nothing is lost, and no model blind."""

import asyncio
from pathlib import Path

from tests.crash.conftest import CLEAN, until
from tests.fixtures.real_parts import missing

LIBRARIES = ("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1",
             "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1")  # fmt: skip


async def test_a_stepped_wall_clock_loses_nothing_says_nothing_twice_and_blinds_no_model(bench_of, tmp_path):
    library = next((path for path in LIBRARIES if Path(path).exists()), None)
    if library is None:
        missing("libfaketime")
    offset = tmp_path / "faketime"
    offset.write_text("+0\n")
    # libfaketime up to 0.9.10 moves the deadline of pthread_cond_timedwait, in which a thread waits for Python's
    # interpreter lock, by the step though that deadline is monotonic (its pull request 503): such a wait then spins
    # or never asks for the lock. FAKETIME_WAIT_MS puts Python's own 5 ms in its place.
    environment = {
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_CACHE_DURATION": "0",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_WAIT_MS": "5",
    }  # fmt: skip
    async with bench_of(gateway_before=False) as load, load.gateway(**environment):
        publishing = asyncio.create_task(load.publish(every_seconds=0.05))
        for step in ("+3600", "-86400"):
            await until(lambda: load.account.accepted_predictions > 3)
            offset.write_text(f"{step}\n")
            await until(lambda: "CLOCK_SKEW_PLC1" in load.account.status.get("degraded", []))
            await asyncio.sleep(0.3)
            offset.write_text("+0\n")
            await until(lambda: "CLOCK_SKEW_PLC1" not in load.account.status.get("degraded", []))
            load.account.accepted_predictions = 0  # models use values again
        await until(lambda: load.account.accepted_predictions > 3)
        publishing.cancel()
        await asyncio.wait({publishing})
        await load.until_all_back()
    assert load.verdict() == CLEAN
