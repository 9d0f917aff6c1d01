"""From a recipe to a model: rows, choice, calibration, test. The same recipe, data and seed give the same bytes.

1. Rows come through the gateway's own feature code, and are split by time: what it is made from, and the test.
2. Kinds of models are compared by blocked cross-validation on all rows before the test, each as it would be served:
   with the results that had arrived, corrected with the best of the recipe's trusts and half lives. The smallest error
   wins.
3. The chosen one is fitted on all rows before the test. Its interval is calibrated on what was said of each block
   without having seen it, as served (cross-conformal: Vovk 2015), and so are the limits of its domain: a plant moves,
   and rows of one period are not fresh rows of the same kind.
4. Setpoints that the model may move: what it says of a move is held against what the rows before the test show.
5. The test rows, which took no part, say what it reaches. The bundle is written whatever they say; whether the
   acceptance criteria are met stands in it, and signing it is a separate act.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.definitions import BiasLimits, Domain, InputDefinition, Limits, Predict, ValueOutput
from gateway.errors import LablineError
from gateway.inference.domain import scores
from gateway.records import seconds_to_ns
from gateway.training.calibration import calibrated, coverage, uncorrected
from gateway.training.candidates import Regressor, candidate
from gateway.training.domain import fit_domain
from gateway.training.export import exported
from gateway.training.recipe import Recipe
from gateway.training.recorded_rows import recorded_rows
from gateway.training.rows import Rows, file_rows, inputs_of, must_fit_a_bundle
from gateway.training.service import Served, Timing, serve
from gateway.training.setpoints import Setpoint, studied
from gateway.training.validation import blocks, changing, left_out, r_squared, root_mean_square
from gateway.transport.onnx import load_model

Progress = Callable[[str, int, int], None]
_GRADE_SHARE = 0.15  # of the value: a larger move within so many rows is a change of grade
_LEAST_ROWS, _LEAST_TEST_ROWS = 6, 2
_AGREEMENT = 1e-4  # of the values' spread: trees are summed in floats there, and what is served is calibrated itself


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One candidate in cross-validation: how it does by itself and as served, and with which correction."""

    kind: str
    error: float
    r2: float
    error_as_served: float
    r2_as_served: float
    bias: BiasLimits | None
    left_out: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of a recipe: everything that the bundle's files and the card are made from."""

    recipe: Recipe
    rows: Rows
    made_from: slice
    test: slice
    inputs: tuple[InputDefinition, ...]
    compared: tuple[Compared, ...]
    chosen: Compared
    onnx: bytes
    predict: Predict
    output: ValueOutput
    domain: Domain
    served: Served  # of the test rows
    accepted: NDArray[np.bool_]  # which of the test rows the gates would accept
    figures: dict[str, float]
    setpoints: tuple[Setpoint, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a person should know before signing, as sentences."""
        return tuple(warning for setpoint in self.setpoints for warning in setpoint.warnings)


def train(recipe: Recipe, *, folder: Path, on_progress: Progress = lambda *_: None) -> Trained:
    """Return a trained model; raises LablineError where the data does not allow one."""
    must_fit_a_bundle(recipe)
    rows = (recorded_rows if recipe.history else file_rows)(recipe, folder=folder, on_progress=on_progress)
    made_from, test = _split(recipe, rows)
    _must_suffice(recipe, rows, made_from, test)
    compared = _compare(recipe, rows, made_from, on_progress)
    chosen = min(compared, key=lambda each: each.error_as_served)
    model = _candidate(recipe, chosen.kind, rows)()
    model.fit(rows.features[made_from], rows.values[made_from])
    onnx, predict = _exported(model, rows, recipe)
    output = calibrated(recipe, rows.timing.of(made_from), chosen.left_out, rows.values[made_from], bias=chosen.bias)
    inputs, domain = _learned_ranges(recipe, rows.features[made_from]), _domain(recipe, rows, made_from)
    said = predict(rows.features[test])[:, 0]
    served = serve(rows.timing.of(test), said, rows.values[test], output=output)
    trained = Trained(
        recipe=recipe,
        rows=rows,
        made_from=made_from,
        test=test,
        inputs=inputs,
        compared=compared,
        chosen=chosen,
        onnx=onnx,
        predict=predict,
        output=output,
        domain=domain,
        served=served,
        accepted=accepted_rows(inputs, domain, rows.features[test], served, valid=output.valid),
        figures={},
        setpoints=studied(
            recipe, rows, made_from, predict=predict, half_width=output.half_width, gap=_gap(recipe, rows)
        ),
    )
    return replace(trained, figures=_figures(trained))


def _split(recipe: Recipe, rows: Rows) -> tuple[slice, slice]:
    if not len(rows):
        hint = "are the columns the right ones, and do the lags leave any row?"
        raise LablineError("no row has every input and a value of the analyte", hint=hint)
    total = int(rows.at[-1]) + 1  # a share of the data, not of what is left of it
    first = int(np.searchsorted(rows.at, round(total * recipe.split.train)))
    if not 0 < first < len(rows):
        raise LablineError(f"{len(rows)} rows do not make two parts", hint="change [split], or give more data")
    return slice(0, first), slice(first, len(rows))


def _must_suffice(recipe: Recipe, rows: Rows, made_from: slice, test: slice) -> None:
    """Raise LablineError where a fold would have nothing to be fitted on, or the test nothing to tell apart."""
    count = made_from.stop
    if np.ptp(rows.values[made_from]) == 0:
        told = f"{recipe.output.analyte} is {rows.values[0]:g} in all of its {count} rows: there is nothing to learn"
        raise LablineError(told, hint="is it the right column?")
    parts = list(blocks(count, folds=recipe.candidates.folds, gap=_gap(recipe, rows)))
    fitted = min(len(fitting) for fitting, _leaving in parts)
    if any(not len(leaving) for _fitting, leaving in parts):
        told = f"{count} rows do not make {len(parts)} folds"
        raise LablineError(told, hint="give more data or fewer [candidates] folds")
    if fitted < _LEAST_ROWS or len(rows.values[test]) < _LEAST_TEST_ROWS:
        raise LablineError(
            f"{len(rows)} rows are too few: a fold is fitted on {fitted} (at least {_LEAST_ROWS}), the test has "
            f"{len(rows.values[test])} (at least {_LEAST_TEST_ROWS})",
            hint="give more data or fewer [candidates] folds; rows beside what is left out are used by neither",
        )


def _gap(recipe: Recipe, rows: Rows) -> int:
    """Return over how many rows the longest window reaches."""
    return max((item.lag_ns + item.window_ns) // rows.timing.row_ns for item in inputs_of(recipe)) + 1


def _compare(recipe: Recipe, rows: Rows, made_from: slice, on_progress: Progress) -> tuple[Compared, ...]:
    kinds, folds, gap = recipe.candidates.kinds, recipe.candidates.folds, _gap(recipe, rows)
    features, values = rows.features[made_from], rows.values[made_from]
    done = count(1)
    found = []
    for kind in kinds:
        said = left_out(
            _candidate(recipe, kind, rows),
            features,
            values,
            folds=folds,
            gap=gap,
            on_fold=lambda: on_progress("models", next(done), len(kinds) * folds),
        )
        found.append(_as_served(recipe, kind, rows.timing.of(made_from), said, values))
    return tuple(found)


def _candidate(recipe: Recipe, kind: str, rows: Rows) -> Callable[[], Regressor]:
    """Return what makes a model of a kind; raises LablineError where the values have no logarithm and need one."""
    logarithmic = recipe.output.logarithmic
    if logarithmic and not (rows.values > 0).all():
        least = rows.names[int(np.argmin(rows.values))]
        raise LablineError(
            f"{least} has the value {rows.values.min():g}, which has no logarithm", hint="set logarithmic = false"
        )
    inputs = rows.features.shape[1]
    return partial(candidate, kind, seed=recipe.seed, inputs=inputs, logarithmic=logarithmic)


def _as_served(
    recipe: Recipe, kind: str, timing: Timing, said: NDArray[np.float64], values: NDArray[np.float64]
) -> Compared:
    """Return a candidate with the correction that serves it best."""
    options = [(uncorrected(recipe, bias=limits), limits) for limits in biases_of(recipe)]
    served = [(serve(timing, said, values, output=output).values, limits) for output, limits in options]
    best, limits = min(served, key=lambda each: root_mean_square(values - each[0]))
    return Compared(
        kind=kind,
        error=root_mean_square(values - said),
        r2=r_squared(values, said),
        error_as_served=root_mean_square(values - best),
        r2_as_served=r_squared(values, best),
        bias=limits,
        left_out=said,
    )


def biases_of(recipe: Recipe) -> tuple[BiasLimits | None, ...]:
    """Return the corrections to choose from; without a table only none."""
    table, period = recipe.bias, recipe.period_seconds
    if table is None:
        return (None,)
    return tuple(
        BiasLimits(
            trust=trust,
            max_step=table.max_step,
            max_total=table.max_total,
            max_age_ns=seconds_to_ns(table.max_age_rows * period),
            half_life_ns=seconds_to_ns(half_life * period),
        )
        for trust, half_life in product(table.trusts, table.half_lives_rows)
    )


def _exported(model: Regressor, rows: Rows, recipe: Recipe) -> tuple[bytes, Predict]:
    """Return (the model as ONNX, as a function of the runtime); raises LablineError where the two disagree."""
    width = rows.features.shape[1]
    onnx = exported(model, inputs=width)
    predict = load_model(onnx, inputs=width, columns=1, where=recipe.name)
    difference = float(np.max(np.abs(predict(rows.features)[:, 0] - np.ravel(model.predict(rows.features)))))
    allowed = _AGREEMENT * float(np.ptp(rows.values))
    if difference > allowed:
        raise LablineError(
            f"{recipe.name}: the exported model differs from the fitted one by {difference:g}, more than {allowed:g}",
            hint="choose another kind of model in [candidates]",
        )
    return onnx, predict


def _learned_ranges(recipe: Recipe, learned: NDArray[np.float64]) -> tuple[InputDefinition, ...]:
    """Return the inputs with the ranges that the model has seen, and the recipe's margin: it is valid nowhere else."""
    margin = recipe.output.range_margin * np.ptp(learned, axis=0)
    lower, upper = learned.min(axis=0) - margin, learned.max(axis=0) + margin
    return tuple(
        replace(item, validated=(float(low), float(high)))
        for item, low, high in zip(inputs_of(recipe), lower, upper, strict=True)
    )


def _domain(recipe: Recipe, rows: Rows, made_from: slice) -> Domain:
    """Return the domain of all rows, its limits no narrower than what blocks left out of it have needed."""
    alpha, features = recipe.output.domain_alpha, rows.features[made_from]
    found = []
    for fitting, leaving in blocks(len(features), folds=recipe.candidates.folds, gap=_gap(recipe, rows)):
        found.append(scores(fit_domain(features[fitting], alpha=alpha), features[leaving]))
    t2, spe = (np.concatenate(each) for each in zip(*found, strict=True))
    domain = fit_domain(features, alpha=alpha)
    return replace(
        domain,
        t2_limit=max(domain.t2_limit, float(np.quantile(t2, 1 - alpha))),
        spe_limit=max(domain.spe_limit, float(np.quantile(spe, 1 - alpha))),
    )


def _figures(trained: Trained) -> dict[str, float]:
    """Return what the test rows say: over all of them, and over those the gates accept."""
    rows, test, recipe, served, accepted = trained.rows, trained.test, trained.recipe, trained.served, trained.accepted
    values = rows.values[test]
    said = trained.predict(rows.features[test])[:, 0]
    by_grade = _by_grade(rows.timing, values, served, accepted) if recipe.output.logarithmic else {}
    return {
        "rows": float(len(rows)),
        "test_rows": float(len(values)),
        "r2_by_itself": r_squared(values, said),
        "r2_as_served": r_squared(values, served.values),
        "rmse_as_served": root_mean_square(values - served.values),
        "coverage": coverage(served, values),
        "mean_half_width": float(np.nanmean(served.half_widths)),
        "accepted_share": float(np.mean(accepted)),
        "r2_accepted": r_squared(values[accepted], served.values[accepted]) if accepted.sum() > 1 else float("nan"),
        **by_grade,
    }


def _by_grade(
    timing: Timing, values: NDArray[np.float64], served: Served, accepted: NDArray[np.bool_]
) -> dict[str, float]:
    """Return how accepted rows do within a grade and while it changes, where values span grades of different size."""
    changes = changing(values, within_rows=timing.rows_to_a_result, share=_GRADE_SHARE)
    errors = np.abs(values - served.values)
    within, between = accepted & ~changes, accepted & changes
    found = {"changing_share": float(np.mean(changes)), "accepted_share_changing": _mean(accepted[changes])}
    found |= {"rmse_within_grade": root_mean_square(errors[within]) if within.any() else float("nan")}
    found |= {"median_relative_error_within_grade": _median((errors / values)[within])}
    found |= {"rmse_changing": root_mean_square(errors[between]) if between.any() else float("nan")}
    found |= {"coverage_changing": _mean(errors[between] <= served.half_widths[between])}
    return found


def _mean(of: NDArray[Any]) -> float:
    return float(np.mean(of)) if len(of) else float("nan")


def _median(of: NDArray[np.float64]) -> float:
    return float(np.median(of)) if len(of) else float("nan")


def accepted_rows(
    inputs: tuple[InputDefinition, ...],
    domain: Domain,
    features: NDArray[np.float64],
    served: Served,
    *,
    valid: Limits,
) -> NDArray[np.bool_]:
    """Return which rows, shape (n,), the gates of range, domain, output and interval would accept."""
    lower, upper = (np.array([item.validated[end] for item in inputs]) for end in (0, 1))
    t2, spe = scores(domain, features)
    accepted: NDArray[np.bool_] = (
        ((features >= lower) & (features <= upper)).all(axis=1)
        & (t2 <= domain.t2_limit)
        & (spe <= domain.spe_limit)
        & (served.values >= valid[0])
        & (served.values <= valid[1])
        & np.isfinite(served.half_widths)
    )
    return accepted


def data_sha256(trained: Trained) -> str:
    """Return the hash of what the model has learned from: the data file and the rows that came of it."""
    digest = hashlib.sha256(trained.rows.data_sha256.encode())
    digest.update(trained.rows.features.tobytes())
    digest.update(trained.rows.values.tobytes())
    for tag in sorted(trained.rows.setpoints):
        digest.update(trained.rows.setpoints[tag].tobytes())
    return digest.hexdigest()
