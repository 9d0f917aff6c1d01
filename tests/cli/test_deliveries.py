"""What systems were told over HTTP, for people: the commands, the doctor, the check, the console's Health."""

import json
import re
from contextlib import closing

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.check import warnings_of
from gateway.cli.checkup import outputs
from gateway.cli.checkup.records import Examined, State
from gateway.config.reading import read
from gateway.records.sink_deliveries import DeliveryState
from gateway.store.database import read_state
from gateway.store.deliveries import insert, tried
from gateway.time_units import SECOND_NS
from tests.config.test_settings import MINIMAL
from tests.fixtures.building import NOW_NS, line, new_state
from tests.fixtures.sinks import delivery

SINKS = """
[sinks.mes]
url = "http://mes.example.com"
messages = ["hold"]
[sinks.qms]
url = "https://qms.example.com"
messages = ["hold"]
"""


@pytest.fixture
def config(tmp_path):
    """A configuration with two systems; the first was told, has refused, and is waited for."""
    file = tmp_path / "labline.toml"
    folder = tmp_path / "store"
    file.write_text(re.sub('directory = ".*"', f'directory = "{folder}"', MINIMAL) + SINKS)
    (tmp_path / "store").mkdir()
    with closing(new_state(tmp_path / "store")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for number in (1, 2, 3):
            insert(connection, delivery(number), at_ns=NOW_NS)
        tried(1, DeliveryState.DELIVERED, answer="answered 201", at_ns=NOW_NS)(connection)
        tried(2, DeliveryState.REFUSED, answer="answered 422: no such lot", at_ns=NOW_NS)(connection)
        connection.execute("COMMIT")
    return file


def shown(*arguments, config):
    done = CliRunner().invoke(app, [*arguments, "--config", str(config), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_the_commands_show_what_waits_and_what_was_refused(config):
    figures = shown("buffer", "status", config=config)
    assert (figures["deliveries_mes_waiting"], figures["deliveries_mes_refused"]) == (1, 1)
    told = shown("buffer", "deliveries", config=config)["deliveries"]
    assert [(item["id"], item["state"], item["attempts"]) for item in told] == [
        ("d-3", "waiting", 0), ("d-2", "refused", 1), ("d-1", "delivered", 1),
    ]  # fmt: skip
    (refused,) = shown("buffer", "deliveries", "--state", "refused", config=config)["deliveries"]
    assert refused["answer"] == "answered 422: no such lot"


def remarks(config, *, after_seconds):
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as store:
        seen = Examined(
            config=config, settings=settings, line=None, now_ns=NOW_NS + after_seconds * SECOND_NS, store=store
        )
        return [(remark.state, remark.what) for remark in outputs.deliveries(seen)]


def test_the_doctor_says_what_was_refused_and_what_waits_too_long(config):
    refused, fine = (State.WRONG, "mes has refused 1 deliveries"), (State.OK, "nothing waits for qms")
    assert remarks(config, after_seconds=10) == [refused, fine]
    waits = (State.WARN, "1 deliveries wait for mes, the oldest for longer than 5 minutes")
    assert remarks(config, after_seconds=400) == [refused, waits, fine]


def test_the_check_warns_of_what_travels_readably(config):
    settings, _sha256 = read(config)
    (warning,) = [text for text in warnings_of(settings, line()) if "sinks" in text]
    assert warning.startswith("sinks.mes.url begins with http://")
