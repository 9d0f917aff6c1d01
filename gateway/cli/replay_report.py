"""What a replay has come to: as a document, on the terminal, and as files in a folder."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.output import cell, err, few_digits, out, show_table
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.replay.compare import (
    Difference,
    differences,
    disposition_counts,
    figures,
    guidance_counts,
)
from gateway.replay.recorded import (
    GatewayOutput,
    Stretch,
)
from gateway.replay.rerun import Rerun

_SHOWN = 20  # differences on the terminal; the folder has all of them


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What was decided at the time and what is decided now, of one period; ``damage``: whether records did not hold."""

    stretch: Stretch
    versions: dict[str, str]
    then: GatewayOutput
    now: Rerun
    measured: dict[str, float]
    seconds: float
    damage: bool


def report_of(replayed: Replayed) -> dict[str, Any]:
    """Return the report as one document."""
    now, then = replayed.now.output, replayed.then
    differing = differences(then, now)
    before, after = figures(then, replayed.measured), figures(now, replayed.measured)
    return {
        "from": rfc3339(replayed.stretch.from_ns),
        "to": rfc3339(replayed.stretch.until_ns),
        "versions": replayed.versions,
        "events": replayed.now.events,
        "messages": replayed.now.messages,
        "seconds": round(replayed.seconds, 2),
        "sha256": replayed.now.sha256,
        "models": {
            f"{model} {analyte}": {
                what: by_name[model, analyte].document() if (model, analyte) in by_name else None
                for what, by_name in (("then", before), ("now", after))
            }
            for model, analyte in sorted(before.keys() | after.keys())
        },
        "guidance": {"then": guidance_counts(then), "now": guidance_counts(now)},
        "dispositions": {"then": disposition_counts(then), "now": disposition_counts(now)},
        "differences": len(differing),
        "first_differences": [_cells(difference) for difference in differing[:_SHOWN]],
    }


def _cells(difference: Difference) -> dict[str, str]:
    at = rfc3339(difference.at_ns) if difference.at_ns else ""
    return {"at": at, "what": difference.what, "then": difference.then, "now": difference.now}


def show_report(report: dict[str, Any]) -> None:
    """Print the report for a terminal."""
    out.print(f"{report['events']} events from {report['from']} to {report['to']} in {report['seconds']} s; "
              f"{report['messages']} messages, sha256 {report['sha256']}", soft_wrap=True)  # fmt: skip
    for name, both in report["models"].items():
        rows = [
            (figure, *("-" if values is None else cell(values[figure]) for values in (both["then"], both["now"])))
            for figure in next(values for values in both.values() if values is not None)
        ]
        show_table(name, ("figure", "then", "now"), rows)
    for what in ("guidance", "dispositions"):
        kinds = sorted({*report[what]["then"], *report[what]["now"]})
        rows = [(kind, report[what]["then"].get(kind, 0), report[what]["now"].get(kind, 0)) for kind in kinds]
        show_table(what, ("kind", "then", "now"), rows)
    rows = [(row["at"], row["what"], *_readable(row["then"], row["now"])) for row in report["first_differences"]]
    title = f"{report['differences']} differences; the first" if rows else "differences"
    show_table(title, ("at", "what", "then", "now"), rows)


def _readable(then: str, now: str) -> tuple[str, str]:
    """Return both with six digits of each number; with all of them where that would hide how they differ."""
    short = few_digits(then), few_digits(now)
    return (then, now) if short[0] == short[1] else short


def write_report(folder: Path, replayed: Replayed, report: dict[str, Any]) -> None:
    """Write the report, every difference and charts into a new folder; raises LablineError where it is there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise LablineError(f"{folder} is there already", hint="name a folder that does not exist yet") from error
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    with (folder / "differences.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ("at", "what", "then", "now"))
        writer.writeheader()
        writer.writerows(_cells(difference) for difference in differences(replayed.then, replayed.now.output))
    try:
        from gateway.replay.plots import figures_of  # noqa: PLC0415 - only drawing needs the extra
    except ModuleNotFoundError as error:
        err.print(f"note: the report has no charts, as {error.name} is missing; pip install 'labline[train]'")
        return
    for name, content in figures_of(replayed.then, replayed.now.output, replayed.measured).items():
        (folder / name).write_bytes(content)
