"""Which version is in service: promotions as a stack, whatever people do at once and whatever a disk does to a row."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.contract.times import rfc3339
from gateway.events import VersionTaken
from gateway.inference.versions import Promoted, in_service
from gateway.line.definition import CANDIDATE, Stage
from gateway.records.acts import ActOutcome, PromoteModel, RollBackModel
from gateway.records.people import VersionAct, VersionChange
from gateway.records.prediction import ModelIdentity
from gateway.store.queries.versions import UNKNOWN, changes, promoted_at_start
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, assignment, bundle, line, moment, value_output
from tests.fixtures.store_bench import Bench

WHO = {"person": "qa", "reason": "VR-1"}


def version(number, model="m"):
    return VersionChange(
        model=model, act=VersionAct.PROMOTE, version=number, bundle_sha256=f"hash of {number}", at_ns=NOW_NS,
        folder=f"/bundles/{number}", **WHO,
    )  # fmt: skip


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    with closing(made.connection):
        yield made


@pytest.fixture
def connection(bench):
    return bench.connection


def promote(bench, number, model="m"):
    wanted = {"model": model, "version": number, "bundle_sha256": f"hash of {number}", "folder": f"/bundles/{number}"}
    act = PromoteModel(**wanted)
    assert bench.act(act).outcome is ActOutcome.DONE
    bench.now_ns += 1


def roll_back(bench, model):
    bench.now_ns += 1
    return bench.act(RollBackModel(model=model))


def standing(connection):
    acts, unknown = changes(connection.execute(SQL["version_changes"]))
    return {model: [each.version for each in promoted] for model, promoted in in_service(acts).items()}, unknown


def test_a_rollback_takes_the_newest_promotion_back_until_the_configured_bundle_is_left(bench, connection):
    for number in ("1", "2"):
        promote(bench, number)
    promote(bench, "9", model="other")
    assert standing(connection) == ({"m": ["1", "2"], "other": ["9"]}, None)
    assert roll_back(bench, "m").details == {
        "taken": "2",
        "holds": "1",
        "person": "Q. Head",
    }
    assert roll_back(bench, "m").details == {
        "taken": "1",
        "holds": None,
        "person": "Q. Head",
    }
    refused = roll_back(bench, "m")
    assert (refused.outcome, "the configured bundle is in service" in refused.why) == (ActOutcome.REFUSED, True)
    assert standing(connection) == ({"other": ["9"]}, None)
    kinds = [kind for (kind,) in bench.rows("SELECT kind FROM audit WHERE subject = 'm' ORDER BY seq")]
    assert kinds == ["model_promoted", "model_promoted", "model_rolled_back", "model_rolled_back"]


def test_more_rollbacks_than_promotions_on_record_stop_nothing():
    acts = [version("1"), *[VersionChange(**{**_fields(version("1")), "act": VersionAct.ROLL_BACK})] * 2, version("2")]
    assert [each.version for each in in_service(acts)["m"]] == ["2"]


def _fields(change):
    return {name: getattr(change, name) for name in change.__slots__}


def test_where_a_row_is_damaged_nothing_before_it_counts_and_it_is_told_until_somebody_promotes_again(
    bench, connection, tmp_path
):
    for number in ("1", "2"):
        promote(bench, number)
    connection.execute("UPDATE version_change SET folder = '/elsewhere' WHERE seq = 2")
    assert promoted_at_start(tmp_path, at_ns=NOW_NS) == {}
    assert [code for (code,) in connection.execute("SELECT code FROM latch")] == [UNKNOWN]
    connection.execute("DELETE FROM latch")
    promote(bench, "3")
    assert promoted_at_start(tmp_path, at_ns=NOW_NS) == {"m": Promoted(folder=Path("/bundles/3"), sha256="hash of 3")}
    assert connection.execute("SELECT count(*) FROM latch").fetchone()[0] == 0


NEXT = bundle(identity=ModelIdentity(name="viscosity", version="2", sha256="cd" * 32))


def states(bench):
    return sorted({(kind, state) for kind, state in bench.rows("SELECT kind, state FROM guidance")})


@pytest.mark.parametrize("running", [True, False], ids=["while running", "while stopped"])
def test_what_another_version_has_advised_is_withdrawn_and_the_new_one_may_advise(tmp_path, running):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.order()
        bench.model_due(81.0, setpoint=81.0)
        assert {(kind, "proposed") for kind in ("setpoint", "warning")} == set(states(bench))
        bench.line = line(models=(assignment(bundle=NEXT),))
        if running:
            taken = VersionTaken(event_id="taken", at=moment(bench.now_ns), model="viscosity", version="2",
                                 bundle_sha256="cd" * 32, stage="advise")  # fmt: skip
            bench.commit(taken)
            assert {(kind, "withdrawn") for kind in ("setpoint", "warning")} == set(states(bench))
        bench.now_ns += 61 * SECOND_NS
        bench.model_due(81.0, setpoint=81.0)
        bench.now_ns += 61 * SECOND_NS
        bench.model_due(81.0, setpoint=81.0)
        standing = bench.rows(
            "SELECT kind, json_extract(body, '$.predicted.model.version') FROM guidance WHERE open = 1"
        )
    assert sorted(standing) == [("setpoint", "2"), ("warning", "2")]


def test_a_bundle_that_is_candidate_and_in_service_learns_once(tmp_path):
    bench = Bench(tmp_path)
    learns = bundle(outputs=(value_output(sigma=1.0),))
    twin = replace(learns, identity=replace(learns.identity, name=f"{learns.identity.name}{CANDIDATE}"))
    bench.line = line(models=(assignment(bundle=learns), assignment(bundle=twin, stage=Stage.SHADOW)))
    with closing(bench.connection):
        bench.order()
        document = {
            "sample_id": "S-1",
            "test_name": "Viscosity",
            "result": 100.0,
            "unit": "mPa.s",
            "status": "approved",
        }
        of = {"material_lot": "LOT/1", "equipment_id": "R1", "sampled_at": rfc3339(NOW_NS)}
        bench.result({**document, **of})
        assert bench.rows("SELECT count(*) FROM feedback") == [(1,)]
        learned = bench.rows("SELECT json_extract(body, '$.results') FROM model_learned")
    assert learned == [(1,)]
