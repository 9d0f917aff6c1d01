"""``labline lims``: what a laboratory's messages would be understood as."""

import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from gateway.cli.output import out, show_json, show_table, with_scopes
from gateway.config.connection_tables import LimsTable
from gateway.config.connections import lims_interface, result_mapping
from gateway.config.reading import read, read_lims
from gateway.contract.json_documents import parse_document
from gateway.contract.lims.lab_results import read_result
from gateway.contract.lims.mapping import MAPPINGS
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.lab.materials import material_risk
from gateway.lab.sampling import Waiting, in_order
from gateway.records.laboratory import LabResult, ResultStatus
from gateway.records.scope import Scope
from gateway.store.database import read_state
from gateway.store.statements import SQL

app = typer.Typer(help="Laboratory systems.", no_args_is_help=True)

_TABLES_OF_CELLS = frozenset({".csv", ".tsv"})
_FIRST = ("sample_id", "test_id", "value", "unit", "status")  # on a result's first line, without their names


@app.callback()
def _group() -> None:
    """Laboratory systems."""


@app.command(name="try")
def try_mapping(
    mapping: str = typer.Argument(..., help=f"{', '.join(MAPPINGS)}, or a TOML file with [lims]."),
    file: Path = typer.Argument(..., help="Messages: one JSON object, an array of them, or one in each line."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
) -> None:
    """Show what messages would be understood as, and why others would not be. Exit 1 where any is not understood.

    Fields that nothing reads are named. A message that is not understood becomes a dead letter; where it says of which
    sample and test it speaks, it is a result, too, whose lots are for review.

    Nothing is sent and nothing is stored.
    """
    table = _lims(mapping)
    found = [
        {"message": number, **each}
        for number, message in enumerate(_messages(file), start=1)
        for each in _understood(message, table)
    ]
    refused = [each for each in found if "refused" in each]
    if as_json:
        show_json({"mapping": mapping, "results": found, "refused": len(refused)})
    else:
        for each in found:
            for line in _lines(each):
                out.print(line, markup=False, highlight=False, soft_wrap=True)
        out.print(f"{len(found)} results in {file}: {len(refused)} would be dead letters", markup=False, soft_wrap=True)
    raise typer.Exit(1 if refused else 0)


@app.command()
def queue(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
) -> None:
    """Show the lots that wait for the laboratory, the first to be measured first."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["sample_requests"]).fetchall()
    waiting = [
        Waiting(subject=row["material_lot_id"], probability=row["probability"], since_ns=row["since_ns"],
                tests=dict.fromkeys(json.loads(row["tests"]), row["probability"]))
        for row in rows
    ]  # fmt: skip
    found = [
        {"lot": each.subject, "probability_of_failure": round(each.probability, 4), "since": rfc3339(each.since_ns),
         "tests": ", ".join(each.tests)}
        for each in in_order(waiting, at_ns=time.time_ns())
    ]  # fmt: skip
    if as_json:
        show_json({"queue": found})
    else:
        columns = ("lot", "probability", "since", "tests")
        show_table("waiting for the laboratory", columns, [tuple(each.values()) for each in found])


@app.command()
def materials(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
) -> None:
    """Show how risky each supplier's materials are, by the laboratory's results, and how closely to inspect them."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["all_material_counts"]).fetchall()
    risks = [material_risk(row["supplier"], row["material"], row["analyte"], failed=row["failed"], tested=row["tested"])
             for row in rows]  # fmt: skip
    scopes = [Scope(client_id=row["client_id"] or None, study_id=row["study_id"] or None) for row in rows]
    if as_json:
        show_json({"materials": [{**asdict(risk), **asdict(scope), "inspection": risk.inspection.value}
                                 for risk, scope in zip(risks, scopes, strict=True)]})  # fmt: skip
        return
    told = [(each.supplier, each.material, each.analyte, f"{each.failed} of {each.tested}", f"{each.mean:.1%}",
             f"{each.low:.1%} to {each.high:.1%}", each.inspection.value) for each in risks]  # fmt: skip
    columns = ("supplier", "material", "analyte", "failed", "mean", "90 % interval", "inspection")
    show_table("incoming materials", *with_scopes(columns, told, scopes))


@app.command()
def controls(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
    most: int = typer.Option(50, "--most", min=1, help="How many, the newest first."),
) -> None:
    """Show the laboratory's control samples: how far each lay from its mean, and which rejected their measurement."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["newest_controls"], {"most": most}).fetchall()
    found = [
        {"measured": rfc3339(row["at_ns"]), "analyte": row["analyte"], "control": row["material"],
         "instrument": row["instrument_id"], "run": row["run_id"],
         "standard_deviations": round(row["deviations"], 2), "rejected": bool(row["rejected"])}
        for row in rows
    ]  # fmt: skip
    if as_json:
        show_json({"controls": found})
    else:
        columns = ("measured", "analyte", "control", "instrument", "run", "standard deviations", "rejected")
        show_table(
            "controls", columns, [tuple("-" if each is None else each for each in row.values()) for row in found]
        )


def _lims(mapping: str) -> LimsTable:
    if mapping in MAPPINGS:
        return LimsTable.model_validate({"mapping": mapping, "assume_status": ResultStatus.VALIDATED})
    path = Path(mapping)
    if path.suffix != ".toml":
        hint = f"one of {', '.join(MAPPINGS)}, or a TOML file with [lims]"
        raise LablineError(f"there is no mapping {mapping}", hint=hint)
    return read_lims(path)


def _messages(file: Path) -> list[bytes]:
    """Return the messages in a file; what is no JSON is one message, and is told as such."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise LablineError(f"{file} cannot be read: {error.strerror}", hint="name a file with messages") from error
    if not content.strip():
        raise LablineError(f"{file} is empty", hint="put a message of your laboratory into it")
    if file.suffix.lower() in _TABLES_OF_CELLS:
        hint = f"labline lab import {file} --config FILE --dry-run shows what its rows would be understood as"
        raise LablineError(f"{file} is a table, and messages are JSON", hint=hint)
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # the reader of messages says why
        return [content] if _is_one_message(content) else [line for line in content.splitlines() if line.strip()]
    if not isinstance(document, list):
        return [content]
    return [json.dumps(each["message"] if _is_example(each) else each).encode() for each in document]


def _is_one_message(content: bytes) -> bool:
    """Return whether a content that is not strictly JSON is read as one message all the same, as with .5 in it."""
    try:
        parse_document(content)
    except MessageRefusedError:
        return False
    return True


def _is_example(document: Any) -> bool:
    """Return whether a document is one of the examples that the documentation comes with, around its message."""
    return isinstance(document, dict) and "message" in document and bool(document.keys() & {"understood", "refused"})


def _understood(message: bytes, table: LimsTable) -> list[dict[str, Any]]:
    mapping = result_mapping(table)
    try:
        parts = mapping.parts(message)
    except MessageRefusedError as error:
        return [{"refused": str(error)}]
    return [_one(part, table) for part in parts]


def _one(part: bytes, table: LimsTable) -> dict[str, Any]:
    try:
        read_as = read_result(part, lims_interface(table, table.analytes), now_ns=time.time_ns())
    except MessageRefusedError as error:
        return {"refused": str(error)}
    unread = read_as.result.unread
    refused = {"refused": " ".join(reason.text for reason in unread)} if unread else {}
    unused = {"unused": list(read_as.unused)} if read_as.unused else {}
    return {**refused, **document_of(read_as.result), **unused}


def document_of(result: LabResult) -> dict[str, Any]:
    """Return a result as people read it: its value as written, times as text, limits as they would be applied."""
    limits = result.specification
    found = {
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "analyte": result.analyte,
        "replicate": result.replicate,
        "value": result.value_text if result.value is None else result.value,
        "qualifier": result.qualifier,
        "censored_at": result.censored_at,
        "unit": result.unit,
        "status": result.status.value,
        "result_version": result.result_version,
        "retest_of": result.retest_of,
        "material_lot_id": result.material_lot_id,
        "other_lots": list(result.other_lots) or None,
        "material_definition_id": result.material_definition_id,
        "job_order_id": result.job_order_id,
        "client_id": result.client_id,
        "control_id": result.control_id,
        "run_id": result.run_id,
        "sampled_at": None if result.sampled_ns is None else rfc3339(result.sampled_ns),
        "specification": None if limits is None else {"lower": limits.lower, "upper": limits.upper},
        "flags": list(result.flags),
        "unread": [reason.code for reason in result.unread] or None,
    }
    return {name: value for name, value in found.items() if value is not None}


_ON_LINES_OF_THEIR_OWN = frozenset({"message", "refused", "unread", "unused", *_FIRST})


def _lines(found: Mapping[str, Any]) -> list[str]:
    """Return a result as lines: what was measured, what else is known, what was not understood, what nothing reads."""
    number = f"{found['message']:>4}"
    if "sample_id" not in found:
        return [f"{number}  refused: {found['refused']}"]
    first = " ".join(_cell(found[name]) for name in _FIRST if name in found)
    others = ", ".join(f"{name} {_cell(value)}" for name, value in found.items() if name not in _ON_LINES_OF_THEIR_OWN)
    lines = [f"{number}  {first}", f"      {others}"]
    if "refused" in found:
        lines.append(f"      not understood, for review: {found['refused']}")
    if "unused" in found:
        lines.append(f"      fields that nothing reads: {', '.join(found['unused'])}")
    return lines


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " to ".join("-" if each is None else f"{each:g}" for each in value.values())
    return (" ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
