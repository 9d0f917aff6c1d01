"""docs/first-plant.md, step by step as it is written, at a server and a broker that nobody has configured before."""

import asyncio
import json
import re
import shlex
import tarfile
import time
from pathlib import Path

import pytest
from asyncua import ua

from gateway.cli.live import live_status
from simulator.gateway_process import running_gateway
from simulator.mqtt import Participant
from tests.fixtures.commands import labline
from tests.fixtures.plant_to_find import PlantToFind

PAGE = (Path(__file__).parents[2] / "docs" / "first-plant.md").read_text(encoding="utf-8")
ONE_MACHINE = PAGE.partition("## 6. The first certificate")[0]  # what follows it has tests of its own
STEPS = [
    line.removeprefix("$ ")
    for block in re.findall(r"^```(?:console)?\n(.*?)^```", ONE_MACHINE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
RESULT = {"sample_id": "S-1", "test_name": "pH", "result": 9.8, "spec_min": 6.5, "spec_max": 7.5, "material_lot": "L-1"}


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    with PlantToFind(tmp_path_factory.mktemp("first")) as running:
        yield running


def step(words, folder, *more):
    """Run the step of the page that begins with these words; ``labline.toml`` stands in a folder."""
    (line,) = [line for line in STEPS if line.startswith(words)]
    arguments = [str(folder / word) if word == "labline.toml" else word for word in shlex.split(line)[1:]]
    return labline(*arguments, *more)


def first_configuration(plant, folder):
    (line,) = [line for line in STEPS if line.startswith("labline init")]
    words = shlex.split(line.replace("opc.tcp://10.0.0.5:4840", plant.url)
                        .replace("broker.local", f"mqtt://127.0.0.1:{plant.broker.port}"))  # fmt: skip
    return labline(*words[1:], "--output", folder / "labline.toml", "--security", "None", "--yes", "--listen", "0")


def turned_on(path, key):
    """Take the # away in front of a key, as the page says."""
    text = path.read_text()
    assert f"# {key}" in text
    path.write_text(text.replace(f"# {key}", key))


async def test_the_steps_lead_from_nothing_to_a_gateway_that_judges(tmp_path, plant, monkeypatch):
    plant.call(plant.remember("TI-101", [float(minute) for minute in range(30)]))
    ended = await asyncio.to_thread(first_configuration, plant, tmp_path)
    assert ended.code == 0, ended.error
    path = tmp_path / "labline.toml"
    turned_on(path, "history = ")
    (tmp_path / "store").mkdir(mode=0o750)
    plant.call(plant.set_clock())
    checked = await asyncio.to_thread(step, "labline check", tmp_path)
    assert checked.code == 0, checked.output
    async with running_gateway(path, directory=tmp_path):
        shown = await asyncio.to_thread(step, "labline tags", tmp_path, "--json")
        assert shown.document["by"] == "gateway"
        assert {tag["tag"] for tag in shown.document["tags"]} == {"ti_101", "tic_101_sp", "li_7"}
        async with Participant("lab", port=plant.broker.port, version_5=True) as sender:
            await sender.publish("lims/results/qc", json.dumps(RESULT).encode())
        lot = ("lot", "L-1", "--config", path, "--json")
        async with asyncio.timeout(60):
            while (told := await asyncio.to_thread(labline, *lot)).code == 2:
                await asyncio.sleep(0.1)
        assert told.document["recommendation"] in {"hold", "review"}
        await asyncio.to_thread(plant.call, plant.set_clock())
        page = (await asyncio.to_thread(step, "labline doctor", tmp_path, "--json")).document
        assert [check for check in page["checks"] if check["state"] == "wrong"] == []
        assert any("a gateway runs" in check["what"] for check in page["checks"])
        bundle = tmp_path / "question.tar.gz"
        made = ("support-bundle", "--config", path, "--output", bundle, "--offline")
        assert (await asyncio.to_thread(labline, *made)).code == 0
        with tarfile.open(bundle) as archive:
            status = json.load(archive.extractfile("labline-support/status.json"))
        assert status["online"]
        async with asyncio.timeout(60):
            while status["history_fetch"].get("plc1", {}).get("share", 0.0) < 1.0:
                plant.call(plant.write("LI-7", int(time.monotonic() * 10), kind=ua.VariantType.Int32))
                await asyncio.sleep(0.2)
                status = await asyncio.to_thread(live_status, tmp_path / "store")
    exported = await asyncio.to_thread(labline, "history", "export", "--config", path, "--to", tmp_path / "h.csv")
    assert exported.code == 0, exported.error
    fetched = [line for line in (tmp_path / "h.csv").read_text().splitlines() if "BACKFILLED" in line]
    assert {float(minute) for minute in range(29)} <= {float(line.split(",")[4]) for line in fetched}
    assert not {line for line in STEPS if not line.startswith(("labline ", "export "))}
