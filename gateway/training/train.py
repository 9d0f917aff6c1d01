"""From a recipe to a model: rows, choice, calibration, test. The same recipe, data and seed give the same bytes.

1. Rows come through the gateway's own feature code, and are split by time: what it is made from, and the test.
2. Kinds of models are compared on blocks of the rows before the test that they have not seen, each as it would be
   served: with the results that had arrived, corrected with the best of the recipe's trusts and half lives, or not
   corrected. The smallest error wins, or a weighted mean of all kinds. What cannot be made is named, and the next one
   is taken.
3. The chosen one is fitted on all rows before the test. Its interval is calibrated on the predictions for each
   block by a model that has not seen it, as served (cross-conformal: Vovk 2015), and so are the limits of its domain:
   a plant moves, and rows of one period are not fresh rows of the same kind.
4. Setpoints that the model may move: the model's effect of a move is compared with the effect that the rows before
   the test show.
5. The test rows, which took no part, say what it reaches. The bundle is written whatever they say; whether the
   acceptance criteria are met stands in it, and signing it is a separate act.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gateway.errors import LablineError
from gateway.line.definition import Predict
from gateway.line.outputs import ValueOutput
from gateway.time_units import SECOND_NS
from gateway.training.backtest import Served, demoted_rows, serve
from gateway.training.baselines import baselines_of
from gateway.training.calibration import calibrated
from gateway.training.candidates.graph_part import model_of
from gateway.training.candidates.regressor import Regressor
from gateway.training.cross_validation import blocks
from gateway.training.demotions import demotions_of
from gateway.training.evaluation import blocks_served, figures_reached
from gateway.training.learned_limits import LeftOut, margins_of, quantities_of, with_limits, with_ranges
from gateway.training.model_selection import chosen_model, compare, gap_rows
from gateway.training.open_lags import with_lags
from gateway.training.recipe import Recipe
from gateway.training.refusals import chosen_average, chosen_rules, gated_blocks, gated_rows, inside_rows
from gateway.training.results_alone import error_from_results_alone
from gateway.training.row_source import RowSource
from gateway.training.rows import Rows, must_fit_a_bundle, rows_before_test
from gateway.training.search import searched
from gateway.training.setpoint_study import studied
from gateway.training.trained_model import Compared, Failed, Progress, Trained
from gateway.transport.onnx import load_model

_LEAST_ROWS, _LEAST_TEST_ROWS = 6, 2
_MOST_ROWS = 500  # that the runtime is asked for at once: its memory grows with them
_MOST_PERIODS = 2  # from row to row
_AGREEMENT = 1e-4  # of the values' spread: trees are summed in floats there, and what is served is calibrated itself


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let libraries use one thread: threads that wait for each other are slower, beside a gateway even more."""
    with threadpool_limits(limits=1):
        yield


@_one_thread()
def train(recipe: Recipe, *, folder: Path, on_progress: Progress = lambda *_: None) -> Trained:
    """Return a trained model; raises LablineError where the data does not allow one."""
    must_fit_a_bundle(recipe)
    source, first_test_row = RowSource(folder=folder, on_progress=on_progress), partial(_first_test_row, recipe)
    recipe, lags = with_lags(recipe, source.rows, first_test_row, on_progress)
    recipe, search = searched(recipe, source.rows, first_test_row, on_progress)
    rows = source.rows(recipe)
    made_from, test = _split(recipe, rows)
    _must_suffice(recipe, rows, made_from, test)
    compared, failed = compare(recipe, rows, made_from, on_progress)
    chosen, onnx, predict, not_made = _made(recipe, rows, made_from, compared)
    calibration = calibrated(
        recipe, rows.timing_of(made_from), chosen.left_out, rows.values[made_from], correction=chosen.correction
    )
    output = calibration.output
    served_blocks = serve(rows.timing_of(made_from), chosen.left_out, rows.values[made_from], output=output)
    later = _later_errors(rows, made_from, chosen, output)
    features, left_out = rows.features[made_from], _left_out(recipe, rows, made_from, served_blocks, later)
    margins = margins_of(left_out, recipe.output)
    as_in_service = _as_often_as_in_service(recipe, rows)
    averaged_over = chosen_average(
        left_out, served_blocks, rows.inputs, margins, output, most=recipe.output.domain_average if as_in_service else 1
    )
    margins = replace(margins, averaged_over=averaged_over)
    inputs = with_ranges(rows.inputs, features, margins)
    domain = with_limits(features, margins, alpha=recipe.output.domain_alpha)
    predicted = predict(rows.features[test])[:, 0]
    taught = rows.timing_of(test).taught_by(inside_rows(inputs, domain, rows.features[test]))
    served = serve(taught, predicted, rows.values[test], output=output)
    gated = gated_blocks(left_out, served_blocks, inputs, margins, output)
    outside = chosen_rules(gated, most_cost=recipe.output.outside_cost if as_in_service else 0.0)
    errors = rows.values[test] - served.values
    baselines, no_baselines = baselines_of(recipe, rows, made_from, test, compared)
    error_alone, not_alone = error_from_results_alone(recipe, rows, made_from, test, chosen, output)
    trained = Trained(
        recipe=recipe,
        rows=rows,
        made_from=made_from,
        test=test,
        inputs=inputs,
        compared=compared,
        failed=(*failed, *not_made, *no_baselines, *not_alone),
        chosen=chosen,
        onnx=onnx,
        predict=predict,
        output=output,
        domain=domain,
        served=served,
        demoted=demoted_rows(taught, predicted, rows.values[test], output=output),
        outside=outside,
        refusals=gated_rows(inputs, domain, rows.features[test], served, output)
        .with_outside(outside)
        .with_errors(errors),
        refusals_of_blocks=gated.with_outside(outside).with_errors(left_out.errors),
        figures={},
        block_coverages=calibration.block_coverages,
        run_length=calibration.charted.run_length,
        demotions=demotions_of(rows, made_from, test, calibration, (left_out.errors, later, errors)),
        baselines=baselines,
        error_from_results_alone=error_alone,
        blocks=blocks_served(recipe, rows, made_from, served_blocks, calibration),
        setpoints=studied(recipe, rows, made_from, predict=predict, half_width=output.half_width, gap=gap_rows(rows)),
        search=search,
        lags=lags,
    )
    return replace(trained, figures=figures_reached(trained))


def _as_often_as_in_service(recipe: Recipe, rows: Rows) -> bool:
    """Return whether rows follow each other as predictions will, so that they say what several in a row mean.

    Rows at the ends of batches, or of laboratory results alone, do not: between them a model predicts many times.
    """
    return rows.timing.row_ns <= _MOST_PERIODS * recipe.period_seconds * SECOND_NS


def _first_test_row(recipe: Recipe, rows: Rows) -> int:
    return _split(recipe, rows)[1].start or 0


def _split(recipe: Recipe, rows: Rows) -> tuple[slice, slice]:
    if not len(rows):
        hint = "are the columns the right ones, and do the lags leave any row?"
        odd = "; ".join(f"{what}: {count}" for what, count in rows.odd.items())
        why = f" ({odd})" if odd else ""
        raise LablineError(f"no row has every input and a value of the analyte{why}", hint=hint)
    first = rows_before_test(recipe, rows.at)
    if not 0 < first < len(rows):
        raise LablineError(f"{len(rows)} rows do not make two parts", hint="change [split], or give more data")
    return slice(0, first), slice(first, len(rows))


def _must_suffice(recipe: Recipe, rows: Rows, made_from: slice, test: slice) -> None:
    """Raise LablineError where a fold would have nothing to be fitted on, or the test nothing to tell apart."""
    count = made_from.stop
    if np.ptp(rows.values[made_from]) == 0:
        problem = f"{recipe.output.analyte} is {rows.values[0]:g} in all of its {count} rows: there is nothing to learn"
        raise LablineError(problem, hint="is it the right column?")
    parts = list(blocks(count, folds=recipe.candidates.folds, gap=gap_rows(rows)))
    fitted = min(len(fitting) for fitting, _leaving in parts)
    if any(not len(leaving) for _fitting, leaving in parts):
        problem = f"{count} rows do not make {len(parts)} folds"
        raise LablineError(problem, hint="give more data or fewer [candidates] folds")
    if fitted < _LEAST_ROWS or len(rows.values[test]) < _LEAST_TEST_ROWS:
        raise LablineError(
            f"{len(rows)} rows are too few: a fold is fitted on {fitted} (at least {_LEAST_ROWS}), the test has "
            f"{len(rows.values[test])} (at least {_LEAST_TEST_ROWS})",
            hint="give more data or fewer [candidates] folds; rows beside what is left out are used by neither",
        )


def _made(
    recipe: Recipe, rows: Rows, made_from: slice, compared: tuple[Compared, ...]
) -> tuple[Compared, bytes, Predict, tuple[Failed, ...]]:
    """Return the best candidate that can be fitted and exported, its ONNX, as a function, and those that could not be.

    Raises LablineError where none can.
    """
    features, values = rows.features[made_from], rows.values[made_from]
    failed = list[Failed]()
    for chosen in compared:
        model = chosen_model(recipe, chosen, rows)
        try:
            model.fit(features, values, rows.timing.of(made_from).at_ns / SECOND_NS)
            onnx, predict = _exported(model, rows, recipe)
        except Exception as error:  # noqa: BLE001 - a library may raise anything: the kind is named, the next one tried
            failed.append(Failed(kind=chosen.kind, problem=f"{type(error).__name__}: {error}".splitlines()[0]))
            continue
        return chosen, onnx, predict, tuple(failed)
    problems = "; ".join(f"{item.kind}: {item.problem}" for item in failed)
    raise LablineError(f"no kind of model could be made: {problems}", hint="change the kinds in [candidates]")


def _in_parts(predict: Predict) -> Predict:
    """Return a model that takes only so many rows at a time: a kernel compares each of them with all of its support."""

    def predicted(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = range(0, max(1, len(rows)), _MOST_ROWS)
        return np.concatenate([predict(rows[at : at + _MOST_ROWS]) for at in parts])

    return predicted


def _exported(model: Regressor, rows: Rows, recipe: Recipe) -> tuple[bytes, Predict]:
    """Return (the model as ONNX, as a function of the runtime); raises LablineError where the two disagree."""
    width = rows.features.shape[1]
    onnx = model_of(model.part("model_"), inputs=width)
    predict = _in_parts(load_model(onnx, inputs=width, columns=1, where=recipe.name))
    difference = float(np.max(np.abs(predict(rows.features)[:, 0] - _in_parts(model.predict)(rows.features))))
    allowed = _AGREEMENT * float(np.ptp(rows.values))
    if difference > allowed:
        raise LablineError(
            f"{recipe.name}: the exported model differs from the fitted one by {difference:g}, more than {allowed:g}",
            hint="choose another kind of model in [candidates]",
        )
    return onnx, predict


def _left_out(
    recipe: Recipe, rows: Rows, made_from: slice, served: Served, later_errors: NDArray[np.float64]
) -> LeftOut:
    """Return the rows before the test with the errors, as served, of models that have not seen them."""
    return LeftOut(
        features=rows.features[made_from],
        errors=rows.values[made_from] - served.values,
        folds=recipe.candidates.folds,
        gap=gap_rows(rows),
        domain_alpha=recipe.output.domain_alpha,
        later_errors=later_errors,
        quantities=quantities_of(rows.inputs),
    )


def _later_errors(rows: Rows, made_from: slice, chosen: Compared, output: ValueOutput) -> NDArray[np.float64]:
    """Return the errors, as served, of models of earlier blocks; NaN for rows that none has predicted."""
    known, errors = np.flatnonzero(np.isfinite(chosen.later)), np.full(len(chosen.later), np.nan)
    served = serve(
        rows.timing_of(made_from).of(known), chosen.later[known], rows.values[made_from][known], output=output
    )
    errors[known] = rows.values[made_from][known] - served.values
    return errors
