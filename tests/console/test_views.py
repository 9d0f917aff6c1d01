"""What the console shows of a line that has made lots, predicted, and warned."""

import asyncio
from contextlib import suppress
from urllib.parse import quote

import pytest

from gateway.console import broadcast
from gateway.console.routes import ROUTES
from tests.fixtures.console import next_event
from tests.fixtures.console_on_lots import console_on_lots

SHAPES = {route.path: route.answer for route in ROUTES if route.answer is not None}


@pytest.fixture
async def at_work(tmp_path, monkeypatch):
    """The console on a line that has made lots; a viewer has signed in."""
    async with console_on_lots(tmp_path, monkeypatch) as served:
        served.viewer = served.browser()
        assert (await served.viewer.sign_in("viewer")).status == 200
        yield served


async def shown(at_work, path):
    answer = await at_work.viewer.get(path)
    assert answer.status == 200, (path, answer.body)
    return answer.document


async def test_now_shows_what_to_do_what_runs_and_where_the_setpoints_stand(at_work):
    now = await shown(at_work, "/api/now")
    hold = next(item for item in now["guidance"] if item["kind"] == "hold")
    assert (hold["material_lot_id"], hold["next_action"]) == ("BAD", "Keep lot BAD back.")
    assert now["banner"]["guidance_id"] in {item["guidance_id"] for item in now["guidance"]}
    (lot,) = [lot for lot in now["lots"] if lot["equipment_id"] == "R1"]
    assert lot["material_lot_id"] == "LOT-NOW"
    (prediction,) = now["predictions"]
    assert prediction["predicted"]["low"] < prediction["predicted"]["value"] < prediction["predicted"]["high"]
    assert prediction["stale"] is False
    assert (now["setpoints"][0]["value"], now["setpoints"][0]["state"]) == (75.5, "good")
    assert await shown(at_work, prediction["trend"])
    alarms = (await shown(at_work, "/api/alarms"))["alarms"]
    assert [alarm["material_lot_id"] for alarm in alarms] == ["BAD", "LOT-NOW"]  # each leads to its lot


async def test_a_lot_shows_its_results_what_is_against_it_its_draft_and_its_charts(at_work):
    lot = await shown(at_work, "/api/lots/BAD")
    assert (lot["recommendation"], lot["results"][0]["value"]) == ("hold", 110.0)
    assert lot["open_points"][0]["can_be_settled"] is False
    assert {"result", "disposition", "context", "guidance", "deviation"} <= {entry["kind"] for entry in lot["timeline"]}
    assert [entry["at"] for entry in lot["timeline"]] == sorted(entry["at"] for entry in lot["timeline"])
    page = await at_work.viewer.get(lot["deviations"][0]["document"])
    assert page.status == 200
    assert "sandbox" in page.headers["content-security-policy"]
    chart = await shown(at_work, lot["charts"][0]["path"])
    assert [point["value"] for point in chart["points"] if point["of_this_lot"]] == [110.0]


async def test_lots_are_listed_newest_first_and_searched_by_a_part_of_their_name(at_work):
    lots = (await shown(at_work, "/api/lots"))["lots"]
    assert [lot["material_lot_id"] for lot in lots] == ["LOT-NOW", "BAD", "L/3", "L/2", "L/1"]
    found = (await shown(at_work, "/api/lots?query=l%2F"))["lots"]
    assert [lot["material_lot_id"] for lot in found] == ["L/3", "L/2", "L/1"]
    assert (await shown(at_work, f"/api/lots/{quote('L/2', safe='')}"))["recommendation"] == "release"


async def test_every_other_view_is_of_its_shape(at_work):
    for path in ("/api/alarms", "/api/samples", "/api/models", "/api/signatures", "/api/health", "/api/audit",
                 "/api/audit?query=lot", "/api/audit/trace/BAD"):  # fmt: skip
        shape = SHAPES[path.partition("?")[0].replace("/BAD", "/{id}")]
        document = await shown(at_work, path)
        assert shape.model_validate(document).model_dump(mode="json") == document, path


async def test_the_audit_trail_is_read_in_pages(at_work):
    first = await shown(at_work, "/api/audit?before=5")
    assert [line["seq"] for line in first["lines"]] == [4, 3, 2, 1]
    assert first["before"] is None


async def test_the_whole_store_is_verified_in_a_process_of_its_own(at_work):
    verified = await shown(at_work, "/api/audit/verify")
    assert verified["lines"] > 5


async def test_what_is_not_on_record_is_not_there(at_work):
    for path in ["/api/lots/NONE", "/api/audit/trace/NONE", "/api/charts/BAD/none", "/api/trend/R9/ph",
                                  "/api/deviations/none", "/api/trend/R1/none"]:  # fmt: skip
        assert (await at_work.viewer.get(path)).status == 404, path


async def test_a_parameter_that_is_none_is_refused(at_work):
    missed = [f"/api/missed?since={since}" for since in ("9999-12-31T00:00:00Z", "1900-01-01T00:00:00Z", "x", "")]
    lists = [f"/api/lots?before={place}" for place in ("x", "-1", "1e9")]
    trends = [f"/api/trend/R1/viscosity?hours={hours}" for hours in ("0", "nan", "inf", "1e9")]
    searches = ["/api/lots?query=" + "x" * 201, "/api/lots?query=%00", "/api/audit?query=%0a"]
    for path in (*missed, *lists, *trends, *searches):
        assert (await at_work.viewer.get(path)).status == 400, path


async def test_a_page_hears_of_a_commit_at_once_and_six_times_in_a_second_at_most_on_average(at_work):
    stream, loop = await at_work.viewer.events(), asyncio.get_running_loop()
    begun, states = loop.time(), []
    while loop.time() - begun < 1.2:
        at_work.changes.note()
        with suppress(TimeoutError):
            kind, data = await next_event(stream, within=0.01)
            states += [data["counter"]] if kind == "state" else []
    assert 2 <= len(states) <= 6 * (loop.time() - begun) + 1 + broadcast._AT_ONCE
    assert states == sorted(set(states))
    at_work.changes.note()
    async with asyncio.timeout(60):
        while states[-1] < at_work.changes.counter:
            kind, data = await next_event(stream)
            states += [data["counter"]] if kind == "state" else []
    assert (await shown(at_work, "/api/now"))["counter"] >= states[-1]
    stream.writer.close()


async def test_the_gateway_ends_with_pages_open_without_waiting_for_them(tmp_path, monkeypatch):
    async with console_on_lots(tmp_path, monkeypatch) as served:
        browser = served.browser()
        await browser.sign_in("viewer")
        stream = await browser.events()
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 1.0
    assert await asyncio.wait_for(stream.reader.read(), 60)  # the stream has its proper end
    stream.writer.close()


async def test_a_record_that_was_changed_behind_the_gateway_is_named_and_not_shown_as_it_stands(at_work):
    def damage(connection):
        connection.execute("DROP TRIGGER IF EXISTS guidance_rehashed")
        connection.execute("UPDATE guidance SET body = replace(body, 'BAD', 'BUT') WHERE kind = 'hold'")

    await at_work.writer.run(damage)
    at_work.changes.note()
    now = await shown(at_work, "/api/now")
    assert [name for name in now["damaged"] if name.startswith("guidance ")]
    assert not [item for item in now["guidance"] if item["kind"] == "hold"]
