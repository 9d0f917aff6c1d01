"""Responses of terminals: who answers is known by a signed token, and every one that must not count is refused."""

import base64
import json
import runpy
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract.response_tokens import LONGEST_TOKEN, compact, read_token, signature_holds, signing_input
from gateway.decisions.refused_responses import MOST_IN_PERIOD, PERIOD_NS
from gateway.decisions.response import MOST_OF_A_KEY
from gateway.line.definition import Stage
from gateway.records.setpoints import ALL_WRITES
from gateway.records.sight import Sight, Sights
from gateway.records.user_acts import AddUser, ChangeUser, RevokeKey
from gateway.records.users import Role
from gateway.time_units import SECOND_NS
from tests.fixtures.building import assignment, line
from tests.fixtures.store_bench import Bench, viscosity
from tests.fixtures.terminals import NONCE, Terminal, new_key, signed

SAMPLE = Path(__file__).parents[2] / "deploy" / "sign_response.py"


def suggesting(tmp_path, *, stage=Stage.APPROVE):
    """A line with one suggestion and one warning, an operator and a quality user."""
    bench = Bench(tmp_path)
    bench.line = line(models=(assignment(stage=stage),))
    bench.order()
    bench.model_due(81.0, setpoint=81.0)
    for user_id, role in (("a.miller", Role.OPERATOR), ("v.weiss", Role.VIEWER), ("q.smith", Role.QUALITY)):
        bench.act(AddUser(user_id=user_id, full_name=user_id.title(), roles=(role,)))
    return bench


@pytest.fixture
def bench(tmp_path):
    bench = suggesting(tmp_path)
    with closing(bench.connection):
        yield bench


@pytest.fixture
def terminal(bench):
    return Terminal(bench, "a.miller")


def open_of(bench, kind="setpoint"):
    return next(item["id"] for item in bench.sent("guidance") if item["kind"] == kind)


def state_of(bench, guidance_id):
    return bench.rows("SELECT state FROM guidance WHERE guidance_id = ?", guidance_id)[0][0]


def trail(bench, kind):
    rows = bench.connection.execute("SELECT body FROM audit WHERE kind = ? ORDER BY seq", (kind,))
    return [json.loads(body) for (body,) in rows]


# --- what counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "outcome", "state"),
    [
        ("acknowledge", "ACKNOWLEDGED", "acknowledged"),
        ("approve", "APPROVED", "approved"),
        ("reject", "REJECTED", "rejected"),
    ],
)
def test_a_signed_answer_counts_and_names_the_user_wherever_it_is_kept(bench, terminal, act, outcome, state):
    answered = terminal.answer(open_of(bench), act)
    assert (answered["outcome"], answered["state"]) == (outcome, state)
    assert (answered["person"], answered["identified"]) == ("A.Miller", True)
    (entry,) = trail(bench, "response")
    assert {name: entry[name] for name in ("person", "user", "identified", "credential", "key", "reason")} == {
        "person": "A.Miller", "user": "a.miller", "identified": True, "credential": "signed_token",
        "key": terminal.key_id, "reason": "seen",
    }  # fmt: skip
    columns = "person, user_id, credential, key_id, nonce, outcome"
    assert bench.rows(f"SELECT {columns} FROM response_checked WHERE holds") == [
        ("A.Miller", "a.miller", "signed_token", terminal.key_id, NONCE, outcome)
    ]


def test_the_name_beside_a_token_counts_for_nothing(bench, terminal):
    guidance_id = open_of(bench)
    token = terminal.token(guidance_id, "acknowledge")
    answered = terminal.send(guidance_id, "acknowledge", person="Q. Head", reason="not signed", token=token)
    assert answered["person"] == "A.Miller"
    assert trail(bench, "response")[0]["reason"] == "seen"


def test_without_a_token_a_response_acknowledges_and_its_name_is_only_stated(bench, terminal):
    answered = terminal.send(open_of(bench), "acknowledge", person="A.Miller")
    assert (answered["outcome"], answered["person"], answered["identified"]) == ("ACKNOWLEDGED", "A.Miller", False)
    (entry,) = trail(bench, "response")
    assert (entry["identified"], entry["user"], entry["credential"]) == (False, None, None)


# --- what is refused ------------------------------------------------------------------------------------------


def altered(terminal, guidance_id):
    """Return a token whose claims another hand has changed."""
    header, _claims, signature = terminal.token(guidance_id, "acknowledge").split(".")
    claims = base64.urlsafe_b64encode(json.dumps(terminal.claims(guidance_id, "approve")).encode()).rstrip(b"=")
    return f"{header}.{claims.decode()}.{signature}"


def by_hand(header, claims, key=None):
    """Return a token of any header and claims, signed by a key, else by nobody."""
    first, second = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    content = b".".join((first, second))
    signature = b"" if key is None else key.private_key.sign(content)
    return compact(content, signature)


def seconds(bench, offset):
    return bench.now_ns // SECOND_NS + offset


# what is wrong: (outcome, how the approval of the suggestion is sent)
REFUSED = {
    "unsigned": ("TOKEN_REQUIRED", lambda _b, _t, _g: {}),
    "unsigned, with a name": ("TOKEN_REQUIRED", lambda _b, _t, _g: {"person": "Q. Head"}),
    "empty": ("TOKEN_UNREADABLE", lambda _b, _t, _g: {"token": ""}),
    "no text": ("TOKEN_UNREADABLE", lambda _b, _t, _g: {"token": {"a": 1}}),
    "oversized": ("TOKEN_UNREADABLE", lambda _b, t, g: {
        "token": t.token(g, "approve", reason="x" * 250) + "A" * 2000}),
    "not ASCII": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": "é" + t.token(g, "approve")}),
    "four parts": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": t.token(g, "approve") + ".e30"}),
    "padded": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": t.token(g, "approve") + "="}),
    "alg none": ("TOKEN_UNREADABLE", lambda _b, t, g: {
        "token": by_hand({"alg": "none", "kid": t.key_id}, t.claims(g, "approve"))}),
    "alg HS256 with the public key": ("TOKEN_UNREADABLE", lambda _b, t, g: {
        "token": by_hand({"alg": "HS256", "kid": t.key_id}, t.claims(g, "approve"), t.key)}),
    "crit": ("TOKEN_UNREADABLE", lambda _b, t, g: {
        "token": by_hand({"alg": "EdDSA", "kid": t.key_id, "crit": ["exp"]}, t.claims(g, "approve"), t.key)}),
    "a key in the header": ("TOKEN_UNREADABLE", lambda _b, t, g: {
        "token": by_hand({"alg": "EdDSA", "kid": t.key_id, "jwk": {}}, t.claims(g, "approve"), t.key)}),
    "not before": ("TOKEN_UNREADABLE", lambda b, t, g: {"token": t.token(g, "approve", nbf=seconds(b, 100))}),
    "a claim twice": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": signed(
        t.key, {"alg": "EdDSA", "kid": t.key_id}, json.dumps(t.claims(g, "approve"))[:-1].encode() + b', "exp": 9}')}),
    "no nonce": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": t.token(g, "approve", jti=...)}),
    "a short nonce": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": t.token(g, "approve", jti="1")}),
    "no line": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": t.token(g, "approve", aud=...)}),
    "no end": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": t.token(g, "approve", exp=...)}),
    "an end in words": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": t.token(g, "approve", exp="tomorrow")}),
    "an end that is true": ("TOKEN_UNREADABLE", lambda _b, t, g: {"token": t.token(g, "approve", exp=True)}),
    "an end before its begin": ("TOKEN_UNREADABLE", lambda b, t, g: {
        "token": t.token(g, "approve", exp=seconds(b, -1))}),
    "unknown key": ("TOKEN_KEY_UNKNOWN", lambda _b, t, g: {"token": t.token(g, "approve", header={"kid": "K-9"})}),
    "altered": ("TOKEN_SIGNATURE_WRONG", lambda _b, t, g: {"token": altered(t, g)}),
    "wrong key": ("TOKEN_SIGNATURE_WRONG", lambda _b, t, g: {"token": t.token(g, "approve", key=new_key())}),
    "another line": ("TOKEN_OF_OTHER_LINE", lambda _b, t, g: {
        "token": t.token(g, "approve", aud="acme/lyon/polymers/line-2/quality")}),
    "another terminal": ("TOKEN_OF_OTHER_TERMINAL", lambda _b, t, g: {
        "token": t.token(g, "approve", terminal="T-08")}),
    "another guidance": ("TOKEN_OF_OTHER_GUIDANCE", lambda b, t, _g: {
        "token": t.token(open_of(b, "warning"), "approve")}),
    "another act": ("TOKEN_OF_OTHER_ACT", lambda _b, t, g: {"token": t.token(g, "acknowledge")}),
    "from the future": ("TOKEN_FROM_THE_FUTURE", lambda b, t, g: {
        "token": t.token(g, "approve", iat=seconds(b, 61), exp=seconds(b, 120))}),
    "valid too long": ("TOKEN_VALID_TOO_LONG", lambda b, t, g: {
        "token": t.token(g, "approve", exp=seconds(b, 301))}),
    "expired": ("TOKEN_EXPIRED", lambda b, t, g: {
        "token": t.token(g, "approve", iat=seconds(b, -120), exp=seconds(b, 0))}),
}  # fmt: skip


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_must_not_count_is_refused_with_its_own_code_told_and_kept_in_the_trail(bench, terminal, wrong):
    outcome, fields = REFUSED[wrong]
    guidance_id = open_of(bench)
    answered = terminal.send(guidance_id, "approve", **fields(bench, terminal, guidance_id))
    assert (answered["outcome"], answered["state"], answered["identified"]) == (outcome, "proposed", False)
    assert answered["text"].endswith(".")
    assert state_of(bench, guidance_id) == "proposed"
    (entry,) = trail(bench, "response")
    assert (entry["outcome"], entry["user"]) == (outcome, None)
    # and it stands in nobody's way
    assert terminal.answer(guidance_id, "approve")["outcome"] == "APPROVED"


def revoked(bench, terminal):
    bench.act(RevokeKey(key_id=terminal.key_id))


def disabled(bench, _terminal):
    bench.act(ChangeUser(user_id="a.miller", disabled=True))


def demoted_to_viewer(bench, _terminal):
    bench.act(ChangeUser(user_id="a.miller", roles=(Role.VIEWER,)))


def too_late(bench, _terminal):
    bench.wait(601)


def answered_already(bench, terminal):
    Terminal(bench, "a.miller", name="T-99").answer(open_of(bench), "reject")


@pytest.mark.parametrize(
    ("meanwhile", "outcome"),
    [
        (revoked, "TOKEN_KEY_REVOKED"),
        (disabled, "TOKEN_USER_DISABLED"),
        (demoted_to_viewer, "ROLE_NOT_ENTITLED"),
        (answered_already, "NOT_POSSIBLE_WHEN_REJECTED"),
    ],
)
def test_what_has_changed_since_it_was_signed_counts(bench, terminal, meanwhile, outcome):
    guidance_id = open_of(bench)
    token = terminal.token(guidance_id, "approve")
    meanwhile(bench, terminal)
    assert terminal.send(guidance_id, "approve", token=token)["outcome"] == outcome
    assert state_of(bench, guidance_id) != "approved"
    assert trail(bench, "response")[-1]["outcome"] == outcome


def test_a_fresh_token_for_guidance_that_has_expired_is_too_late(bench, terminal):
    too_late(bench, terminal)
    assert terminal.answer(open_of(bench), "approve")["outcome"] == "EXPIRED"


@pytest.mark.parametrize("user_id", ["v.weiss", "q.smith"])
def test_who_is_not_of_the_role_approves_and_rejects_no_move(bench, user_id):
    for number, act in enumerate(("approve", "reject")):
        answered = Terminal(bench, user_id, name=f"T-{number}").answer(open_of(bench), act)
        assert (answered["outcome"], answered["state"]) == ("ROLE_NOT_ENTITLED", "proposed")


def test_a_rejection_needs_a_reason_and_only_a_signed_one_counts(bench, terminal):
    guidance_id = open_of(bench)
    token = terminal.token(guidance_id, "reject", reason=" ")
    assert terminal.send(guidance_id, "reject", token=token, reason="unsigned")["outcome"] == "REASON_REQUIRED"
    assert terminal.answer(guidance_id, "reject", jti=NONCE + "2")["outcome"] == "REJECTED"


@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.ADVISE])
def test_nothing_is_approved_below_the_stage_approve(tmp_path, stage):
    bench = suggesting(tmp_path, stage=Stage.ADVISE)
    with closing(bench.connection):
        terminal, guidance_id = Terminal(bench, "a.miller"), open_of(bench)
        bench.line = line(models=(assignment(stage=stage),))
        wanted = "STAGE_TOO_LOW" if stage is Stage.ADVISE else "NO_LONGER_ADVISED"
        assert terminal.answer(guidance_id, "approve")["outcome"] == wanted
        assert state_of(bench, guidance_id) != "approved"


def test_a_hold_is_only_acknowledged_whoever_signs(bench, terminal):
    bench.result(viscosity(120.0))
    hold = open_of(bench, "hold")
    for number, act in enumerate(("approve", "reject")):
        assert terminal.answer(hold, act, jti=f"{NONCE}{number}")["outcome"] == "SIGNATURE_REQUIRED"
    assert terminal.answer(hold, "acknowledge")["outcome"] == "ACKNOWLEDGED"


def test_a_warning_has_no_move_to_approve(bench, terminal):
    assert terminal.answer(open_of(bench, "warning"), "approve")["outcome"] == "NOTHING_TO_APPROVE"


def test_guidance_about_a_lot_that_the_user_does_not_see_is_answered_as_one_that_is_not_there(bench, terminal):
    bench.context("lot_started", material_lot_id="LOT/1", client_id="Zeta", job_order_id="WO-1", equipment_id="R1")
    sights = Sights(of_users={"a.miller": Sight(clients=frozenset({"Carl"}))})
    bench.line = replace(bench.line, sights=sights)
    guidance_id = open_of(bench)
    assert terminal.answer(guidance_id, "approve")["outcome"] == "UNKNOWN_GUIDANCE"
    assert state_of(bench, guidance_id) == "proposed"
    stop = terminal.answer(ALL_WRITES, "reject", jti=f"{NONCE}9", reason="it smokes")
    assert stop["outcome"] != "UNKNOWN_GUIDANCE"


# --- once -----------------------------------------------------------------------------------------------------


def test_a_token_is_taken_once_however_it_is_sent_again(bench, terminal):
    guidance_id = open_of(bench)
    token = terminal.token(guidance_id, "acknowledge")
    assert terminal.send(guidance_id, "acknowledge", token=token)["outcome"] == "ACKNOWLEDGED"
    assert terminal.send(guidance_id, "acknowledge", token=token)["outcome"] == "TOKEN_USED_BEFORE"
    other = Terminal(bench, "a.miller", name="T-08")
    assert other.send(guidance_id, "acknowledge", token=token)["outcome"] == "TOKEN_OF_OTHER_TERMINAL"
    again = terminal.answer(guidance_id, "approve")  # the same nonce in another token
    assert (again["outcome"], again["state"]) == ("TOKEN_USED_BEFORE", "acknowledged")


def test_a_token_that_changed_nothing_is_used_up_all_the_same(bench, terminal):
    guidance_id = open_of(bench)
    bench.line = line(models=(assignment(stage=Stage.ADVISE),))
    token = terminal.token(guidance_id, "approve")
    assert terminal.send(guidance_id, "approve", token=token)["outcome"] == "STAGE_TOO_LOW"
    bench.line = line(models=(assignment(stage=Stage.APPROVE),))
    assert terminal.send(guidance_id, "approve", token=token)["outcome"] == "TOKEN_USED_BEFORE"


@pytest.mark.parametrize("redelivered", [True, False])
def test_a_message_that_the_broker_or_the_terminal_sends_again_keeps_its_first_outcome(bench, terminal, redelivered):
    guidance_id = open_of(bench)
    payload = json.dumps({"id": "r", "guidance_id": guidance_id, "act": "approve", "terminal": "T-07",
                          "token": terminal.token(guidance_id, "approve")}).encode()  # fmt: skip
    first = terminal.deliver(payload, number=7)
    lines = len(trail(bench, "response"))
    assert first["outcome"] == "APPROVED"
    assert terminal.deliver(payload, redelivered=redelivered, number=7) is None
    assert len(trail(bench, "response")) == lines
    assert [item["outcome"] for item in bench.sent("outcome")] == ["APPROVED"]


def test_two_people_answer_at_once_and_the_second_is_told_who_was_first(bench, terminal):
    bench.act(AddUser(user_id="s.jones", full_name="S. Jones", roles=(Role.SUPERVISOR,)))
    second = Terminal(bench, "s.jones", name="T-08")
    guidance_id = open_of(bench)
    assert terminal.answer(guidance_id, "approve")["answered_before"] is None
    late = second.answer(guidance_id, "approve")
    assert (late["outcome"], late["state"]) == ("ALREADY_SO", "approved")
    assert "A.Miller has approved it" in late["text"]
    before = late["answered_before"]
    assert (before["person"], before["act"], before["identified"]) == ("A.Miller", "approve", True)


# --- guests ---------------------------------------------------------------------------------------------------


def rows_of(bench):
    tables = ("event", "response", "dead_letter", "audit", "outbox")
    return {name: bench.rows(f"SELECT count(*) FROM {name}")[0][0] for name in tables}


@pytest.mark.parametrize("garbage", ["no JSON", "unsigned approval", "bad token", "no such guidance", "one id"])
def test_a_guest_who_sends_garbage_for_hours_fills_neither_store_nor_trail_nor_outbox(bench, terminal, garbage):
    guidance_id = open_of(bench)
    send = {
        "no JSON": lambda number: terminal.deliver(b"garbage %d" % number),
        "unsigned approval": lambda _number: terminal.send(guidance_id, "approve", person="x"),
        "bad token": lambda number: terminal.send(guidance_id, "approve", token=f"x{number}"),
        "no such guidance": lambda number: terminal.send(f"G-{number}", "acknowledge"),
        "one id": lambda number: terminal.deliver(json.dumps(
            {"id": "r", "guidance_id": guidance_id, "act": "approve", "terminal": "T-07", "person": str(number)}
        ).encode()),
    }[garbage]  # fmt: skip
    before = rows_of(bench)
    for number in range(3 * MOST_IN_PERIOD):
        send(number)
    after = rows_of(bench)
    assert all(after[name] - before[name] <= MOST_IN_PERIOD + 1 for name in after), (before, after)
    assert len(trail(bench, "responses_only_counted")) == 1
    # whoever is identified gets through all the same, and is told
    assert terminal.answer(guidance_id, "approve")["outcome"] == "APPROVED"
    bench.now_ns += PERIOD_NS
    send(10**6)
    assert [entry["number"] for entry in trail(bench, "responses_counted")] == [2 * MOST_IN_PERIOD]


def test_a_plain_acknowledgement_gets_through_while_a_guest_floods(bench, terminal):
    for number in range(2 * MOST_IN_PERIOD):
        terminal.deliver(b"garbage %d" % number)
    assert terminal.send(open_of(bench), "acknowledge")["outcome"] == "ACKNOWLEDGED"


def test_a_terminal_that_repeats_itself_endlessly_is_stopped(bench, terminal):
    guidance_id = open_of(bench)
    outcomes = [terminal.answer(guidance_id, "acknowledge", jti=f"{NONCE}{number}")["outcome"]
                for number in range(MOST_OF_A_KEY + 1)]  # fmt: skip
    assert outcomes[-1] == "TOO_MANY_RESPONSES"
    assert outcomes.count("TOO_MANY_RESPONSES") == 1
    bench.wait(301)
    assert terminal.answer(guidance_id, "acknowledge", jti=f"{NONCE}z")["outcome"] == "ALREADY_SO"


FORGED = st.fixed_dictionaries(
    {
        "act": st.sampled_from(["acknowledge", "approve", "reject", "APPROVE", "", None, 1]),
        "person": st.sampled_from(["A.Miller", "Q. Head", "", None]),
        "reason": st.sampled_from(["because", "", None, "'; DROP TABLE response; --"]),
    },
    optional={
        "token": st.sampled_from(["none", "other key", "no alg", "of another", "cut", "two"]),
        "guidance": st.sampled_from(["setpoint", "warning", "setpoint-writes", "G"]),
    },
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(FORGED, max_size=8))
def test_whatever_a_guest_sends_nothing_goes_further_than_acknowledged_and_no_answer_is_anybodys(bench, terminal, sent):
    ids = {kind: open_of(bench, kind) for kind in ("setpoint", "warning")}
    for number, forged in enumerate(sent):
        wanted = forged.get("guidance", "setpoint")
        guidance_id, act = ids.get(wanted, wanted), forged["act"]
        real = terminal.token(guidance_id, act)
        token = {
            "none": None, "other key": terminal.token(guidance_id, act, key=new_key()), "cut": real[:-2],
            "no alg": by_hand({"alg": "none", "kid": terminal.key_id}, terminal.claims(guidance_id, act)),
            "of another": terminal.token("G-9", "acknowledge", jti=f"{NONCE}{number}"), "two": f"{real}.{real}",
        }[forged.get("token", "none")]  # fmt: skip
        terminal.send(guidance_id, act, person=forged["person"], reason=forged["reason"], token=token)
    assert {state_of(bench, guidance_id) for guidance_id in ids.values()} <= {"proposed", "acknowledged"}
    assert bench.rows("SELECT count(*) FROM response WHERE user_id IS NOT NULL") == [(0,)]
    assert bench.rows("SELECT count(*) FROM setpoint_intent") == [(0,)]
    assert bench.rows("SELECT count(*) FROM setpoint_stop") == [(0,)]


# --- the reader -----------------------------------------------------------------------------------------------


KEY = new_key()
CLAIMS = {"guidance_id": "g", "act": "approve", "reason": "r", "terminal": "T", "aud": "a/b", "iat": 1_700_000_000,
          "exp": 1_700_000_100, "jti": NONCE}  # fmt: skip


def test_what_the_gateway_makes_and_what_joserfc_makes_is_read_alike():
    content = signing_input(CLAIMS, key_id="k")
    ours = read_token(compact(content, KEY.private_key.sign(content)))
    theirs = read_token(signed(KEY, {"alg": "EdDSA", "kid": "k"}, CLAIMS))
    for token in (ours, theirs):
        assert (token.guidance_id, token.nonce, token.expires_ns) == ("g", NONCE, 1_700_000_100 * SECOND_NS)
        assert signature_holds(token, KEY.public_key.public_bytes_raw().hex())
        assert not signature_holds(token, new_key().public_key.public_bytes_raw().hex())
        assert not signature_holds(token, "no key")


def test_the_sample_terminal_of_the_deployment_signs_what_counts(bench, tmp_path, monkeypatch, capsys):
    terminal, guidance_id = Terminal(bench, "a.miller"), open_of(bench)
    monkeypatch.setattr(time, "time", lambda: bench.now_ns / SECOND_NS)
    pem = tmp_path / "T-07.pem"
    pem.write_bytes(terminal.key.as_pem(private=True))
    options = {"key": pem, "kid": terminal.key_id, "root": bench.line.topic_root, "terminal": "T-07",
               "guidance": guidance_id, "act": "approve", "reason": "as suggested"}  # fmt: skip
    monkeypatch.setattr(
        sys, "argv", ["sign", *(str(word) for name in options for word in (f"--{name}", options[name]))]
    )
    runpy.run_path(str(SAMPLE), run_name="__main__")
    answered = terminal.deliver(capsys.readouterr().out.encode())
    assert (answered["outcome"], answered["person"]) == ("APPROVED", "A.Miller")


@given(st.text(max_size=LONGEST_TOKEN + 10) | st.from_regex(r"[\w-]{1,40}\.[\w-]{1,200}\.[\w-]{86}", fullmatch=True))
def test_no_text_makes_the_reader_fail(text):
    assert read_token(text) is None


@settings(max_examples=60)
@given(st.data())
def test_no_change_of_a_single_character_leaves_a_valid_token(data):
    token = signed(KEY, {"alg": "EdDSA", "kid": "k"}, CLAIMS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_.=").filter(lambda character: character != token[place]))
    read = read_token(token[:place] + other + token[place + 1 :])
    assert read is None or not signature_holds(read, KEY.public_key.public_bytes_raw().hex())


# --- all writing ----------------------------------------------------------------------------------------------


def stops(bench):
    return bench.rows("SELECT stopped, person, reason FROM setpoint_stop")


def test_a_signed_rejection_of_all_writing_stops_it(bench, terminal):
    answered = terminal.answer("setpoint-writes", "reject")
    assert (answered["outcome"], stops(bench)) == ("REJECTED", [(1, "A.Miller", "seen")])
    (entry,) = trail(bench, "writes_stopped")
    assert (entry["user"], entry["credential"]) == ("a.miller", "signed_token")


def test_nobody_else_and_nothing_else_stops_all_writing(bench, terminal):
    assert terminal.send("setpoint-writes", "reject", person="A.Miller", reason="x")["outcome"] == "TOKEN_REQUIRED"
    assert Terminal(bench, "v.weiss", name="T-08").answer("setpoint-writes", "reject")["outcome"] == "ROLE_NOT_ENTITLED"
    assert stops(bench) == []
