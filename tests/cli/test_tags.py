"""``labline tags``: live values with unit, quality, age and limits; those of no use say why."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from gateway.contract.readings import (
    LiveTag,
    LiveTags,
    QualityWord,
    ReadingKind,
    question_line,
    read_status,
    read_tags,
    reading_asked,
)
from gateway.errors import LablineError
from gateway.history.windows import TagWindow
from gateway.line.definition import TagDefinition
from gateway.operations.health import Health
from gateway.runtime.live_values import LiveValues, live_tag
from gateway.time_units import SECOND_NS
from tests.config.test_settings import MINIMAL
from tests.fixtures.building import NOW_NS, line
from tests.fixtures.commands import labline
from tests.fixtures.plant_to_find import URI, PlantToFind


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    with PlantToFind(tmp_path_factory.mktemp("found")) as running:
        yield running


def tag(**changes):
    return TagDefinition(
        **{"name": "t", "source": "plc1", "node": "nsu=u;s=t", "equipment_id": "R1", "unit": "degC",
           "validated": (60.0, 95.0), "max_age_ns": 10 * SECOND_NS, **changes}
    )  # fmt: skip


def window(*samples, confirmed_ns=0):
    held, values, statuses = zip(*samples, strict=True) if samples else ((), (), ())
    return TagWindow(
        tag="t", start_ns=NOW_NS, end_ns=NOW_NS, held_ns=np.array(held, np.int64), values=np.array(values, np.float64),
        statuses=np.array(statuses, np.uint32), confirmed_ns=confirmed_ns,
    )  # fmt: skip


@pytest.mark.parametrize(("samples", "confirmed_ns", "expected"), [
    ([(NOW_NS - SECOND_NS, 71.0, 0)], 0, {"value": 71.0, "quality": "good", "age_seconds": 1.0, "usable": True}),
    ([(NOW_NS - 99 * SECOND_NS, 71.0, 0)], NOW_NS, {"age_seconds": 0.0, "usable": True}),  # its server vouches for it
    ([(NOW_NS - 99 * SECOND_NS, 71.0, 0)], 0, {"stale": True, "usable": False}),
    ([(NOW_NS, 96.0, 0)], 0, {"outside": True, "usable": False}),
    ([(NOW_NS, 71.0, 0x40000000)], 0, {"quality": "uncertain", "usable": False}),
    ([(NOW_NS, math.nan, 0x80000000)], 0, {"value": None, "quality": "bad", "usable": False}),
    ([], 0, {"value": None, "quality": "unknown", "age_seconds": None, "usable": False}),
])  # fmt: skip
def test_a_tag_is_shown_with_what_speaks_against_its_use(samples, confirmed_ns, expected):
    shown = live_tag(tag(), window(*samples, confirmed_ns=confirmed_ns), problem="").model_dump(mode="json")
    assert {key: shown[key] for key in expected} == expected


def test_a_tag_that_may_be_uncertain_is_usable_and_one_with_a_problem_is_not():
    uncertain = window((NOW_NS, 71.0, 0x40000000))
    assert live_tag(tag(accept_uncertain=True), uncertain, problem="").usable
    assert not live_tag(tag(accept_uncertain=True), uncertain, problem="its clock is wrong").usable


@pytest.mark.parametrize("asked", [
    b"{}", b"[]", b"[" * 150, b"\xff", b'{"schema": "labline.read/1", "read": "secrets"}', b" " * 10_000,
    b'{"schema": "labline.read/1", "read": ["tags"]}', b'{"schema": "labline.read/1", "read": "tags", "act": "x"}',
    b'{"schema": "labline.act/1", "act": "retry_messages"}',
])  # fmt: skip
async def test_what_is_not_a_reading_goes_to_what_takes_acts(asked):
    assert reading_asked(asked) is None
    answers = LiveValues(history=None, health=None, clock=None, status=None, acts=_acts)
    assert await answers.answer(asked, 1000) == b"an act\n"


async def _acts(_line, _account):
    return b"an act\n"


async def test_the_gateway_answers_with_every_tag_and_changes_nothing():
    class OneWindow:
        def window(self, request):
            return window((NOW_NS - SECOND_NS, 71.0, 0)) if request.tag != "y" else window()

    class Clock:
        def now_ns(self):
            return NOW_NS

    defined = line(tags={"t": tag(), "y": tag(name="y", source="plc2", validated=None)})
    health = Health(line=defined)
    health.source_reason("plc2", "the server refuses the user")
    answers = LiveValues(history=OneWindow(), health=health, clock=Clock(), status=None, acts=_acts)
    shown = read_tags((await answers.answer(question_line(ReadingKind.TAGS), 0)).strip())
    assert [(row.tag, row.value, row.quality, row.problem) for row in shown.tags] == [
        ("t", 71.0, QualityWord.GOOD, ""), ("y", None, QualityWord.UNKNOWN, "the server refuses the user"),
    ]  # fmt: skip
    assert shown.by == "gateway"


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"schema": "labline.tags/1", "tags": 3}'])
def test_an_answer_that_is_none_is_refused(answer):
    for read in (read_tags, read_status):
        with pytest.raises(LablineError, match="not understood"):
            read(answer)


# --- where no gateway runs


def configured(tmp_path, plant, *tags):
    text = MINIMAL.replace("/tmp/x", str(tmp_path / "store"))  # noqa: S108
    text += f'[opcua.plc1]\nurl = "{plant.url}"\n'
    for name, node, extra in tags:
        text += f'[tags.{name}]\nsource = "plc1"\nnode = "nsu={URI};s={node}"\nequipment = "R1"\nunit = "1"\n{extra}\n'
    path = tmp_path / "labline.toml"
    path.write_text(text)
    return path


def test_where_no_gateway_runs_the_servers_are_read_once_and_bad_values_are_shown(tmp_path, plant):
    plant.call(plant.write("TI-101", 71.5))
    plant.call(plant.write("TIC-101.SP", 70.0, status=0x80310000))
    path = configured(
        tmp_path, plant, ("temperature", "TI-101", "validated = [0.0, 60.0]"), ("setpoint", "TIC-101.SP", ""),
        ("level", "LI-7", ""), ("text", "Status", ""), ("nowhere", "NO-1", ""),
    )  # fmt: skip
    ended = labline("tags", "--config", path, "--json")
    assert ended.code == 1
    shown = LiveTags.model_validate(ended.document)
    assert "no gateway runs" in shown.note
    by_name = {row.tag: row for row in shown.tags}
    assert (by_name["temperature"].value, by_name["temperature"].outside) == (71.5, True)
    assert by_name["setpoint"].quality is QualityWord.BAD
    assert by_name["level"].usable
    assert not by_name["text"].usable
    assert "BadNodeIdUnknown" in by_name["nowhere"].problem
    text = labline("tags", "--config", path).output
    assert "above its validated range" in text
    assert "BadNoCommunication" in text
    assert "level" in text
    assert "3 of no use" not in text
    assert "4 of no use" in text


def test_a_server_that_is_away_is_named_with_every_tag_of_it(tmp_path, plant):
    path = configured(tmp_path, plant, ("level", "LI-7", ""))
    path.write_text(path.read_text().replace(plant.url, "opc.tcp://127.0.0.1:1/none"))
    ended = labline("tags", "--config", path, "--json")
    assert ended.code == 1
    assert "plc1" in ended.document["tags"][0]["problem"]


def test_live_tags_are_json_both_ways():
    row = LiveTag(tag="t", source="s", node="n", equipment="R1", unit="1", max_age_seconds=1.0)
    shown = LiveTags(line="l", at="2026-01-01T00:00:00.000Z", by="gateway", tags=[row])
    again = read_tags(shown.model_dump_json(by_alias=True).encode())
    assert again == shown
    assert json.loads(shown.model_dump_json(by_alias=True))["schema"] == "labline.tags/1"


def test_on_a_terminal_of_80_columns_the_reasons_stand_below_the_table_each_once(tmp_path, plant, monkeypatch):
    plant.call(plant.write("TI-101", 71.5))
    path = configured(tmp_path, plant, ("a_temperature_with_a_long_name", "TI-101", "validated = [0.0, 60.0]"),
                      ("nowhere", "NO-1", ""), ("nowhere_else", "NO-2", ""))  # fmt: skip
    monkeypatch.setattr("gateway.cli.output.out._force_terminal", True)
    monkeypatch.setattr("gateway.cli.output.out._width", 80)
    text = labline("tags", "--config", path).output
    assert "nowhere, nowhere_else: " in text.replace("\n    ", " ")
    assert text.count("BadNodeIdUnknown") == 1
    assert all(len(line) <= 90 for line in text.splitlines())  # with the codes of colours


def test_watched_it_is_shown_again_until_a_person_ends_it(tmp_path, plant, monkeypatch):
    path = configured(tmp_path, plant, ("level", "LI-7", ""))
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("gateway.cli.tags.time", SimpleNamespace(sleep=pause))  # not that of all threads
    ended = labline("tags", "--config", path, "--watch", "--json")
    assert ended.code == 0
    assert [json.loads(line)["tags"][0]["tag"] for line in ended.lines] == ["level", "level"]
    assert pauses == [5.0, 5.0]  # a server is not asked every second
