"""From the tables: what deciding on users stands on. Runs inside the writer's transaction."""

from gateway.events import ActRequested, SignInTried
from gateway.facts.acts import SignInFacts, UserFacts
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.users import keys_of_all, sign_in_of, users_of_all


@loader
def user_facts(reading: Reading, event: ActRequested) -> UserFacts:
    """Return the users and their keys."""
    connection = reading.connection
    return UserFacts(**act_base(reading, event), users=users_of_all(connection), keys=keys_of_all(connection))


@loader
def sign_in_facts(reading: Reading, event: SignInTried) -> SignInFacts:
    """Return how often in a row the user's password was wrong."""
    known = any(user.user_id == event.user_id for user in users_of_all(reading.connection))
    return SignInFacts(**reading.base(), known=known, failures=sign_in_of(reading.connection, event.user_id).failures)
