"""Corrections, intervals and drift limits as training chooses them: the gateway's own formulas, on generated errors."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom

from gateway.config.assigned_models import corrected_on_this_line
from gateway.errors import BundleRefusedError, LablineError
from gateway.inference.bundle import read_bundle, read_manifest
from gateway.inference.corrections import Instant, corrected
from gateway.inference.feedback import states_after
from gateway.inference.interval import width_factors
from gateway.line.outputs import (
    AdaptiveLimits,
    BiasLimits,
    FunctionSpaceLimits,
    ProportionalWidth,
    TrackedLimits,
    ValueOutput,
    Widening,
)
from gateway.time_units import SECOND_NS
from gateway.training.backtest import NEVER, Timing, entries_of, serve
from gateway.training.bundle_files import bundle_of
from gateway.training.calibration import calibrated
from gateway.training.correction_choices import corrections_of
from gateway.training.cross_validation import root_mean_square
from gateway.training.drift_limits import RUN_LENGTH, alarms, charted
from gateway.training.recipe import read_recipe
from gateway.training.recipe_tables.correction import BiasTable, FunctionSpaceTable
from gateway.training.train import train
from tests.fixtures.generated_plants import drifting, grades, grades_of_size, uneven_errors

MINUTE_NS = 60 * SECOND_NS
BIAS = BiasLimits(trust=0.6, max_step=9.0, max_total=9.0, max_age_ns=90 * MINUTE_NS, half_life_ns=50 * MINUTE_NS)
LIKENESS = FunctionSpaceLimits(
    tau_ns=40 * MINUTE_NS, memory_ns=400 * MINUTE_NS, length=1.0, weight=1.0, noise=0.1, max_residual=5.0,
    max_total=4.0, max_age_ns=120 * MINUTE_NS, most_results=8, center=(0.0, 0.0), scale=(1.0, 1.0),
)  # fmt: skip
OUTPUT = ValueOutput(column=0, valid=(-99, 99), coverage=0.9, half_width=1.5, residuals=tuple(np.linspace(0.1, 3, 60)))
TRACKED = TrackedLimits(rate=0.2, mean_error=0.7, least_scale=0.25, most_scale=4.0)
WIDENING = Widening(ages_ns=(10 * MINUTE_NS, 60 * MINUTE_NS), factors=(1.0, 2.0), uncorrected=3.0)
WAYS = {
    "never corrected": OUTPUT,
    "bias": replace(OUTPUT, bias=BIAS, widening=WIDENING),
    "bias, adaptive": replace(
        OUTPUT, bias=BIAS, widening=WIDENING, adaptive=AdaptiveLimits(rate=0.05, min_coverage=0.5, max_coverage=0.97)
    ),
    "bias, tracked": replace(OUTPUT, bias=BIAS, widening=WIDENING, tracked=TRACKED),
    "bias for each product": replace(OUTPUT, bias=replace(BIAS, per_product=True), widening=WIDENING, tracked=TRACKED),
    "bias, in proportion": replace(
        OUTPUT, bias=BIAS, widening=WIDENING, tracked=TRACKED, proportional=ProportionalWidth(at=2.0, least=0.4)
    ),
    "function space": replace(OUTPUT, function_space=LIKENESS, tracked=TRACKED, residuals=None),
}


def plant_rows(plant, *, products=None):
    """Return a generated plant's timing, with standardised tags as features."""
    tags = np.column_stack([*plant.tags.values()])
    at = np.arange(len(plant.y))
    arrives = np.where(at % plant.every_rows == 0, (at + plant.delay_rows) * MINUTE_NS, NEVER)
    features = (tags - tags.mean(axis=0)) / tags.std(axis=0, ddof=1)
    return Timing(at_ns=at * MINUTE_NS, arrives_ns=arrives, features=features, products=products)


@pytest.mark.parametrize("way", WAYS)
def test_all_rows_at_once_are_served_as_each_of_them_alone(way):
    output, chance = WAYS[way], np.random.default_rng(1)
    products = np.array(["A", "B", "C", None], object)[np.arange(200) // 30 % 4]
    timing = plant_rows(drifting(200), products=products)
    predicted, measured = chance.normal(size=200), 2 * chance.normal(size=200)
    served = serve(timing, predicted, measured, output=output)
    times, states = states_after(entries_of(timing, predicted, measured, output), output)
    for row in range(200):
        state = states[np.searchsorted(times, timing.at_ns[row], side="right")]
        instant = Instant(
            at_ns=int(timing.at_ns[row]), features=tuple(timing.features[row].tolist()), product=products[row]
        )
        alone = corrected(state, output, instant)
        assert served.values[row] == pytest.approx(predicted[row] + alone.correction)
        value = predicted[row] + alone.correction
        width = np.nan if alone.half_width is None else alone.half_width * output.width_factor(value)
        assert served.half_widths[row] == pytest.approx(width, nan_ok=True)


def recipe(*, per=None, function_space=True, adaptive=(), tracked=(0.1, 0.2, 0.3), logarithmic=False):
    table = BiasTable(
        trusts=[0.3, 0.6, 1.0],
        half_lives_rows=[20, 50, 230, 10000],
        max_step=20,
        max_total=20,
        max_age_rows=60,
        per=per,
    )
    return SimpleNamespace(
        bias=table,
        function_space=FunctionSpaceTable(enabled=function_space),
        period_seconds=60.0,
        candidates=SimpleNamespace(folds=4),
        output=SimpleNamespace(
            valid=(-99.0, 99.0),
            coverage=0.9,
            adaptive_rates=list(adaptive),
            tracked_rates=list(tracked),
            logarithmic=logarithmic,
        ),
    )


def served_error(timing, predicted, values, correction):
    output = replace(OUTPUT, residuals=None)
    key = "function_space" if isinstance(correction, FunctionSpaceLimits) else "bias"
    return root_mean_square(
        values - serve(timing, predicted, values, output=replace(output, **{key: correction})).values
    )


def by_error(recipe, timing, predicted, values):
    choices = corrections_of(recipe, timing, values - predicted)
    return {choice: served_error(timing, predicted, values, choice) for choice in choices}


def test_where_errors_depend_on_the_inputs_a_correction_in_function_space_serves_better_than_any_bias():
    plant = drifting()
    noise = 0.15 * np.random.default_rng(3).normal(size=len(plant.y))
    timing, values = plant_rows(plant), plant.explained + noise
    predicted = 15.6 + 1.2 * plant.tags["TI1"]  # the model has not learned what the second tag does
    errors = by_error(recipe(), timing, predicted, values)
    best = min(errors, key=errors.get)
    assert isinstance(best, FunctionSpaceLimits)
    assert errors[best] < 0.9 * min(error for choice, error in errors.items() if isinstance(choice, BiasLimits))
    assert errors[best] < 0.9 * errors[None]


def test_where_products_have_levels_of_their_own_a_bias_for_each_serves_best():
    plant = grades()
    timing = plant_rows(plant, products=np.array(plant.texts["grade"], object))
    predicted = 7.7 + 0.25 * (plant.tags["TI1"] - 60)
    table = recipe(per="product", function_space=False)
    table.bias = table.bias.model_copy(update={"max_age_rows": 400.0})
    errors = by_error(table, timing, predicted, plant.y)
    best = min(errors, key=errors.get)
    assert best.per_product
    assert errors[best] < 0.8 * min(error for choice, error in errors.items() if choice and not choice.per_product)


def test_where_errors_are_noise_no_correction_is_chosen():
    chance = np.random.default_rng(5)
    timing, values = plant_rows(drifting(600)), chance.normal(size=600)
    errors = by_error(recipe(), timing, np.zeros(600), values)
    assert min(errors, key=errors.get) is None


def test_where_restless_stretches_come_and_go_the_interval_follows_the_size_of_errors_and_covers():
    plant = uneven_errors(3000)
    timing, values, predicted = plant_rows(plant), plant.y, plant.explained
    made_from, test = slice(0, 2000), slice(2000, 3000)
    made = calibrated(recipe(), timing.of(made_from), predicted[made_from], values[made_from], correction=None)
    assert made.output.tracked is not None
    assert len(made.block_coverages) == 4
    served = serve(timing.of(test), predicted[test], values[test], output=made.output)
    inside = np.abs(values[test] - served.values) <= served.half_widths
    assert 0.85 <= inside.mean() <= 0.95
    restless = np.arange(2000, 3000) // 150 % 2 == 1
    assert served.half_widths[restless].mean() > 1.3 * served.half_widths[~restless].mean()
    fixed = calibrated(
        recipe(tracked=()), timing.of(made_from), predicted[made_from], values[made_from], correction=None
    )
    wide = serve(timing.of(test), predicted[test], values[test], output=fixed.output)
    covered = np.abs(values[test] - wide.values) <= wide.half_widths
    assert inside[restless].mean() > covered[restless].mean() + 0.03


def test_the_interval_covers_within_what_chance_allows_where_errors_are_of_one_kind():
    chance = np.random.default_rng(2)
    timing, values = plant_rows(drifting(4000)), chance.normal(size=4000)
    made = calibrated(recipe(), timing.of(slice(0, 2000)), np.zeros(2000), values[:2000], correction=None)
    served = serve(timing.of(slice(2000, 4000)), np.zeros(2000), values[2000:], output=made.output)
    covered = int(np.sum(np.abs(values[2000:]) <= served.half_widths))
    low, high = binom.ppf([1e-4, 1 - 1e-4], 2000, 0.9)
    assert low - 40 <= covered <= high + 40  # the calibration is a sample, too


@pytest.mark.parametrize("kind", ["normal", "heavy-tailed", "with memory"])
def test_the_charts_of_errors_alarm_no_sooner_than_the_run_length_on_fresh_errors_of_the_same_kind(kind):
    chance = np.random.default_rng(4)

    def errors(count):
        if kind == "heavy-tailed":
            return chance.standard_t(2.5, size=count)
        noise = chance.normal(size=count + 100)
        return noise[100:] if kind == "normal" else np.convolve(noise, 0.6 ** np.arange(12), mode="same")[100:]

    made = charted(errors(2000))
    again = charted(errors(2000))
    assert made.run_length >= RUN_LENGTH
    assert made.charts.winsorise == 3.0
    assert made.sigma == pytest.approx(again.sigma, rel=0.15)
    fresh = errors(6000)
    counted = alarms_by_hand(np.clip(fresh / made.sigma, -3, 3), made.charts)
    assert counted <= 6000 / 100
    assert abs(alarms(fresh, made) - counted) <= 2 + counted / 4  # by hand without the wider limit of the first results


def alarms_by_hand(standardised, charts):
    """Return how often charts alarm that begin again after each alarm."""
    count, ewma, high, low = 0, 0.0, 0.0, 0.0
    for value in standardised.tolist():
        ewma = 0.2 * value + 0.8 * ewma
        high, low = max(0.0, high + value - 0.5), max(0.0, low - value - 0.5)
        if abs(ewma) > charts.ewma_width / 3 or max(high, low) > charts.cusum_decision:
            count, ewma, high, low = count + 1, 0.0, 0.0, 0.0
    return count


@pytest.mark.parametrize(("logarithmic", "honest"), [(True, True), (False, False)])
def test_the_interval_of_a_model_of_the_logarithm_is_as_wide_as_the_grade_is_large(logarithmic, honest):
    plant = grades_of_size()
    timing, known, test = plant_rows(plant), slice(0, 1000), slice(1000, 1500)
    made = calibrated(
        recipe(tracked=(), logarithmic=logarithmic), timing.of(known), plant.explained[known], plant.y[known],
        correction=None,
    )  # fmt: skip
    served = serve(timing.of(test), plant.explained[test], plant.y[test], output=made.output)
    inside = np.abs(plant.y[test] - served.values) <= served.half_widths
    assert bool(0.87 <= inside.mean() <= 0.93) is honest
    assert (made.output.proportional is not None) is logarithmic
    factors = width_factors(made.output.proportional, served.values)
    charted_errors = (plant.y[test] - served.values) / factors / made.output.sigma
    assert bool(0.8 < charted_errors.std() < 1.25) is honest


def test_a_model_that_errs_for_long_is_demoted_again_after_each_acknowledgement():
    chance = np.random.default_rng(5)
    made = charted(chance.normal(size=1000))
    assert alarms(0.2 * chance.normal(size=300), made) == 0
    calm, lasting = 0.2 * chance.normal(size=60), np.full(20, 2.5)
    short, long = (alarms(np.concatenate([calm, lasting[:rows], calm]), made) for rows in (4, 20))
    assert 1 <= short < long <= 20
    assert alarms(np.concatenate([calm, lasting, calm, calm, lasting, calm]), made) == 2 * long
    assert alarms(np.array([]), made) == 0


def test_one_peak_of_fourteen_sigmas_changes_neither_sigma_nor_limits_much():
    errors = np.random.default_rng(6).normal(size=200)
    peak = errors.copy()
    peak[100] = 14.0
    plain, with_peak = charted(errors), charted(peak)
    assert with_peak.sigma == pytest.approx(plain.sigma, rel=0.05)
    assert with_peak.charts.cusum_decision <= 1.3 * plain.charts.cusum_decision


def test_a_bundle_that_corrects_in_function_space_is_read_as_it_was_made_and_cannot_be_signed(tmp_path):
    path = drifting(400).write(tmp_path, tables='[candidates]\nkinds = ["ridge"]\n')
    made = train(read_recipe(path), folder=tmp_path)
    limits = replace(LIKENESS, center=(1.0,) * 6, scale=(2.0,) * 6)
    in_proportion = ProportionalWidth(at=12.0, least=0.5)
    tracked = replace(
        made.output, bias=None, adaptive=None, function_space=limits, tracked=TRACKED, proportional=in_proportion
    )
    files = bundle_of(replace(made, output=tracked), recipe_name="plant.toml")
    bundle = read_bundle(files, where="here")
    (output,) = bundle.outputs
    assert output.value.function_space == limits
    assert output.value.tracked == TRACKED
    assert output.value.proportional == in_proportion
    assert output.value.charts == made.output.charts
    assert made.output.charts.winsorise == 3.0
    assert "The 90% interval" in files["card.md"].decode()
    (table,) = read_manifest(files, where="here").output
    assert (table.corrected_by, table.follows) == ("results of like inputs", "size of errors, the value")
    with pytest.raises(BundleRefusedError, match="function space"):
        corrected_on_this_line(bundle, "signed", tmp_path)
    (off,) = corrected_on_this_line(bundle, "off", tmp_path).outputs
    assert off.value.function_space is None
    assert corrected_on_this_line(bundle, "auto", tmp_path) == bundle


def test_products_come_from_a_column_of_texts_and_a_bias_for_each_is_tried(tmp_path):
    tables = '[bias]\nper = "product"\n[function_space]\nenabled = false\n[candidates]\nkinds = ["ridge"]\n'
    path = grades().write(tmp_path, tables=tables, lags=(0,))
    with pytest.raises(LablineError, match="product_column"):
        read_recipe(path)
    path.write_text(path.read_text().replace("delay_rows", 'product_column = "grade"\ndelay_rows'))
    made = train(read_recipe(path), folder=tmp_path)
    assert made.chosen.correction.per_product
    files = bundle_of(made, recipe_name="plant.toml")
    assert read_bundle(files, where="here").outputs[0].value.bias.per_product
    assert "for each product by itself" in files["card.md"].decode()
    assert made.figures["r2_as_served"] > 0.7 > made.figures["r2_by_itself"]


@pytest.mark.parametrize("way", ["bias", "function space"])
def test_where_no_result_comes_any_more_the_interval_is_as_wide_as_an_uncorrected_model_needs(way):
    plant = drifting(2400)
    timing, values, predicted = plant_rows(plant), plant.y - plant.y.mean(), plant.explained - plant.explained.mean()
    values = predicted + 0.5 * np.sin(np.arange(2400) / 60) + 0.1 * np.random.default_rng(9).normal(size=2400)
    limits = replace(BIAS, max_age_ns=60 * MINUTE_NS) if way == "bias" else LIKENESS
    made = calibrated(recipe(), timing.of(slice(0, 1600)), predicted[:1600], values[:1600], correction=limits)
    test = timing.of(slice(1600, 2400))
    silent = replace(test, arrives_ns=np.full(800, NEVER))
    with_results = serve(test, predicted[1600:], values[1600:], output=made.output)
    without = serve(silent, predicted[1600:], values[1600:], output=made.output)
    assert np.mean(np.abs(values[1600:] - with_results.values) <= with_results.half_widths) >= 0.8
    assert np.mean(np.abs(values[1600:] - without.values) <= without.half_widths) >= 0.85
    assert without.half_widths.mean() > 1.5 * with_results.half_widths.mean()
