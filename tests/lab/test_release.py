"""Two promises about lots: the same facts end in the same state whatever their order, and no damage leads to a release.

Each example is a handful of messages, as bytes, through the doors of the running gateway.
"""

import json
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract.times import rfc3339
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS
from tests.fixtures.laboratory import Laboratory

ALIKE = "l 01"  # which only looks like L1
LOTS, SAMPLES, ORDERS, PRODUCTS = ("L1", "L2", "L3"), ("S1", "S2", "S3"), ("WO-1", "WO-2"), ("FG-100", "FG-200")


def instant(seconds):
    return rfc3339(NOW_NS + seconds * SECOND_NS)


@st.composite
def results(draw):
    test = draw(st.sampled_from(["pH", "Viscosity", "Density"]))
    good, bad = {"pH": (7.0, 9.9), "Viscosity": (100.0, 120.0), "Density": (1.0, 2.0)}[test]
    lot = draw(st.sampled_from([*LOTS, *LOTS, *LOTS, None, None, "L1, L2", "L1, L2", ALIKE]))
    own = [] if lot not in LOTS else 4 * [SAMPLES[LOTS.index(lot)]]  # mostly a sample is of one lot
    document = {
        "material_lot": lot,
        "sample_id": draw(st.sampled_from([*own, *SAMPLES])),
        "test_name": test,
        "result": draw(st.sampled_from([good, good, good, bad, "not legible"])),
        "status": draw(st.sampled_from(["approved", "approved", "validated", "entered", "rejected"])),
        "result_version": draw(st.integers(1, 3)),
        "unit": "mPa.s" if test == "Viscosity" else None,
        "product": draw(st.sampled_from([None, None, "FG-100"])),
        "work_order": draw(st.sampled_from([None, None, *ORDERS])),
        "equipment_id": draw(st.sampled_from([None, "R1"])),
        "sampled_at": draw(st.sampled_from([None, instant(-500), instant(-100)])),
        "retest_of": draw(st.sampled_from([None, None, None, None, *SAMPLES])),
    }
    return "lims/results/qc", {name: value for name, value in document.items() if value is not None}


@st.composite
def contexts(draw, lots=LOTS):
    kind = draw(st.sampled_from(["lot_started", "lot_started", "order_started", "material_consumed", "lot_ended"]))
    fields = {
        "lot_started": lambda: {
            "material_lot_id": draw(st.sampled_from(lots)),
            "material_definition_id": draw(st.sampled_from([None, *PRODUCTS])),
            "job_order_id": draw(st.sampled_from([None, *ORDERS])),
            "equipment_id": "R1",
        },
        "order_started": lambda: {
            "job_order_id": draw(st.sampled_from(ORDERS)),
            "material_definition_id": draw(st.sampled_from(PRODUCTS)),
            "equipment_id": "R1",
        },
        "material_consumed": lambda: {
            "material_lot_id": draw(st.sampled_from(LOTS)),
            "consumed_lot_id": draw(st.sampled_from(lots)),
        },
        "lot_ended": lambda: {"material_lot_id": draw(st.sampled_from(LOTS)), "equipment_id": "R1"},
    }[kind]()
    at = draw(st.sampled_from([-1000, -700, -300, -50]))
    told = {name: value for name, value in fields.items() if value is not None}
    return "mes/context/x", {"event": kind, "at": instant(at), **told}


@st.composite
def stated(draw):
    analyte = draw(st.sampled_from(["Density", "viscosity"]))
    version = draw(st.integers(1, 2))
    return "mes/specifications/x", {
        "product": draw(st.sampled_from(PRODUCTS)),
        "analyte": analyte,
        "version": str(version),
        "lower": {"Density": 0.9, "viscosity": 97.0}[analyte],
        "upper": {"Density": 1.1, "viscosity": 103.0}[analyte] + 0.5 * version,
        "unit": {"Density": None, "viscosity": "mPa.s"}[analyte],
        "effective_from": instant(-2000 + 1700 * (version - 1)),
    }


def distinct(messages):
    """One message for each version of a specification: a second one under it is refused, and which is first counts."""
    seen, kept = set(), []
    for topic, document in messages:
        key = json.dumps([topic, document], sort_keys=True)
        if "specifications" in topic:
            key = json.dumps([document["product"], document["analyte"], document["version"]])
        if key not in seen:
            seen.add(key)
            kept.append((topic, document))
    return kept


def facts(lots=LOTS):
    """A handful of messages; ``lots``: that production names."""
    kinds = st.one_of(results(), results(), results(), contexts(lots), stated())
    return st.lists(kinds, min_size=2, max_size=8).map(distinct)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with closing(Examples(tmp_path_factory.mktemp("lots"))) as laboratory:
        yield laboratory


class Examples(Laboratory):
    """A laboratory that forgets after each example: all of one is a transaction that is rolled back."""

    def after(self, messages):
        """Return by lot what is recommended after messages, and what of it was ever told."""
        self.now_ns = NOW_NS
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            for topic, payload in messages:
                self.send(topic, payload)
            self.wait()
            return self.state()
        finally:
            self.connection.execute("ROLLBACK")

    def begin(self):
        pass

    def end(self):
        pass

    def state(self):
        lots = {
            row["material_lot_id"]: (row["recommendation"], bool(row["latched"]))
            for row in self.connection.execute("SELECT * FROM lot")
        }
        points = {}
        for row in self.connection.execute("SELECT material_lot_id, body FROM assessment"):
            codes = {(point["code"], point["asks"]) for point in json.loads(row["body"])["points"]}
            points.setdefault(row["material_lot_id"], set()).update(codes)
        told = {each["material_lot_id"]: each["recommendation"] for each in self.sent("disposition")}
        return {
            lot: (*lots.get(lot, ("pending", False)), told.get(lot, "pending"), points.get(lot, set()))
            for lot in (*LOTS, ALIKE)
        }


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=facts((*LOTS, *LOTS, *LOTS, ALIKE)), data=st.data())
def test_the_same_facts_in_any_order_end_in_the_same_state(bench, messages, data):
    other = data.draw(st.permutations(messages))
    one, two = bench.after(messages), bench.after(other)
    for lot in (*LOTS, ALIKE):
        assert one[lot][:3] == two[lot][:3]
        if not any(code == "RESULT_CONTRADICTED" for code, _asks in one[lot][3]):  # which of two was first is named
            assert one[lot][3] == two[lot][3]


def damaged_limits(draw, payload):
    """A specification that cannot be taken any more, though its product or its analyte still stands there."""
    kind = draw(st.sampled_from(["limit", "version", "product", "analyte", "time", "cut", "twice"]))
    if kind == "cut":  # product and analyte stand first
        return payload[: draw(st.integers(payload.index(b'"version"'), len(payload) - 1))]
    if kind == "twice":
        return payload[:-1] + b', "upper": 1}'
    damage = {"limit": {"upper": "1O3"}, "version": {"version": None}, "product": {"product": None},
              "analyte": {"analyte": None}, "time": {"effective_from": "soon"}}[kind]  # fmt: skip
    return json.dumps({**json.loads(payload), **damage}).encode()


def damaged_context(draw, payload):
    """A message of production of which one field cannot be understood any more."""
    document = json.loads(payload)
    field = draw(st.sampled_from(sorted(document)))
    return json.dumps({**document, field: {"at": "today", "event": "perhaps"}.get(field, {"no": "name"})}).encode()


def damaged(draw, topic, payload):
    """A message of which something cannot be understood any more, though its lot and its sample still stand there."""
    if topic.startswith("mes/specifications"):
        return damaged_limits(draw, payload)
    if topic.startswith("mes/context"):
        return damaged_context(draw, payload)
    document = json.loads(payload)
    kind = draw(st.sampled_from(["text", "ambiguous", "type", "missing", "status", "unit", "time", "cut", "number"]))
    if kind == "cut":  # the lot and the sample stand first
        begin = payload.index(b'"test_name"')
        return payload[: draw(st.integers(begin, len(payload) - 1))]
    damage = {
        "text": {"result": "smudged"}, "ambiguous": {"result": "1,234"}, "type": {"result": {"is": 7}},
        "missing": {"result": None}, "status": {"status": "perhaps"}, "unit": {"unit": "9⁹⁹⁹⁹⁹"},
        "time": {"sampled_at": "yesterday"},
        "number": {"result": draw(st.sampled_from(["7..0", "1e999", "--7", "0x7"]))},
    }[kind]  # fmt: skip
    return json.dumps({**document, **damage}).encode()


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=facts(), data=st.data())
def test_no_damage_to_one_message_in_any_order_leads_to_a_release_that_the_facts_would_not_give(bench, messages, data):
    whole = bench.after(messages)
    encoded = [(topic, json.dumps(document).encode()) for topic, document in messages]
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] = (encoded[at][0], damaged(data.draw, *encoded[at]))
    end = bench.after(data.draw(st.permutations(encoded)))
    for lot in (*LOTS, ALIKE):
        if "release" in {end[lot][0], end[lot][2]}:
            assert whole[lot][0] == "release"


def test_the_examples_meet_releases_and_every_way_of_speaking_against_one(bench):
    """What the two promises are tried on is not empty: releases, holds and reviews are all met."""
    good = ("lims/results/qc", {"material_lot": "L1", "sample_id": "S1", "test_name": "pH", "result": 7.0,
                                "status": "approved", "product": "FG-100", "result_version": 1})  # fmt: skip
    assert bench.after([good])["L1"][0] == "release"
    failing = (good[0], {**good[1], "result": 9.9, "sample_id": "S2"})
    assert bench.after([good, failing])["L1"][0] == "hold"
    alike = (good[0], {**failing[1], "material_lot": ALIKE})
    assert [bench.after(messages)["L1"][0] for messages in ([good, alike], [alike, good])] == ["review", "review"]
