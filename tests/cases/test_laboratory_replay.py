"""A replay judges lots as they were judged then: late context, refusals, retests, parents, resends."""

from contextlib import closing

from gateway.database.opening import open_for_writing
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.replay.recorded import Recording, Stretch, recorded_events
from gateway.replay.rerun import rerun
from gateway.runtime.sessions import inbound_routes
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS
from tests.fixtures.laboratory import Laboratory


def a_bad_day(lab):
    lab.result("Viscosity", 120.0, None, equipment_id="R1", sampled_at=lab.at(-60))
    lab.mes("lot_started", material_lot_id="A", material_definition_id="FG-100", equipment_id="R1", at_seconds=-600)
    lab.result("pH", 7.0, "B")
    lab.lims(b'{"material_lot": "B", "test_name": "pH"')  # cut off
    lab.result("pH", 7.1, "C", sample_id="S-C", result_version=1)
    lab.result("pH", 9.8, "C", sample_id="S-C", result_version=1)
    lab.mes("material_consumed", material_lot_id="D", consumed_lot_id="C")
    lab.result("pH", 7.0, "D")
    lab.result("pH", 7.0, "E", sample_id="S-E2", retest_of="S-E1")
    for value in (7.0, 7.1, 7.0):
        lab.result("pH", value, "F", sample_id="S-F")
    lab.wait(61)
    lab.result("Density", 1.0, "G")
    lab.specification(product="FG-100", analyte="Density", lower=0.95, upper=1.05, version="1")


def test_laboratory_replay_says_of_each_lot_what_was_said_then(tmp_path):
    with closing(Laboratory(tmp_path)) as lab:
        a_bad_day(lab)
        expected = {lot: lab.recommended(lot) for lot in "ABCDEFG"}
        assert expected == dict(
            zip("ABCDEFG", ["hold", "review", "hold", "review", "review", "review", "release"], strict=True)
        )
        stretch = Stretch(from_ns=0, until_ns=NOW_NS + 1000 * SECOND_NS)
        results = inbound_routes(lab.settings)[lab.settings.lims.topic]
        events = recorded_events(lab.connection, stretch, understand=results)
        with closing(open_for_writing(tmp_path / HISTORY_FILE, HISTORY)) as connection:
            known = KnownThen(RecordedHistory(connection, []), {}, start_ns=stretch.from_ns, end_ns=stretch.until_ns)
            recording = Recording(events=events, stretch=stretch)
            again = rerun(recording, line=lab.line, history=known, folder=tmp_path / "replay")
        rows = lab.connection.execute(SQL["recorded_dispositions"], {"from_ns": 0, "until_ns": stretch.until_ns})
        then = {row["event_id"]: row["recommendation"] for row in rows}
        assert {event: recommendation.value for event, recommendation in again.output.dispositions.items()} == then
