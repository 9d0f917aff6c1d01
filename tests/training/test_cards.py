"""A card says how good a model is beside plain means, and a model that is no better than these never passes."""

from dataclasses import replace

import numpy as np
import pytest

from gateway.time_units import SECOND_NS
from gateway.training.acceptance import acceptance_of, missed_in_words
from gateway.training.backtest import Timing
from gateway.training.baselines import LAST, MEAN, last_values, running_means
from gateway.training.evaluation import figures_reached
from gateway.training.files.instants import NEVER
from gateway.training.model_card import card
from gateway.training.recipe import read_recipe
from gateway.training.train import train
from tests.fixtures import generated_plants as plants

ALL_TREES = True  # of boosted ones

QUICK = '[candidates]\nkinds = ["ridge", "kernel", "constant"]\nfolds = 3\n'


def trained_on(plant, folder, tables=""):
    return train(read_recipe(plant.write(folder, tables=QUICK + tables)), folder=folder)


@pytest.fixture(scope="module")
def continuous(tmp_path_factory):
    return trained_on(plants.continuous(900), tmp_path_factory.mktemp("continuous"))


def timing():
    at = np.arange(6) * SECOND_NS
    return Timing(at_ns=at, arrives_ns=np.array([2 * SECOND_NS, NEVER, 5 * SECOND_NS, 4 * SECOND_NS, NEVER, NEVER]))


def test_the_last_value_is_that_of_the_newest_sample_that_has_arrived():
    values = np.array([10.0, 0.0, 20.0, 30.0, 0.0, 0.0])
    np.testing.assert_array_equal(last_values(timing(), values), [np.nan, np.nan, 10, 10, 30, 30])


def test_the_running_mean_knows_only_results_that_have_arrived():
    values = np.array([10.0, 0.0, 20.0, 30.0, 0.0, 0.0])
    np.testing.assert_array_equal(running_means(timing(), values), [np.nan, np.nan, 10, 10, 20, 20])


def test_every_baseline_stands_beside_the_model_on_the_test_rows_and_on_each_block(continuous):
    names = {baseline.name for baseline in continuous.baselines}
    assert names == {LAST, MEAN} | {f"{kind}{how}" for kind in ("ridge", "pls", "gradient_boosting")
                                    for how in ("", " with bias")}  # fmt: skip
    assert all(len(baseline.error_of_blocks) == len(continuous.blocks) == 3 for baseline in continuous.baselines)
    for name in names:
        assert f"| {name} |" in card(continuous)


def test_the_model_is_better_than_each_plain_one_where_there_is_something_to_learn(continuous):
    assert continuous.figures["gain_over_plain_models"] > 0
    assert continuous.figures["gain_over_baselines"] > 0.5


def test_figures_of_laboratory_rows_alone_stand_beside_those_of_all_rows(continuous):
    rows, test = continuous.rows, continuous.test
    measured = rows.timing.of(test).measured
    errors = (rows.values[test] - continuous.served.values)[measured]
    assert continuous.figures["laboratory_rows"] == measured.sum() < measured.size
    assert continuous.figures["rmse_laboratory"] == pytest.approx(np.sqrt(np.mean(errors**2)))


def test_what_the_laboratory_rows_alone_would_make_stands_in_the_card(continuous):
    alone = continuous.figures["rmse_from_results_alone"]
    assert continuous.figures["rmse_as_served"] < alone < continuous.figures["spread"]
    assert f"made from rows with a laboratory result alone, % | {alone:.4g} |" in card(continuous)


def test_a_card_begins_with_what_for_how_good_beside_what_and_where_not(continuous):
    head = card(continuous).splitlines()[:12]
    assert head[2] == "Tests."
    for name in ("how good", "beside what", "how sure", "where not", "acceptance"):
        assert any(line.startswith(f"| **{name}** |") for line in head)


def test_a_model_that_is_worse_than_the_running_mean_never_passes(continuous):
    (criterion, met) = acceptance_of(continuous)[0]
    assert met
    worse = replace(continuous, served=replace(continuous.served, values=np.full_like(continuous.served.values, 90.0)))
    failing = replace(worse, figures=figures_reached(worse))
    (criterion, met), *_others = acceptance_of(failing)
    assert not met
    assert criterion["reached"] < 0
    assert "NOT MET" in "\n".join(card(failing).splitlines()[:12])


def test_what_is_not_met_is_said_in_words_with_numbers_and_what_to_do(continuous):
    of_all = continuous.recipe.acceptance.model_copy(
        update={
            "minimum_gain_over_baselines": 0.99, "minimum_gain_over_plain_models": 0.99, "minimum_r2": 0.999,
            "minimum_r2_laboratory": 0.999, "maximum_rmse": 0.001, "coverage": (0.999, 1.0),
            "minimum_accepted_share": 1.0,
        }
    )  # fmt: skip
    of = replace(continuous, recipe=continuous.recipe.model_copy(update={"acceptance": of_all}))
    words = "\n".join(missed_in_words(of))
    error = f"{continuous.figures['rmse_as_served']:.3g} %"
    assert f"The typical error, {error}, is only" in words
    assert "than that of the last laboratory value" in words
    assert 'Train with kinds = ["' in words
    assert "99% was agreed" in words
    assert "explains" in words
    assert "at most 0.001 was agreed" in words
    assert "The interval holds" in words
    assert "The gates refuse" in words
    for sentence in missed_in_words(of):
        assert sentence in card(of)
    assert missed_in_words(continuous) == ()


def test_a_model_that_a_plain_one_surpasses_clearly_never_passes(continuous):
    best = min((item for item in continuous.baselines if item.model), key=lambda item: item.error)
    better = replace(best, name="pls with bias", error=0.8 * continuous.figures["rmse_as_served"])
    beside = replace(continuous, baselines=(*continuous.baselines, better))
    failing = replace(beside, figures=figures_reached(beside))
    why = missed_in_words(failing)
    assert len(why) == 1
    assert "is no smaller than that of a plain pls with bias" in why[0]
    assert 'Train with kinds = ["pls"]' in why[0]


@pytest.mark.parametrize(
    ("key", "value", "met"),
    [
        ("minimum_gain_over_baselines", 0.3, True),
        ("minimum_gain_over_baselines", 0.99, False),
        ("minimum_r2_laboratory", 0.5, True),
        ("minimum_r2_laboratory", 0.9999, False),
        ("maximum_rmse", 100.0, True),
        ("maximum_rmse", 1e-6, False),
    ],
)
def test_every_floor_is_held_against_its_figure(continuous, key, value, met):
    acceptance = continuous.recipe.acceptance.model_copy(update={key: value})
    of = replace(continuous, recipe=continuous.recipe.model_copy(update={"acceptance": acceptance}))
    assert all(is_met for _criterion, is_met in acceptance_of(of)) is met


def test_where_a_constant_is_best_the_gain_is_next_to_nothing(tmp_path):
    trained = trained_on(plants.constant_is_best(400), tmp_path)
    assert trained.figures["gain_over_baselines"] == pytest.approx(0.0, abs=0.05)
    assert trained.chosen.correction is None
