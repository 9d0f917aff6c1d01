"""``labline model train``: a bundle by a recipe, and what it reaches."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gateway.cli.output import cell, err, out, progress_of, show_json, show_table
from gateway.errors import LablineError
from gateway.inference.bundle import read_manifest

if TYPE_CHECKING:
    from gateway.training.trained import Trained


def train(
    recipe: Path = typer.Argument(..., help="The recipe, a TOML file; its paths are relative to it."),
    to: Path = typer.Option(..., "--to", help="Where bundles lie; the new one goes to NAME/VERSION below."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of tables."),
) -> None:
    """Make a bundle by a recipe, and say what it reaches. Exit 1 where an acceptance criterion is not met.

    The bundle is written in any case, unsigned: whether it may be used is for who signs it to say.
    """
    try:
        from gateway.training.bundle_manifest import acceptance_of  # noqa: PLC0415
        from gateway.training.recipe import read_recipe  # noqa: PLC0415 - only training needs the extra
        from gateway.training.train import train as make  # noqa: PLC0415
        from gateway.training.write import bundle_of, write_bundle  # noqa: PLC0415
    except ImportError as error:
        hint = "pip install 'labline[train]'"
        raise LablineError(f"training needs more libraries: {error.name} is missing", hint=hint) from error
    wanted = read_recipe(recipe)
    folder = to / wanted.name / wanted.version
    if folder.exists():
        raise LablineError(f"{folder} is there already", hint="raise the recipe's version, or name another place")
    with progress_of("making", quiet=as_json) as told:
        trained = make(wanted, folder=recipe.resolve().parent, on_progress=told)
    files = bundle_of(trained, recipe_name=recipe.name)
    write_bundle(files, folder)
    criteria = acceptance_of(trained)
    setpoints = [
        {"tag": item.tag, "suggest": item.suggest, "gains": item.gains,
         **({} if item.reaction is None else item.reaction.model_dump(mode="json"))}
        for item in read_manifest(files, where=str(folder)).manipulated
    ]  # fmt: skip
    met = all(each for _criterion, each in criteria)
    if as_json:
        show_json({"folder": str(folder), "chosen": trained.chosen.kind, "figures": _figures(trained), "met": met,
                   "acceptance": [criterion | {"met": each} for criterion, each in criteria],
                   "setpoints": setpoints, "warnings": list(trained.warnings)})  # fmt: skip
    else:
        _show_trained(trained, criteria, setpoints)
        out.print(f"written to {folder}, not signed", markup=False, soft_wrap=True)
    raise typer.Exit(0 if met else 1)


def _figures(trained: "Trained") -> dict[str, float | None]:
    """Return the figures as JSON has them: what is no finite number is null."""
    return {name: value if math.isfinite(value) else None for name, value in trained.figures.items()}


def _show_trained(
    trained: "Trained", criteria: list[tuple[dict[str, Any], bool]], setpoints: list[dict[str, Any]]
) -> None:
    rows = [(each.kind, f"{each.r2:.3f}", f"{each.r2_as_served:.3f}") for each in trained.compared]
    show_table("blocked cross-validation", ("kind", "R2 by itself", "R2 as served"), rows)
    told_figures = [(name, f"{value:.4g}") for name, value in trained.figures.items()]
    show_table(f"{trained.chosen.kind} on the test rows", ("figure", "value"), told_figures)
    accepted = [(*criterion.values(), "met" if each else "NOT MET") for criterion, each in criteria]
    show_table("acceptance", ("figure", "criterion", "reached", ""), accepted)
    if setpoints:
        columns = ("tag", "suggests moves", "verdict", "model", "data", "interval")
        show_table("setpoints it may move: reaction for one unit", columns, _setpoint_rows(setpoints))
    for warning in trained.warnings:
        err.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)


def _setpoint_rows(setpoints: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (each["tag"], "yes" if each["suggest"] else "NO", each["verdict"], cell(each["model"]), cell(each["data"]),
         "-" if each["low"] is None else f"{each['low']:.4g} to {each['high']:.4g}")
        for each in setpoints
    ]  # fmt: skip
