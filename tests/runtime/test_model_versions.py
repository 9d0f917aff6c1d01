"""``labline model promote|rollback`` while the gateway runs: another version between two events, and back."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from contextlib import closing

import pytest

from gateway.contract.times import rfc3339
from gateway.store.database import read_state
from simulator.gateway_process import GatewayFailedError, ask
from tests.fixtures.people import ADDED_BY_COMMAND
from tests.fixtures.real_parts import REPOSITORY

CANDIDATE = "viscosity_candidate"
WHO = ("--reason", "report VR-12")


async def labline(line, *arguments, code=0):
    """Run a command beside everything that goes on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *map(str, arguments), "--config", str(line.configuration),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=REPOSITORY,
    )  # fmt: skip
    told, _nothing = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == code, told.decode()
    return told.decode()


@pytest.fixture
def version(bench_line):
    """Make another version of the viscosity model: the same, but for its number."""

    def made(number):
        folder = bench_line.folder / "viscosity" / number
        shutil.copytree(REPOSITORY / "models" / "viscosity" / "1.0.0", folder)
        manifest = (folder / "bundle.toml").read_text()
        (folder / "bundle.toml").write_text(manifest.replace('version = "1.0.0"', f'version = "{number}"'))
        return folder

    return made


def speaks(number, since_ns=0):
    """Whether a prediction is of a version, and was made since an instant."""
    since = rfc3339(since_ns)
    return lambda topic, document: (
        topic.endswith("/viscosity") and document["model"]["version"] == number and document["issued_at"] > since
    )


def rows(line, query):
    with closing(read_state(line.folder / "store")) as connection:
        return [tuple(row) for row in connection.execute(query)]


async def test_a_version_is_taken_and_rolled_back_while_results_come_and_no_event_is_lost(bench_line, version):
    async with bench_line.gateway():
        await labline(bench_line, *ADDED_BY_COMMAND)
        await bench_line.until(speaks("1.0.0"))
        publishing = asyncio.create_task(results(bench_line, 60))
        assert "in service" in await labline(bench_line, "model", "promote", version("1.1.0"), *WHO)
        await bench_line.until(speaks("1.1.0"))
        assert "Q. Head" in await labline(bench_line, "model", "list", "--json")
        told = await labline(bench_line, "model", "rollback", "viscosity", *WHO)
        assert "viscosity 1.1.0 is out of service; the configured bundle takes its place" in told
        await bench_line.until(speaks("1.0.0", time.time_ns()))
        await publishing
        assert "the configured bundle is in service" in await labline(
            bench_line, "model", "rollback", "viscosity", *WHO, code=2
        )
        async with asyncio.timeout(30):
            while rows(bench_line, "SELECT count(DISTINCT event_id) FROM disposition") != [(60,)]:
                await asyncio.sleep(0.1)
    assert (await ask("audit", "verify", "--config", str(bench_line.configuration)))["audit"] == "ok"
    kinds = rows(bench_line, "SELECT kind FROM audit WHERE subject = 'viscosity' ORDER BY seq")
    assert [kind for (kind,) in kinds] == ["model_promoted", "version_taken", "model_rolled_back", "version_taken"]


async def results(line, count):
    for number in range(count):
        await line.result(sample_id=f"S-{number}", test_id="pH", value=7.0, unit="pH", material_lot_id=f"L-{number}")
        await asyncio.sleep(0.05)


async def test_a_promoted_version_is_in_service_after_a_restart_and_a_missing_one_lets_no_other_speak(
    bench_line, version
):
    first, second = version("1.1.0"), version("1.2.0")
    async with bench_line.gateway():
        await bench_line.until(speaks("1.0.0"))
    await labline(bench_line, *ADDED_BY_COMMAND)
    await labline(bench_line, "model", "promote", first, *WHO)
    await labline(bench_line, "model", "promote", second, *WHO)
    bench_line.messages.clear()
    async with bench_line.gateway():
        await bench_line.until(speaks("1.2.0"))
        assert "version 1.1.0 takes its place" in await labline(bench_line, "model", "rollback", "viscosity", *WHO)
        await bench_line.until(speaks("1.1.0"))
    replayed = json.loads(await labline(bench_line, "replay", "--json"))
    assert replayed["versions"]["viscosity"] == "1.1.0"  # that in service at the end, unless another is named
    shutil.rmtree(first)
    with pytest.raises(GatewayFailedError, match=r"1\.1\.0"):
        async with bench_line.gateway():
            pass
    await labline(bench_line, "model", "rollback", "viscosity", *WHO)
    bench_line.messages.clear()
    async with bench_line.gateway():
        await bench_line.until(speaks("1.0.0"))


async def test_what_does_not_hold_is_not_promoted_and_the_version_at_work_goes_on(bench_line, version):
    broken, foreign = version("1.1.0"), version("1.2.0")
    golden = (broken / "golden.csv").read_text()
    (broken / "golden.csv").write_text(golden.replace("7", "8", 1))
    manifest = (foreign / "bundle.toml").read_text()
    (foreign / "bundle.toml").write_text(manifest.replace('name = "viscosity"', 'name = "thickness"', 1))
    async with bench_line.gateway():
        await bench_line.until(speaks("1.0.0"))
        await labline(bench_line, *ADDED_BY_COMMAND)
        assert "golden.csv" in await labline(bench_line, "model", "promote", broken, *WHO, code=2)
        assert "is called thickness" in await labline(bench_line, "model", "promote", foreign, *WHO, code=2)
        late = version("1.3.0")
        await labline(bench_line, "model", "promote", late, *WHO)
        await bench_line.until(speaks("1.3.0"))
        gone = version("1.4.0")
        hidden = gone.with_name("hidden")
        await labline(bench_line, "model", "promote", gone, *WHO)
        await bench_line.until(speaks("1.4.0"))
        gone.rename(hidden)  # what is loaded stays at work, whatever becomes of its folder
        bench_line.messages.clear()
        await bench_line.until(speaks("1.4.0"))


async def test_a_candidate_predicts_in_shadow_beside_the_version_in_service_and_tells_nobody(bench_line, version):
    text = bench_line.configuration.read_text()
    bundle = f'bundle = "{REPOSITORY / "models" / "viscosity" / "1.0.0"}"\n'
    assert bundle in text
    bench_line.write_configuration(text.replace(bundle, f'{bundle}candidate = "{version("1.1.0")}"\n'))
    async with bench_line.gateway():
        told = await bench_line.until(speaks("1.0.0"))
        await bench_line.until(lambda topic, document: topic == "status" and document.get("models", {}).get(CANDIDATE))
        await bench_line.result(sample_id="S-1", test_id="Viscosity", value=100.0, unit="mPa.s", material_lot_id="L",
                                equipment_id="R1", sampled_at=told["issued_at"])  # fmt: skip
        judged = await bench_line.disposition_of("S-1")
    assert len(judged["rests_on"]["predictions"]) == 1
    assert {each["model"]["version"] for each in bench_line.of("prediction")} == {"1.0.0"}
    both = json.loads(await labline(bench_line, "model", "compare", "viscosity", "--json"))["viscosity"]
    assert both["in service"]["results"] == both["candidate"]["results"] == 1
    assert abs(both["in service"]["predictions"] - both["candidate"]["predictions"]) <= 1
    assert "candidate" in await labline(bench_line, "model", "compare", "viscosity")
    assert "1.1.0" not in await labline(bench_line, "model", "list", "--json")
    assert "no predictions of thickness" in await labline(bench_line, "model", "compare", "thickness", code=2)
