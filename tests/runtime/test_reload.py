"""A changed configuration of a running gateway: taken whole or not at all, and only what has changed is touched."""

import asyncio
import json
import os
import re
import signal
from contextlib import closing
from types import SimpleNamespace

import pytest

from gateway.clock import SystemClock
from gateway.config.file_in_force import ConfigurationFile
from gateway.errors import ConfigurationError, LablineError
from gateway.inference.versions import Promoted
from gateway.ingest.event_queue import EventQueue
from gateway.runtime import reload
from gateway.store.database import read_state
from simulator.gateway_process import ask

NEW_TAG = """
[tags.second_view]
source = "plc1"
node = {node}
equipment = "R1"
unit = "degC"
"""


def audit_of(line, kind):
    with closing(read_state(line.folder / "store")) as connection:
        return [json.loads(body) for (body,) in connection.execute(
            "SELECT body FROM audit WHERE kind = ? ORDER BY seq", (kind,))]  # fmt: skip


async def log_says(gateway, text, *, after=0):
    """Wait until the log has a text behind a place, and return the new place."""
    async with asyncio.timeout(60):
        while text not in gateway.log.read_text()[after:]:
            assert gateway.process.returncode is None, gateway.last_words()
            await asyncio.sleep(0.05)
    return len(gateway.log.read_text())


async def test_a_new_tag_and_another_limit_are_taken_without_a_new_session_and_the_rest_is_refused_whole(bench_line):
    text = bench_line.configuration.read_text()
    node = re.search(r"\[tags\.reactor_temperature\].*?^node = ([^\n]*)$", text, re.MULTILINE | re.DOTALL)[1]
    async with bench_line.gateway() as gateway:
        await bench_line.until(lambda topic, document: topic.startswith("prediction/") and document["value"])
        sessions_before = gateway.log.read_text().count("connection up")
        bench_line.configuration.write_text(text + NEW_TAG.format(node=node))
        os.kill(gateway.process.pid, signal.SIGHUP)
        place = await log_says(gateway, "the configuration is taken")
        assert "tags.second_view" in gateway.log.read_text()
        async with asyncio.timeout(60):  # its values come, by the session that was there
            while not await has_value(bench_line, "second_view"):
                await asyncio.sleep(0.1)

        bench_line.configuration.write_text(text.replace("publishing_interval", "publishing_intervall"))
        os.kill(gateway.process.pid, signal.SIGHUP)
        place = await log_says(gateway, "publishing_intervall", after=place)
        bench_line.configuration.write_text(text.replace("250ms", "300ms", 1))
        os.kill(gateway.process.pid, signal.SIGHUP)
        place = await log_says(gateway, "a restart is needed for opcua", after=place)

        bench_line.configuration.write_text(text)
        os.kill(gateway.process.pid, signal.SIGHUP)
        await log_says(gateway, "the configuration is taken", after=place)
        await bench_line.until(lambda topic, document: topic.startswith("prediction/") and document["value"])
        assert gateway.log.read_text().count("connection up") == sessions_before
    changes = [entry["changed"] for entry in audit_of(bench_line, "configuration_reloaded")]
    assert changes == [["tags.second_view"], ["tags.second_view"]]


async def has_value(line, tag):
    """Whether a command sees a value of the tag at the running gateway."""
    answer = await ask("tags", "--config", str(line.configuration))
    return any(shown["tag"] == tag and shown["value"] is not None for shown in answer["tags"])


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (("unit = ", "accept_uncertain = true\nunit = "), ()),
        (('client_id = "labline-bench"', 'client_id = "other"'), ("mqtt",)),
        (('area = "polymers"', 'area = "paints"'), ("site",)),
    ],
)
def test_what_needs_a_restart_is_named_and_is_not_taken(bench_line, change, keys):
    file = ConfigurationFile(bench_line.configuration)
    bench_line.configuration.write_text(bench_line.configuration.read_text().replace(*change, 1))
    again = file.read_again()
    assert again.need_restart() == keys
    if keys:
        with pytest.raises(LablineError, match="a restart is needed"):
            again.take()
        assert file.sha256 != again.sha256
    else:
        again.take()
        assert file.sha256 == again.sha256


class _Versions:
    """Stands for the parts: they take any line."""

    async def line_by(self, define):
        return define({})

    async def take(self, line):
        self.line = line


def test_the_line_that_was_checked_is_the_one_that_starts_and_later_ones_are_read(bench_line):
    file = ConfigurationFile(bench_line.configuration)
    file.check()
    checked = file._checked
    assert file.define({}) is checked
    assert file.define({}) is not checked
    file.check()
    name = checked.models[0].name
    folder = bench_line.configuration.parent
    gone = Promoted(folder=folder / "gone", sha256="0" * 64)
    with pytest.raises(ConfigurationError):  # the checked line has the configured version, which was replaced
        file.define({name: gone})


async def test_a_store_that_does_not_note_it_and_a_file_that_is_gone_end_no_gateway(bench_line, monkeypatch):
    monkeypatch.setattr(reload, "_ON_RECORD_SECONDS", 0.05)
    file, versions, conditions = ConfigurationFile(bench_line.configuration), _Versions(), {}
    taking = reload.Reload(
        file, signed=lambda line: line, versions=versions, history=SimpleNamespace(take_tags=lambda _tags, _need: None),
        feeds=(), inbox=EventQueue(), clock=SystemClock(), health=SimpleNamespace(condition=conditions.__setitem__),
    )  # fmt: skip
    text = bench_line.configuration.read_text()
    bench_line.configuration.write_text(text.replace("unit = ", "accept_uncertain = true\nunit = ", 1))
    await taking.reload()  # nobody takes the event from the queue
    assert conditions == {"CONFIGURATION_REFUSED": False}
    assert any(tag.accept_uncertain for tag in versions.line.tags.values())
    bench_line.configuration.unlink()
    await taking.reload()
    assert conditions == {"CONFIGURATION_REFUSED": True}
