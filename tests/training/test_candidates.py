"""The kinds of models: each exported as it was fitted, averaged where there are several, named where it fails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.training import model_selection
from gateway.training.candidates.graph_part import model_of
from gateway.training.candidates.table import CANDIDATES, candidate
from gateway.training.cross_validation import r_squared
from gateway.training.recipe import read_recipe
from gateway.training.stacking import stacked_weights
from gateway.training.train import train
from gateway.transport.onnx import load_model
from tests.fixtures.small_recipe import RECIPE, write_recipe

ALL_TREES = True  # of boosted ones


def rows_of_a_plant(count=400, *, seed=5):
    """Return inputs, values and instants: linear in one input, curved in another, with errors that last."""
    chance = np.random.default_rng(seed)
    features = np.cumsum(chance.normal(size=(count, 4)), axis=0) * 0.1 * [1.0, 1.0, 40.0, 1.0] + [0.0, 0.0, 500.0, 7.0]
    errors = np.convolve(chance.normal(size=count + 30), np.ones(31) / 31, "valid")
    values = 1000 + 30 * (features[:, 0] + np.sin(2 * features[:, 1])) + 20 * errors
    return features, values, np.arange(count) * 60.0


@pytest.mark.parametrize("kind", CANDIDATES)
def test_every_kind_alone_is_exported_as_it_was_fitted(kind):
    features, values, at_seconds = rows_of_a_plant()
    model = candidate(kind, seed=1, inputs=4)
    model.fit(features, values, at_seconds)
    served = load_model(model_of(model.part("m_"), inputs=4), inputs=4, columns=1, where=kind)
    others = np.random.default_rng(6).normal(size=(200, 4)) * features.std(axis=0) + features.mean(axis=0)
    assert np.max(np.abs(served(others)[:, 0] - model.predict(others))) < 1e-6 * np.ptp(values)


@pytest.mark.parametrize("kind", [kind for kind in CANDIDATES if kind != "constant"])
def test_what_a_kind_learns_does_not_depend_on_the_units(kind):
    features, values, at_seconds = rows_of_a_plant()
    one, other = (candidate(kind, seed=1, inputs=4) for _ in range(2))
    one.fit(features, values, at_seconds)
    other.fit(features * [1000.0, 0.01, 1.0, 1.0], values / 1000 - 5, at_seconds)
    np.testing.assert_allclose(
        (other.predict(features * [1000.0, 0.01, 1.0, 1.0]) + 5) * 1000, one.predict(features), rtol=1e-4
    )
    assert r_squared(values, one.predict(features)) > 0.5


def test_kernel_models_are_not_misled_by_a_drift_that_an_ordinary_fit_believes_in():
    features, values, at_seconds = rows_of_a_plant(600)
    drift = 60 * np.sin(np.arange(600) / 95.0)
    explained = 30 * (features[:, 0] + np.sin(2 * features[:, 1]))

    def error(kind):
        model = candidate(kind, seed=1, inputs=4)
        model.fit(features, values + drift, at_seconds)
        said = model.predict(features)
        return np.std(said - explained)

    assert error("kernel") < 0.8 * min(error("extra_trees"), error("gradient_boosting"), error("neural_network"))


@given(st.integers(1, 6), st.integers(0, 10_000))
def test_weights_of_a_stack_are_shares_and_never_worse_than_equal_ones_by_their_own_measure(models, seed):
    chance = np.random.default_rng(seed)
    errors = chance.normal(size=(80, models)) * chance.uniform(0.2, 3.0, models)
    weights = stacked_weights(errors)
    assert weights.shape == (models,)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert np.mean((errors @ weights) ** 2) <= np.mean(errors.mean(axis=1) ** 2) * 1.02


def test_models_that_err_alike_share_equally_and_a_bad_one_has_little_say():
    chance = np.random.default_rng(1)
    good = chance.normal(size=(300, 2))
    bad = 6 * chance.normal(size=(300, 1))
    one, two, three = stacked_weights(np.hstack([good, bad]))
    assert one == pytest.approx(two, abs=0.1)
    assert three < 0.05


def test_a_kind_that_cannot_be_made_is_named_and_the_others_go_on(tmp_path, monkeypatch):
    recipe = read_recipe(write_recipe(tmp_path))
    make = model_selection.candidate

    def refusing(kind, **options):
        if kind == "linear_and_trees":
            raise ArithmeticError("does not converge\nat all")
        return make(kind, **options)

    monkeypatch.setattr(model_selection, "candidate", refusing)
    trained = train(recipe, folder=tmp_path)
    assert trained.chosen.kind == "ridge"
    assert [(item.kind, item.problem) for item in trained.failed] == [
        ("linear_and_trees", "ArithmeticError: does not converge")
    ]
    assert "linear_and_trees could not be made: ArithmeticError: does not converge" in trained.warnings


def test_where_nothing_measured_explains_the_analyte_a_constant_is_best(tmp_path):
    path = write_recipe(tmp_path)
    chance = np.random.default_rng(8)
    lines = ["a,b,y", *(f"{a:.4f},{b:.4f},{y:.4f}" for a, b, y in chance.normal(size=(600, 3)))]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n")
    path.write_text(
        RECIPE.replace('["ridge", "linear_and_trees"]', '["ridge", "extra_trees", "constant"]\nstack = false')
    )
    trained = train(read_recipe(path), folder=tmp_path)
    assert trained.chosen.kind == "constant"
    assert trained.chosen.correction is None  # a correction would follow noise


def test_several_kinds_are_averaged_and_the_card_says_with_which_weights(tmp_path):
    path = write_recipe(tmp_path)
    path.write_text(RECIPE.replace('["ridge", "linear_and_trees"]', '["ridge", "pls", "kernel"]'))
    trained = train(read_recipe(path), folder=tmp_path)
    assert {compared.kind for compared in trained.compared} == {"ridge", "pls", "kernel", "stack"}
    assert trained.compared == tuple(sorted(trained.compared, key=lambda compared: compared.error_as_served))
    stack = next(compared for compared in trained.compared if compared.kind == "stack")
    assert sum(stack.weights.values()) == pytest.approx(1.0)
