"""Who may act on a line: users, roles, passwords and keys; nobody acts without a right, and each refusal is kept."""

import json
from contextlib import closing
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import SignInTried
from gateway.people.passwords import hashed, matches, problem_of
from gateway.people.rights import RIGHTS, WITH_REASON
from gateway.people.second_device import step_of_code
from gateway.people.sign_in import LOCKED_AFTER, is_locked, next_attempt_ns
from gateway.records.act_kinds import ActKind
from gateway.records.acts import (
    Acknowledge,
    AcknowledgeAlarm,
    ActOutcome,
    AnswerGuidance,
    ApproveLaboratoryPlan,
    ArchiveAudit,
    ChangeStage,
    CloseDeviation,
    CompleteAction,
    DecideLot,
    PromoteModel,
    RecordAction,
    ResumeWrites,
    RetryMessages,
    ReturnToService,
    RollBackModel,
    SettleException,
    SettlePoint,
    Shelve,
    SignBiases,
    SignPending,
    SignReview,
    StopWrites,
    TakeOutOfService,
    Unshelve,
    WithdrawPending,
)
from gateway.records.certificate_acts import (
    DraftCertificate,
    ReissueCertificate,
    SignCertificate,
    WithdrawCertificate,
)
from gateway.records.corrective_actions import ActionKind
from gateway.records.lot_decisions import Verdict
from gateway.records.lot_parts import DivideLot, UndoDivision
from gateway.records.people import Act as GuidanceAct
from gateway.records.user_acts import (
    AddUser,
    ChangeUser,
    ConfirmPassword,
    EndSessions,
    EnrollKey,
    RevokeKey,
    SetPassword,
    SetSecondDevice,
    UnlockUser,
)
from gateway.records.users import Credential, CredentialKind, Role, SignInCounted
from gateway.store.queries.users import sign_in_of, users_of_all
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, moment
from tests.fixtures.people import A_HASH, HEAD, OWNER
from tests.fixtures.store_bench import Bench

BY_B = A_HASH.replace("$AA", "$BB")
ACTS = {
    ActKind.ACKNOWLEDGE_ALARM: AcknowledgeAlarm(code="X"),
    ActKind.SETTLE_POINT: SettlePoint(material_lot_id="L", point_id="P"),
    ActKind.PROMOTE_MODEL: PromoteModel(model="m", version="1", bundle_sha256="ab", folder="/f"),
    ActKind.ROLL_BACK_MODEL: RollBackModel(model="m"),
    ActKind.RETRY_MESSAGES: RetryMessages(message_ids=("x",), all_parked=False),
    ActKind.SIGN_BIASES: SignBiases(model="m", biases=()),
    ActKind.ARCHIVE_AUDIT: ArchiveAudit(first_seq=1, last_seq=1, last_hash="h", file_sha256="f", file="x",
                                        public_key="k", rows={}),
    ActKind.ADD_USER: AddUser(user_id="b", full_name="B", roles=(Role.VIEWER,)),
    ActKind.CHANGE_USER: ChangeUser(user_id="q.head", full_name="Q"),
    ActKind.SET_PASSWORD: SetPassword(user_id="somebody", password_hash=A_HASH),
    ActKind.SET_SECOND_DEVICE: SetSecondDevice(user_id="somebody"),
    ActKind.CONFIRM_PASSWORD: ConfirmPassword(user_id="somebody"),
    ActKind.UNLOCK_USER: UnlockUser(user_id="somebody"),
    ActKind.END_SESSIONS: EndSessions(user_id="somebody"),
    ActKind.ENROLL_KEY: EnrollKey(user_id="q.head", public_key="ab" * 32, label="T1"),
    ActKind.REVOKE_KEY: RevokeKey(key_id="k"),
    ActKind.DECIDE_LOT: DecideLot(material_lot_id="L", verdict=Verdict.HOLD, basis_sha256="h"),
    ActKind.SETTLE_EXCEPTION: SettleException(material_lot_id="L", exception_id="x"),
    ActKind.SIGN_REVIEW: SignReview(material_lot_id="L", review_sha256="h"),
    ActKind.CHANGE_STAGE: ChangeStage(model="m", bundle_sha256="ab", stage="advise"),
    ActKind.SIGN_PENDING: SignPending(record_id="r", sha256="h"),
    ActKind.WITHDRAW_PENDING: WithdrawPending(record_id="r"),
    ActKind.ACKNOWLEDGE: Acknowledge(alarm_id="a"),
    ActKind.SHELVE: Shelve(alarm_id="a", seconds=60.0),
    ActKind.UNSHELVE: Unshelve(alarm_id="a"),
    ActKind.TAKE_OUT_OF_SERVICE: TakeOutOfService(alarm_id="a"),
    ActKind.RETURN_TO_SERVICE: ReturnToService(alarm_id="a"),
    ActKind.STOP_WRITES: StopWrites(),
    ActKind.RESUME_WRITES: ResumeWrites(),
    ActKind.DIVIDE_LOT: DivideLot(material_lot_id="L", part="drum 1", quantity="200 kg"),
    ActKind.UNDO_DIVISION: UndoDivision(material_lot_id="L", part="drum 1"),
    ActKind.RECORD_ACTION: RecordAction(deviation_id="d", action="clean", action_kind=ActionKind.CORRECTIVE, owner="o"),
    ActKind.COMPLETE_ACTION: CompleteAction(action_id="a"),
    ActKind.CLOSE_DEVIATION: CloseDeviation(deviation_id="d", version=1),
    ActKind.DRAFT_CERTIFICATE: DraftCertificate(material_lot_id="L", customer="c"),
    ActKind.SIGN_CERTIFICATE: SignCertificate(certificate_id="c", version=1, sha256="h"),
    ActKind.WITHDRAW_CERTIFICATE: WithdrawCertificate(certificate_id="c", version=1),
    ActKind.REISSUE_CERTIFICATE: ReissueCertificate(certificate_id="c", version=1),
    ActKind.APPROVE_LABORATORY_PLAN: ApproveLaboratoryPlan(plan_id="p", plan_sha256="h"),
    ActKind.ANSWER_GUIDANCE: AnswerGuidance(guidance_id="G", answer=GuidanceAct.ACKNOWLEDGE),
}  # fmt: skip


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        yield bench


@pytest.fixture(scope="module")
def one_of_each_role(tmp_path_factory):
    """A line with an administrator, and one user of each role."""
    bench = Bench(tmp_path_factory.mktemp("roles"))
    with closing(bench.connection):
        for role in Role:
            added = bench.act(AddUser(user_id=role.value, full_name=f"A {role.value}", roles=(role,)))
            assert added.outcome is ActOutcome.DONE
        yield bench


def by(user_id, kind=CredentialKind.SESSION):
    return Credential(kind=kind, subject=user_id)


def trail(bench, kind):
    rows = bench.connection.execute("SELECT body FROM audit WHERE kind = ? ORDER BY seq", (kind,))
    return [json.loads(body) for (body,) in rows]


def tried(bench, user_id, *, succeeded, origin="10.0.0.1", code_step=None):
    """Give a password; return how often in a row it was wrong from there, and from elsewhere."""
    bench.now_ns += SECOND_NS
    bench.commit(SignInTried(event_id=f"try-{bench.now_ns}", at=moment(bench.now_ns), user_id=user_id, origin=origin,
                             succeeded=succeeded, via="console", code_step=code_step))  # fmt: skip
    return tuple(sign_in_of(bench.connection, user_id, place) for place in (origin, ""))


# --- rights ---------------------------------------------------------------------------------------------------


def test_every_act_has_its_rights_and_its_row_in_the_matrix():
    assert RIGHTS.keys() == set(ActKind) == ACTS.keys()
    assert all(RIGHTS.values())


@pytest.mark.parametrize(("role", "kind"), list(product(Role, ActKind)))
def test_each_role_may_do_what_its_rights_say_and_nothing_else(one_of_each_role, role, kind):
    bench = one_of_each_role
    bench.now_ns += SECOND_NS
    refusals = len(trail(bench, "act_refused"))
    answer = bench.act(ACTS[kind], credential=by(role.value))
    for_lack_of_right = "is not for" in answer.why
    assert for_lack_of_right == (role not in RIGHTS[kind]), answer.why
    kept = trail(bench, "act_refused")[refusals:]  # an answer to guidance has a line of its own
    if answer.outcome is ActOutcome.REFUSED and kind is not ActKind.ANSWER_GUIDANCE:
        assert [(line["code"], line["why"]) for line in kept] == [(answer.code, answer.why)]
    else:
        assert len(kept) == for_lack_of_right


@pytest.mark.parametrize("kind", sorted(WITH_REASON))
def test_an_act_that_goes_on_record_with_a_reason_is_not_done_without_one(bench, kind):
    for reason in ("", " \t", "\u200b\u2060"):
        answer = bench.act(ACTS[kind], reason=reason)
        assert (answer.outcome, answer.why) == (ActOutcome.REFUSED, "a reason is needed: it goes on record")


def test_what_is_done_names_the_user_and_the_credential_in_the_trail(bench):
    bench.act(AddUser(user_id="a.miller", full_name="A. Miller", roles=(Role.OPERATOR,)))
    (added,) = [line for line in trail(bench, "user_added") if line["full_name"] == "A. Miller"]
    assert (added["user"], added["person"], added["credential"]) == ("q.head", "Q. Head", "os_user")


@pytest.mark.parametrize(
    ("credential", "why"),
    [(by("nobody"), "is no user"), (by("x", CredentialKind.OS_USER), "account x is no user"), (by("off"), "disabled")],
)
def test_nobody_acts_who_is_unknown_or_disabled_and_the_refusal_is_kept(bench, credential, why):
    bench.act(AddUser(user_id="off", full_name="Off", roles=(Role.ADMINISTRATOR,)))
    bench.act(ChangeUser(user_id="off", disabled=True))
    answer = bench.act(ACTS[ActKind.ADD_USER], credential=credential)
    assert answer.outcome is ActOutcome.REFUSED
    assert why in answer.why
    assert [line["subject"] for line in trail(bench, "act_refused")] == [credential.subject]


# --- users ----------------------------------------------------------------------------------------------------


def first(bench, act, credential):
    """Ask on a line without users."""
    bench.with_users = lambda **_options: None
    return bench.act(act, credential=credential)


def test_without_users_only_the_stores_owner_makes_the_first_one_and_it_is_an_administrator(bench):
    somebody = Credential(kind=CredentialKind.OS_USER, subject="guest")
    for act, credential in ((HEAD, somebody), (HEAD, by("q.head")), (ACTS[ActKind.SETTLE_POINT], OWNER),
                            (ACTS[ActKind.ADD_USER], OWNER)):  # fmt: skip
        assert first(bench, act, credential).outcome is ActOutcome.REFUSED
    assert first(bench, HEAD, OWNER).outcome is ActOutcome.DONE
    assert [user.user_id for user in users_of_all(bench.connection)] == ["q.head"]
    another_owner = Credential(kind=CredentialKind.OS_USER, subject="labline-service", owns_store=True)
    for credential in (somebody, another_owner):  # from now on it counts who is a user, and not who owns files
        assert first(bench, ACTS[ActKind.ADD_USER], credential).outcome is ActOutcome.REFUSED


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (AddUser(user_id="q.head", full_name="Q", roles=(Role.VIEWER,)), "already"),
        (AddUser(user_id="Ü b", full_name="Q", roles=(Role.VIEWER,)), "no user's id"),
        (AddUser(user_id="b", full_name="\u200b", roles=(Role.VIEWER,)), "name that can be read"),
        (AddUser(user_id="b", full_name="B", roles=()), "needs a role"),
        (AddUser(user_id="b", full_name="B", roles=(Role.VIEWER,), os_user=HEAD.os_user), "is q.head's"),
        (ChangeUser(user_id="b", disabled=True), "no user b"),
        (ChangeUser(user_id="q.head", disabled=True), "last administrator"),
        (ChangeUser(user_id="q.head", roles=(Role.QUALITY,)), "last administrator"),
        (EnrollKey(user_id="q.head", public_key="zz" * 32, label="T"), "no Ed25519"),
        (EnrollKey(user_id="b", public_key="ab" * 32, label="T"), "no user b"),
        (RevokeKey(key_id="nothing"), "no key nothing"),
        (SetPassword(user_id="b", password_hash=A_HASH), "no user b"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(bench, act, why):
    answer = bench.act(act)
    assert answer.outcome is ActOutcome.REFUSED
    assert why in answer.why
    assert answer.hint
    assert [user.user_id for user in users_of_all(bench.connection)] == ["q.head"]


def test_a_key_signs_for_one_user_and_never_again_once_it_is_revoked(bench):
    enrolled = bench.act(ACTS[ActKind.ENROLL_KEY])
    assert bench.act(ACTS[ActKind.ENROLL_KEY]).outcome is ActOutcome.REFUSED
    revoke = RevokeKey(key_id=enrolled.details["key_id"])
    assert bench.act(revoke).outcome is ActOutcome.DONE
    assert bench.act(revoke).outcome is ActOutcome.REFUSED
    assert bench.act(ACTS[ActKind.ENROLL_KEY]).outcome is ActOutcome.REFUSED


def test_a_password_that_somebody_else_has_set_is_to_be_changed_and_one_of_ones_own_is_not(bench):
    bench.act(AddUser(user_id="b", full_name="B", roles=(Role.OPERATOR,)))
    bench.act(SetPassword(user_id="b", password_hash=A_HASH))
    assert (
        bench.act(SetPassword(user_id="q.head", password_hash=A_HASH), credential=by("b")).outcome is ActOutcome.REFUSED
    )
    bench.act(SetPassword(user_id="b", password_hash=BY_B), credential=by("b"))
    rows = bench.connection.execute("SELECT password_hash, must_change FROM user_password ORDER BY seq")
    assert [tuple(row) for row in rows] == [(A_HASH, 1), (BY_B, 0)]
    assert BY_B not in json.dumps(trail(bench, "password_set"))  # no hash goes into the trail, which is exported


def test_a_user_row_that_was_edited_by_hand_lets_nobody_act_and_is_found(bench):
    bench.act(AddUser(user_id="b", full_name="B", roles=(Role.VIEWER,)))
    bench.connection.execute("UPDATE user_version SET roles = 'administrator' WHERE user_id = 'b'")
    assert "is no user" in bench.act(ACTS[ActKind.ADD_USER], credential=by("b")).why
    assert bench.connection.execute("SELECT holds FROM user_version_checked WHERE user_id = 'b'").fetchone()[0] == 0


# --- passwords ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "why"),
    [("short", "at least 12"), ("x" * 257, "at most 256"), ("121212121212", "repeats"), ("QualityQuality", "name"),
     ("correct horse battery", None)],
)  # fmt: skip
def test_a_password_is_long_and_is_not_the_users_name(password, why):
    problem = problem_of(password, user_id="q.head", full_name="Quality Head")
    assert (problem is None) if why is None else why in problem.why


def test_a_password_matches_its_own_hash_however_its_characters_are_composed():
    kept = hashed("Zoë's long password")
    assert kept.startswith("$argon2id$")
    assert matches("Zoe\u0308's long password", kept)
    assert not matches("Zoë's long passwort", kept)
    assert not matches("anything", None)
    assert not matches("anything", "no hash")


def test_a_wrong_password_slows_the_next_one_down_and_a_right_one_begins_again(bench):
    bench.act(ACTS[ActKind.ADD_USER])
    for _ in range(2):
        tried(bench, "b", succeeded=False)
    here, elsewhere = tried(bench, "b", succeeded=True)
    assert (here.failures, here.known, elsewhere.failures) == (0, True, 0)
    counts = [tried(bench, "b", succeeded=False) for _ in range(10)]
    delays = [next_attempt_ns(*count) - (count[0].last_failed_ns or 0) for count in counts]
    assert [max(delay, 0) // SECOND_NS for delay in delays] == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128]
    bench.act(SetPassword(user_id="b", password_hash=A_HASH))
    assert not any(sign_in_of(bench.connection, "b", place).failures for place in ("10.0.0.1", ""))
    assert tried(bench, "nobody", succeeded=False)[0].failures == 0  # a name that is nobody's fills no table
    assert trail(bench, "sign_in_failed")[-1] == {"via": "console", "origin": "10.0.0.1"}


def test_guesses_from_elsewhere_never_keep_a_user_out_where_they_have_signed_in_before(bench):
    bench.act(ACTS[ActKind.ADD_USER])
    tried(bench, "b", succeeded=True, origin="10.0.0.7")
    for number in range(2 * LOCKED_AFTER):
        tried(bench, "b", succeeded=False, origin=f"10.0.1.{number % 40}")
    own, elsewhere = (sign_in_of(bench.connection, "b", place) for place in ("10.0.0.7", ""))
    assert not is_locked(own, elsewhere)
    assert next_attempt_ns(own, elsewhere) == 0
    fresh = sign_in_of(bench.connection, "b", "10.0.0.8")
    assert is_locked(fresh, elsewhere)  # NIST SP 800-63B, 5.2.2: at most a hundred in a row
    assert len(trail(bench, "user_locked")) == 1
    assert bench.rows("SELECT count(*) FROM sign_in WHERE user_id = 'b'") == [(42,)]
    bench.act(SetPassword(user_id="b", password_hash=A_HASH))
    assert bench.rows("SELECT count(*) FROM sign_in WHERE user_id = 'b'") == [(0,)]


def test_a_hundred_wrong_ones_in_a_row_lock_even_where_the_user_has_signed_in_before(bench):
    bench.act(ACTS[ActKind.ADD_USER])
    tried(bench, "b", succeeded=True)
    counts = [tried(bench, "b", succeeded=False) for _ in range(LOCKED_AFTER)]
    assert [is_locked(*count) for count in counts] == [False] * (LOCKED_AFTER - 1) + [True]
    assert counts[-1][1].failures == 0  # and nowhere else


def test_people_are_called_after_ten_wrong_passwords_and_again_after_ten_more(bench):
    bench.act(ACTS[ActKind.ADD_USER])
    for _ in range(25):
        tried(bench, "b", succeeded=False)
    raised = bench.rows("SELECT alarm_id, change FROM alarm_event ORDER BY seq")
    assert raised == [("gateway/PASSWORD_GUESSED_AT_B", "raised")] * 2
    assert [line["failures"] for line in trail(bench, "password_guessed_at")] == [10, 20]
    assert bench.rows("SELECT count(*) FROM latch") == [(0,)]  # no model goes to shadow for it


def test_addresses_of_guesses_push_none_out_from_where_the_user_signs_in(bench):
    bench.act(ACTS[ActKind.ADD_USER])
    tried(bench, "b", succeeded=True, origin="10.0.0.7")
    for number in range(90):
        tried(bench, "b", succeeded=False, origin=f"10.0.1.{number}")
    assert bench.rows("SELECT count(*) FROM sign_in WHERE user_id = 'b'") == [(65,)]
    assert sign_in_of(bench.connection, "b", "10.0.0.7").known


@given(st.integers(0, 1000), st.integers(0, 1000), st.booleans(), st.integers(0, 2**60))
def test_no_number_of_failures_delays_for_more_than_a_quarter_of_an_hour(own, others, known, at_ns):
    here = SignInCounted(user_id="b", origin="x", failures=own, last_failed_ns=at_ns, known=known)
    elsewhere = SignInCounted(user_id="b", origin="", failures=others, last_failed_ns=at_ns)
    assert next_attempt_ns(here, elsewhere) <= at_ns + 900 * SECOND_NS
    never = replace(here, last_failed_ns=None), replace(elsewhere, last_failed_ns=None)
    assert next_attempt_ns(*never) == 0


@pytest.mark.parametrize(("at", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_of_a_second_device_are_those_of_rfc_6238_for_a_minute_and_a_half(at, code):
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B: 12345678901234567890
    steps = {step_of_code(secret, code, now_ns=(at + drift) * SECOND_NS) for drift in (-30, 0, 30)}
    assert steps == {at // 30}
    assert not any(step_of_code(secret, code, now_ns=(at + drift) * SECOND_NS) for drift in (-90, 90))
    assert step_of_code(secret, "", now_ns=NOW_NS) is None
    assert step_of_code("no base32!", code, now_ns=at * SECOND_NS) is None
