"""``labline lims``: how laboratory messages are understood; requested samples, incoming materials, control samples."""

import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from gateway.cli.options import CONFIG, JSON
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

app = typer.Typer(
    help="Try how laboratory messages are understood; show requested samples, materials and controls.",
    no_args_is_help=True,
)

_TABLE_SUFFIXES = frozenset({".csv", ".tsv"})
_FIRST = ("sample_id", "test_id", "value", "unit", "status")  # on a result's first line, without their names


@app.callback()
def _group() -> None:
    """Try how laboratory messages are understood; show requested samples, materials and controls."""


@app.command(name="try")
def try_mapping(
    mapping: str = typer.Argument(
        ...,
        help=f"How messages are read: {', '.join(MAPPINGS)}, or a TOML file with a table [lims].",
    ),
    file: Path = typer.Argument(
        ..., help="The messages: one JSON object, an array of objects, or one object in each line."
    ),
    as_json: bool = JSON,
) -> None:
    """Show how the gateway would understand laboratory messages; nothing is sent or stored.

    For each message the result is shown, or why it is not understood, and which of its fields are not read. A message
    that is not understood becomes a dead letter. If it names its sample and test, it is also kept as a result, whose
    lots are for review. Exit 1 if any message is not understood.
    """
    table = _lims(mapping)
    results = [
        {"message": number, **result}
        for number, message in enumerate(_messages(file), start=1)
        for result in understood(message, table)
    ]
    refused = [result for result in results if "refused" in result]
    if as_json:
        show_json({"mapping": mapping, "results": results, "refused": len(refused)})
    else:
        for result in results:
            for line in _lines(result):
                out.print(line, markup=False, highlight=False, soft_wrap=True)
        summary = (
            f"{len(results)} result{'' if len(results) == 1 else 's'} in {file}: {len(refused)} would be dead letters"
        )
        out.print(summary, markup=False, soft_wrap=True)
    raise typer.Exit(1 if refused else 0)


@app.command()
def queue(
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """List the lots whose samples the laboratory is asked for, in the order in which to measure them."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["sample_requests"]).fetchall()
    waiting = [
        Waiting(subject=row["material_lot_id"], probability=row["probability"], since_ns=row["since_ns"],
                tests=dict.fromkeys(json.loads(row["tests"]), row["probability"]))
        for row in rows
    ]  # fmt: skip
    lots = [
        {"lot": lot.subject, "probability_of_failure": round(lot.probability, 4), "since": rfc3339(lot.since_ns),
         "tests": ", ".join(lot.tests)}
        for lot in in_order(waiting, at_ns=time.time_ns())
    ]  # fmt: skip
    if as_json:
        show_json({"queue": lots})
    else:
        columns = ("lot", "probability", "since", "tests")
        show_table("waiting for the laboratory", columns, [tuple(lot.values()) for lot in lots])


@app.command()
def materials(
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """List for each supplier's material how often its results failed, and how closely to inspect it."""
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
    cells = [(risk.supplier, risk.material, risk.analyte, f"{risk.failed} of {risk.tested}", f"{risk.mean:.1%}",
             f"{risk.low:.1%} to {risk.high:.1%}", risk.inspection.value) for risk in risks]  # fmt: skip
    columns = ("supplier", "material", "analyte", "failed", "mean", "90 % interval", "inspection")
    show_table("incoming materials", *with_scopes(columns, cells, scopes))


@app.command()
def controls(
    config: Path = CONFIG,
    as_json: bool = JSON,
    most: int = typer.Option(50, "--most", min=1, help="Show at most that many, the newest first."),
) -> None:
    """List the laboratory's control samples: their distance from the mean, and which rejected a measurement."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["newest_controls"], {"most": most}).fetchall()
    points = [
        {"measured": rfc3339(row["at_ns"]), "analyte": row["analyte"], "control": row["material"],
         "instrument": row["instrument_id"], "run": row["run_id"],
         "standard_deviations": round(row["deviations"], 2), "rejected": bool(row["rejected"])}
        for row in rows
    ]  # fmt: skip
    if as_json:
        show_json({"controls": points})
    else:
        columns = ("measured", "analyte", "control", "instrument", "run", "standard deviations", "rejected")
        show_table(
            "controls", columns, [tuple("-" if value is None else value for value in row.values()) for row in points]
        )


def _lims(mapping: str) -> LimsTable:
    if mapping in MAPPINGS:
        return LimsTable.model_validate({"mapping": mapping, "assume_status": ResultStatus.VALIDATED})
    path = Path(mapping)
    if path.suffix != ".toml":
        hint = f"give one of {', '.join(MAPPINGS)}, or a TOML file (*.toml) with a table [lims]"
        raise LablineError(f"there is no mapping {mapping}", hint=hint)
    return read_lims(path)


def _messages(file: Path) -> list[bytes]:
    """Return the messages in a file; lines that are not JSON count as messages, and are refused with the reason."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise LablineError(f"{file} cannot be read: {error.strerror}", hint="name a file with messages") from error
    if not content.strip():
        raise LablineError(f"{file} is empty", hint="put a message of your laboratory's system into it")
    if file.suffix.lower() in _TABLE_SUFFIXES:
        hint = f"try a table with: labline lab import {file} --config FILE --dry-run"
        raise LablineError(f"{file} is a table, but messages are JSON", hint=hint)
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # the reader of messages says why
        return [content] if _is_one_message(content) else [line for line in content.splitlines() if line.strip()]
    if not isinstance(document, list):
        return [content]
    return [json.dumps(message["message"] if _is_example(message) else message).encode() for message in document]


def _is_one_message(content: bytes) -> bool:
    """Return whether content that is not strict JSON, as with .5 for 0.5, is still read as one message."""
    try:
        parse_document(content)
    except MessageRefusedError:
        return False
    return True


def _is_example(document: Any) -> bool:
    """Return whether a document is an example of our documentation, which has a message inside."""
    return isinstance(document, dict) and "message" in document and bool(document.keys() & {"understood", "refused"})


def understood(message: bytes, table: LimsTable) -> list[dict[str, Any]]:
    """Return the results in a message for people, each with ``refused`` where it is not understood."""
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
    """Return a result for people: its value as written, times as text, limits as they would be applied."""
    limits = result.specification
    fields = {
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
    return {name: value for name, value in fields.items() if value is not None}


_ON_LINES_OF_THEIR_OWN = frozenset({"message", "refused", "unread", "unused", *_FIRST})


def _lines(result: Mapping[str, Any]) -> list[str]:
    """Return a result as lines: the measured value, its other fields, what was not understood, what is not read."""
    number = f"{result['message']:>4}"
    if "sample_id" not in result:
        return [f"{number}  refused: {result['refused']}"]
    first = " ".join(_cell(result[name]) for name in _FIRST if name in result)
    others = ", ".join(f"{name} {_cell(value)}" for name, value in result.items() if name not in _ON_LINES_OF_THEIR_OWN)
    lines = [f"{number}  {first}", f"      {others}"]
    if "refused" in result:
        lines.append(f"      not understood, for review: {result['refused']}")
    if "unused" in result:
        lines.append(f"      fields that are not read: {', '.join(result['unused'])}")
    return lines


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " to ".join("-" if limit is None else f"{limit:g}" for limit in value.values())
    return (" ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
