"""Electronic signatures: both components each time, over one version of one record, by as many people as it needs."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.acts import act_document
from gateway.contract.identity import sha256_hex
from gateway.people.signing import SIGNABLE
from gateway.records.act_kinds import ActKind
from gateway.records.acts import ActOutcome, SettlePoint, SignPending, WithdrawPending
from gateway.records.signatures import SignaturePolicy, SigningState
from gateway.records.timers import Timer
from gateway.records.user_acts import AddUser, ChangeUser
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.queries.lots import open_points_of
from gateway.store.queries.signatures import newest, signed_record_of, waiting
from gateway.time_units import SECOND_NS, seconds_to_ns
from tests.fixtures.store_bench import Bench, viscosity

QUALITY = (("anna", "Anna Q.", Role.QUALITY), ("bert", "Bert Q.", Role.QUALITY), ("olga", "Olga O.", Role.OPERATOR))
TWO = SignaturePolicy(roles=(Role.QUALITY,), count=2, expires_after_seconds=3600.0)


def by(user_id, kind=CredentialKind.PASSWORD):
    return Credential(kind=kind, subject=user_id)


class Signing(Bench):
    """A lot with open points, and users who sign."""

    def __init__(self, directory, policy):
        super().__init__(directory)
        self.with_users()
        for user_id, name, role in QUALITY:
            assert self.act(AddUser(user_id=user_id, full_name=name, roles=(role,))).outcome is ActOutcome.DONE
        self.policy(policy)
        self.order()
        self.result(viscosity(100.0, sample_id="S-1"))
        self.result(viscosity(100.0, sample_id="S-2", test_id="unknown test"))

    def policy(self, policy, kind=ActKind.SETTLE_POINT):
        self.line = replace(self.line, signatures={kind: policy})

    def point(self):
        return next(item for item in open_points_of(self.connection, "LOT/1") if item.point.can_be_settled)

    def settle(self, user_id="anna", kind=CredentialKind.PASSWORD):
        self.now_ns += SECOND_NS
        act = SettlePoint(material_lot_id="LOT/1", point_id=self.point().point.point_id)
        return self.act(act, credential=by(user_id, kind), reason="looked at it")

    def sign(self, answer, user_id="bert", kind=CredentialKind.PASSWORD, sha256=None):
        self.now_ns += SECOND_NS
        act = SignPending(record_id=answer.details["record_id"], sha256=sha256 or answer.details["sha256"])
        return self.act(act, credential=by(user_id, kind), reason="")

    def settled(self):
        return self.rows("SELECT person, reason FROM settlement")

    def lines(self, kind):
        return [json.loads(body) for (body,) in self.rows("SELECT body FROM audit WHERE kind = ? ORDER BY seq", kind)]


@pytest.fixture
def bench(tmp_path):
    bench = Signing(tmp_path, TWO)
    with closing(bench.connection):
        yield bench


def test_one_signature_does_an_act_at_once_and_covers_the_record_that_is_kept(bench):
    bench.policy(SignaturePolicy(roles=(Role.QUALITY,), count=1))
    answer = bench.settle()
    assert answer.outcome is ActOutcome.DONE
    (item,) = newest(bench.connection)
    (signature,) = item.signatures
    assert (item.state, item.holds) == (SigningState.DONE, True)
    assert (signature.printed_name, signature.role, signature.signed_ns) == ("Anna Q.", Role.QUALITY, bench.now_ns)
    assert signature.meaning.startswith("decision: point ")
    assert signature.record_sha256 == sha256_hex(item.record.body.encode())
    document = json.loads(item.record.body)
    assert document["reason"] == "looked at it"
    assert document["rests_on"]["point"] == document["act"]["point_id"]
    assert bench.settled() == [("Anna Q.", "looked at it")]
    (line,) = bench.lines("signed")
    assert (line["person"], line["credential"], line["sha256"]) == ("Anna Q.", "password", item.record.sha256)
    (settled,) = bench.lines("point_settled")
    assert settled["signed_by"] == ["Anna Q."]


@pytest.mark.parametrize("kind", [kind for kind in CredentialKind if kind is not CredentialKind.PASSWORD])
def test_nothing_but_user_and_password_given_for_this_act_is_a_signature(bench, kind):
    if kind is CredentialKind.OS_USER:
        bench.act(ChangeUser(user_id="anna", os_user="anna"))
    for policy in (TWO, SignaturePolicy(roles=(Role.QUALITY,), count=1)):
        bench.policy(policy)
        answer = bench.settle(kind=kind)
        assert answer.outcome is ActOutcome.REFUSED
        assert "your password" in answer.why
        assert "--person" in answer.hint
    assert list(newest(bench.connection)) == []
    bench.policy(TWO)
    pending = bench.settle()
    assert "your password" in bench.sign(pending, kind=CredentialKind.SESSION).why
    assert bench.settled() == []


def test_an_act_waits_for_the_second_person_and_is_then_done_with_both_names(bench):
    pending = bench.settle()
    assert pending.outcome is ActOutcome.PENDING
    assert (pending.details["signed_by"], pending.details["signatures_missing"]) == (["Anna Q."], 1)
    assert bench.settled() == []
    (item,) = waiting(bench.connection)
    assert [signature.user_id for signature in item.signatures] == ["anna"]
    done = bench.sign(pending)
    assert done.outcome is ActOutcome.DONE
    assert bench.settled() == [("Anna Q.", "looked at it")]
    (line,) = bench.lines("point_settled")
    assert line["signed_by"] == ["Anna Q.", "Bert Q."]
    assert list(waiting(bench.connection)) == []
    assert "done already" in bench.sign(pending).why


def test_nobody_signs_twice_nor_without_the_role_nor_what_was_not_shown(bench):
    pending = bench.settle()
    assert "has signed this already" in bench.sign(pending, "anna").why
    assert "may not sign" in bench.sign(pending, "olga").why
    assert "what was shown" in bench.sign(pending, sha256="0" * 64).why
    assert "no act" in bench.act(SignPending(record_id="nothing", sha256="0"), credential=by("bert")).why
    assert bench.settled() == []


def test_the_author_may_be_kept_from_signing_so_that_only_others_do(bench):
    bench.policy(SignaturePolicy(roles=(Role.QUALITY,), count=1, author_signs=False))
    pending = bench.settle()
    assert (pending.outcome, pending.details["signed_by"]) == (ActOutcome.PENDING, [])
    assert "does not sign it" in bench.sign(pending, "anna").why
    assert bench.sign(pending, "bert").outcome is ActOutcome.DONE
    (item,) = newest(bench.connection)
    assert [signature.printed_name for signature in item.signatures] == ["Bert Q."]


def test_an_act_that_waits_too_long_expires_and_a_clock_set_back_does_not_revive_it(bench):
    pending = bench.settle()
    bench.now_ns += seconds_to_ns(3600)
    bench.timer(Timer.EXPIRE_GUIDANCE)
    assert "expired" in bench.sign(pending).why
    assert bench.settled() == []


def test_the_author_withdraws_and_who_may_not_sign_it_does_not(bench):
    pending = bench.settle()
    withdraw = WithdrawPending(record_id=pending.details["record_id"])
    assert "may not sign" in bench.act(withdraw, credential=by("olga")).why
    assert bench.act(withdraw, credential=by("anna", CredentialKind.SESSION)).outcome is ActOutcome.DONE
    assert "withdrawn already" in bench.sign(pending).why
    assert bench.lines("act_withdrawn")[0]["person"] == "Anna Q."


def test_what_waits_is_not_put_on_record_twice_until_its_author_has_withdrawn_it(bench):
    pending = bench.settle()
    bench.now_ns += 1
    assert "asked for this already" in bench.settle().why
    assert len(list(waiting(bench.connection))) == 1
    bench.act(WithdrawPending(record_id=pending.details["record_id"]), credential=by("anna"))
    bench.now_ns += 1
    assert bench.settle().outcome is ActOutcome.PENDING


def test_whoever_may_sign_it_may_reject_it_instead_with_a_reason(bench):
    pending = bench.settle()
    reject = WithdrawPending(record_id=pending.details["record_id"])
    assert "a reason" in bench.act(reject, credential=by("bert"), reason=" ").why
    assert bench.act(reject, credential=by("bert"), reason="not convinced").outcome is ActOutcome.DONE
    assert "refused already: rejected by Bert Q.: not convinced" in bench.sign(pending).why
    (line,) = bench.lines("act_rejected")
    assert (line["person"], line["reason"], line["of"]) == ("Bert Q.", "not convinced", "LOT/1")
    assert bench.settled() == []


def test_who_has_signed_it_already_does_not_reject_it(bench):
    bench.act(AddUser(user_id="carl", full_name="Carl Q.", roles=(Role.QUALITY,)))
    bench.policy(SignaturePolicy(roles=(Role.QUALITY,), count=3))
    pending = bench.settle()
    assert bench.sign(pending, "carl").outcome is ActOutcome.PENDING
    reject = WithdrawPending(record_id=pending.details["record_id"])
    assert "has signed this already" in bench.act(reject, credential=by("carl")).why


def test_what_has_changed_meanwhile_is_not_done_whoever_signs(bench):
    pending = bench.settle()
    bench.policy(SignaturePolicy(roles=(Role.QUALITY,), count=0))
    bench.settle("bert")  # the same point, by right
    bench.policy(TWO)
    assert "has changed" in bench.sign(pending).why
    assert bench.settled() == [("Bert Q.", "looked at it")]
    assert bench.lines("act_not_done")[0]["of"] == "LOT/1"
    assert "refused already" in bench.sign(pending).why


@pytest.mark.parametrize(
    "change", [ChangeUser(user_id="anna", disabled=True), ChangeUser(user_id="anna", roles=(Role.OPERATOR,))]
)
def test_an_author_who_may_not_any_more_has_nothing_done_in_their_name(bench, change):
    pending = bench.settle()
    bench.act(change)
    assert "may not any more" in bench.sign(pending).why
    assert bench.settled() == []


def test_three_signatures_are_three_people(bench):
    bench.act(AddUser(user_id="carl", full_name="Carl Q.", roles=(Role.QUALITY,)))
    bench.policy(SignaturePolicy(roles=(Role.QUALITY,), count=3))
    pending = bench.settle()
    assert bench.sign(pending).outcome is ActOutcome.PENDING
    assert "already" in bench.sign(pending).why
    bench.act(ChangeUser(user_id="bert", disabled=True))
    assert "bert, who has signed this, is disabled" in bench.sign(pending, "carl").why
    assert bench.settled() == []


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE signed_record SET body = replace(body, 'looked at it', 'looked away'), sha256 = sha256",
        "UPDATE signed_record SET subject = 'LOT/2'",
        "UPDATE signature SET printed_name = 'Somebody'",
        "UPDATE signature SET meaning = 'review'",
        "UPDATE signature SET record_sha256 = 'ab'",
        "UPDATE signature SET record_version = 2",
        "UPDATE signing_state SET state = 'waiting', person = 'x'",
    ],
)
def test_a_record_or_signature_edited_by_hand_is_signed_by_nobody(bench, edit):
    pending = bench.settle()
    bench.connection.execute(edit)
    assert not signed_record_of(bench.connection, pending.details["record_id"]).holds
    assert "does not match its hash" in bench.sign(pending).why
    assert bench.settled() == []


def test_a_signature_copied_to_another_record_or_version_does_not_make_it_signed(bench):
    """Even with a row hash made anew: the signature's own words name the record, its version and its SHA-256."""
    first, second = bench.settle(), bench.settle("bert")
    bench.connection.execute(
        "INSERT INTO signature (signature_id, record_kind, record_id, record_version, record_sha256, user_id, "
        "printed_name, role, meaning, signed_ns, event_id) SELECT 'copy', record_kind, ?, record_version, "
        "record_sha256, user_id, printed_name, role, meaning, signed_ns, event_id FROM signature WHERE record_id = ?",
        (second.details["record_id"], first.details["record_id"]),
    )
    copied = signed_record_of(bench.connection, second.details["record_id"])
    assert (len(copied.signatures), copied.holds) == (2, False)
    assert "does not match" in bench.sign(second, "anna").why


def test_the_policy_of_an_act_that_is_not_signed_leaves_it_to_its_right(bench):
    bench.policy(SIGNABLE[ActKind.SETTLE_POINT].policy)
    assert bench.settle(kind=CredentialKind.SESSION).outcome is ActOutcome.DONE
    assert list(newest(bench.connection)) == []


def test_what_is_signed_holds_the_whole_act(bench):
    pending = bench.settle()
    record = signed_record_of(bench.connection, pending.details["record_id"]).record
    point = bench.point().point
    act = SettlePoint(material_lot_id="LOT/1", point_id=point.point_id)
    assert json.loads(record.body)["act"] == act_document(act)
    assert record.body == json.dumps(json.loads(record.body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
