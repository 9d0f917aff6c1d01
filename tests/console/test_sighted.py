"""Who sees the records of some clients only learns of no other client by any door of the console."""

import io
import json
import re
import zipfile
from contextlib import closing
from datetime import UTC
from types import SimpleNamespace
from urllib.parse import quote

import pytest
import pytest_asyncio

from gateway.console.routes import ROUTES, OfRecord, Sees
from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index, read_index
from gateway.knowledge.searching import Asked as Finding
from gateway.knowledge.searching import Searched, search
from gateway.knowledge.synonyms import synonyms_of, usual_groups
from gateway.records.sight import Sight
from gateway.records.user_acts import AddUser
from gateway.records.users import Role
from gateway.store.database import open_state, read_state
from tests.fixtures.console import console_at_work, next_event, quick_passwords, set_password
from tests.fixtures.console_on_lots import HandClock
from tests.fixtures.people import add_users_to
from tests.fixtures.two_clients import LIMITED, MARK, two_clients

pytestmark = pytest.mark.asyncio(loop_scope="module")
_OF_LOT = "json_extract(body, '$.material_lot_id')"
GET = [route for route in ROUTES if route.method == "GET" and route.path != "/api/events"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory):
    """The console of the plant of two clients; ``names``: of records, by client."""
    directory = tmp_path_factory.mktemp("sighted")
    plant = two_clients(directory)
    names = {client: _names(plant, client) for client in ("OWN", "ZETA")}
    plant.connection.close()
    users = (*LIMITED, "operator")
    add_users_to(directory, *(AddUser(user_id=name, full_name=name, roles=(Role(name),)) for name in users))
    for name in users:
        set_password(directory, name)
    with closing(read_state(directory)) as state, open_index(directory) as index:
        catch_up(state, index)
    with pytest.MonkeyPatch.context() as patch:
        quick_passwords(patch)
        clock = HandClock(plant.now_ns + 10**9)
        async with console_at_work(directory, plant.line, clock=clock, present=lambda _tag: 75.5) as at_work:
            at_work.names, at_work.pages = names, {}
            for name in users:
                at_work.pages[name] = at_work.browser()
                assert (await at_work.pages[name].sign_in(name)).status == 200
            yield at_work


def _names(plant, client):
    def one(query):
        return plant.rows(query, f"{client}-%")[0][0]

    return SimpleNamespace(
        lot=f"{client}-BAD",
        deviation=plant.deviation_of(f"{client}-BAD").deviation_id,
        certificate=one("SELECT certificate_id FROM certificate WHERE body LIKE '%' || ?"),
        signed=one("SELECT record_id FROM signed_record WHERE subject LIKE ?"),
        guidance=one(f"SELECT guidance_id FROM guidance WHERE open = 1 AND {_OF_LOT} LIKE ?"),
        action=one(f"SELECT action_id FROM corrective_action WHERE {_OF_LOT} LIKE ?"),
    )


def _path(route, names):
    """Return the path of a route to the records of a client."""
    keys = {"deviations": names.deviation, "certificates": names.certificate, "signatures": names.signed}
    key = keys.get(route.path.split("/")[2], names.lot)
    parts = {"lot": names.lot, "id": key, "version": "1", "equipment": "R1", "analyte": "viscosity",
             "model": "viscosity", "user": "operator"}  # fmt: skip
    path = re.sub(r"{(\w+)}", lambda part: quote(parts[part[1]], safe=""), route.path)
    query = {"since": "2020-01-01T00:00:00Z", "hours": "24"}
    asked = "&".join(f"{name}={quote(query[name])}" for name, _text in route.query if name in query)
    return f"{path}?{asked}" if asked else path


def _text(answer):
    """Return all that an answer says, in small letters; of an archive what is in it."""
    if not answer.body.startswith(b"PK"):
        return answer.body.decode("latin-1").lower()
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        return "".join(archive.read(name).decode("latin-1") for name in archive.namelist()).lower()


async def test_no_answer_to_who_does_not_see_a_client_has_anything_of_it(served):
    for route in GET:
        for client in ("OWN", "ZETA"):
            path = _path(route, served.names[client])
            for user in LIMITED if client == "ZETA" or "document" not in path else ():
                answer = await served.pages[user].get(path)
                text = _text(answer)
                assert MARK not in text, (route.name, user, text[max(0, text.find(MARK) - 700) : text.find(MARK) + 200])
                assert answer.status in {200, 403, 404, 409}, (route.name, answer.body)
    part = {route for route in GET if route.sight is Sees.PART and route.name not in NAMELESS}
    for route in part:
        whole = await served.pages["operator"].get(_path(route, served.names["ZETA"]))
        assert MARK in _text(whole), (route.name, "shows nothing by which it could be seen that something is left out")


NAMELESS = {"GET /api/trend/{equipment}/{analyte}", "GET /api/search", "GET /api/search/export"}


async def test_what_belongs_to_ones_own_client_is_answered(served):
    for route in GET:
        if route.sight is not Sees.WHOLE_PLANT and not route.path.endswith(("bundle", "pdf")):
            answer = await served.pages["viewer"].get(_path(route, served.names["OWN"]))
            assert answer.status == 200, (route.name, answer.body)
            assert MARK not in _text(answer), route.name


async def test_a_hidden_record_is_answered_as_one_that_is_not_there(served):
    missing = SimpleNamespace(**dict.fromkeys(vars(served.names["OWN"]), "NONE"))
    for route in GET:
        if isinstance(route.sight, OfRecord):
            hidden = await served.pages["viewer"].get(_path(route, served.names["ZETA"]))
            absent = await served.pages["viewer"].get(_path(route, missing))
            assert (hidden.status, hidden.body) == (absent.status, absent.body), route.name
            assert hidden.status == 404
            assert set(hidden.headers) == set(absent.headers)


async def test_what_is_of_all_clients_together_is_refused(served):
    for route in ROUTES:
        if route.sight is Sees.WHOLE_PLANT:
            answer = await served.pages["administrator"].ask(route.method, _path(route, served.names["OWN"]), {
                "reason": "", "sign_in": {"user": "administrator", "password": "x", "code": ""}})  # fmt: skip
            assert (answer.status, answer.document["code"]) == (403, "SIGHT_IS_LIMITED"), route.name


async def test_each_route_states_what_is_answered_to_who_sees_some_clients():
    for route in ROUTES:
        assert isinstance(route.sight, Sees | OfRecord), route.name
        if isinstance(route.sight, OfRecord):
            assert f"{{{route.sight.parameter}}}" in route.path
        else:
            named = {"{lot}", "{id}"} & set(route.path.split("/"))
            assert not named or route.sight is Sees.WHOLE_PLANT, f"{route.name} is about a record"


async def test_the_event_stream_has_nothing_of_a_hidden_client(served):
    heard = {}
    for user in ("viewer", "operator"):
        stream = await served.pages[user].events()
        served.changes.note()
        while (event := await next_event(stream))[0] != "now":
            pass
        heard[user] = json.dumps(event[1]).lower()
        stream.writer.close()
    assert MARK not in heard["viewer"]
    assert MARK in heard["operator"]


async def test_counts_are_of_what_is_seen(served):
    seen, whole = [(await served.pages[user].get("/api/now")).document for user in ("viewer", "operator")]
    assert len(seen["guidance"]) < len(whole["guidance"])
    assert seen["signatures_waiting"] == len(seen["waiting"]) == 1
    assert whole["signatures_waiting"] == 2
    alarms = (await served.pages["viewer"].get("/api/alarms")).document["alarms"]
    assert seen["alarms_calling"] == sum(not item["acknowledged"] and not item["suppressed"] for item in alarms)
    assert [item["material_lot_id"] for item in seen["lots"] if item["equipment_id"] == "R1"] == [None]


async def test_a_list_is_filled_up_with_what_is_seen(served):
    whole = (await served.pages["viewer"].get("/api/lots")).document
    assert whole["before"] is None
    assert {item["client_id"] for item in whole["lots"]} == {"Carl"}


async def test_a_search_finds_nothing_of_a_hidden_client(served):
    for query in ("ZETA-BAD", "client:Zeta", "Zeta", "supplies"):
        for path in (f"/api/search?query={quote(query)}", f"/api/search/export?query={quote(query)}"):
            found = (await served.pages["viewer"].get(path)).body.decode().lower()
            assert MARK not in found.replace(f'"query":"{query.lower()}"', ""), path


async def test_a_search_by_a_hidden_name_is_as_one_by_a_name_that_is_not_there(served):
    for words in ("{} viscosity", "{}", '"{}"', "lot:{}", "{} pressure hold"):
        answers = []
        for name in ("ZETA-1", "NONE-1"):
            answer = await served.pages["viewer"].get(f"/api/search?query={quote(words.format(name))}")
            answers.append(answer.body.decode().replace(name, ""))
        assert answers[0] == answers[1], words


async def test_pages_of_a_search_are_filled_up_with_what_is_seen(served):
    sight = Sight(clients=frozenset({"Carl"}))
    with closing(read_state(served.directory)) as state, closing(read_index(served.directory)) as index:
        where = Searched(index=index, state=state, procedures=(), synonyms=synonyms_of(usual_groups()), zone=UTC)
        whole = search(where, Finding(text="OWN", sight=sight))
        everything = search(where, Finding(text="OWN"))
        pages = [search(where, Finding(text="OWN", sight=sight, most=1, beyond=place))
                 for place in range(len(whole.findings) + 1)]  # fmt: skip
    assert 0 < len(whole.findings) < len(everything.findings)
    assert [page.findings for page in pages] == [*((item,) for item in whole.findings), ()]
    assert [page.more for page in pages] == [*(True for _ in whole.findings[1:]), False, False]


QUESTIONS = (
    "Why is lot OWN-BAD on hold?", "Which lots used RAW-7?", "What is open right now?", "status of lot ZETA-BAD",
    "What helped last time against viscosity?", "Which lots are on hold?", "What is being made on R1?",
    "Which deviations are open?", "Who are the suppliers of RAW-7?", "What is predicted on R1?", "ZETA-BAD", "Zeta",
)  # fmt: skip


async def test_no_question_is_answered_with_anything_of_a_hidden_client(served):
    for question in QUESTIONS:
        answer = (await served.pages["viewer"].post("/api/ask", {"question": question})).body.decode().lower()
        for word in question.lower().split():
            answer = answer.replace(word, "") if MARK in word else answer  # what one has asked oneself
        assert MARK not in answer, (question, answer)
    hidden, absent = [
        (await served.pages["viewer"].post("/api/ask", {"question": f"status of lot {lot}"})).document
        for lot in ("ZETA-BAD", "NONE-BAD")
    ]
    assert hidden["text"].replace("ZETA", "NONE") == absent["text"]
    whole = await served.pages["operator"].post("/api/ask", {"question": QUESTIONS[1]})
    assert MARK in whole.body.decode().lower()


def _acts(names):
    """Acts on a client's records."""
    return {
        "decide_lot": {"material_lot_id": names.lot, "verdict": "hold", "basis_sha256": "0" * 64},
        "settle_point": {"material_lot_id": names.lot, "point_id": "p"},
        "divide_lot": {"material_lot_id": names.lot, "part": "a", "quantity": "1 kg"},
        "undo_division": {"material_lot_id": names.lot, "part": "a"},
        "draft_certificate": {"material_lot_id": names.lot, "customer": "Carl"},
        "record_action": {"deviation_id": names.deviation, "action": "a", "action_kind": "corrective", "owner": "o"},
        "close_deviation": {"deviation_id": names.deviation, "version": 1},
        "complete_action": {"action_id": names.action},
        "sign_certificate": {"certificate_id": names.certificate, "version": 1, "sha256": "0" * 64},
        "answer_guidance": {"guidance_id": names.guidance, "answer": "acknowledge"},
        "sign_pending": {"record_id": names.signed, "sha256": "0" * 64},
        "withdraw_pending": {"record_id": names.signed},
    }


async def test_nobody_acts_on_what_they_do_not_see_nor_learns_that_it_is_there(served):
    missing = SimpleNamespace(**dict.fromkeys(vars(served.names["OWN"]), "NONE"))
    page = served.pages["quality"]
    absent = _acts(missing)
    for act, parameters in _acts(served.names["ZETA"]).items():
        hidden = await page.act(act, parameters)
        assert hidden["code"] in {"NOT_IN_SIGHT", "ROLE_NOT_ENTITLED"}, (act, hidden)
        assert hidden == await page.act(act, absent[act])
    for customer in ("Zeta", "Nobody"):
        act = {"material_lot_id": served.names["OWN"].lot, "customer": customer}
        assert (await page.act("draft_certificate", act))["code"] == "NOT_IN_SIGHT"
    own = await page.act("record_action", _acts(served.names["OWN"])["record_action"])
    assert own["outcome"] == "done", own


async def test_who_sees_a_part_stops_writing_and_does_nothing_else_for_the_whole_plant(served):
    assert (await served.pages["supervisor"].act("stop_writes", {}))["outcome"] == "done"
    for user, act, parameters in (
        ("administrator", "change_user", {"user_id": "operator", "disabled": True}),
        ("supervisor", "approve_laboratory_plan", {"plan_id": "p", "plan_sha256": "0" * 64}),
        ("quality", "change_stage", {"model": "viscosity", "bundle_sha256": "0" * 64, "stage": "shadow"}),
        ("quality", "settle_exception", {"material_lot_id": served.names["OWN"].lot, "exception_id": "x"}),
        ("quality", "sign_review", {"material_lot_id": served.names["OWN"].lot, "review_sha256": "0" * 64}),
    ):
        assert (await served.pages[user].act(act, parameters))["code"] == "SIGHT_IS_LIMITED", act


async def test_a_lot_that_does_not_hold_is_nobodys(served):
    with closing(open_state(served.directory)) as connection:
        connection.execute("UPDATE lot SET hash = 'x' WHERE material_lot_id = 'OWN-1'")
    assert (await served.pages["viewer"].get("/api/lots/OWN-1")).status == 404
    assert (await served.pages["operator"].get("/api/lots/OWN-1")).status == 200
