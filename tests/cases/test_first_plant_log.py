"""Case 13 of first-plant.md: the log tells of the plant, a line for each thing, with the lot's name in it."""

import json
from contextlib import closing

import pytest
import structlog
from structlog.testing import capture_logs
from typer.testing import CliRunner

from gateway.cli import app
from gateway.contract.refusals import Refusal, refusal
from gateway.errors import LablineError
from gateway.events import MessageRefused, TimerDue
from gateway.operations import logs
from gateway.operations.health import Health
from gateway.operations.logs import configure_logs
from gateway.operations.plant_log import PlantLine, PlantLog, lines_of
from gateway.publish.drain import Drain
from gateway.records.laboratory import ResultReference
from gateway.records.outgoing import Lane
from gateway.store.outbox import Queued
from tests.fixtures.building import line as line_of_tests
from tests.fixtures.building import moment
from tests.fixtures.listeners import of_sending
from tests.fixtures.store_bench import Bench

LOT = "LOT/1"


class Told(Bench):
    """A store whose decisions are written into a log; ``lines`` are what stands in it from ``info`` on."""

    def __init__(self, directory):
        super().__init__(directory)
        self.log, self.all = PlantLog(), []

    def commit(self, event, windows=None):
        self.told = []
        outcome = super().commit(event, windows)
        with capture_logs() as lines:
            self.log.write(self.told)
        self.all += lines
        return outcome

    def decided(self, event, decision):
        if not isinstance(event, TimerDue):
            self.told += lines_of(event, decision)

    @property
    def lines(self):
        return [line for line in self.all if line["log_level"] != "debug"]

    def measured(self, number, value, test="pH", **fields):
        document = {"sample_id": f"S-{number}", "test_name": test, "result": value, "material_lot": LOT,
                    "product": "FG-100", "spec_min": 6.5, "spec_max": 7.5, "result_version": 1, **fields}  # fmt: skip
        self.now_ns += 1_000_000_000
        return self.result(document)

    def refused(self, payload=b"rubbish", about=None):
        self.now_ns += 1_000_000
        event = MessageRefused(
            at=moment(self.now_ns), origin=self.origin("lims/results/qc", payload), payload=payload,
            reasons=(refusal(Refusal.NOT_JSON, "It is no JSON."),), about=about,
        )  # fmt: skip
        self.commit(event)


@pytest.fixture
def bench(tmp_path):
    made = Told(tmp_path)
    with closing(made.connection):
        made.order()
        made.all.clear()
        yield made


def test_first_plant_13_a_hold_is_one_line_with_the_lots_name(bench):
    for number in range(5):
        bench.measured(number, 9.8)
    holds = [line for line in bench.lines if line["event"] == "hold"]
    assert len(holds) == 1
    assert (holds[0]["lot"], holds[0]["log_level"], holds[0]["analyte"]) == (LOT, "warning", "ph")
    assert LOT in holds[0]["title"]
    assert [line["event"] for line in bench.lines if line.get("lot") == LOT] == ["hold"]


def test_first_plant_13_a_review_is_a_line_for_each_open_question_and_no_more(bench):
    for number in range(4):
        bench.measured(number, "7.0", test="unheard of", spec_min=None, spec_max=None)
    reviews = [line for line in bench.lines if line.get("recommendation", line["event"]) == "review"]
    assert reviews
    assert all(line["lot"] == LOT and (line.get("title") or line["why"]) for line in reviews)
    judged = [line["codes"] for line in bench.all if line.get("recommendation") == "review"]
    assert len(judged) == 4
    assert len(reviews) <= len(set(judged))


def test_first_plant_13_a_lot_that_is_free_of_questions_is_a_line_when_it_becomes_so(bench):
    bench.measured(1, 7.0)
    bench.measured(2, 7.1)
    judged = [line for line in bench.lines if line["event"] == "lot judged"]
    assert len(judged) <= 1
    assert all(line["lot"] == LOT and line["recommendation"] != line["previous"] for line in judged)


def test_first_plant_13_a_refused_message_that_names_its_lot_has_it_in_its_line(bench):
    bench.refused(about=ResultReference(source="lims", lots=(LOT,), sample_id="S-9"))
    (letter,) = [line for line in bench.lines if line["event"] == "dead letter"]
    assert (letter["lot"], letter["sample"]) == (LOT, "S-9")


def test_first_plant_13_a_dead_letter_is_a_line_and_the_same_one_again_is_detail(bench):
    for _ in range(50):
        bench.refused()
    bench.refused(b"other rubbish")
    letters = [line for line in bench.lines if line["event"] == "dead letter"]
    assert [(line["topic"], line["why"]) for line in letters] == [("lims/results/qc", "It is no JSON.")] * 2
    assert len([line for line in bench.all if line["event"] == "dead letter"]) == 51


def test_first_plant_13_a_warning_and_a_persons_answer_are_lines(bench):
    bench.model_due(75.0)
    warnings = [line for line in bench.lines if line["event"] in {"warning", "setpoint"}]
    assert warnings
    assert all(line["lot"] == LOT and line["title"] for line in warnings)
    bench.all.clear()
    bench.answer(warnings[0]["guidance"], "acknowledge")
    answers = [line for line in bench.lines if line["event"] == "answer"]
    assert [(line["act"], line["person"]) for line in answers] == [("acknowledge", "op")]


def test_first_plant_13_debug_adds_results_predictions_and_context(bench):
    bench.measured(1, 7.0)
    bench.model_due(78.0)
    bench.context("lot_ended", material_lot_id=LOT, equipment_id="R1")
    detail = {line["event"] for line in bench.all if line["log_level"] == "debug"}
    assert {"result", "prediction", "context"} <= detail


def test_first_plant_13_what_is_said_is_remembered_within_bounds():
    log = PlantLog()
    with capture_logs() as lines:
        for number in range(3000):
            log.write([PlantLine(level="info", happened="x", subject=str(number), says=1)])
        log.write([PlantLine(level="info", happened="x", subject="2999", says=1)])
        log.write([PlantLine(level="info", happened="x", subject="0", says=1)])  # forgotten: said again
    assert [line["log_level"] for line in lines] == ["info"] * 3000 + ["debug", "info"]
    assert len(log._last) <= 2000


def test_first_plant_13_alarms_that_stand_from_an_earlier_run_are_a_line_at_the_start():
    health = Health(line=line_of_tests())
    with capture_logs() as lines:
        for _ in range(3):
            health.latched(("STORE_RESTORED",))
    assert [(each["log_level"], each["codes"]) for each in lines] == [("error", ["STORE_RESTORED"])]


# --- the level


@pytest.mark.parametrize("level", ["verbose", "", "notset", "7"])
def test_first_plant_13_an_unknown_level_is_a_clear_usage_error(tmp_path, level):
    told = CliRunner().invoke(app, ["run", "--config", str(tmp_path / "x.toml"), "--log-level", level])
    assert told.exit_code == 2
    assert "debug" in told.output
    assert "warning" in told.output
    assert "Traceback" not in told.output
    with pytest.raises(LablineError, match="no level of the log"):
        configure_logs(level=level)


@pytest.mark.parametrize("level", ["debug", "INFO"])
def test_first_plant_13_levels_are_taken_in_either_case(tmp_path, level):
    told = CliRunner().invoke(app, ["run", "--config", str(tmp_path / "x.toml"), "--log-level", level])
    assert isinstance(told.exception, LablineError)  # the file is not there; the level was taken


def test_first_plant_13_what_a_terminal_would_obey_is_shown(monkeypatch):
    shown = logs._as_people_may_read(None, "info", {"event": "hold", "lot": "L\x1b[2J\n1", "sample": "ä-1", "n": 1})
    assert shown == {"event": "hold", "lot": "L\\x1b[2J\\n1", "sample": "ä-1", "n": 1}


def test_first_plant_13_the_log_is_one_json_object_a_line_for_machines(capsys):
    before = structlog.get_config()
    try:
        configure_logs(level="info")
        PlantLog().write([PlantLine(level="warning", happened="hold", fields={"lot": LOT, "analyte": None})])
    finally:
        structlog.configure(**before)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["lot"], line["level"]) == ("hold", LOT, "warning")
    assert "analyte" not in line


# --- 3: what is parked is named


async def test_first_plant_03_the_log_names_the_topic_of_what_is_parked(tmp_path):
    class Writer:
        async def run(self, _work):
            return None

    drain = Drain(session=None, reader=None, writer=Writer(), line=None, present=None, clock=None,
                  listener=of_sending())  # fmt: skip
    message = Queued(seq=1, message_id="m-1", lane=Lane.EVIDENCE, topic="root/audit/head", payload=b"", retain=True,
                     expires=None, holds=True, again=False)  # fmt: skip
    with capture_logs() as lines:
        await drain.holding_back.park(message, "refused by the broker with reason code 0x87")
    assert (lines[0]["topic"], lines[0]["log_level"]) == ("root/audit/head", "error")


def test_first_plant_13_an_alarm_that_comes_and_goes_is_a_line_every_five_minutes_and_detail_in_between():
    seconds = [0.0]
    health = Health(line=line_of_tests(), monotonic=lambda: seconds[0])
    with capture_logs() as lines:
        for second in range(900):
            seconds[0] = float(second)
            health.condition("TAG_CLOCK_SKEW_PLC1", second % 2 == 0)
    told = [(line["log_level"], line["event"]) for line in lines if line["log_level"] != "debug"]
    assert told == [("error", "alarm"), ("info", "alarm is over")] * 3
    assert len(lines) == 900


def test_first_plant_13_an_alarm_that_comes_back_after_long_is_a_line_again():
    seconds = [0.0]
    health = Health(line=line_of_tests(), monotonic=lambda: seconds[0])
    with capture_logs() as lines:
        for at in (0.0, 3_600.0):
            seconds[0] = at
            health.condition("STORE_SPACE_LOW", True)
            health.condition("STORE_SPACE_LOW", False)
    assert [line["event"] for line in lines] == ["alarm", "alarm is over"] * 2
    assert not health.alarms
