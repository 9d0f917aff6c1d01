"""Who has a token from the console asks at a terminal with their own rights; a token that does not hold is refused."""

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.copilot.desk import Desk
from gateway.copilot.options import CopilotOptions
from gateway.copilot.sentences import Sentence
from gateway.copilot.tokens import TerminalTokens, TokenRefusal
from gateway.knowledge.options import KnowledgeOptions
from gateway.people.terminal_tokens import proof_of, written
from gateway.records.sight import NOBODYS_CLIENT, Sights
from gateway.runtime.terminal_questions import TerminalQuestions
from tests.fixtures.console import PASSWORD
from tests.fixtures.console_on_lots import console_on_lots
from tests.runtime.test_terminal_questions import FakeSession, delivery

LINE = "acme/lyon/polymers/line-1"
SCRIPT = Path(__file__).parents[2] / "deploy" / "sign_question.py"


class Moved(SystemClock):
    """A clock that a test sets ahead."""

    ahead_ns = 0

    def now(self):
        now = super().now()
        return replace(now, boot_ns=now.boot_ns + self.ahead_ns)


@pytest.fixture
def clock():
    return Moved()


@pytest.fixture
def tokens(clock):
    return TerminalTokens(clock, life_seconds=900)


def issued(tokens, terminal="T-07", session="s", user_id="quality", line=LINE):
    return tokens.issue(user_id=user_id, session=session, terminal=terminal, line=line)


def taken(tokens, token, *, terminal="T-07", line=LINE, question_id="question-1", question="who?", proof=None):
    signed = proof_of(token.key, terminal=terminal, question_id=question_id or "", question=question)
    return tokens.taken(token.text, signed if proof is None else proof, terminal=terminal, line=line,
                        question_id=question_id, question=question)  # fmt: skip


def test_a_signed_question_with_a_token_is_taken_once(tokens):
    token = issued(tokens)
    assert taken(tokens, token).user_id == "quality"
    assert taken(tokens, token) is TokenRefusal.QUESTION_ID_USED
    assert taken(tokens, token, question="another?") is TokenRefusal.QUESTION_ID_USED
    assert taken(tokens, token, question_id="question-2").user_id == "quality"


def test_who_reads_the_messages_asks_nothing_with_them(tokens):
    token = issued(tokens)
    heard = proof_of(token.key, terminal="T-07", question_id="question-1", question="status of lot A")
    for changes in ({"question": "who released B"}, {"question_id": "question-2"}, {"proof": ""}, {"proof": "é" * 64}):
        assert taken(tokens, token, **{"proof": heard, **changes}) is TokenRefusal.TOKEN_PROOF_WRONG
    assert token.key not in token.text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"terminal": "T-08"}, TokenRefusal.TOKEN_OF_OTHER_TERMINAL),
        ({"line": "acme/lyon/polymers/line-2"}, TokenRefusal.TOKEN_OF_OTHER_TERMINAL),
        ({"question_id": None}, TokenRefusal.QUESTION_ID_NEEDED),
        ({"question_id": "short"}, TokenRefusal.QUESTION_ID_NEEDED),
    ],
)
def test_a_token_is_of_one_terminal_and_line_and_wants_an_id(tokens, changes, why):
    assert taken(tokens, issued(tokens), **changes) is why


def test_a_token_ends_with_its_time_with_a_newer_one_and_with_the_process(tokens, clock):
    old = issued(tokens)
    new = issued(tokens)
    assert taken(tokens, old) is TokenRefusal.TOKEN_EXPIRED
    clock.ahead_ns = 901 * 10**9
    assert taken(tokens, new) is TokenRefusal.TOKEN_EXPIRED
    assert taken(TerminalTokens(clock, life_seconds=900), new) is TokenRefusal.TOKEN_UNKNOWN


def test_a_token_that_was_changed_is_none(tokens):
    token = issued(tokens)
    name, code = token.text.split(".")
    for text in ("", ".", "a.b", name, f"{name}.", f"{name}.{code}x", f"{name[:-1]}.{code}", f"x{token.text}", "é.é",
                 "x" * 3000, written(b"k" * 32, name), f"{token.text}.x"):  # fmt: skip
        assert tokens.taken(text, "", terminal="T-07", line=LINE, question_id="question-1", question="q") is (
            TokenRefusal.TOKEN_UNKNOWN
        )


def test_there_are_never_more_tokens_and_questions_than_so_many(tokens):
    first = issued(tokens, "T-first")
    for number in range(500):
        issued(tokens, f"T-{number}", user_id=f"user-{number}")
    assert len(tokens._live) == 500
    assert taken(tokens, first, terminal="T-first") is TokenRefusal.TOKEN_EXPIRED
    last = issued(tokens)
    for number in range(500):
        assert taken(tokens, last, question_id=f"question-{number}").user_id == "quality"
    assert taken(tokens, last, question_id="question-x") is TokenRefusal.TOKEN_USED_UP


def test_one_person_has_few_tokens_and_pushes_out_nobody_elses(tokens):
    other = issued(tokens, user_id="olga")
    own = [issued(tokens, f"T-{number}") for number in range(6)]
    assert taken(tokens, own[0], terminal="T-0") is TokenRefusal.TOKEN_EXPIRED
    assert taken(tokens, own[1], terminal="T-1").user_id == "quality"
    assert taken(tokens, other).user_id == "olga"


def test_every_refusal_has_its_sentence():
    assert set(TokenRefusal) <= set(Sentence)


# --- from the console to the terminal -------------------------------------------------------------------------------


def _with_a_client(plant):
    plant.context("lot_started", material_lot_id="LOT-C", client_id="Carl", job_order_id="WO-9", equipment_id="R2")


@asynccontextmanager
async def at_terminal(served, line, tokens, recorded):
    async def on_record(event):
        recorded.append(event)
        return True

    session = FakeSession()
    line = replace(line, sights=Sights(of_users={"operator": NOBODYS_CLIENT}))
    questions = TerminalQuestions(
        served.directory, lambda: line, knowledge=KnowledgeOptions(),
        clock=served.clock, copilot=CopilotOptions(terminals=True), desk=Desk(on_record=on_record), tokens=tokens,
    )  # fmt: skip
    questions.session = session
    task = asyncio.create_task(questions.run())

    async def ask(text, token=None, terminal="T-07", question_id="question-1", **changes):
        message = {"question": text, "id": question_id}
        if token is not None:
            key = token["key"]
            proof = proof_of(key, terminal=terminal, question_id=question_id, question=text)
            message |= {"token": token["token"], "proof": proof}
        count = len(session.sent)
        questions.take(delivery(json.dumps(message | changes).encode(), terminal))
        return (await session.until(count + 1))[-1]

    try:
        yield ask
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_person_asks_at_a_terminal_with_their_own_rights_until_they_sign_out(tmp_path, monkeypatch):
    clock, recorded = SystemClock(), []
    tokens = TerminalTokens(clock, life_seconds=900)
    monkeypatch.setattr("gateway.console.terminal_tokens._PER_SECOND", 0.0)  # so that no time passes for a person
    async with console_on_lots(tmp_path, monkeypatch, before=_with_a_client, tokens=tokens) as served:
        quality, operator = served.browser(), served.browser()
        await quality.sign_in("quality", PASSWORD)
        await operator.sign_in("operator", PASSWORD)
        tokens_of = [(await browser.post("/api/ask/token", {"terminal": "T-07"})).document for browser in
                     (quality, operator)]  # fmt: skip
        assert (await served.browser().post("/api/ask/token", {"terminal": "T-07"})).status == 401
        other = served.browser()
        await other.sign_in("viewer", PASSWORD)
        statuses = [(await other.post("/api/ask/token", {"terminal": "T-09"})).status for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        async with at_terminal(served, served.line, tokens, recorded) as ask:
            assert (await ask("status of lot LOT-C"))["outcome"] == "nothing_on_record"  # a guest
            assert (await ask("status of lot LOT-C", tokens_of[0]))["outcome"] == "answered"
            assert (await ask("status of lot LOT-C", tokens_of[1]))["outcome"] == "nothing_on_record"
            assert (await ask("who released BAD"))["outcome"] == "not_for_you"
            decided = await ask("who released BAD", tokens_of[0], question_id="question-2")
            assert decided["outcome"] == "answered"
            again = await ask("who released BAD", tokens_of[0], question_id="question-2")
            assert (again["outcome"], again["facts"], again["sources"]) == ("token_refused", [], [])
            forged = await ask("who released BAD", tokens_of[0], question_id="question-3", proof="0" * 64)
            assert (forged["outcome"], forged["text"]) == (
                "token_refused",
                "The question is not signed by the token's key.",
            )
            elsewhere = await ask("who released BAD", tokens_of[0], terminal="T-08", question_id="question-4")
            assert elsewhere["outcome"] == "token_refused"
            await quality.ask("DELETE", "/session")
            ended = await ask("who released BAD", tokens_of[0], question_id="question-5")
            assert (ended["outcome"], "signed out" in ended["text"]) == ("token_refused", True)
    shown = [(event.who, event.known, event.outcome) for event in recorded]
    assert shown[1] == ("quality", True, "answered")
    assert shown[2] == ("operator", True, "nothing_on_record")
    assert [event for event in recorded if event.outcome == "token_refused" and event.known] == []
    assert len(recorded) == 9
    with closing(served.read_state()) as state:
        given = [
            tuple(row) for row in state.execute("SELECT subject, body FROM audit WHERE kind = 'terminal_token_issued'")
        ]
    assert given[:2] == [("quality", '{"terminal":"T-07"}'), ("operator", '{"terminal":"T-07"}')]
    assert given[2:] == [("viewer", '{"terminal":"T-09"}')] * 5


async def test_where_terminals_are_not_answered_there_are_no_tokens(tmp_path, monkeypatch):
    async with console_on_lots(tmp_path, monkeypatch) as served:
        browser = served.browser()
        await browser.sign_in("quality", PASSWORD)
        answer = await browser.post("/api/ask/token", {"terminal": "T-07"})
        assert (answer.status, answer.document["code"]) == (404, "NO_TERMINALS")
        async with at_terminal(served, served.line, None, []) as ask:
            assert (await ask("status of lot BAD", {"token": "a.b", "key": "00"}))["outcome"] == "token_refused"


def test_the_example_of_a_terminal_signs_what_is_taken(tokens):
    token = issued(tokens)
    told = subprocess.run(
        [sys.executable, SCRIPT, "--terminal", "T-07", "Wer hat's ä"], check=True, capture_output=True,
        env={"LABLINE_TERMINAL_TOKEN": token.text, "LABLINE_TERMINAL_KEY": token.key, "PYTHONUTF8": "1"},
    )  # fmt: skip
    message = json.loads(told.stdout)
    assert tokens.taken(message["token"], message["proof"], terminal="T-07", line=LINE, question_id=message["id"],
                        question=message["question"]).user_id == "quality"  # fmt: skip
