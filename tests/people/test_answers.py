"""Users answer guidance by a command or at the console: by the same rules as at a terminal."""

import json
from contextlib import closing
from dataclasses import replace
from itertools import product

import pytest

from gateway.advice.lifecycle import respond
from gateway.line.definition import Stage
from gateway.people.answers import ANSWERS, may_answer, roles_for
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, AnswerGuidance
from gateway.records.guidance import GuidanceKind
from gateway.records.people import EFFECTIVE, Act, Answerer, Response
from gateway.records.signatures import SignaturePolicy
from gateway.records.user_acts import AddUser
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.queries.guidance import answers_to
from gateway.store.queries.tracing import trace
from gateway.time_units import SECOND_NS
from tests.advice.test_lifecycle import guidance
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.acting import acting
from tests.fixtures.building import NOW_NS, assignment, line, moment
from tests.fixtures.commands import labline
from tests.fixtures.store_bench import Bench, viscosity
from tests.fixtures.terminals import Terminal

ON_THE_LINE = {Role.OPERATOR, Role.SUPERVISOR, Role.QUALITY, Role.ENGINEER}
MOVERS = {Role.OPERATOR, Role.SUPERVISOR, Role.ENGINEER}


@pytest.fixture
def bench(tmp_path):
    """A suggestion in stage approve, and a user of each role, named after it."""
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.line = line(models=(assignment(stage=Stage.APPROVE),))
        bench.order()
        bench.model_due(81.0, setpoint=81.0)
        for role in Role:
            bench.act(AddUser(user_id=role.value, full_name=role.value.title(), roles=(role,)))
        yield bench


def by(user_id, kind=CredentialKind.SESSION):
    return Credential(kind=kind, subject=user_id)


def open_of(bench, kind="setpoint"):
    return next(item["id"] for item in bench.sent("guidance") if item["kind"] == kind)


def answer(bench, user_id, act, *, of=None, reason="VR-1", kind=CredentialKind.SESSION):
    bench.now_ns += SECOND_NS
    asked = AnswerGuidance(guidance_id=of or open_of(bench), answer=Act(act))
    return bench.act(asked, credential=by(user_id, kind), reason=reason)


def state_of(bench, guidance_id):
    return bench.rows("SELECT state FROM guidance WHERE guidance_id = ?", guidance_id)[0][0]


def trail(bench, kind):
    rows = bench.connection.execute("SELECT body FROM audit WHERE kind = ? ORDER BY seq", (kind,))
    return [json.loads(body) for (body,) in rows]


# --- who may ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "act", "required", "roles"),
    [
        *((kind, Act.ACKNOWLEDGE, "operator", ON_THE_LINE) for kind in GuidanceKind),
        (GuidanceKind.SETPOINT, Act.APPROVE, "operator", MOVERS),
        (GuidanceKind.SETPOINT, Act.APPROVE, "supervisor", {Role.SUPERVISOR, Role.ENGINEER}),
        (GuidanceKind.SETPOINT, Act.APPROVE, "engineer", {Role.ENGINEER}),
        (GuidanceKind.SETPOINT, Act.APPROVE, "somebody", set()),
        (GuidanceKind.SETPOINT, Act.REJECT, "operator", MOVERS),
        (GuidanceKind.WARNING, Act.REJECT, "operator", ON_THE_LINE),
        (GuidanceKind.INSTRUCTION, Act.REJECT, "operator", ON_THE_LINE),
        (GuidanceKind.REVIEW, Act.REJECT, "quality", {Role.SUPERVISOR, Role.QUALITY}),
        (GuidanceKind.RELEASE, Act.REJECT, "quality", {Role.SUPERVISOR, Role.QUALITY}),
        *((GuidanceKind.HOLD, act, "quality", set()) for act in (Act.APPROVE, Act.REJECT)),
        *((kind, Act.APPROVE, "operator", set()) for kind in GuidanceKind if kind is not GuidanceKind.SETPOINT),
    ],
)
def test_the_roles_that_may_give_an_answer(kind, act, required, roles):
    assert roles_for(kind, act, required=required) == roles


def test_neither_viewers_nor_administrators_answer_anything():
    for (kind, act), role in product(ANSWERS, (Role.VIEWER, Role.ADMINISTRATOR)):
        assert not may_answer(kind, act, required="operator", roles=(role,))


@pytest.mark.parametrize("role", Role)
def test_nothing_changes_unless_role_stage_and_signature_all_allow_it(role):
    credentials = (CredentialKind.SESSION, CredentialKind.SIGNED_TOKEN, CredentialKind.PASSWORD)
    kinds = (GuidanceKind.SETPOINT, GuidanceKind.WARNING, GuidanceKind.HOLD)
    for act, kind, stage, signed, credential in product(Act, kinds, Stage, (True, False), credentials):
        advice = guidance(kind=kind, suggestion=guidance().suggestion if kind is GuidanceKind.SETPOINT else None)
        who = Answerer(name="N", user_id="n", roles=(role,), credential=credential)
        response = Response(response_id="r", guidance_id="g", act=act, terminal="T", person="N", reason="why",
                            at_ns=None)  # fmt: skip
        changed, outcome = respond(advice, response, moment(NOW_NS), by=who, stage=stage, signed=signed,
                                   no_longer_advised=None)  # fmt: skip
        allowed = role in roles_for(kind, act, required="operator")
        if act is Act.APPROVE:
            by_signature = not signed or credential is CredentialKind.PASSWORD
            allowed = allowed and stage >= Stage.APPROVE and by_signature
        assert (changed is not None) == allowed, (act, kind, stage, signed, credential, outcome)
        assert (outcome in EFFECTIVE) == allowed


# --- by an act -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("act", "state"), [("acknowledge", "acknowledged"), ("approve", "approved"),
                                            ("reject", "rejected")])  # fmt: skip
def test_an_operator_answers_and_is_on_record_with_the_credential(bench, act, state):
    suggestion = open_of(bench)
    done = answer(bench, "operator", act)
    assert (done.outcome, done.details["state"], done.details["person"]) == (ActOutcome.DONE, state, "Operator")
    assert state_of(bench, suggestion) == state
    (entry,) = trail(bench, "response")
    assert (entry["user"], entry["credential"], entry["identified"]) == ("operator", "session", True)
    (kept,) = answers_to(bench.connection, suggestion)
    assert (kept.answer.act, kept.answer.name, kept.user_id, kept.reason) == (Act(act), "Operator", "operator", "VR-1")


def test_an_approval_says_whether_the_gateway_writes_or_a_person_moves_the_setpoint(bench):
    assert answer(bench, "operator", "approve").details["text"].endswith("move it by hand.")


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMINISTRATOR])
def test_who_may_not_answer_at_all_is_refused_and_the_trail_says_so(bench, role, act):
    refused = answer(bench, role.value, act)
    assert refused.outcome is ActOutcome.REFUSED
    assert state_of(bench, open_of(bench)) == "proposed"
    assert [entry["subject"] for entry in trail(bench, "act_refused")] == [role.value]


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_quality_moves_no_setpoint(bench, act):
    refused = answer(bench, "quality", act)
    assert (refused.outcome, refused.details["outcome"]) == (ActOutcome.REFUSED, "ROLE_NOT_ENTITLED")
    assert trail(bench, "response")[-1]["outcome"] == "ROLE_NOT_ENTITLED"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_rejection_without_a_reason_is_refused(bench, reason):
    refused = answer(bench, "operator", "reject", reason=reason)
    assert (refused.outcome, refused.details["outcome"]) == (ActOutcome.REFUSED, "REASON_REQUIRED")
    assert answer(bench, "operator", "acknowledge", reason=reason).outcome is ActOutcome.DONE


def test_the_second_of_two_is_told_who_was_first_whichever_door_they_come_by(bench):
    suggestion = open_of(bench)
    assert answer(bench, "supervisor", "approve").outcome is ActOutcome.DONE
    late = answer(bench, "engineer", "approve")
    assert (late.outcome, late.details["outcome"]) == (ActOutcome.REFUSED, "ALREADY_SO")
    assert "Supervisor has approved it" in late.why
    at_a_terminal = Terminal(bench, "operator").answer(suggestion, "approve")
    assert at_a_terminal["answered_before"]["person"] == "Supervisor"
    assert "Supervisor has approved it" in at_a_terminal["text"]


def test_an_unknown_guidance_and_one_that_has_expired_are_refused(bench):
    assert answer(bench, "operator", "acknowledge", of="G").details["outcome"] == "UNKNOWN_GUIDANCE"
    bench.wait(601)
    assert answer(bench, "operator", "approve").details["outcome"] == "EXPIRED"


def test_an_answer_to_advice_that_may_not_stand_any_more_withdraws_it_and_says_so(bench):
    bench.line = line(models=(assignment(stage=Stage.SHADOW),))
    refused = answer(bench, "operator", "approve")
    assert (refused.outcome, refused.details["outcome"]) == (ActOutcome.REFUSED, "NO_LONGER_ADVISED")
    assert refused.details["state"] == state_of(bench, open_of(bench)) == "withdrawn"


def test_a_hold_is_only_acknowledged_even_by_quality_with_a_password(bench):
    bench.result(viscosity(120.0))
    hold = open_of(bench, "hold")
    for act in ("approve", "reject"):
        refused = answer(bench, "quality", act, of=hold, kind=CredentialKind.PASSWORD)
        assert refused.details["outcome"] == "SIGNATURE_REQUIRED"
    assert answer(bench, "quality", "acknowledge", of=hold).outcome is ActOutcome.DONE


def everything_in(nodes):
    """Return nodes of a trace and all that they lead to."""
    return [item for node in nodes for item in (node, *everything_in(node.children))]


# --- with a signature ------------------------------------------------------------------------------------------


@pytest.fixture
def signing(bench):
    """The same line, where the plant has approvals signed."""
    policy = SignaturePolicy(roles=(Role.OPERATOR, Role.ENGINEER), count=1)
    bench.line = replace(bench.line, signatures={ActKind.ANSWER_GUIDANCE: policy})
    return bench


def test_where_approvals_are_signed_they_need_user_and_password_and_leave_a_signature(signing):
    refused = answer(signing, "operator", "approve")
    assert refused.outcome is ActOutcome.REFUSED
    assert "password" in refused.why
    assert state_of(signing, open_of(signing)) == "proposed"
    done = answer(signing, "operator", "approve", kind=CredentialKind.PASSWORD)
    assert (done.outcome, done.details["state"]) == (ActOutcome.DONE, "approved")
    signed = signing.rows("SELECT printed_name, role FROM signature WHERE signature_id = ?",
                          *done.details["signature_ids"])  # fmt: skip
    assert signed == [("Operator", "operator")]
    traced = {node.kind: node.details for node in everything_in(trace(signing.connection, open_of(signing)))}
    assert traced["signature"]["printed_name"] == "Operator"
    assert (traced["response"]["identified"], traced["response"]["credential"]) == ("yes", "password")
    (body,) = signing.rows("SELECT body FROM signed_record")[0]
    assert json.loads(body)["rests_on"]["tag"] == "temperature_setpoint"


def test_where_approvals_are_signed_a_terminals_key_alone_approves_nothing(signing):
    terminal, suggestion = Terminal(signing, "operator"), open_of(signing)
    assert terminal.answer(suggestion, "approve")["outcome"] == "SIGNATURE_REQUIRED"
    assert state_of(signing, suggestion) == "proposed"
    assert terminal.answer(suggestion, "reject", jti="another-nonce-0001")["outcome"] == "REJECTED"


@pytest.mark.parametrize("act", ["acknowledge", "reject"])
def test_where_approvals_are_signed_other_answers_are_not(signing, act):
    assert answer(signing, "operator", act).outcome is ActOutcome.DONE


def test_new_suggestions_say_whether_their_approval_is_signed(signing):
    signing.wait(1000)
    signing.model_due(82.0, setpoint=82.0)
    newest = [item for item in signing.sent("guidance") if item["kind"] == "setpoint"]
    assert newest[0]["requires"] == {"role": "operator", "signature": False}
    assert newest[-1]["requires"] == {"role": "operator", "signature": True}


# --- commands --------------------------------------------------------------------------------------------------


@pytest.fixture
def plant(tmp_path):
    with closing(Plant(tmp_path)) as plant:
        plant.result("Viscosity", 120.0, "L", sample_id="S-1")
        yield plant


def command(plant, *arguments):
    return labline("guidance", *arguments, "--config", plant.file)


def test_commands_list_and_answer_guidance_while_the_gateway_runs(plant):
    (hold,) = [item for item in command(plant, "list", "--json").document["guidance"] if item["kind"] == "hold"]
    assert (hold["lot"], hold["state"], hold["answer"]) == ("L", "proposed", None)
    stopped = command(plant, "acknowledge", hold["id"])
    assert (stopped.code, "while the gateway runs" in stopped.error) == (2, True)
    with acting(plant.file.parent / "store", plant.line):
        refused = command(plant, "reject", hold["id"], "--reason", "no")
        assert (refused.code, "needs an electronic signature" in refused.error) == (2, True)
        assert command(plant, "approve", hold["id"]).code == 2
        done = command(plant, "acknowledge", hold["id"], "--json")
        assert (done.code, done.document["outcome"], done.document["person"]) == (0, "ACKNOWLEDGED", "Q. Head")
        again = command(plant, "acknowledge", hold["id"])
        assert "Q. Head has acknowledged it" in again.error
    (hold,) = [item for item in command(plant, "list", "--json").document["guidance"] if item["kind"] == "hold"]
    assert (hold["state"], hold["answer"]["person"], hold["answer"]["identified"]) == ("acknowledged", "Q. Head", True)
    assert "acknowledge: Q. Head" in " ".join(command(plant, "list").output.split())


def test_a_rejection_by_command_needs_a_reason(plant):
    assert command(plant, "reject", "G").code == 2


def test_who_rejects_second_is_told_who_has_rejected_it(bench):
    answer(bench, "supervisor", "reject")
    late = answer(bench, "engineer", "reject")
    assert (late.code, late.parameters["person"]) == (ActRefusal.REJECTED_BEFORE, "Supervisor")
    assert "Supervisor has rejected it" in late.why
