"""Disks that fill, fail or turn read-only: nothing is acknowledged that is not kept, and all of it arrives later."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.crash.conftest import CLEAN, needed, needs_root, small_disk, until


def degraded(load, code):
    return code in load.account.status.get("degraded", [])


def with_floor(load, floor):
    directory = f'directory = "{load.store}"'
    text = load.configuration.read_text()
    load.configuration.write_text(text.replace(directory, f'{directory}\nfree_space_floor = "{floor}"'))


async def fill_up(disk):
    """Take all the room there is, byte by byte at the end."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        block = 1 << 20
        while block:
            try:
                file.write(b"\0" * block)
            except OSError:
                block //= 2
    return ballast


@pytest.mark.parametrize("floor", ["0 B", "4 MiB"])
async def test_a_full_disk_stops_acknowledging_and_recovers_by_itself(bench_of, tmp_path, floor):
    with small_disk(tmp_path / "store", 24) as disk:
        async with bench_of(with_plant=False) as load:
            with_floor(load, floor)
            async with load.gateway():
                await load.publish(every_seconds=0.0, most=100)
                await load.until_all_back()
                ballast = await fill_up(disk)
                publishing = asyncio.create_task(load.publish(every_seconds=0.005))
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


async def test_a_disk_whose_fsync_fails_acknowledges_nothing_until_it_works_again(bench_of):
    (strace,) = needed("strace")
    needs_root("inject errors into the gateway's system calls")
    async with bench_of(with_plant=False) as load, load.gateway() as gateway:
        await load.publish(every_seconds=0.0, most=50)
        await load.until_all_back()
        injecting = await asyncio.create_subprocess_exec(
            strace, "-f", "-qq", "-o", "/dev/null", "-p", str(gateway.process.pid),
            "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO",
        )  # fmt: skip
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
    (mkfs,) = needed("mkfs.ext4")
    needs_root("mount a disk that can fail")
    image, store = tmp_path / "disk.img", tmp_path / "store"
    store.mkdir()
    with image.open("wb") as file:
        file.truncate(48 << 20)
    subprocess.run([mkfs, "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(image), str(store)], check=True)
    try:
        device = subprocess.run(
            ["findmnt", "-no", "SOURCE", str(store)], check=True, capture_output=True, text=True
        ).stdout.strip()
        async with bench_of(with_plant=False) as load:
            with_floor(load, "1 MiB")
            async with load.gateway():
                await load.publish(every_seconds=0.0, most=50)
                await load.until_all_back()
                Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("1\n")
                await load.publish(every_seconds=0.0, most=80)
                await until(lambda: degraded(load, "STORE_UNAVAILABLE"))
            subprocess.run(["umount", str(store)], check=True)
            subprocess.run(["fsck.ext4", "-fy", device], check=False, capture_output=True)
            subprocess.run(["mount", "-o", "loop", str(image), str(store)], check=True)
            async with load.gateway():
                await load.until_all_back()
    finally:
        subprocess.run(["umount", "-l", str(store)], check=False)
    assert load.verdict() == CLEAN
