"""Requests as nobody should send them: other origins, odd paths, bodies and texts; all before one console."""

from types import SimpleNamespace
from urllib.parse import quote

import pytest
import pytest_asyncio

from gateway.console import application, asked, attempts
from gateway.console.openapi import document
from gateway.console.routes import ROUTES, Access
from gateway.records.users import Role
from tests.console.test_doors import ACTS, path_of
from tests.fixtures.building import line
from tests.fixtures.console import PASSWORD, Browser, console_at_work, new_store_with_users, quick_passwords

pytestmark = pytest.mark.asyncio(loop_scope="module")
SIGNED_IN = [route for route in ROUTES if route.access is not Access.ANYBODY]
READ = [route for route in SIGNED_IN if route.method == "GET" and route.path != "/api/events"]
CHANGING = [route for route in ROUTES if route.method != "GET"]
DESCRIPTION = document()["components"]["schemas"]
ASKED = DESCRIPTION["ActAsked"]
NASTY = ("'; DROP TABLE audit; --", "' OR '1'='1", '"', "%", "_", "\\", "<script>alert(1)</script>", "ünï😀", "a" * 200,
         "-1", "1e999", "NULL", "x'41'", "__proto__")  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory):
    """One console for all of them; each role signs in once."""
    directory, browsers = tmp_path_factory.mktemp("console"), {}
    with pytest.MonkeyPatch.context() as patch:
        quick_passwords(patch)
        for name in ("_AT_ONCE", "_AT_ONCE_OF_ADDRESS"):
            patch.setattr(attempts, name, 10**6)
        for name in ("_AT_ONCE", "_UNKNOWN_AT_ONCE"):
            patch.setattr(application, name, 10**6)
        new_store_with_users(directory)
        async with console_at_work(directory, line()) as at_work:

            async def signed_in(role):
                if role not in browsers:
                    browsers[role] = at_work.browser()
                    answer = await browsers[role].sign_in(role)
                    assert answer.status == 200, answer.document
                return browsers[role]

            yield SimpleNamespace(port=at_work.port, signed_in=signed_in, stranger=lambda: Browser(at_work.port))


@pytest.mark.parametrize("token", [None, "", "A" * 43, "' OR 1=1 --", "x" * 5000])
async def test_nobody_gets_anything_without_a_session(shared, token):
    browser = shared.stranger()
    browser.cookie = None if token is None else f"labline-{shared.port}={token}"
    for route in SIGNED_IN:
        answer = await browser.ask(route.method, path_of(route), {})
        assert answer.status in {401, 429}, route.path  # 429: so many tokens of one address
        assert set(answer.document) == {"code", "message", "why", "hint"}


@pytest.mark.parametrize("role", Role)
async def test_every_role_sees_every_view(shared, role):
    browser = await shared.signed_in(role.value)
    for route in READ:
        if "verify" not in route.path:
            status = (await browser.get(path_of(route))).status
            hidden = route.access is Access.ADMINISTRATORS and role is not Role.ADMINISTRATOR
            assert status in ({403} if hidden else {200, 400, 404}), route.path  # 400: without its query


@pytest.mark.parametrize(("act", "parameters"), [
    ("archive_audit", {}), ("promote_model", {"model": "m", "version": "1", "bundle_sha256": "", "folder": "/etc"}),
    ("sign_biases", {}), ("set_password", {"user_id": "viewer", "password_hash": "x"}), ("no_such_act", {}), ("", {}),
])  # fmt: skip
async def test_acts_that_name_files_or_carry_secrets_are_not_done_here(shared, act, parameters):
    browser = await shared.signed_in("administrator")
    answer = await browser.post("/api/acts", {"act": act, "parameters": parameters, "reason": "r"})
    assert answer.status == 400
    assert (await browser.get("/api/me")).document["acts"].count(act) == 0


async def test_nobody_gives_a_new_user_a_password_by_an_act(shared):
    browser = await shared.signed_in("administrator")
    user = {"user_id": "new", "full_name": "N", "roles": ["viewer"], "password_hash": "$argon2id$x"}
    assert (await browser.act("add_user", user))["outcome"] == "refused"


@pytest.mark.parametrize("headers", [
    {"origin": None}, {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1"},
    {"origin": "http://127.0.0.1:1"}, {"origin": "http://[::bad"}, {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"}, {"host": "localhost", "origin": "ftp://localhost"},
], ids=str)  # fmt: skip
async def test_a_page_of_another_origin_changes_nothing(shared, headers):
    browser = await shared.signed_in("administrator")
    for route in CHANGING:
        answer = await browser.ask(route.method, path_of(route), {}, headers=headers)
        assert (route.path, answer.status) == (route.path, 403)
    assert (await browser.get("/api/me")).status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::bad", "127.0.0.1@evil"])
async def test_a_foreign_name_that_leads_to_this_machine_is_not_served(shared, host):
    browser = shared.stranger()
    document = {"user": "operator", "password": PASSWORD}
    answer = await browser.post("/session", document, headers={"host": host, "origin": f"http://{host}"})
    assert answer.status in {400, 403, 421}
    assert (await browser.get("/", headers={"host": host})).status in {400, 421}


@pytest.mark.parametrize("reason", ["", "   ", "\u200b\u2060", "\t\n"])
async def test_an_act_that_goes_on_record_with_a_reason_has_one_that_can_be_read(shared, reason):
    browser = await shared.signed_in("quality")
    answer = await browser.act("settle_point", {"material_lot_id": "L", "point_id": "p"}, reason=reason)
    assert (answer["outcome"], answer["why"]) == ("refused", "a reason is needed: it goes on record")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_a_form_of_another_site_is_no_request(shared, kind):
    browser = shared.stranger()
    document = {"user": "operator", "password": PASSWORD}
    assert (await browser.post("/session", document, headers={"content-type": kind})).status == 415


async def test_every_answer_has_the_headers_by_which_a_browser_protects_the_page(shared):
    browser = await shared.signed_in("viewer")
    for path in ("/", "/api/me", "/api/now", "/none", "/api/lots/none", "/api/audit?before=x"):
        headers = (await browser.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert headers["cache-control"] in ({"no-store"} if path.startswith("/api") else {"no-store", "no-cache"})
        assert "server" not in headers


@pytest.mark.parametrize("path", [
    "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/static/../people.py", "//etc/passwd",
    "/js/..%2f..%2fapplication.py", "/index.html/../application.py", "/%00", "/%ff", "/" + "a" * 5000, "/js/%5c..%5cx",
    "/__init__.py", "/api/../people.py", "/api/deviations/..%2f..%2fetc%2fpasswd",
])  # fmt: skip
async def test_no_path_leads_out_of_the_page(shared, path):
    browser = await shared.signed_in("viewer")
    answer = await browser.get(path)
    assert answer.status in {400, 404}
    assert b"root:" not in answer.body
    assert b"import" not in answer.body


@pytest.mark.parametrize("text", NASTY)
async def test_what_people_type_is_never_taken_for_a_statement(shared, text):
    browser = await shared.signed_in("quality")
    part = quote(text, safe="")
    for path in (f"/api/lots?query={part}", f"/api/lots/{part}", f"/api/audit?query={part}", f"/api/audit/trace/{part}",
                 f"/api/trend/{part}/{part}", f"/api/charts/{part}/{part}", f"/api/deviations/{part}",
                 f"/api/lots?before={part}", f"/api/trend/R1/ph?hours={part}"):  # fmt: skip
        assert (await browser.get(path)).status in {200, 400, 404}, path
    for kind, parameters in ACTS.items():
        filled = {name: text if isinstance(value, str) else value for name, value in parameters.items()}
        assert (await browser.act(kind.value, filled, reason=text)).get("outcome") != "done"
    assert (await browser.get("/api/audit")).document["lines"]


@pytest.mark.parametrize("text", NASTY)
async def test_nothing_that_is_typed_to_sign_in_is_taken_for_a_statement(shared, text):
    fields = {
        # not one of the roles: after three wrong passwords the next has to wait, whichever test is next
        "/session": ({"user": "q.head", "password": PASSWORD}, ("user", "password")),
        "/session/link": ({"link": "x"}, ("link",)),
        "/setup": (
            {"link": "x", "user_id": "u", "full_name": "U", "password": PASSWORD},
            ("link", "user_id", "full_name"),
        ),
    }
    for path, (right, names) in fields.items():
        for name in names:
            answer = await shared.stranger().post(path, {**right, name: text})
            assert answer.status in {400, 401}, (path, name)
            assert "set-cookie" not in answer.headers
    browser = await shared.signed_in("administrator")
    kinds = {act["title"]: act["properties"]["parameters"]["$ref"].rpartition("/")[2] for act in ASKED["oneOf"]}
    for kind, shape in kinds.items():
        properties = DESCRIPTION[shape]["properties"]
        filled = {name: text for name, field in properties.items() if field.get("type") == "string"}
        answer = await browser.act(kind, filled | {"seconds": 60.0} if "seconds" in properties else filled, reason=text)
        assert answer.get("outcome") != "done" or kind == "stop_writes", kind
    assert (await browser.get("/api/audit")).document["lines"]


BODIES = {
    "no JSON": b"{", "nothing": b"", "a list": b"[]", "null": b"null", "NaN": b'{"act":NaN}', "a number": b"1",
    "deep": b'{"act":"settle_point","parameters":' + b"[" * 20000 + b"]" * 20000 + b"}",
    "half a character": b'{"act":"\\ud800","parameters":{}}', "no UTF-8": b'{"act":"\xff","parameters":{}}',
    "another field": b'{"act":"settle_point","parameters":{},"person":"me"}',
    "a parameter too many": b'{"act":"acknowledge_alarm","parameters":{"code":"X","force":true}}',
    "parameters of another kind": b'{"act":"acknowledge_alarm","parameters":{"code":{"$ne":""}}}',
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_body_that_is_no_request_is_refused_without_saying_what_was_in_it(shared, body):
    browser = await shared.signed_in("administrator")
    assert (await browser.post("/api/acts", body=body)).status == 400
    secret = await browser.post("/session", {"user": ["s3cret"], "password": {"s3cret": 1}})
    assert secret.status == 400
    assert b"s3cret" not in secret.body


@pytest.mark.parametrize(("path", "length"), [("/session", asked.LONGEST_BODY_OF_STRANGER), ("/setup", 4096)])
async def test_a_stranger_sends_little(shared, path, length):
    for body in (b" " * (length + 1), b'{"user":"' + b"x" * length):
        assert (await shared.stranger().post(path, body=body)).status == 413


async def test_a_body_that_is_too_long_is_not_read_to_its_end(shared):
    browser = await shared.signed_in("administrator")
    assert (await browser.post("/api/acts", body=b"{" + b" " * asked.LONGEST_BODY_BYTES)).status == 413
    endless = {"content-length": None, "transfer-encoding": "chunked"}
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    assert (await browser.post("/api/acts", body=chunk * 3, headers=endless)).status == 413
    both = {"transfer-encoding": "chunked"}
    assert (await browser.post("/api/acts", body=b"0\r\n\r\n", headers=both)).status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/now"), ("GET", "/session"), ("PUT", "/api/acts"), ("DELETE", "/api/acts"),
     ("OPTIONS", "/api/now"), ("TRACE", "/api/me")],
)  # fmt: skip
async def test_a_path_takes_its_own_methods_only(shared, method, path):
    browser = await shared.signed_in("viewer")
    assert (await browser.ask(method, path)).status == 405
