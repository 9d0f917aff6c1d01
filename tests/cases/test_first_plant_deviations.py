"""What a first plant met with deviations: one for each lot or episode, and a document that convinces."""

import json
import re
from contextlib import closing
from dataclasses import replace
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.advice.deviation_charts import time_ticks, value_ticks
from gateway.advice.deviation_process_text import tag_sentence
from gateway.advice.documents import html, markdown, title_of
from gateway.contract.times import rfc3339
from gateway.decisions.table import windows_needed
from gateway.events import FollowUpDue
from gateway.history.memory.rings import Rings
from gateway.history.windows import WindowRequest, cut
from gateway.lab.cause_sentences import figure, sigmas_text
from gateway.lab.deviations import MOST_RESULTS, Basis, Deviation, DeviationScope, FailedResult
from gateway.lab.episodes import BACK_IN_LINE_RESULTS, EPISODE_ENDS_AFTER_NS, EPISODE_LONGEST_NS, Standing, join
from gateway.lab.fingerprints import LotRun, fingerprint, up_to
from gateway.lab.usual import usual_of
from gateway.line.spc_rules import TrendRules
from gateway.records.follow_ups import FollowUp
from gateway.store.audit import trail as audit
from gateway.store.care.checking import check
from gateway.store.care.salvage import salvage
from gateway.store.codec import decode
from gateway.time_units import SECOND_NS
from tests.decisions.test_deviations import Plant
from tests.fixtures.building import NOW_NS, moment, new_state, sample
from tests.fixtures.store_bench import viscosity

HOUR_NS = 3600 * SECOND_NS


@pytest.fixture
def plant(tmp_path):
    found = Plant(tmp_path)
    with closing(found.connection):
        yield found


def measure(plant, value, sample_id, **fields):
    """Have the laboratory say a value of a sample that was just drawn, and do what follows."""
    plant.now_ns += HOUR_NS // 2
    drawn = rfc3339(plant.now_ns - 60 * SECOND_NS)
    document = {"product": "FG-100", "material_lot_id": None, "sampled_at": drawn, **fields}
    plant.result(viscosity(value, sample_id=sample_id, **document))
    plant.follow()


# --- 10: one deviation for each lot or episode ----------------------------------------------------------


def test_first_plant_10_all_failed_results_of_a_lot_are_one_deviation_that_grows(plant):
    plant.lot("LOT-1", 112.0)
    measure(plant, 113.0, "S-2", material_lot_id="LOT-1")
    plant.result({"sample_id": "S-3", "test_id": "pH", "value": 9.0, "status": "approved", "material_lot_id": "LOT-1"})
    plant.follow()
    (deviation,) = plant.deviations()
    assert (deviation.version, deviation.result_count, deviation.scope) == (3, 3, DeviationScope.LOT)
    assert [each.value_text for each in deviation.results] == ["112.0", "113.0", "9.0"]
    told = plant.sent("deviation")
    assert {each["id"] for each in told} == {deviation.deviation_id}
    assert [(each["version"], each["result_count"]) for each in told] == [(1, 1), (2, 2), (3, 3)]
    assert len(set(plant.rows("SELECT message_id FROM outbox WHERE topic LIKE '%/deviation/%'"))) == 3
    assert audit.verify(plant.connection)[1] is None
    assert check(plant.directory, gently=False).wrong == []


def test_first_plant_10_each_lot_has_a_deviation_of_its_own(plant):
    plant.lot("LOT-1", 112.0)
    plant.lot("LOT-2", 112.0)
    assert [each.result.material_lot_id for each in plant.deviations()] == ["LOT-1", "LOT-2"]


def test_first_plant_10_failed_results_without_a_lot_are_one_episode(plant):
    for number in range(6):
        measure(plant, 110.0 + number, f"S-{number}")
    (deviation,) = plant.deviations()
    assert (deviation.scope, deviation.result_count) == (DeviationScope.SERIES, 6)


def test_first_plant_10_a_drifting_plant_has_one_deviation_for_its_episode(plant):
    plant.line = replace(plant.line, trends=(TrendRules(baseline=20),))
    for number in range(20):
        plant.lot(f"LOT-{number}", 100.0 + plant.chance.normal() / 10)
    for number in range(20, 40):
        plant.lot(f"LOT-{number}", 100.5 + (number - 20) / 10)
    (deviation,) = plant.deviations()
    assert deviation.scope is DeviationScope.SERIES
    assert deviation.result_count >= 15
    assert not any(each.failed for each in deviation.results)
    assert len({each.material_lot_id for each in deviation.results}) == deviation.result_count


def test_first_plant_10_a_correction_takes_its_measurements_place(plant):
    plant.lot("LOT-1", 112.0)
    plant.result(viscosity(111.0, sample_id="S-LOT-1", material_lot_id="LOT-1", product="FG-100", result_version=2))
    plant.follow()
    (deviation,) = plant.deviations()
    assert (deviation.version, deviation.result_count) == (2, 1)
    assert [(each.value_text, each.was) for each in deviation.results] == [("111.0", ("112.0",))]


def test_first_plant_10_a_correction_that_is_inside_is_told_to_its_deviation(plant):
    plant.lot("LOT-1", 112.0)
    plant.result(viscosity(100.0, sample_id="S-LOT-1", material_lot_id="LOT-1", product="FG-100", result_version=2))
    plant.follow()
    (deviation,) = plant.deviations()
    assert (deviation.version, deviation.result_count, deviation.scope) == (2, 1, DeviationScope.LOT)
    assert [(each.value_text, each.was, each.failed) for each in deviation.results] == [("100.0", ("112.0",), False)]
    assert title_of(deviation) == "Viscosity 100.0 mPa·s, corrected from 112.0, lot LOT-1"
    assert "1 result of them no longer count" in markdown(deviation)


def test_first_plant_10_a_withdrawn_result_is_told_to_its_deviation(plant):
    plant.lot("LOT-1", 112.0)
    plant.result(viscosity(112.0, sample_id="S-LOT-1", material_lot_id="LOT-1", product="FG-100", status="rejected",
                           result_version=2))  # fmt: skip
    plant.follow()
    (deviation,) = plant.deviations()
    assert deviation.version == 2
    assert "rejected" in markdown(deviation)


def test_first_plant_10_a_composite_that_fails_is_in_the_deviation_of_each_of_its_lots(plant):
    for lot in ("LOT-1", "LOT-2"):
        plant.context("lot_started", material_lot_id=lot, job_order_id="WO-1", equipment_id="R1")
    plant.result(viscosity(112.0, sample_id="S-MIX", material_lot_id=["LOT-1", "LOT-2"], product="FG-100"))
    plant.follow()
    found = {each.result.material_lot_id: each for each in plant.deviations()}
    assert {"LOT-1", "LOT-2"} <= found.keys()
    assert all(found[lot].result_count == 1 for lot in ("LOT-1", "LOT-2"))


def test_first_plant_10_harmless_corrections_open_no_deviation(plant):
    plant.lot("LOT-1", 100.0)
    for version, value in ((2, 101.0), (3, 100.5)):
        plant.result(viscosity(value, sample_id="S-LOT-1", material_lot_id="LOT-1", product="FG-100",
                               result_version=version))  # fmt: skip
        plant.follow()
    assert plant.deviations() == []


def test_first_plant_10_a_result_that_fails_only_once_its_lots_product_is_known_has_a_deviation(plant):
    plant.result(viscosity(112.0, sample_id="S-EARLY", material_lot_id="LOT-LATE"))
    plant.follow()
    assert plant.deviations() == []
    plant.context("lot_started", material_lot_id="LOT-LATE", job_order_id="WO-1", equipment_id="R1")
    plant.follow()
    (deviation,) = plant.deviations()
    assert (deviation.scope, deviation.result.material_lot_id) == (DeviationScope.LOT, "LOT-LATE")
    assert "above 105 mPa·s, lot LOT-LATE" in title_of(deviation)


def test_first_plant_10_a_damaged_version_is_never_grown(plant):
    plant.lot("LOT-1", 112.0)
    plant.connection.execute("UPDATE deviation SET body = replace(body, '112.0', '102.0')")
    measure(plant, 113.0, "S-2", material_lot_id="LOT-1")
    newest = json.loads(plant.rows("SELECT body FROM deviation ORDER BY rowid DESC LIMIT 1")[0][0])
    assert (newest["version"], newest["result_count"]) == (1, 1)
    assert plant.rows("SELECT count(*) FROM deviation") == [(2,)]


def test_first_plant_10_how_often_a_product_failed_is_still_counted_by_samples(plant):
    for number in range(4):
        measure(plant, 110.0, f"S-{number}")
    assert plant.rows("SELECT count(DISTINCT sample_id) FROM deviation") == [(4,)]


def test_first_plant_10_every_version_survives_a_salvage(plant, tmp_path):
    plant.lot("LOT-1", 112.0)
    measure(plant, 113.0, "S-2", material_lot_id="LOT-1")
    (tmp_path / "new").mkdir()
    with closing(new_state(tmp_path / "new")) as new:
        found = salvage(plant.directory / "state.db", into=new, at_ns=plant.now_ns)
        rows = new.execute("SELECT grown_from, version, scope, holds FROM deviation_checked").fetchall()
    assert (found.put_back["deviation"], found.damaged["deviation"]) == (2, 0)
    assert [tuple(row)[1:] for row in rows] == [(1, "lot", 1), (2, "lot", 1)]
    assert len({row["grown_from"] for row in rows}) == 1


def failed(number, *, at_ns, lot=None, out=True):
    return FailedResult(
        result_id=f"r-{number}", sample_id=f"S-{number}", test_id="Viscosity", analyte="viscosity", replicate=1,
        value_text="110", value=110.0, unit="mPa.s", material_lot_id=lot, sampled_ns=at_ns, joined_ns=at_ns,
        limits="95 to 105 mPa.s", reasons=(), failed=out,
    )  # fmt: skip


def standing(joined, at_ns):
    return Standing(
        deviation_id=joined.deviation_id, at_ns=at_ns, version=joined.version, opened_ns=joined.opened_ns,
        results=joined.results, result_count=joined.result_count,
    )  # fmt: skip


STEPS = st.lists(
    st.tuples(
        st.integers(0, EPISODE_ENDS_AFTER_NS * 2),
        st.integers(0, BACK_IN_LINE_RESULTS + 3),
        st.sampled_from([None, "LOT-1", "LOT-2"]),
        st.booleans(),
    ),
    max_size=90,
)


@given(STEPS)
def test_first_plant_10_every_result_is_in_one_deviation_and_no_episode_outlives_its_bounds(steps):
    lots, series, now_ns, last = {}, None, NOW_NS, {}
    for number, (later_ns, in_line, lot, out) in enumerate(steps):
        now_ns += later_ns
        result = failed(number, at_ns=now_ns, lot=lot, out=out)
        joined = join(result, of_lot=lots.get(lot), of_series=series, in_line_since=in_line, new_id=f"d-{number}")
        before = lots.get(lot) if joined.scope is DeviationScope.LOT else series
        assert result in joined.results
        assert len(joined.results) <= min(joined.result_count, MOST_RESULTS)
        assert joined.scope is (DeviationScope.LOT if out and lot else DeviationScope.SERIES)
        if joined.version == 1:
            assert joined.deviation_id == f"d-{number}"
        else:
            assert (joined.deviation_id, joined.version) == (before.deviation_id, before.version + 1)
        if joined.scope is DeviationScope.SERIES:
            assert joined.version == 1 or in_line < BACK_IN_LINE_RESULTS
            assert now_ns - joined.opened_ns <= EPISODE_LONGEST_NS
            series = standing(joined, now_ns)
        else:
            lots[lot] = standing(joined, now_ns)
        last[joined.deviation_id] = joined.result_count
    assert sum(last.values()) == len(steps)


# --- 11: a document that convinces ----------------------------------------------------------------------

TAGS = ("temperature", "pressure", "flow")


class Process(Plant):
    """Lots of an hour whose tags scatter from lot to lot and within each; the sample is drawn after 40 minutes."""

    def __init__(self, directory):
        super().__init__(directory)
        self.line = replace(self.line, time_zone=ZoneInfo("Europe/Paris"))
        self.rings = Rings(dict.fromkeys(self.line.tags, "plc1"), capacity=5000)
        self.made = 0

    def runs(self, seconds, **moved):
        """Let the process run, a value of each tag every minute."""
        begun = (self.now_ns - NOW_NS) / SECOND_NS
        levels = {each: 50 + self.chance.normal() for each in TAGS}
        told = [
            sample(each, levels[each] + moved.get(each, 0.0) + self.chance.normal(), at=begun + at)
            for at in range(0, seconds, 60)
            for each in TAGS
        ]
        self.now_ns += seconds * SECOND_NS
        self.rings.add_notification("plc1", told, confirmed_ns=self.now_ns)

    def follow(self):
        for event_id, body in self.rows("SELECT event_id, body FROM follow_up ORDER BY at_ns, rowid"):
            event = FollowUpDue(event_id=event_id, at=moment(self.now_ns), follow_up=decode(FollowUp, body))
            self.commit(event, self.rings.windows(windows_needed(event, self.line)))

    def makes(self, value=100.0, *, ended=True, begun=True, lot=None, **moved):
        """Make a lot and let the laboratory say a value of it; return its name."""
        self.made += 1
        name = lot or f"LOT-{self.made:03}"
        self.now_ns += 30 * SECOND_NS  # the context's messages are half a minute old
        if begun:
            self.context("lot_started", material_lot_id=name, job_order_id="WO-1", equipment_id="R1")
        self.now_ns -= 30 * SECOND_NS
        self.runs(2400, **moved)
        drawn = rfc3339(self.now_ns)
        if ended:
            self.runs(1200, **moved)
            self.context("lot_ended", material_lot_id=name, equipment_id="R1")
        self.now_ns += 60 * SECOND_NS
        self.result(viscosity(value, sample_id=f"S-{name}", material_lot_id=name, product="FG-100", sampled_at=drawn,
                              equipment_id="R1"))  # fmt: skip
        self.follow()
        return name


@pytest.fixture
def process(tmp_path):
    found = Process(tmp_path)
    with closing(found.connection):
        yield found


def made_in_control(process, count=12, **how):
    for _ in range(count):
        process.makes(**how)


def figures(text):
    return set(re.findall(r"-?\d+(?:\.\d+)?", text))


def test_first_plant_11_a_lot_that_has_not_ended_is_compared_with_the_same_stage_of_others(process):
    made_in_control(process)
    process.makes(110.0, ended=False, pressure=12.0)
    (deviation,) = process.deviations()
    assert (deviation.comparison.basis, deviation.comparison.lots) == (Basis.SAME_STAGE, 12)
    assert deviation.causes[0].name == "pressure"
    assert "The first 40 min of the lot, up to sample S-LOT-013, are compared with the first 40 min of 12 lots" in (
        html(deviation)
    )


def test_first_plant_11_a_plant_that_never_says_when_lots_end_has_lots_to_compare_with(process):
    made_in_control(process, ended=False)
    process.makes(110.0, ended=False, pressure=12.0)
    (deviation,) = process.deviations()
    assert (deviation.comparison.basis, deviation.comparison.lots) == (Basis.SAME_STAGE, 12)
    assert deviation.causes[0].name == "pressure"


def test_first_plant_11_what_a_running_lot_was_made_by_is_not_looked_at_with_each_result(process):
    process.makes(ended=False, lot="LOT-1")
    for number in range(5):
        measure(process, 100.0, f"S-{number}", material_lot_id="LOT-1", sampled_at=rfc3339(process.now_ns + number))
    waits = process.rows("SELECT count(*) FROM follow_up")
    looked = process.rows("SELECT until_ns FROM lot_fingerprint WHERE material_lot_id = 'LOT-1'")
    assert waits == [(0,)]
    assert len(looked) == 1


def test_first_plant_11_a_lot_whose_begin_nobody_told_says_that_it_is_compared_as_a_whole(process):
    made_in_control(process)
    process.makes(110.0, ended=False, begun=False, pressure=12.0)
    (deviation,) = process.deviations()
    assert deviation.comparison.basis is Basis.WHOLE_LOTS
    assert "as wholes: when this lot began is not on record" in markdown(deviation)


def test_first_plant_11_of_a_first_lot_nothing_is_called_unusual(process):
    process.makes(110.0, ended=False)
    (deviation,) = process.deviations()
    text, page = markdown(deviation), html(deviation)
    assert deviation.causes == ()
    assert all(each.z is None for each in deviation.process)
    for document in (text, page):
        assert "Nothing can be called unusual yet." in document
        assert "No lot of FG-100 in control is on record" in document
        assert "sigma" not in document
    assert "| tag | mean | lowest to highest |" in text
    assert page.count("<svg") == len(TAGS)  # the windows as they were


def test_first_plant_11_with_a_few_lots_it_says_how_many_there_are(process):
    made_in_control(process, 3)
    process.makes(110.0)
    (deviation,) = process.deviations()
    assert (deviation.comparison.basis, deviation.causes) == (Basis.TOO_FEW_LOTS, ())
    assert "Only 3 lots of FG-100 in control are on record" in markdown(deviation)


def test_first_plant_11_the_title_has_the_number_and_the_limit(process):
    process.makes(110.0, lot="LOT-9")
    process.result({"sample_id": "S-LOW", "test_id": "pH", "value": 6.0, "unit": "pH", "status": "approved",
                    "product": "FG-100"})  # fmt: skip
    process.follow()
    assert [title_of(each) for each in process.deviations()] == [
        "Viscosity 110.0 mPa·s above 105 mPa·s, lot LOT-9",
        "pH 6.0 below 6.5, sample S-LOW of FG-100",
    ]


@pytest.mark.parametrize("moved", [3.0, 12.0, -400.0])
def test_first_plant_11_the_causes_figures_are_those_of_the_table_and_of_the_charts(process, moved):
    made_in_control(process)
    process.makes(110.0, pressure=moved)
    (deviation,) = process.deviations()
    traces = {each.tag: each for each in deviation.process}
    causes = [each for each in deviation.causes if each.kind == "tag"]
    text, page = markdown(deviation), html(deviation)
    assert causes[0].name == "pressure"
    for cause in causes:
        trace = traces[cause.name]
        assert (cause.own, cause.own_z, cause.usual, cause.sigma) == pytest.approx(
            (trace.mean, trace.z, trace.usual, trace.sigma)
        )
        rows = [line for line in text.splitlines() if f"| {cause.name} |" in line]
        assert len(rows) == 2  # in the table of causes, and in that of tags
        for row in rows:
            assert figures(f"{figure(trace.mean)} {figure(trace.usual)}") <= figures(row)
            assert sigmas_text(trace.z).lstrip("+-") in row
        assert figures(f"{figure(trace.mean)} {figure(trace.usual)}") <= figures(cause.text)
        assert tag_sentence(trace, deviation.comparison).split(" (")[0] in page
    assert not re.search(r"\d{3,}\.?\d* sigma", text)


def test_first_plant_11_lots_that_hardly_differ_make_no_hundreds_of_sigmas():
    nearly_the_same = [50.0] * 15 + [50.001, 49.5, 50.8, 51.0, 49.2]
    assert abs(usual_of(nearly_the_same).sigmas(51.2)) < 4
    assert usual_of([50.0] * 20, floor=0.05).sigmas(50.1) == pytest.approx(2.0)
    assert usual_of([50.0] * 20).sigmas(50.0) == 0.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(0, 1e3), st.floats(-1e6, 1e6))
def test_first_plant_11_what_is_usual_lies_within_what_was_seen_and_no_sigma_is_below_its_floor(values, least, value):
    usual = usual_of(values, floor=least)
    assert usual.low <= usual.center <= usual.high
    assert usual.sigma >= least or least < 1e-99
    z = usual.sigmas(value)
    assert z is None or usual.center + z * usual.sigma == pytest.approx(value, abs=1e-3)


@given(
    st.lists(st.tuples(st.integers(0, 3600), st.floats(-1e3, 1e3)), min_size=1, max_size=40),
    st.floats(0.05, 1.0),
)
def test_first_plant_11_the_mean_of_a_stage_is_that_of_its_time(samples, share):
    steps = dict(sorted(samples))
    window = cut(
        WindowRequest(tag="t", start_ns=NOW_NS, end_ns=NOW_NS + HOUR_NS),
        held_ns=np.array([NOW_NS + at * SECOND_NS for at in steps], np.int64),
        values=np.array(list(steps.values()), np.float64),
        statuses=np.zeros(len(steps), np.uint32),
        confirmed_ns=NOW_NS + HOUR_NS,
    )
    run = LotRun(material_lot_id="L", product=None, equipment_id="R1", from_ns=NOW_NS, until_ns=NOW_NS + HOUR_NS,
                 begins_with_lot=True)  # fmt: skip
    whole = fingerprint(run, windows=[window], uses=[], zone=ZoneInfo("UTC"))
    assert up_to(whole, HOUR_NS) is whole
    if "t" not in whole.values:
        return
    part = up_to(whole, int(share * HOUR_NS))
    assert part.length_ns == int(share * HOUR_NS)
    means = [each for each in whole.profile["t"] if each is not None]
    for value in part.values.values():
        assert min(means) - 1e-6 <= value <= max(means) + 1e-6


def charts_of(page):
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    return [ET.fromstring(each) for each in drawings]  # noqa: S314 - our own


def test_first_plant_11_every_chart_has_a_time_axis_units_and_one_meaning_for_each_style(process):
    made_in_control(process)
    process.makes(110.0, pressure=12.0)
    (deviation,) = process.deviations()
    charts = charts_of(html(deviation))
    assert len(charts) == 1 + len(TAGS)
    for chart in charts:
        texts = [each.text or "" for each in chart.iter() if each.tag.endswith("text")]
        assert any(each.startswith("time, 20") and each.endswith("Europe/Paris") for each in texts)
        assert sum(bool(re.fullmatch(r"\d\d:\d\d(:\d\d)?", each)) for each in texts) >= 2
        assert any(each in texts[0] for each in ("(mPa·s)", "(°C)"))
        dashed = {each.get("stroke") for each in chart.iter() if each.get("stroke-dasharray", "").startswith("7")}
        red = {each.get("stroke-dasharray") for each in chart.iter() if each.get("stroke") == "#c8102e"}
        assert dashed <= {"#c8102e"}  # limits, and nothing else
        assert red <= {"7 4"}
    drawn_at = [each for each in charts[1].iter() if each.get("stroke-dasharray") == "1.5 3" and each.get("y1") == "28"]
    assert len(drawn_at) == 1
    assert "S-LOT-013" in "".join(charts[1].itertext())
    assert "sample drawn" in "".join(charts[1].itertext())


@given(
    st.integers(0, 4 * 10**18), st.integers(1, 400 * 86_400), st.sampled_from(["UTC", "Europe/Paris", "Asia/Kolkata"])
)
def test_first_plant_11_a_time_axis_has_a_few_instants_within_it_each_with_its_clock_time(first_ns, seconds, name):
    zone = ZoneInfo(name)
    ticks = time_ticks(first_ns, first_ns + seconds * SECOND_NS, zone)
    assert len(ticks) <= 8
    assert all(first_ns <= at_ns <= first_ns + seconds * SECOND_NS for at_ns, _label in ticks)
    assert len(ticks) >= 1 or seconds < 3


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_first_plant_11_a_value_axis_has_round_values_that_differ(low, wide):
    ticks = value_ticks(low, low + wide)
    labels = [label for _value, label in ticks]
    assert len(labels) <= 12
    assert wide < 1e-5 * abs(low) or len(set(labels)) == len(labels)


def test_first_plant_11_times_are_those_of_the_plants_clock(process):
    process.makes(110.0, lot="LOT-1")
    (deviation,) = process.deviations()
    assert "+01:00" in markdown(deviation)
    assert "(Europe/Paris)" in markdown(deviation)
    assert "Z |" not in markdown(deviation)


def test_first_plant_11_procedures_of_every_result_of_the_lot_apply(process):
    other = replace(process.line.procedures[0], name="oos-ph", title="pH out", analyte=("ph",))
    process.line = replace(process.line, procedures=(*process.line.procedures, other))
    process.makes(110.0, lot="LOT-1")
    process.result(
        {"sample_id": "S-PH", "test_id": "pH", "value": 9.0, "status": "approved", "material_lot_id": "LOT-1"}
    )
    process.follow()
    (deviation,) = process.deviations()
    assert [each.title for each in deviation.instructions] == ["pH out", "Viscosity out of specification"]
    assert len({each.analyte for each in deviation.series}) == 2


def test_first_plant_11_a_draft_of_an_earlier_version_is_still_shown(process):
    process.makes(110.0, lot="LOT-1")
    (body,) = process.rows("SELECT body FROM deviation")[0]
    old = json.loads(body)
    for name in ("version", "scope", "opened_ns", "results", "result_count", "comparison", "time_zone", "series"):
        del old[name]
    old["fingerprint"] = {
        key: each for key, each in old["fingerprint"].items() if key not in {"profile", "begins_with_lot"}
    }
    shown = html(decode(Deviation, json.dumps(old)))
    assert "Viscosity 110.0 mPa·s above 105 mPa·s, lot LOT-1" in shown
