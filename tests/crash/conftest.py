"""What the crash tests run on: a bench in a folder, and the tools that make trouble."""

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from simulator.bench.load import Load
from simulator.broker import find_mosquitto
from simulator.disks import program
from tests.fixtures.real_parts import missing


def needed(*programs):
    """Return the programs' paths; skip loudly, or fail with CI=true, where one is missing."""
    found = [program(name) for name in programs]
    for name, path in zip(programs, found, strict=True):
        if path is None:
            missing(name)
    return found


def needs_root(what):
    if os.geteuid() != 0:
        missing(f"root, to {what}")


@pytest.fixture
def bench_of(tmp_path):
    """Make a running bench; ``async with bench_of() as load``."""
    if find_mosquitto() is None:
        missing("mosquitto")

    @asynccontextmanager
    async def make(**options):
        async with Load(tmp_path, **options).running() as load:
            yield load

    return make


async def until(condition, seconds=120):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


CLEAN = {"lost": 0, "twice": 0, "other_bytes": 0, "out_of_order": 0, "dead_letters": 0}
