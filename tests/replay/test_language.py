"""The language of a plant: each start records it, and a replay decides again in that of the time."""

import json
from contextlib import closing

import pytest

from gateway.contract.lims.lab_results import LimsInterface
from gateway.database.opening import open_for_writing
from gateway.events import GatewayStarted
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.ingest.lims import understand_results
from gateway.records.laboratory import ResultStatus
from gateway.replay.recorded import Recording, Stretch, language_at_the_time, recorded_events
from gateway.replay.rerun import rerun
from gateway.store.database import read_state
from gateway.texts.catalogue import speak
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, line, moment
from tests.fixtures.store_bench import Bench

STRETCH = Stretch(from_ns=0, until_ns=NOW_NS + 100 * SECOND_NS)


@pytest.fixture
def german(tmp_path):
    """A German plant that has judged a result."""
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.line = line(models=(), language="de")
        speak("de")
        bench.commit(
            GatewayStarted(
                event_id="s", at=moment(NOW_NS), version="0", configuration_sha256="c", bundles={}, stages={}
            )
        )
        bench.result(
            {"sample_id": "S-1", "test_name": "pH", "result": 9.9, "material_lot_id": "LOT-1", "product": "FG-100"}
        )
        yield bench
    speak("en")


def replayed(bench, folder, *, language):
    """Return the titles of guidance of a replay on a line that is configured in English."""
    understand = understand_results(
        LimsInterface(source="lims", analytes={"pH": "ph"}, assume_status=ResultStatus.VALIDATED)
    )
    events = recorded_events(bench.connection, STRETCH, understand=understand)
    with closing(open_for_writing(folder / HISTORY_FILE, HISTORY)) as connection:
        known = KnownThen(RecordedHistory(connection, []), {}, start_ns=0, end_ns=STRETCH.until_ns)
        recording = Recording(events=events, stretch=STRETCH, language=language)
        rerun(recording, line=line(models=()), history=known, folder=folder / "replay")
    with closing(read_state(folder / "replay")) as connection:
        return [json.loads(body)["title"] for (body,) in connection.execute("SELECT body FROM guidance")]


def test_each_start_puts_its_language_on_record(german):
    assert language_at_the_time(german.connection, STRETCH) == "de"
    assert language_at_the_time(german.connection, Stretch(from_ns=0, until_ns=NOW_NS)) is None


def test_a_replay_speaks_the_language_of_the_time(german, tmp_path):
    spoken = [document["title"] for document in german.sent("guidance")]
    assert spoken == ["Charge LOT-1 sperren: pH 9,9 > 7,5"]
    assert replayed(german, tmp_path, language=language_at_the_time(german.connection, STRETCH)) == spoken


@pytest.mark.parametrize("language", [None, "xx", "../en", ""])
def test_a_replay_without_a_known_language_on_record_speaks_that_of_the_line(german, tmp_path, language):
    assert replayed(german, tmp_path, language=language) == ["Hold lot LOT-1: pH 9.9 is above the upper limit of 7.5"]


def test_messages_say_their_language(german):
    for kind in ("guidance", "disposition", "board"):
        assert {document["language"] for document in german.sent(kind)} == {"de"}
