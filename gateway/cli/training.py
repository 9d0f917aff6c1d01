"""``labline model train``: trains a model by a recipe, and shows how good it is."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gateway.cli.options import JSON
from gateway.cli.output import cell, err, out, progress_of, show_json, show_table
from gateway.errors import LablineError
from gateway.inference.bundle import read_manifest

if TYPE_CHECKING:
    from gateway.training.refusals import Refusals
    from gateway.training.trained_model import Trained


def train(
    recipe: Path = typer.Argument(..., help="The recipe (TOML), see docs/recipes.md. Paths in it are relative to it."),
    to: Path = typer.Option(
        ..., "--to", metavar="<folder>", help="The folder of all bundles; the new one is written to NAME/VERSION in it."
    ),
    as_json: bool = JSON,
) -> None:
    """Train a model by a recipe, write it as a bundle, and show how good it is.

    The bundle is not signed: its approver decides whether it may be used (labline model sign). It is also written if an
    acceptance criterion is not met; the exit code is then 1.
    """
    try:
        from gateway.training.acceptance import acceptance_of  # noqa: PLC0415
        from gateway.training.bundle_files import bundle_of, write_bundle  # noqa: PLC0415
        from gateway.training.recipe import read_recipes  # noqa: PLC0415 - only training needs the extra
        from gateway.training.train import train as make  # noqa: PLC0415
    except ImportError as error:
        hint = "pip install 'labline[train]'"
        raise LablineError(f"training needs more libraries: {error.name} is missing", hint=hint) from error
    parsed = read_recipes(recipe)
    folders = [to / item.name / item.version for item in parsed]
    for folder in folders:
        if folder.exists():
            raise LablineError(f"{folder} is there already", hint="raise the recipe's version, or name another --to")
    answers = []
    for item, folder in zip(parsed, folders, strict=True):
        with progress_of("making" if len(parsed) == 1 else item.output.analyte, quiet=as_json) as report_progress:
            trained = make(item, folder=recipe.resolve().parent, on_progress=report_progress)
        files = bundle_of(trained, recipe_name=recipe.name)
        write_bundle(files, folder)
        criteria, setpoints = acceptance_of(trained), _setpoints(files, folder)
        answers.append(_answer(trained, folder, criteria, setpoints))
        if not as_json:
            _show_trained(trained, criteria, setpoints)
            out.print(f"written to {folder}, not signed", markup=False, soft_wrap=True)
    met = all(answer["met"] for answer in answers)
    if as_json:
        show_json(answers[0] if len(parsed) == 1 else {"models": answers, "met": met})
    raise typer.Exit(0 if met else 1)


def _answer(
    trained: "Trained", folder: Path, criteria: list[tuple[dict[str, Any], bool]], setpoints: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what a machine is told of a new bundle."""
    from gateway.training.acceptance import missed_in_words  # noqa: PLC0415 - only training needs the extra
    from gateway.training.refusals import document_of  # noqa: PLC0415

    search, refusals = trained.search, {"left_out": trained.refusals_of_blocks, "test": trained.refusals}
    return {
        "folder": str(folder),
        "analyte": trained.recipe.output.analyte,
        "chosen": trained.chosen.kind,
        "figures": _finite(trained.figures),
        "baselines": _baselines(trained),
        "blocks": [_finite(asdict(block)) for block in trained.blocks],
        "met": all(is_met for _criterion, is_met in criteria),
        "acceptance": [criterion | {"met": is_met} for criterion, is_met in criteria],
        "not_met": list(missed_in_words(trained)),
        "setpoints": setpoints,
        "odd": dict(trained.rows.odd),
        "demotions": asdict(trained.demotions),
        "refusals": {where: document_of(of) for where, of in refusals.items()},
        "lags": None if trained.lags is None else asdict(trained.lags.scheme),
        "lags_of_tags": {}
        if trained.lags is None
        else {tag: asdict(scheme) for tag, scheme in trained.lags.plainer.items()},
        "search": None if search is None else asdict(search),
        "warnings": list(trained.warnings),
    }


def _setpoints(files: Mapping[str, bytes], folder: Path) -> list[dict[str, Any]]:
    """Return the setpoints that a new bundle may move, with what the data show about their effect."""
    return [
        {"tag": item.tag, "suggest": item.suggest, "gains": item.gains,
         **({} if item.reaction is None else item.reaction.model_dump(mode="json"))}
        for item in read_manifest(files, where=str(folder)).manipulated
    ]  # fmt: skip


def _baselines(trained: "Trained") -> list[dict[str, Any]]:
    return [
        _finite(asdict(item)) | {"error_of_blocks": [_number(error) for error in item.error_of_blocks]}
        for item in trained.baselines
    ]


def _finite(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures for JSON: None for those that are not finite numbers."""
    return {name: _number(value) if isinstance(value, float) else value for name, value in figures.items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _show_trained(
    trained: "Trained", criteria: list[tuple[dict[str, Any], bool]], setpoints: list[dict[str, Any]]
) -> None:
    from gateway.training.acceptance import missed_in_words  # noqa: PLC0415 - only training needs the extra

    rows = [(kind.kind, f"{kind.r2:.3f}", f"{kind.r2_as_served:.3f}") for kind in trained.compared]
    show_table("blocked cross-validation", ("kind", "R2 by itself", "R2 as served"), rows)
    baselines = [
        (item.name, cell(item.error), cell(item.r2), cell(item.error_laboratory)) for item in trained.baselines
    ]
    error, r2, alone = (cell(trained.figures[name]) for name in ("rmse_as_served", "r2_as_served", "rmse_laboratory"))
    beside = ("", "error", "R2", "error at laboratory rows")
    show_table("beside plain means, on the test rows", beside, [("this model", error, r2, alone), *baselines])
    figures = [(name, f"{value:.4g}") for name, value in trained.figures.items()]
    show_table(f"{trained.chosen.kind} on the test rows", ("figure", "value"), figures)
    _show_refusals("refused on left-out blocks", trained.refusals_of_blocks)
    _show_refusals("refused on the test rows", trained.refusals)
    accepted = [(*criterion.values(), "met" if is_met else "NOT MET") for criterion, is_met in criteria]
    show_table("acceptance", ("figure", "criterion", "reached", ""), accepted)
    for why in missed_in_words(trained):
        err.print(f"NOT MET: {why}", style="yellow", markup=False, soft_wrap=True)
    if setpoints:
        columns = ("tag", "suggests moves", "verdict", "model", "data", "interval")
        show_table("setpoints it may move: reaction for one unit", columns, _setpoint_rows(setpoints))
    if trained.lags is not None:
        out.print(f"lags that the recipe leaves open: {trained.lags.name}", markup=False, soft_wrap=True)
    if trained.search is not None:
        steps = [(name, f"{error:.4g}") for name, error in trained.search.path]
        show_table(f"search: {trained.search.outcome}", ("taken one after the other", "error as served"), steps)
    if trained.rows.odd:
        show_table("odd about the data", ("what", "how often"), list(trained.rows.odd.items()))
    for warning in trained.warnings:
        err.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)


_SHOWN_REFUSALS = 8  # of the gates and inputs that refuse; the card has them all


def _show_refusals(title: str, refusals: "Refusals") -> None:
    refused = refusals.refused
    rows = [
        (item.gate.value, item.input or "-", str(item.rows), f"{item.error:.4g}") for item in refused[:_SHOWN_REFUSALS]
    ]
    if len(refused) > _SHOWN_REFUSALS:
        rows.append((f"and {len(refused) - _SHOWN_REFUSALS} more, see card.md", "", "", ""))
    accepted = int(refusals.accepted.sum())
    rows.append(("accepted", "", str(accepted), f"{refusals.error_accepted:.4g}"))
    show_table(title, ("gate", "input", "rows", "root mean square error"), rows)


def _setpoint_rows(setpoints: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (item["tag"], "yes" if item["suggest"] else "NO", item["verdict"], cell(item["model"]), cell(item["data"]),
         "-" if item["low"] is None else f"{item['low']:.4g} to {item['high']:.4g}")
        for item in setpoints
    ]  # fmt: skip
