"""The console does what its OpenAPI description says, whatever is asked of it: schemathesis makes the requests.

Each operation is asked with what its description allows and with what it does not, as each role and as nobody.
``LABLINE_REQUESTS_OF_EACH_OPERATION`` asks for more than the suite has time for.
"""

import os
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from gateway.console import application, attempts
from gateway.console.openapi import document
from gateway.console.routes import ROUTES
from gateway.records.users import Role
from tests.fixtures.building import line
from tests.fixtures.console import PASSWORD, new_store_with_users, quick_passwords
from tests.fixtures.console_in_thread import console_in_thread

REQUESTS = int(os.environ.get("LABLINE_REQUESTS_OF_EACH_OPERATION", "2"))
STREAM = "/api/events"  # it does not end: test_doors.py
DESCRIPTION = schemathesis.openapi.from_dict(document())
OPERATIONS = [(route.method, route.path) for route in ROUTES if route.path != STREAM]
CHECKS = [
    schemathesis.checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance, checks.response_headers_conformance,
]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The console, without bounds on how often it is asked."""
    directory = tmp_path_factory.mktemp("described")
    with pytest.MonkeyPatch.context() as monkeypatch:
        quick_passwords(monkeypatch)
        for module, name in ((application, "_AT_ONCE"), (application, "_UNKNOWN_AT_ONCE"),
                             (attempts, "_AT_ONCE"), (attempts, "_AT_ONCE_OF_ADDRESS")):  # fmt: skip
            monkeypatch.setattr(module, name, 10**9)
        new_store_with_users(directory)
        with console_in_thread(directory, line()) as served:
            yield served


class Page:
    """What a page sends with its requests: the origin, and of who is signed in cookie and token."""

    def __init__(self, port, user):
        self.address, self._user = f"http://127.0.0.1:{port}", user
        self.headers = {"origin": self.address}
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # none but that of the headers
        if user is not None:
            self.sign_in()

    def sign_in(self):
        answer = requests.post(f"{self.address}/session", json={"user": self._user, "password": PASSWORD},
                               headers={"origin": self.address}, timeout=120)  # fmt: skip
        self.headers |= {
            "x-csrf-token": answer.json()["csrf_token"],
            "cookie": answer.headers["set-cookie"].partition(";")[0],
        }

    def ask(self, case):
        """Ask; who was signed out by it signs in again."""
        case.cookies = {}  # the session's is in the headers
        answer = case.call(base_url=self.address, headers=self.headers, timeout=120, session=self._session)
        if self._user is not None and answer.status_code == 204:
            self.sign_in()
        return answer


@pytest.fixture(scope="module")
def pages(served):
    """A page of nobody, and one of each role."""
    return [Page(served.port, user) for user in (None, *(role.value for role in Role))]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("allowed", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not allowed"])
def test_whatever_is_asked_and_by_whom_the_answer_is_as_described(pages, method, path, allowed):
    @seed(18)
    @settings(max_examples=REQUESTS * (10 if path == "/api/acts" else 1), deadline=None, database=None,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=DESCRIPTION[path][method].as_strategy(generation_mode=allowed))
    def conforms(case):
        for page in pages:
            answer = page.ask(case)
            case.validate_response(answer, checks=CHECKS)
            if answer.status_code >= 400:
                assert answer.json().keys() == {"code", "message", "why", "hint"}

    with suppress(Unsatisfiable if allowed is GenerationMode.NEGATIVE else ()):  # where nothing can be wrong
        conforms()
