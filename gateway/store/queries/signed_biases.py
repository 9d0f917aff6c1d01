"""The corrections that people have signed, and what the laboratory's results would propose now."""

import sqlite3
from collections.abc import Container
from dataclasses import dataclass, fields

from gateway.inference.corrections import BiasState
from gateway.inference.feedback import MOST_ENTRIES, proposed, serving
from gateway.inference.signed_bias import signature_holds
from gateway.line.definition import ModelBundle
from gateway.line.outputs import ModelOutput
from gateway.records.people import SignedBias
from gateway.store.queries.feedback import entry_in
from gateway.store.statements import SQL

_LATEST_NS = 2**62
_MOST = 1000  # of a bundle's analyte: what is charted reaches no further back
_NAMES = tuple(field.name for field in fields(SignedBias))


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """Of one analyte: what is in force, what results propose, and on how many of them that rests."""

    analyte: str
    unit: str
    in_force: BiasState
    proposal: BiasState
    results: int


def newest_acts(
    connection: sqlite3.Connection,
    bundle_sha256: str,
    analyte: str,
    *,
    at_ns: int = _LATEST_NS,
    trusted: Container[str] | None = None,
) -> tuple[list[SignedBias], list[str]]:
    """Return (the newest acts until an instant, in their order; the records among them that do not hold).

    ``trusted``: the public keys that may sign; None: any.
    """
    rows = connection.execute(
        SQL["signed_biases"], {"bundle_sha256": bundle_sha256, "analyte": analyte, "at_ns": at_ns, "most": _MOST}
    ).fetchall()
    acts, damaged = [], []
    for row in reversed(rows):
        act = SignedBias(**{name: row[name] for name in _NAMES}) if row["holds"] else None
        if act is not None and signature_holds(act) and (trusted is None or act.public_key in trusted):
            acts.append(act)
        else:
            damaged.append(row["record"])
    return acts, damaged


def correction(connection: sqlite3.Connection, bundle: ModelBundle, output: ModelOutput, *, at_ns: int) -> Correction:
    """Return what is in force of an analyte at an instant, and what the results on record propose."""
    if output.value is None or output.value.bias is None:
        raise ValueError(f"{output.analyte} is not corrected")
    key = {"bundle_sha256": bundle.identity.sha256, "analyte": output.analyte}
    rows = connection.execute(SQL["newest_feedback"], {**key, "most": MOST_ENTRIES}).fetchall()
    entries = [entry_in(row) for row in reversed(rows) if row["holds"]]
    acts, _damaged = newest_acts(connection, **key, at_ns=at_ns)
    in_force = serving(BiasState(), output.value.bias, acts, at_ns)
    return Correction(
        analyte=output.analyte,
        unit=output.unit,
        in_force=in_force,
        proposal=proposed(entries, output.value, in_force, at_ns=at_ns),
        results=len(entries),
    )


def all_signed_biases(connection: sqlite3.Connection) -> list[SignedBias]:
    """Return every act that holds, in their order."""
    rows = connection.execute(SQL["all_signed_biases"]).fetchall()
    return [SignedBias(**{name: row[name] for name in _NAMES}) for row in rows]
