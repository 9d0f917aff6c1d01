"""The commands as a person or a script uses them: what they print, and how they end."""

import asyncio
import json
import os
import sys

import pytest

from tests.fixtures.real_parts import REPOSITORY


async def labline(*arguments, cwd=REPOSITORY, environment=None, seconds=120):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *map(str, arguments), cwd=cwd, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ | (environment or {}),
    )  # fmt: skip
    async with asyncio.timeout(seconds):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.real_interpreter
async def test_the_example_configuration_is_accepted():
    code, out, _ = await labline("check", "--config", "deploy/labline.toml")
    assert code == 0
    assert "hashes and golden vectors hold" in out
    assert out.rstrip().endswith("ok")


async def test_a_bad_configuration_is_told_for_people_and_for_machines(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('[site]\nline = "x/y"\n[mqtt]\nhots = "b"\n')
    code, _, err = await labline("check", "--config", path)
    assert code == 2
    assert "mqtt.hots: is no key that Labline knows" in err
    assert "did you mean host?" in err
    code, out, _ = await labline("check", "--config", path, "--json")
    assert code == 2
    problems = json.loads(out)["problems"]
    assert {problem["key"] for problem in problems} >= {"site.enterprise", "site.line", "store", "mqtt.hots"}
    assert all(problem["file"] == str(path) for problem in problems)


@pytest.mark.parametrize("arguments", [("nonsense",), ("run",), ("audit", "verify"), ("demo", "--for", "soon")])
async def test_unusable_arguments_end_with_2_and_a_sentence(arguments):
    code, _, err = await labline(*arguments)
    assert code == 2
    assert err.strip()
    assert "Traceback" not in err


async def test_commands_on_a_store_that_is_not_there_say_so(tmp_path):
    path = tmp_path / "labline.toml"
    text = (
        (REPOSITORY / "deploy" / "labline.toml").read_text().replace("/var/lib/labline/line-1", str(tmp_path / "none"))
    )
    path.write_text(text.replace("../models", str(REPOSITORY / "models")))
    for command in (("audit", "verify"), ("buffer", "status")):
        code, _, err = await labline(*command, "--config", path)
        assert code == 2
        assert "there is no store" in err


async def test_check_connect_proves_tags_and_rights(bench_line):
    code, out, _ = await labline("check", "--config", bench_line.configuration, "--connect", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["ok"]
    subjects = {finding["subject"] for finding in document["findings"]}
    assert {"opcua.plc1", "tags.feed_purity", "mqtt", "subscribe lims/results/#"} <= subjects
    assert any(subject.startswith("publish ") and subject.endswith("/dead-letter") for subject in subjects)


async def test_check_connect_finds_what_is_not_there(bench_line):
    await bench_line.server.stop()
    text = bench_line.configuration.read_text().replace(f"port = {bench_line.broker.port}", "port = 1")
    bench_line.write_configuration(text)
    code, out, _ = await labline("check", "--config", bench_line.configuration, "--connect")
    assert code == 1
    assert "FAILED" in out
    await bench_line.server.start()


async def test_check_connect_sees_a_right_that_the_broker_denies(bench_line):
    mosquitto = bench_line.broker.mosquitto
    rules = bench_line.folder / "rules"
    root = "bench/lab/polymers/line-1/quality"
    rules.write_text(f"topic readwrite #\ntopic deny {root}/dead-letter\n")
    rules.chmod(0o600)
    configuration = bench_line.folder / "broker" / "mosquitto.conf"
    configuration.write_text(f"{configuration.read_text()}acl_file {rules}\n")
    await mosquitto.stop()
    await mosquitto.start()
    code, out, _ = await labline("check", "--config", bench_line.configuration, "--connect", "--json")
    assert code == 1
    failed = [finding["subject"] for finding in json.loads(out)["findings"] if not finding["ok"]]
    assert failed == [f"publish {root}/dead-letter"]


async def test_browsing_the_plant_for_machines(bench_line):
    code, out, _ = await labline("opcua", "browse", bench_line.server.url, "--json")
    assert code == 0
    nodes = {variable["node"] for variable in json.loads(out)["variables"]}
    assert "nsu=urn:labline:simulator;s=reactor_temperature" in nodes


async def test_the_demo_runs_on_the_embedded_broker_and_says_what_that_is():
    code, out, err = await labline("demo", "--for", "5s", "--headless", "--json", "--embedded-broker")
    assert code == 0, err
    summary = json.loads(out.strip().splitlines()[-1])
    assert summary["broker"].startswith("embedded")
    assert summary["lost"] == 0
    assert summary["predictions"] > 2
    assert "keeps nothing" in err
