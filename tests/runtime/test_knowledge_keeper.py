"""The running gateway keeps the index: what is committed is found a moment later, and a failure ends nothing."""

import asyncio
from contextlib import closing, suppress

from gateway.knowledge.catching_up import behind
from gateway.knowledge.index import INDEX_FILE, read_index
from gateway.runtime import knowledge
from gateway.runtime.knowledge import KnowledgeKeeper
from gateway.store.database import read_state
from tests.decisions.test_deviations import Plant


async def caught_up(directory):
    async with asyncio.timeout(60):
        while True:
            index = read_index(directory)
            if index is not None:
                with closing(read_state(directory)) as state, index:
                    if behind(state, index).caught_up:
                        return index
            await asyncio.sleep(0.02)


async def test_what_is_committed_is_found_a_moment_later_and_a_broken_index_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(knowledge, "_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(knowledge, "_BETWEEN_STEPS_SECONDS", 0.0)
    monkeypatch.setattr(knowledge, "_IDLE_SECONDS", 0.01)
    plant = Plant(tmp_path)
    (tmp_path / INDEX_FILE).mkdir()  # where no file can be made
    keeper = KnowledgeKeeper(tmp_path, plant.line.procedures, most_bytes=2**30, begin_after_seconds=0.0)
    running = asyncio.create_task(keeper.run())
    try:
        with closing(plant.connection):
            await asyncio.sleep(0.05)
            assert not running.done()
            (tmp_path / INDEX_FILE).rmdir()
            await caught_up(tmp_path)
            plant.lot("LOT-1", 110.0)
            await caught_up(tmp_path)
            with read_index(tmp_path) as index:
                assert index.counts() == {"deviation": 1, "guidance": 1, "lot": 1, "procedure": 1, "result": 1}
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
