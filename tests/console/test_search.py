"""The search over HTTP: who sees what, what is answered to anything that is written, and the same as a file."""

import csv
import io
import json
from contextlib import closing
from urllib.parse import quote

import pytest
import pytest_asyncio

from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index
from gateway.records.sight import NOBODYS_CLIENT, Sights
from gateway.store.database import read_state
from tests.fixtures.console_on_lots import console_on_lots

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _with_a_client(plant):
    plant.context("lot_started", material_lot_id="LOT-C", client_id="Carl", job_order_id="WO-9", equipment_id="R2")


def index_of(directory):
    with closing(read_state(directory)) as state, open_index(directory) as index:
        catch_up(state, index)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory):
    """The console on lots, one of them of a client whose records the operator does not see."""
    directory = tmp_path_factory.mktemp("search")
    sights = Sights(of_users={"operator": NOBODYS_CLIENT})
    with pytest.MonkeyPatch.context() as patch:
        async with console_on_lots(directory, patch, before=_with_a_client, sights=sights) as served:
            served.viewer, served.operator = served.browser(), served.browser()
            assert (await served.viewer.sign_in("viewer")).status == 200
            assert (await served.operator.sign_in("operator")).status == 200
            answer = await served.viewer.get("/api/search?query=BAD")
            assert answer.document["behind"]["building"]  # there is no index yet
            index_of(directory)
            yield served


async def test_what_is_on_record_is_found_with_where_to_look_further(served):
    view = (await served.viewer.get("/api/search?query=" + quote("Charge BAD kind:lot"))).document
    (lot,) = view["findings"]
    assert (lot["id"], lot["link"], lot["record"]) == ("BAD", "#/lots/BAD", "lot BAD")
    assert view["behind"] == {"lines": 0, "building": False, "dropped": 0, "damaged": 0}


async def test_records_of_a_client_are_found_by_who_may_see_them(served):
    for path in ("/api/search?query=LOT-C", "/api/search?query=Carl", "/api/search/export?query=LOT-C&format=json"):
        assert "Carl" in str((await served.viewer.get(path)).document["findings"])
        assert (await served.operator.get(path)).document["findings"] == []


@pytest.mark.parametrize("query", ['"', "NEAR(", "title:x OR *", "a AND AND", "'; DROP TABLE words; --", "%", "kind:"])
async def test_signs_of_a_query_language_are_answered(served, query):
    assert (await served.viewer.get(f"/api/search?query={quote(query)}")).status == 200


async def test_ten_thousand_characters_are_answered_with_what_was_looked_for(served):
    answer = await served.viewer.get("/api/search?query=" + "x" * 10_000)
    assert (answer.status, answer.document["problems"]) == (200, ["TOO_LONG"])
    assert (await served.viewer.get("/api/search?query=" + "x" * 13_000)).status == 400


async def test_what_is_found_is_a_file_that_no_spreadsheet_computes(served):
    answer = await served.viewer.get("/api/search/export?query=BAD")
    rows = list(csv.reader(io.StringIO(answer.body.decode())))
    assert rows[0][:3] == ["kind", "id", "title"]
    assert ["lot", "BAD"] in [row[:2] for row in rows]
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(("=", "+", "@"))]
    assert answer.headers["content-disposition"] == 'attachment; filename="search.csv"'


async def test_a_kind_or_form_that_there_is_not_is_refused(served):
    for path in ("/api/search?kind=secret", "/api/search?beyond=-1", "/api/search/export?format=xml"):
        assert (await served.viewer.get(path)).status == 400


# --- questions ------------------------------------------------------------------------------------------------------


async def test_a_question_is_answered_from_records_with_who_may_see_them(served):
    answer = (await served.viewer.post("/api/ask", {"question": "Why is lot BAD on hold?"})).document
    assert (answer["outcome"], answer["intent"]) == ("answered", "status_of_lot")
    assert answer["sources"][0] == {"record": "lot BAD", "title": "BAD", "link": "#/lots/BAD"}
    for browser, outcome in ((served.viewer, "answered"), (served.operator, "nothing_on_record")):
        asked = {"question": "status of lot LOT-C"}
        assert (await browser.post("/api/ask", asked)).document["outcome"] == outcome


async def test_a_question_of_ten_thousand_characters_is_answered_with_what_is_read(served):
    answer = (await served.viewer.post("/api/ask", {"question": "x" * 10_000})).document
    assert (answer["outcome"], "10000" in answer["text"]) == ("not_answered", True)
    assert (await served.viewer.post("/api/ask", {"question": "x" * 13_000})).status == 400


async def test_a_question_is_on_record_before_its_answer_is_there(tmp_path, monkeypatch):
    async with console_on_lots(tmp_path, monkeypatch) as served:
        browser = served.browser()
        await browser.sign_in("viewer")
        await browser.post("/api/ask", {"question": "Why is lot BAD on hold?"})
        ((body,),) = _questions(tmp_path)
        line = json.loads(body)
        assert (line["who"], line["known"], line["intent"]) == ("viewer", True, "status_of_lot")
        assert line["sources"][0] == "lot BAD"
        assert len(line["answer_sha256"]) == 64


def _questions(directory):
    with closing(read_state(directory)) as state:
        return [tuple(row) for row in state.execute("SELECT body FROM audit WHERE kind = 'question_answered'")]
