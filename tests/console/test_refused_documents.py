"""Documents that the console does not make, each with its code."""

from types import SimpleNamespace

import pytest

from gateway.console.accounts import Accounts
from gateway.console.application import Application
from gateway.console.bundles import Bundles
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.routes import Access
from gateway.console.showing import Showing
from gateway.console.views.acts import SigningAsked
from gateway.console.views.users import PasswordLinkAsked
from gateway.records.signatures import SigningState
from gateway.records.users import Role


class Reads:
    """A reader that finds what it is given."""

    def __init__(self, found):
        self._found = found

    async def read(self, _work):
        return self._found


@pytest.mark.parametrize(
    ("item", "code"),
    [
        pytest.param(None, RequestRefusal.NO_SIGNED_RECORD, id="none"),
        pytest.param(SimpleNamespace(holds=False), RequestRefusal.DAMAGED_NOT_EXPORTED, id="damaged"),
        pytest.param(
            SimpleNamespace(holds=True, state=SigningState.WAITING), RequestRefusal.ACT_NOT_DONE, id="waiting"
        ),
    ],
)
async def test_only_what_is_signed_done_and_whole_is_exported(item, code):
    bundles = Bundles(Reads(item), line="l", signer=None)
    with pytest.raises(RefusedError) as refused:
        await bundles.bundle(SimpleNamespace(sight=None, parameters={"id": "x"}))
    assert refused.value.code is code


async def test_a_pilot_report_of_no_model_is_not_made():
    showing = Showing(quick=None, slow=Reads(None), shown=SimpleNamespace(snapshot=lambda _sight: None), figures=None)
    with pytest.raises(RefusedError) as refused:
        await showing.pilot_report(SimpleNamespace(sight=None, parameters={"model": "unheard"}))
    assert (refused.value.status, refused.value.code) == (404, RequestRefusal.NO_MODEL_OF_THIS_NAME)


async def test_a_link_for_a_password_is_not_ones_own_and_is_made_by_who_is_signed_in():
    accounts = Accounts(reader=None, sessions=None, acts=None, attempts=None, clock=None)
    session = SimpleNamespace(user=SimpleNamespace(user_id="adam"))
    codes = []
    for user, signs in (("adam", "adam"), ("olga", "eve")):
        body = PasswordLinkAsked(reason="lost", sign_in=SigningAsked(user=signs, password="p"))
        with pytest.raises(RefusedError) as refused:
            await accounts.password_link(SimpleNamespace(body=body, signed_in=session, parameters={"user": user}))
        codes.append(refused.value.code)
    assert codes == [RequestRefusal.OWN_PASSWORD, RequestRefusal.LINK_BY_WHO_IS_SIGNED_IN]


def test_users_are_for_administrators():
    session = SimpleNamespace(must_change=False, user=SimpleNamespace(roles=(Role.OPERATOR,)))
    route = SimpleNamespace(access=Access.ADMINISTRATORS, name="GET /api/users")
    with pytest.raises(RefusedError) as refused:
        Application._may(None, SimpleNamespace(method="GET"), route, session)
    assert refused.value.code is RequestRefusal.FOR_ADMINISTRATORS
