"""What nobody does to users, each with its code."""

from base64 import b32decode
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from gateway.contract.acts import SignInRequest
from gateway.people.passwords import hashed
from gateway.records.act_refusals import ActRefusal
from gateway.records.user_acts import AddUser, EndSessions, SetPassword, SetSecondDevice, UnlockUser
from gateway.records.users import Credential, CredentialKind, Role
from gateway.runtime.identification import check, credential_after
from gateway.time_units import SECOND_NS
from tests.fixtures.people import A_HASH
from tests.fixtures.store_bench import Bench


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    with closing(made.connection):
        made.with_users()
        for user_id, role in (("adam", Role.ADMINISTRATOR), ("olga", Role.OPERATOR)):
            made.act(AddUser(user_id=user_id, full_name=user_id.title(), roles=(role,)))
        yield made


def test_nobody_unlocks_themselves_nor_ends_the_sessions_of_others(bench):
    adam, olga = (Credential(kind=CredentialKind.SESSION, subject=user_id) for user_id in ("adam", "olga"))
    own = bench.act(UnlockUser(user_id="adam"), credential=adam)
    assert own.code is ActRefusal.NOT_UNLOCKED_BY_ONESELF
    other = bench.act(EndSessions(user_id="adam"), credential=olga)
    assert (other.code, other.parameters) == (ActRefusal.NOT_YOUR_SESSIONS, {"user": "adam"})


WEAK_HASHES = {
    ActRefusal.HASH_NOT_ARGON2ID: "$2b$12$" + "a" * 53,
    ActRefusal.HASH_TOO_CHEAP: A_HASH.replace("t=3", "t=1"),
    ActRefusal.HASH_TOO_COSTLY: A_HASH.replace("p=4", "p=99"),
}


@pytest.mark.parametrize("code", WEAK_HASHES)
def test_a_hash_of_another_kind_is_no_password(bench, code):
    answer = bench.act(SetPassword(user_id="olga", password_hash=WEAK_HASHES[code]), credential=signing("olga"))
    assert (answer.code, bench.rows("SELECT * FROM user_password")) == (code, [])


def signing(user_id):
    return Credential(kind=CredentialKind.PASSWORD, subject=user_id)


SECRET = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
REFUSED_DEVICES = {
    ActRefusal.NOT_YOUR_SECOND_DEVICE: ("adam", SetSecondDevice(user_id="olga", totp_secret=SECRET, code="123456")),
    ActRefusal.NO_PASSWORD_YET: ("adam", SetSecondDevice(user_id="adam", totp_secret=SECRET, code="123456")),
    ActRefusal.NO_SECOND_DEVICE: ("olga", SetSecondDevice(user_id="olga")),
    ActRefusal.SECRET_NOT_BASE32: ("olga", SetSecondDevice(user_id="olga", totp_secret="not base32!")),
    ActRefusal.SECRET_LENGTH: ("olga", SetSecondDevice(user_id="olga", totp_secret="MFRGGZDF")),
    ActRefusal.NOT_THE_PRESENT_CODE: ("olga", SetSecondDevice(user_id="olga", totp_secret=SECRET, code="12345")),
}


@pytest.mark.parametrize("code", REFUSED_DEVICES)
def test_a_second_device_is_set_by_its_owner_with_the_password_and_its_present_code(bench, code):
    bench.act(SetPassword(user_id="olga", password_hash=A_HASH), credential=signing("olga"))
    author, act = REFUSED_DEVICES[code]
    assert bench.act(act, credential=signing(author)).code is code


def test_a_code_that_was_used_is_told_apart_from_a_wrong_password(bench, tmp_path):
    at = bench.now_ns // SECOND_NS
    code = TOTP(b32decode(SECRET), 6, SHA1(), 30).generate(at).decode()  # noqa: S303 - RFC 6238
    bench.act(SetPassword(user_id="olga", password_hash=hashed("a long secret of hers")), credential=signing("olga"))
    bench.act(SetSecondDevice(user_id="olga", totp_secret=SECRET, code=code), credential=signing("olga"))
    request = SignInRequest(user_id="olga", password="a long secret of hers", code=code)
    checked = check(tmp_path, request, now_ns=bench.now_ns)
    assert credential_after(checked, request, EndSessions(user_id="olga")).code is ActRefusal.CODE_USED


def test_a_password_that_somebody_else_has_set_is_good_for_a_new_one_only(bench, tmp_path):
    bench.act(SetPassword(user_id="olga", password_hash=hashed("chosen by adam")), credential=signing("adam"))
    request = SignInRequest(user_id="olga", password="chosen by adam")
    checked = check(tmp_path, request, now_ns=bench.now_ns)
    assert credential_after(checked, request, EndSessions(user_id="olga")).code is ActRefusal.PASSWORD_MUST_CHANGE
    own = SetPassword(user_id="olga", password_hash=A_HASH)
    assert credential_after(checked, request, own).kind is CredentialKind.PASSWORD
