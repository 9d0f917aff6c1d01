"""From the tables: what deciding on users stands on. Runs inside the writer's transaction."""

from typing import TypedDict

from gateway.advice.alarm_states import gateway_alarm_id
from gateway.advice.gateway_alarms import guessing_of, password_set_of
from gateway.events import ActRequested, SignInTried
from gateway.facts.acts import PasswordFacts, SignInFacts, UserFacts
from gateway.records.user_acts import ConfirmPassword, SetPassword, SetSecondDevice
from gateway.records.users import KeyChanged, User
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.alarms import alarm_of
from gateway.store.queries.users import keys_of_all, password_of, sign_in_of, users_of_all
from gateway.store.statements import SQL


class _Users(TypedDict):
    users: tuple[User, ...]
    keys: tuple[KeyChanged, ...]
    confirmers: frozenset[str]


def _users(reading: Reading) -> _Users:
    connection = reading.connection
    return {
        "users": users_of_all(connection),
        "keys": keys_of_all(connection),
        "confirmers": frozenset(row["user_id"] for row in connection.execute(SQL["confirmers"])),
    }


@loader
def user_facts(reading: Reading, event: ActRequested) -> UserFacts:
    """Return the users and their keys."""
    return UserFacts(**act_base(reading, event), **_users(reading))


@loader
def password_facts(reading: Reading, event: ActRequested) -> PasswordFacts:
    """Return the users, and the password of the one whom the act is about."""
    connection, act = reading.connection, event.act
    if not isinstance(act, SetPassword | ConfirmPassword | SetSecondDevice):
        raise TypeError(f"{act.kind} is about no password")
    return PasswordFacts(
        **act_base(reading, event),
        **_users(reading),
        password=password_of(connection, act.user_id),
        alarm=alarm_of(connection, gateway_alarm_id(password_set_of(act.user_id))),
    )


@loader
def sign_in_facts(reading: Reading, event: SignInTried) -> SignInFacts:
    """Return how often in a row the user's password was wrong."""
    connection = reading.connection
    return SignInFacts(
        **reading.base(),
        known=any(user.user_id == event.user_id for user in users_of_all(connection)),
        here=sign_in_of(connection, event.user_id, event.origin),
        elsewhere=sign_in_of(connection, event.user_id, ""),
        alarm=alarm_of(connection, gateway_alarm_id(guessing_of(event.user_id))),
    )
