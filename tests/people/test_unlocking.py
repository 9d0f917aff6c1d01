"""A locked user is unlocked by another administrator, sessions are ended, and one-time passwords end by themselves."""

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import SignInTried
from gateway.people.one_time_passwords import VALID_NS, is_over, one_time_password
from gateway.people.sign_in import LOCKED_AFTER, is_locked
from gateway.records.acts import ActOutcome
from gateway.records.user_acts import AddUser, EndSessions, UnlockUser
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.queries.users import sign_in_of
from gateway.time_units import SECOND_NS
from tests.fixtures.building import moment
from tests.fixtures.store_bench import Bench


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        for role in (Role.OPERATOR, Role.ADMINISTRATOR):
            bench.act(AddUser(user_id=role.value, full_name=role.value, roles=(role,)))
        yield bench


def by(user_id):
    return Credential(kind=CredentialKind.SESSION, subject=user_id)


def lock(bench, user_id):
    for _ in range(LOCKED_AFTER):
        bench.now_ns += SECOND_NS
        bench.commit(SignInTried(event_id=f"try-{bench.now_ns}", at=moment(bench.now_ns), user_id=user_id,
                                 succeeded=False, via="console", origin="10.0.0.1"))  # fmt: skip
    assert is_locked(*counted(bench, user_id))


def counted(bench, user_id):
    return tuple(sign_in_of(bench.connection, user_id, place) for place in ("10.0.0.1", ""))


def test_an_administrator_unlocks_another_user_and_it_is_on_record(bench):
    lock(bench, "operator")
    assert bench.act(UnlockUser(user_id="operator"), credential=by("administrator")).outcome is ActOutcome.DONE
    assert [count.failures for count in counted(bench, "operator")] == [0, 0]
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'user_unlocked' AND subject = 'operator'") == [(1,)]


@pytest.mark.parametrize("who", ["operator", "administrator"])
def test_nobody_unlocks_themselves(bench, who):
    lock(bench, who)
    assert bench.act(UnlockUser(user_id=who), credential=by(who)).outcome is ActOutcome.REFUSED
    assert is_locked(*counted(bench, who))


def test_the_sessions_of_others_are_an_administrators_to_end(bench):
    assert bench.act(EndSessions(user_id="administrator"), credential=by("operator")).outcome is ActOutcome.REFUSED
    assert bench.act(EndSessions(user_id="operator"), credential=by("administrator")).outcome is ActOutcome.DONE


@given(
    now_ns=st.integers(min_value=0, max_value=4 * 10**18), later_ns=st.integers(min_value=0, max_value=10 * VALID_NS)
)
def test_a_one_time_password_is_over_when_its_day_is(now_ns, later_ns):
    password = one_time_password(now_ns=now_ns)
    assert is_over(password, now_ns=now_ns + later_ns) == (later_ns >= VALID_NS + SECOND_NS) or (
        VALID_NS - SECOND_NS <= later_ns <= VALID_NS + SECOND_NS
    )


@given(st.text(max_size=60))
def test_what_people_choose_is_never_over(text):
    assert not is_over(text, now_ns=2**62)
