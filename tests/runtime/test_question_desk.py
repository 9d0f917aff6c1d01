"""From the configuration to the desk: nothing of a language model is loaded unless it is wanted, with its secrets."""

import asyncio
import re
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

import gateway
from gateway.clock import SystemClock
from gateway.config.tables import Settings
from gateway.console.views.health import FigureView
from gateway.copilot.answers import Answer, Outcome
from gateway.copilot.ground import Asker
from gateway.copilot.record import phrasing_noted, question_answered
from gateway.errors import ConfigurationError
from gateway.ingest.event_queue import EventQueue
from gateway.operations.health import Health
from gateway.records.phrasing import Phrasing, PhrasingOutcome
from gateway.records.sight import EVERYTHING
from gateway.runtime.question_desk import question_desk
from gateway.store.audit.verifying import verify
from gateway.store.care.pruning import prune
from tests.copilot.model_server import chat, model_server
from tests.decisions.test_deviations import Plant
from tests.fixtures.building import line, moment

GATEWAY = Path(gateway.__file__).parent
SITE = {
    "site": {"enterprise": "a", "site": "b", "area": "c", "line": "d"},
    "mqtt": {"host": "127.0.0.1", "port": 9, "tls": False, "client_id": "bare"},
    "store": {"directory": "store"},
}
ANSWER = Answer(outcome=Outcome.ANSWERED, intent="open_guidance", language="en", text="Nothing is open.")


def ground(*, console=True, **copilot):
    settings = Settings.model_validate({**SITE, "copilot": copilot, **({"console": {}} if console else {})})
    return SimpleNamespace(settings=settings, inbox=EventQueue(), clock=SystemClock(), health=Health(line=line()))


async def finished(built, desk):
    """Return what goes out, with the question committed as soon as it is put."""
    asker = Asker(name="olga", known=True, sight=EVERYTHING)
    task = asyncio.create_task(desk.desk.finished("What is open?", ANSWER, asker, SystemClock().now()))
    async with asyncio.timeout(60):
        events = []
        while not task.done():
            taking = asyncio.create_task(built.inbox.take(most=1))
            await asyncio.wait({task, taking}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
                break
            (pending,) = taking.result()
            pending.committed()
            events.append(pending.event)
        return await task, events


async def test_an_answer_is_phrased_by_the_configured_server_with_its_secret(tmp_path, monkeypatch):
    (tmp_path / "copilot_phrasing_token").write_text("a-secret-of-the-server\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with model_server() as server:
        server.reply = lambda text, _handler: chat(text)
        built = ground(phrasing={"url": f"http://127.0.0.1:{server.port}/v1", "model": "m", "timeout": "20s"})
        desk = question_desk(built)
        answer, (question, asked, ended) = await finished(built, desk)
    assert (answer.answer.phrased.model, answer.event_id) == ("m", question.event_id)
    assert [item.phrasing.outcome.value for item in (asked, ended)] == ["asked", "shown"]
    assert asked.at.wall_ns <= ended.at.wall_ns
    ((path, headers, _document),) = server.requests
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer a-secret-of-the-server")
    figures = [FigureView(name=name, value=value, unit="") for name, value in desk.figures().items()]
    assert [(item.name, item.value) for item in figures] == [("phrasing shown", 1.0)]


async def test_three_failures_are_an_alarm_on_the_page_of_health():
    built = ground(phrasing={"url": "http://127.0.0.1:9/v1", "model": "m", "timeout": "20s"})
    desk = question_desk(built)
    for _ in range(4):
        answer, _events = await finished(built, desk)
        assert answer.answer == ANSWER
    assert "PHRASING_UNAVAILABLE" in built.health.degraded()
    assert desk.figures() == {"phrasing not_reached": 3.0}


@pytest.mark.parametrize(
    ("copilot", "console", "tokens"),
    [({}, True, False), ({"terminals": True}, True, True), ({"terminals": True}, False, False)],
)
def test_there_are_tokens_where_there_are_terminals_and_a_console(copilot, console, tokens):
    desk = question_desk(ground(console=console, **copilot))
    assert (desk.tokens is not None, desk.desk.phrase, desk.figures()) == (tokens, None, {})


def test_a_certificate_that_cannot_be_used_is_a_problem_of_the_configuration(tmp_path):
    table = {"url": "https://127.0.0.1:9/v1", "model": "m", "ca_certificate": str(tmp_path / "none.pem")}
    with pytest.raises(ConfigurationError) as refused:
        question_desk(ground(phrasing=table))
    assert refused.value.problems[0].key == "copilot.phrasing.certificate"


@pytest.mark.parametrize("room", ["runtime", "console", "copilot", "knowledge", "config"])
def test_nothing_loads_what_a_model_needs_before_it_is_wanted(room):
    own = {"phrasing.py", "embeddings.py", "phraser.py"}
    needs = re.compile(
        r"^(?:from|import) gateway\.(?:copilot\.phrasing|config\.(?:phrasing|embeddings)|knowledge\.wordpiece"
        r"|transport\.onnx_sentences)", re.MULTILINE,
    )  # fmt: skip
    files = [file for file in (GATEWAY / room).rglob("*.py") if file.name not in own]
    assert [file.name for file in files if needs.search(file.read_text(encoding="utf-8"))] == []


def test_what_a_model_was_asked_goes_by_age_and_an_edited_one_is_found(tmp_path):
    plant = Plant(tmp_path)
    asker = Asker(name="olga", known=True, sight=EVERYTHING)
    with closing(plant.connection) as connection:
        for number in range(3):
            plant.now_ns += 10**9
            phrasing = Phrasing(model="m", prompt_version="p/1", outcome=PhrasingOutcome.REFUSED, prompt=f"{number}",
                                reply="", why="status 500")  # fmt: skip
            question = question_answered("q", ANSWER, asker, moment(plant.now_ns))
            plant.commit(phrasing_noted(question, phrasing, moment(plant.now_ns)))
        connection.execute("BEGIN IMMEDIATE")
        assert prune(plant.now_ns, at_ns=plant.now_ns)(connection) == 2
        connection.execute("COMMIT")
        assert verify(tmp_path, line="", own_key=None).wrong == []
        assert plant.rows("SELECT prompt FROM phrasing_checked WHERE holds") == [("2",)]
        connection.execute("UPDATE phrasing SET reply = 'other'")
        assert plant.rows("SELECT prompt FROM phrasing_checked WHERE holds") == []
        assert verify(tmp_path, line="", own_key=None).wrong != []
