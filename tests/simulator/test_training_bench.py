"""The bench of training runs the command as a user does, and measures what it takes and what it reaches."""

import numpy as np
import pytest

from gateway.errors import LablineError
from gateway.training.recipe import read_recipe
from simulator.bench import training
from simulator.bench.trained import on_plants
from simulator.bench.trained.on_plants import OnPlant
from simulator.bench.trained.plain_models import Parts, errors_of
from simulator.bench.trained.plant import Plant, later, wander
from simulator.bench.trained.plants import PLANTS, plant


def test_the_measured_recipe_leaves_open_what_a_recipe_may_leave_open(tmp_path):
    training.write_plant(tmp_path, rows=30, tags=4)
    recipe = read_recipe(tmp_path / "bench.toml")
    assert len(recipe.inputs) == 4
    assert {"candidates", "bias", "split", "acceptance"} & recipe.model_fields_set == set()
    assert len((tmp_path / "bench.csv").read_text().splitlines()) == 31


@pytest.mark.parametrize("name", ["changes", "grades", "batches"])
def test_the_recipe_of_a_plant_says_no_more_than_it_must(tmp_path, name):
    made = plant(name, seed=1)
    recipe = read_recipe(made.write(tmp_path))
    assert {table.tag for table in recipe.inputs if table.tag} == {*made.tags}
    assert all(table.lags_rows is None for table in recipe.inputs if table.tag)
    assert {"candidates", "split", "acceptance", "search"} & recipe.model_fields_set == set()


def test_a_plant_is_the_same_for_the_same_seed_alone():
    assert np.array_equal(plant("linear", seed=3).y, plant("linear", seed=3).y, equal_nan=True)
    assert not np.array_equal(plant("linear", seed=3).y, plant("linear", seed=4).y, equal_nan=True)


def test_plain_models_take_lags_and_biases_that_help():
    chance = np.random.default_rng(5)
    u, offset = wander(chance, 900, 20), np.where(np.arange(900) < 600, 0.0, 3.0)
    made = Plant(tags={"U": u}, y=later(u, 8) + offset + 0.1 * chance.normal(size=900), every_rows=5, delay_rows=5)
    parts = Parts(fitted=np.arange(40, 600), test=np.arange(600, 900))
    errors, late = (errors_of(made, parts, lags=lags, kinds=("ridge", "PLS")) for lags in ((0, 8), (0,)))
    assert [*errors] == ["ridge", "ridge with bias", "PLS", "PLS with bias"]
    assert errors["ridge"] == pytest.approx(3.0, rel=0.1)
    assert errors["ridge with bias"] < 0.5 * errors["ridge"]
    assert all(errors[kind] < late[kind] for kind in errors)


def test_the_ratio_is_to_the_model_that_is_best_after_the_fact(monkeypatch):
    reached = {"few_results": (0.9, 0.5), "constant": (1.2, 1.0)}

    def tried(made, **_lags):
        return OnPlant(
            error=reached[made][0], plain={"ridge": 2.0, "boosting": 1.0}, accepted=reached[made][1],
            error_accepted=0.9, coverage=0.9, rows=100, inputs=3, kind="stack", seconds=1.0,
        )  # fmt: skip

    monkeypatch.setattr(training, "tried", tried)
    monkeypatch.setattr(training, "plant", lambda name, **_seed: name)
    lines = []
    figures = training.measure(True, only=["few_results", "constant"], on_progress=lines.append)
    assert figures["ratio_largest"].value == 1.2
    assert figures["ratio_largest"].holds is False
    assert figures["accepted_least"].value == 0.5
    assert figures["plants_no_worse"].value == 1
    assert figures["constant.error_boosting"].value == 1.0
    assert lines[0].startswith("few_results: error 0.9, 0.900 of the best plain model's (ridge 0.45, boosting 0.90)")


def test_an_unknown_plant_is_refused_with_the_names_there_are():
    with pytest.raises(LablineError, match="no plant dryer") as refused:
        training.measure(True, only=["dryer"])
    assert all(name in refused.value.hint for name in PLANTS)


def test_plain_models_are_fitted_before_the_test_and_judged_on_its_rows(monkeypatch):
    judged = {}

    def errors_of_parts(made, parts, *, lags):
        judged["parts"] = parts
        return {"ridge": float(np.nanstd(made.y))}

    monkeypatch.setattr(on_plants, "errors_of", errors_of_parts)
    made = plant("few_results", seed=1)
    short = Plant(tags={"T0": made.tags["T0"][:2400]}, y=made.y[:2400], delay_rows=30)
    reached = on_plants.tried(short)
    parts = judged["parts"]
    assert parts.fitted.max() < parts.test.min()
    assert np.isfinite(short.y[parts.test]).all()
    assert reached.rows == len(parts.test)
    assert 0 < reached.ratio < 2
