"""Disks that fill, fail or turn read-only: nothing is acknowledged that is not kept, and all of it arrives later."""

import asyncio

import pytest

from simulator.bench.load import kill
from simulator.disks import FailingDisk, fill_up, small_disk
from tests.crash.conftest import CLEAN, needed, needs_root, until


def degraded(load, code):
    return code in load.account.status.get("degraded", [])


def with_floor(load, floor):
    directory = f'directory = "{load.store}"'
    text = load.configuration.read_text()
    load.configuration.write_text(text.replace(directory, f'{directory}\nfree_space_floor = "{floor}"'))


async def failing_syncs(strace, gateway):
    """Let every fsync of the gateway fail until the process that is returned ends."""
    return await asyncio.create_subprocess_exec(
        strace, "-f", "-qq", "-o", "/dev/null", "-p", str(gateway.process.pid),
        "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO",
    )  # fmt: skip


@pytest.mark.parametrize("floor", ["0 B", "4 MiB"])
async def test_a_full_disk_stops_acknowledging_and_recovers_by_itself(bench_of, tmp_path, floor):
    needs_root("mount a small disk")
    with small_disk(tmp_path / "store", 48) as disk:  # the log before the database takes 16 MiB at most
        async with bench_of(with_plant=False) as load:
            with_floor(load, floor)
            async with load.gateway():
                await load.publish(every_seconds=0.0, most=40)
                await load.until_all_back()
                ballast = fill_up(disk)
                publishing = asyncio.create_task(load.publish(every_seconds=0.02))
                code = "STORE_UNAVAILABLE" if floor == "0 B" else "STORE_SPACE_LOW"
                await until(lambda: degraded(load, code))
                held_back = sum(not load.account.dispositions.get(sample) for sample in load.published)
                await asyncio.sleep(1)
                assert sum(not load.account.dispositions.get(sample) for sample in load.published) > held_back
                ballast.unlink()
                await until(lambda: not degraded(load, code))
                publishing.cancel()
                await asyncio.wait({publishing})
                await load.until_all_back()
    assert load.verdict() == CLEAN


@pytest.mark.real_interpreter
async def test_a_disk_whose_fsync_fails_acknowledges_nothing_until_it_works_again(bench_of):
    (strace,) = needed("strace")
    needs_root("inject errors into the gateway's system calls")
    async with bench_of(with_plant=False, gateway_before=False) as load, load.gateway() as gateway:
        await load.publish(every_seconds=0.0, most=50)
        await load.until_all_back()
        injecting = await failing_syncs(strace, gateway)
        publishing = asyncio.create_task(load.publish(every_seconds=0.02))
        await until(lambda: degraded(load, "STORE_UNAVAILABLE"))
        before = load.account.received
        await asyncio.sleep(1)
        assert load.account.received == before
        injecting.terminate()
        await injecting.wait()
        await until(lambda: not degraded(load, "STORE_UNAVAILABLE"))
        publishing.cancel()
        await asyncio.wait({publishing})
        await load.until_all_back()
    assert load.verdict() == CLEAN


async def test_a_disk_that_turns_read_only_is_said_and_after_its_repair_all_arrives(bench_of, tmp_path):
    needed("mkfs.ext4", "fsck.ext4", "findmnt")
    needs_root("mount a disk that can fail")
    with FailingDisk(tmp_path / "disk.img", tmp_path / "store") as disk:
        async with bench_of(with_plant=False) as load:
            with_floor(load, "1 MiB")
            async with load.gateway():
                await load.publish(every_seconds=0.0, most=50)
                await load.until_all_back()
                disk.fail()
                await load.publish(every_seconds=0.0, most=80)
                await until(lambda: degraded(load, "STORE_UNAVAILABLE"))
            disk.repair()
            async with load.gateway():
                await load.until_all_back()
    assert load.verdict() == CLEAN


@pytest.mark.parametrize("trouble", ["full", "fsync fails"])
async def test_what_comes_while_the_store_cannot_commit_is_there_after_a_kill(bench_of, tmp_path, trouble):
    """An acknowledgement before the commit would be seen here, and only here: the broker would have forgotten it."""
    (strace,) = needed("strace")
    needs_root("mount a small disk, and inject errors into the gateway's system calls")
    with small_disk(tmp_path / "store", 24) as disk:
        async with bench_of(with_plant=False) as load:
            with_floor(load, "0 B")
            async with load.gateway() as gateway:
                await load.publish(every_seconds=0.0, most=50)
                await load.until_all_back()
                ballast = fill_up(disk) if trouble == "full" else None
                injecting = None if trouble == "full" else await failing_syncs(strace, gateway)
                publishing = asyncio.create_task(load.publish(every_seconds=0.005, most=150))
                await until(lambda: degraded(load, "STORE_UNAVAILABLE"))
                await publishing
                await kill(gateway)
            if ballast is not None:
                ballast.unlink()
            if injecting is not None:
                await injecting.wait()
            async with load.gateway():
                await load.until_all_back()
    assert load.verdict() == CLEAN
