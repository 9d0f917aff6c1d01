"""``labline model correct``: what laboratory results propose, and a person's signature that puts it into force."""

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.cli.acts import name_option, person_option, reason_option, sign_in_of
from gateway.cli.keys import private_key
from gateway.cli.options import takes
from gateway.cli.output import out, show_json, show_table
from gateway.config.assigned_models import trusted_keys
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.acts import SignInRequest
from gateway.contract.times import rfc3339
from gateway.decisions.acts import INSTANT_PASSED
from gateway.errors import LablineError
from gateway.inference.feedback import BiasState, bias_at
from gateway.inference.signed_bias import signed
from gateway.inference.versions import promoted_versions
from gateway.line.definition import ModelAssignment
from gateway.records.acts import ActOutcome, SignBiases
from gateway.records.people import SignedBias
from gateway.runtime.act_requests import ask, not_done
from gateway.store.database import read_state
from gateway.store.queries.signed_biases import Correction, correction
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS, seconds_to_ns

_LEADS_SECONDS = (0.2, 1.0, 5.0)  # from when on what is signed is to be in force


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectOptions:
    """Which model's correction is shown, or signed, and by whom."""

    model: str = typer.Argument(..., help="The model's name; of its configuration, bias is signed.")
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file.")
    analyte: str = typer.Option(None, "--analyte", help="Of which analyte; without it, of all the model's.")
    key: Path = typer.Option(None, "--key", help="The approver's Ed25519 private key as PEM; without it, only show.")
    approver: str = name_option("--approver", "The approver's printed name.", required=False)
    meaning: str = reason_option(
        "--meaning", "What the signature says, such as 'checked against VR-12'.", required=False
    )
    person: str | None = person_option()
    bias: float = typer.Option(None, "--bias", help="The proposal as you saw it; signs nothing if it has changed.")
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table.")


@takes(CorrectOptions)
def correct(options: CorrectOptions) -> None:
    """Show which correction is in force and which one laboratory results propose, or sign what is proposed.

    What is signed is in force at once, fades and ends by the bundle's limits, and is audited with its signature.
    """
    settings, _sha256 = read(options.config)
    assignment, outputs = _outputs(settings, options.config.resolve(), options.model, options.analyte)
    now_ns = time.time_ns()
    with closing(read_state(settings.store.directory)) as connection:
        found = [correction(connection, assignment.bundle, output, at_ns=now_ns) for output in outputs]
    if options.key is not None:
        found = _signed(found, assignment, settings, options)
    documents = [_document(assignment, each, now_ns) for each in found]
    if options.as_json:
        show_json({"model": options.model, "signed": options.key is not None, "corrections": documents})
        return
    names = ("analyte", "in force", "signed", "proposed", "results", "newest")
    rows = [tuple("-" if each[name] is None else str(each[name]) for name in names) for each in documents]
    show_table(f"{options.model} {assignment.bundle.identity.version}", names, rows)
    if options.key is not None:
        out.print(f"signed by {options.approver}: what was proposed is in force", markup=False, soft_wrap=True)


def _signed(
    found: list[Correction], assignment: ModelAssignment, settings: Settings, options: CorrectOptions
) -> list[Correction]:
    """Return those corrections that are proposed, once they are signed and in force; raises LablineError."""
    approver, meaning = options.approver, options.meaning
    if not approver or not meaning:
        raise LablineError("a signature needs a name and a meaning", hint="give --approver and --meaning")
    key = _trusted(private_key(options.key), settings, folder=options.config.resolve().parent)
    proposed = [each for each in found if each.proposal.newest_ns is not None]
    if not proposed:
        raise LablineError(f"results propose nothing of {options.model}", hint="approved results of its samples do")
    if options.bias is not None:
        _as_seen(proposed, options.bias)

    def sign(at_ns: int) -> SignBiases:
        biases = (_act(assignment, each, key, approver, meaning, at_ns) for each in proposed)
        return SignBiases(model=options.model, biases=tuple(biases))

    _put_in_force(sign, settings, path=options.config.resolve(), sign_in=sign_in_of(options.person), meaning=meaning)
    return proposed


def _put_in_force(
    sign: Callable[[int], SignBiases],
    settings: Settings,
    *,
    path: Path,
    sign_in: SignInRequest | None,
    meaning: str,
) -> None:
    """Have corrections put into force from an instant that is still to come, and return when it has come.

    Where it has passed before they are decided, they are signed again for a later one.
    """
    newest_ns = 0
    for lead_seconds in _LEADS_SECONDS:
        signed_ns = max(time.time_ns() + seconds_to_ns(lead_seconds), newest_ns + 1)
        answer = ask(settings, sign(signed_ns), path=path, sign_in=sign_in, reason=meaning)
        if answer.details.get("code") != INSTANT_PASSED:
            break
        newest_ns = answer.details["newest_signed_ns"]
    if answer.outcome is not ActOutcome.DONE:
        raise not_done(answer)
    time.sleep(min(max(signed_ns - time.time_ns(), 0) / SECOND_NS, _LEADS_SECONDS[-1]))


def _outputs(settings: Settings, path: Path, name: str, analyte: str | None) -> tuple[ModelAssignment, list[Any]]:
    with closing(read_state(settings.store.directory)) as connection:
        acts, _unknown = changes(connection.execute(SQL["version_changes"]))
    line = define_line(settings, path=path, in_service=promoted_versions(acts))
    model = line.model_named(name)
    if model is None:
        names = ", ".join(each.name for each in line.models) or "none"
        raise LablineError(f"no [[model]] in {path} is called {name}", hint=f"there are: {names}")
    analytes = [each for each in model.bundle.corrected_by_people if analyte in {None, each}]
    if not analytes:
        raise LablineError(
            f"no value of {name}{f' called {analyte}' if analyte else ''} is corrected by signature",
            hint='set bias = "signed" in its [[model]]; the bundle must have [output.bias]',
        )
    return model, [output for output in model.bundle.outputs if output.analyte in analytes]


def _as_seen(found: list[Correction], bias: float) -> None:
    """Raise LablineError where what is proposed is not, to a thousandth, what the signer saw."""
    for each in found:
        if not math.isclose(each.proposal.bias, bias, rel_tol=1e-3, abs_tol=1e-9):
            raise LablineError(
                f"results propose {each.proposal.bias:.6g} {each.unit} of {each.analyte} by now, not {bias:.6g}",
                hint="look again without --key; of several analytes name one with --analyte",
            )


def _trusted(key: Ed25519PrivateKey, settings: Settings, *, folder: Path) -> Ed25519PrivateKey:
    trusted = trusted_keys(settings, folder=folder)
    if trusted is not None and key.public_key().public_bytes_raw().hex() not in trusted:
        raise LablineError("this key is not one of [approval] trusted_keys", hint="have one of them sign")
    return key


def _act(
    model: ModelAssignment, found: Correction, key: Ed25519PrivateKey, approver: str, meaning: str, at_ns: int
) -> SignedBias:
    act = SignedBias(
        bundle_sha256=model.bundle.identity.sha256,
        analyte=found.analyte,
        bias=found.proposal.bias,
        newest_ns=found.proposal.newest_ns or 0,
        signed_ns=at_ns,
        approver=approver,
        meaning=meaning,
    )
    return signed(act, key)


def _document(model: ModelAssignment, found: Correction, at_ns: int) -> dict[str, Any]:
    output = model.bundle.output_of(found.analyte)
    limits = output.value.bias if output is not None and output.value is not None else None

    def told(state: BiasState) -> float:
        return bias_at(state, limits, at_ns)

    newest_ns = found.proposal.newest_ns
    return {
        "analyte": found.analyte,
        "unit": found.unit,
        "in force": told(found.in_force),
        "signed": found.in_force.version,
        "proposed": None if newest_ns is None else found.proposal.bias,
        "results": found.results,
        "newest": None if newest_ns is None else rfc3339(newest_ns),
    }
