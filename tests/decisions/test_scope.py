"""What belongs to one client and study: charts, references and figures never mix those of others."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.line.spc_rules import Together
from gateway.records.acts import SettlePoint
from gateway.records.laboratory import Specification
from gateway.store.audit import trail as audit
from gateway.store.care.checking import check
from gateway.store.queries.lots import open_points_of
from tests.config.test_settings import MINIMAL
from tests.decisions.test_deviations import Plant
from tests.fixtures.building import VISCOSITY, line
from tests.fixtures.laboratory import Laboratory
from tests.fixtures.store_bench import Bench
from tests.lab.test_sampling import Asking
from tests.lab.test_trends import RULES, STEADY, measured

NORDIC, OTHER = {"client_id": "NORDIC"}, {"client_id": "ATLAS"}
APART = [
    pytest.param(NORDIC, OTHER, id="clients"),
    pytest.param({**NORDIC, "study_id": "T-1"}, {**NORDIC, "study_id": "T-2"}, id="studies of a client"),
    pytest.param({}, NORDIC, id="a client and the plant itself"),
]


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    with closing(made.connection):
        made.line = line(trends=(RULES,))
        made.order()
        yield made


def in_control(bench, scope, first, level=0.0):
    """Chart the first stretch of a scope's series around a level of its own."""
    for number, value in enumerate(STEADY, start=first):
        measured(bench, value + level, number=number, **scope)


def series_of(bench, scope):
    ((body,),) = bench.rows("SELECT body FROM series WHERE client_id = ? AND study_id = ?",
                            scope.get("client_id", ""), scope.get("study_id", ""))  # fmt: skip
    return json.loads(body)


@pytest.mark.parametrize(("first", "second"), APART)
def test_results_of_one_scope_are_not_charted_by_the_limits_of_another(bench, first, second):
    in_control(bench, first, 1)
    in_control(bench, second, 101, level=3.0)  # usual there; by the limits of the first it would be out of trend
    assert measured(bench, 103.2, number=201, **second)["recommendation"] == "release"
    assert measured(bench, 103.2, number=202, **first)["flags"] == ["OUT_OF_TREND"]
    assert measured(bench, 99.9, number=203, **second)["flags"] == ["OUT_OF_TREND"]
    assert series_of(bench, first)["limits"]["center"] == pytest.approx(100.03, abs=0.05)
    assert series_of(bench, second)["limits"]["center"] == pytest.approx(103.03, abs=0.05)
    assert bench.rows("SELECT count(*) FROM series_sample_checked WHERE holds") == [(23,)]
    assert audit.verify(bench.connection)[1] is None


def test_the_audit_trail_says_for_whom_limits_were_frozen(bench):
    in_control(bench, {**NORDIC, "study_id": "T-1"}, 1)
    in_control(bench, {}, 101)
    bodies = [json.loads(body) for (body,) in bench.rows("SELECT body FROM audit WHERE kind = 'limits_frozen'")]
    assert [(body.get("client_id"), body.get("study_id")) for body in bodies] == [("NORDIC", "T-1"), (None, None)]


def found_by(bench, table, scope):
    """Return the bodies in a table that are found by a client and study."""
    rows = bench.rows(f"SELECT body FROM {table} WHERE client_id = ? AND study_id = ?",
                      scope.get("client_id", ""), scope.get("study_id", ""))  # fmt: skip
    return [json.loads(body) for (body,) in rows]


@pytest.mark.parametrize(("first", "second"), APART)
def test_results_guidance_and_lines_of_the_audit_trail_are_found_by_their_client_and_study(bench, first, second):
    measured(bench, 120.0, number=11, **first)
    measured(bench, 130.0, number=12, **second)
    for scope, sample, value in ((first, "S-11", "120"), (second, "S-12", "130")):
        assert {result["sample_id"] for result in found_by(bench, "lab_result", scope)} == {sample}
        assert {guidance["measured"]["sample_id"] for guidance in found_by(bench, "guidance", scope)} == {sample}
        lines = found_by(bench, "audit", scope)
        assert [line["sample_id"] for line in lines if "sample_id" in line] == [sample]
        assert any("title" in line and value in line["title"] for line in lines)  # of the guidance
    assert audit.verify(bench.connection)[1] is None
    assert check(bench.directory, gently=False).wrong == []


def test_lines_about_lots_orders_and_acts_name_the_client_that_production_named(tmp_path):
    with closing(Laboratory(tmp_path)) as lab:
        for client, lot in (("NORDIC", "N"), ("ATLAS", "A")):
            lab.mes("lot_started", material_lot_id=lot, client_id=client, equipment_id=f"R-{lot}")
            lab.result("pH", 12.0, lot)
            lab.specification(product="FG-100", analyte="Density", client_id=client, lower=0.9, upper=1.1, version="1")
        lines = [dict(row) for row in lab.connection.execute("SELECT kind, client_id, subject, body FROM audit")]
    of_nordic = [line for line in lines if line["client_id"] == "NORDIC"]
    assert {"context_changed", "result_accepted", "disposition", "guidance", "specification_stated"} <= {
        line["kind"] for line in of_nordic
    }
    assert not [line for line in of_nordic if json.loads(line["body"]).get("lot") not in {None, "N"}]


def test_the_line_about_a_settled_point_names_the_client_that_only_the_lots_results_name(bench):
    for number, scope in ((11, NORDIC), (12, OTHER)):  # a failed value that is corrected is for a person
        measured(bench, 120.0, number=number, result_version=1, **scope)
        measured(bench, 100.0, number=number, result_version=2, **scope)
    (point,) = (item.point for item in open_points_of(bench.connection, "TREND-11") if item.point.can_be_settled)
    bench.act(SettlePoint(material_lot_id="TREND-11", point_id=point.point_id))
    assert bench.rows("SELECT client_id FROM audit WHERE kind = 'point_settled'") == [("NORDIC",)]


def test_specifications_of_one_name_and_version_judge_the_lots_of_their_own_client_only(tmp_path):
    with closing(Laboratory(tmp_path)) as lab:
        for client, upper in (("NORDIC", 1.1), ("ATLAS", 2.2)):
            lab.specification(
                product="FG-100", analyte="Density", client_id=client, lower=0.9, upper=upper, version="1"
            )
        for client, lot in (("NORDIC", "N"), ("ATLAS", "A")):
            lab.mes("lot_started", material_lot_id=lot, client_id=client, equipment_id=f"R-{lot}")
            lab.result("Density", 2.0, lot)
        assert (lab.recommended("N"), lab.recommended("A")) == ("hold", "release")
        rows = lab.connection.execute("SELECT client_id FROM specification_stated ORDER BY client_id").fetchall()
        assert [row["client_id"] for row in rows] == ["ATLAS", "NORDIC"]


def test_samples_of_one_name_at_two_clients_are_two_points(bench):
    measured(bench, 100.0, number=11, **NORDIC)
    measured(bench, 103.0, number=11, test_id="QC-2", analyte="viscosity", **OTHER)
    assert bench.rows("SELECT client_id, value FROM series_sample ORDER BY client_id") == [
        ("ATLAS", 103.0),
        ("NORDIC", 100.0),
    ]


def test_a_correction_to_another_client_leaves_no_trace_in_the_series_it_left(bench):
    in_control(bench, NORDIC, 1)
    measured(bench, 103.0, number=11, result_version=1, **NORDIC)
    measured(bench, 103.0, number=11, result_version=2, **OTHER)
    assert bench.rows("SELECT client_id FROM series_sample WHERE sample_id = 'S-11'") == [("ATLAS",)]
    assert series_of(bench, NORDIC)["recent"] == []


def test_the_client_of_a_lot_is_that_of_its_results_where_these_name_none(bench):
    bench.context("order_started", job_order_id="WO-2", material_definition_id="FG-100", client_id="NORDIC",
                  equipment_id="R2")  # fmt: skip
    bench.context("lot_started", material_lot_id="TREND-1", job_order_id="WO-2", equipment_id="R2")
    measured(bench, 100.0, number=1)
    assert bench.rows("SELECT client_id, study_id FROM series_sample") == [("NORDIC", "")]


def test_two_messages_of_one_version_that_name_different_studies_contradict_each_other(bench):
    measured(bench, 100.0, number=11, result_version=1, study_id="T-1")
    measured(bench, 100.0, number=11, result_version=1, study_id="T-2")
    assert bench.rows("SELECT study_id FROM series_sample") == [("T-1",)]
    assert bench.rows("SELECT count(*) FROM dead_letter") == [(1,)]


def test_several_analytes_are_held_against_the_reference_of_their_own_client(bench):
    chance = np.random.default_rng(5)
    bench.line = line(
        trends=(replace(RULES, analyte=None, baseline=20),),
        together=(Together(product="FG-100", analytes=("viscosity", "ph"), baseline=20),),
        specifications=(VISCOSITY,),
    )

    def sample(number, viscosity, ph, scope):
        measured(bench, viscosity, number=number, **scope)
        bench.result({"sample_id": f"S-{number}", "test_name": "pH", "result": ph, "spec_min": 6, "spec_max": 8,
                      "material_lot": f"TREND-{number}", "product": "FG-100", "status": "approved",
                      **scope})  # fmt: skip
        return {reason["code"] for reason in bench.sent("disposition")[-1]["reasons"]}

    for number in range(1, 21):
        shared = chance.normal()
        sample(number, 100 + shared, 7 + 0.1 * shared + 0.01 * chance.normal(), NORDIC)
        sample(100 + number, 100 + shared, 7 - 0.1 * shared + 0.01 * chance.normal(), OTHER)
    assert bench.rows("SELECT client_id FROM analytes_together ORDER BY client_id") == [("ATLAS",), ("NORDIC",)]
    assert "OUT_OF_LINE" not in sample(200, 101.0, 7.1, NORDIC)
    assert "OUT_OF_LINE" in sample(201, 101.0, 7.1, OTHER)


@pytest.fixture
def plant(tmp_path):
    with closing((made := Plant(tmp_path)).connection):
        yield made


def test_a_failed_lot_is_compared_with_lots_of_its_own_client_and_no_deviation_tells_of_another(plant):
    for number in range(1, 9):
        plant.context("lot_started", material_lot_id=f"A-{number}", client_id="ATLAS", job_order_id="WO-1",
                      equipment_id="R1")  # fmt: skip
        plant.lot(f"A-{number}", 120.0 if number == 8 else 100.0)
    ((atlas,),) = plant.rows("SELECT body FROM deviation")
    assert json.loads(atlas)["compared_with"] == 7
    plant.context("lot_started", material_lot_id="N-1", client_id="NORDIC", job_order_id="WO-1", equipment_id="R1")
    plant.lot("N-1", 120.0)
    ((nordic,),) = plant.rows("SELECT body FROM deviation WHERE client_id = 'NORDIC'")
    draft = json.loads(nordic)
    assert (draft["compared_with"], draft["similar"], draft["affected"]) == (0, [], 1)
    assert len(draft["history"]) <= 1
    assert check(plant.directory, gently=False).wrong == []


def test_the_command_tells_series_of_clients_and_studies_apart(bench, tmp_path):
    config = tmp_path / "labline.toml"
    config.write_text(MINIMAL.replace("/tmp/x", str(tmp_path)))  # noqa: S108
    measured(bench, 100.0, number=1)
    shown = CliRunner().invoke(app, ["trend", "list", "--config", str(config)]).stdout
    assert "client" not in shown
    measured(bench, 100.0, number=12, **NORDIC)
    measured(bench, 100.0, number=3, study_id="T-1", **OTHER)
    answer = CliRunner().invoke(app, ["trend", "list", "--config", str(config), "--json"])
    series = [(row["client_id"], row["study_id"], row["values"]) for row in json.loads(answer.stdout)["series"]]
    assert series == [(None, None, 1), ("ATLAS", "T-1", 1), ("NORDIC", None, 1)]
    shown = CliRunner().invoke(app, ["trend", "list", "--config", str(config)]).stdout
    assert "NORDIC" in shown
    assert "T-1" in shown


def test_a_suppliers_material_counts_for_the_client_that_it_was_bought_for_and_what_was_bought_for_all_counts_for_each(
    tmp_path,
):
    with closing((asking := Asking(tmp_path)).connection):
        specification = Specification(product="MONOMER-A", analyte="purity", lower=99.0, upper=None)
        asking.line = replace(asking.line, specifications=(*asking.line.specifications, specification))
        for number, scope in enumerate([NORDIC] * 6 + [{}] * 2):
            asking.result({"sample_id": f"RM-{number}", "test_id": "purity", "value": 98.0, "status": "approved",
                           "material_lot_id": f"RM-{number}", "product": "MONOMER-A", "supplier": "Acme",
                           **scope})  # fmt: skip
        asking.follow()
        reasons = []
        for client in ("NORDIC", "ATLAS"):
            asking.context("order_started", job_order_id="WO-1", client_id=client, equipment_id="R1",
                           material_definition_id="FG-100")  # fmt: skip
            reasons.append(asking.ended(f"LOT-{client}", supplier="Acme")["recommended_tests"][0]["reason"])
    assert "8 of 8 lots of MONOMER-A of Acme failed" in reasons[0]
    assert "2 of 2 lots of MONOMER-A of Acme failed" in reasons[1]
