"""``labline model correct``: the correction that laboratory results propose; a person signs it into force."""

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
from gateway.cli.options import CONFIG, JSON, takes
from gateway.cli.output import out, show_json, show_table
from gateway.config.assigned_models import trusted_keys
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.acts import SignInRequest
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.inference.corrections import BiasState, bias_at
from gateway.inference.signed_bias import signed
from gateway.inference.versions import promoted_versions
from gateway.line.definition import ModelAssignment
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, SignBiases
from gateway.records.people import SignedBias
from gateway.runtime.act_requests import ask, not_done
from gateway.store.database import read_state
from gateway.store.queries.signed_biases import Correction
from gateway.store.queries.signed_biases import correction as load_correction
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS, seconds_to_ns

_LEADS_SECONDS = (0.2, 1.0, 5.0)  # how long after the signature the correction is to be in force; tried in turn


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectOptions:
    """Which model's correction is shown, or signed, and by whom."""

    model: str = typer.Argument(..., help='The model\'s name; its [[model]] has bias = "signed".')
    config: Path = CONFIG
    analyte: str = typer.Option(None, "--analyte", help="Only this analyte. Without it: all that the model predicts.")
    key: Path = typer.Option(
        None,
        "--key",
        metavar="<file>",
        help="Sign with this Ed25519 private key (PEM) of the approver. Without it: only show.",
    )
    approver: str = name_option("--approver", "The approver's printed name.", required=False)
    meaning: str = reason_option(
        "--meaning", "What the signature says, such as 'checked against VR-12'.", required=False
    )
    person: str | None = person_option()
    bias: float = typer.Option(
        None, "--bias", help="The proposed value that you checked; nothing is signed if it has changed since."
    )
    as_json: bool = JSON


@takes(CorrectOptions)
def correct(options: CorrectOptions) -> None:
    """Show a model's correction that is in force and the one that laboratory results propose, or sign the latter.

    A signed correction is in force at once. It fades and ends as the bundle says. The audit trail has the signature.
    """
    settings, _sha256 = read(options.config)
    assignment, outputs = _outputs(settings, options.config.resolve(), options.model, options.analyte)
    now_ns = time.time_ns()
    with closing(read_state(settings.store.directory)) as connection:
        corrections = [load_correction(connection, assignment.bundle, output, at_ns=now_ns) for output in outputs]
    if options.key is not None:
        corrections = _signed(corrections, assignment, settings, options)
    documents = [_document(assignment, correction, now_ns) for correction in corrections]
    if options.as_json:
        show_json({"model": options.model, "signed": options.key is not None, "corrections": documents})
        return
    names = ("analyte", "in force", "signed", "proposed", "results", "newest")
    rows = [tuple("-" if document[name] is None else str(document[name]) for name in names) for document in documents]
    show_table(f"{options.model} {assignment.bundle.identity.version}", names, rows)
    if options.key is not None:
        out.print(f"signed by {options.approver}: the proposed correction is in force", markup=False, soft_wrap=True)


def _signed(
    corrections: list[Correction], assignment: ModelAssignment, settings: Settings, options: CorrectOptions
) -> list[Correction]:
    """Sign the proposed corrections, wait until they are in force, and return them; raises LablineError."""
    approver, meaning = options.approver, options.meaning
    if not approver or not meaning:
        raise LablineError("a signature needs a name and a meaning", hint="give --approver and --meaning")
    key = _trusted(private_key(options.key), settings, folder=options.config.resolve().parent)
    proposed = [correction for correction in corrections if correction.proposal.newest_ns is not None]
    if not proposed:
        raise LablineError(
            f"no correction of {options.model} is proposed",
            hint="it takes approved results of samples that the model predicted, and they must not be too old",
        )
    if options.bias is not None:
        _as_seen(proposed, options.bias)

    def sign(at_ns: int) -> SignBiases:
        biases = (_act(assignment, correction, key, approver, meaning, at_ns) for correction in proposed)
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
    """Have the gateway put corrections into force from an instant in the near future, and wait for that instant.

    If the gateway decides only after that instant, they are signed again for a later one. Raises LablineError.
    """
    newest_ns = 0
    for lead_seconds in _LEADS_SECONDS:
        signed_ns = max(time.time_ns() + seconds_to_ns(lead_seconds), newest_ns + 1)
        answer = ask(settings, sign(signed_ns), path=path, sign_in=sign_in, reason=meaning)
        if answer.code is not ActRefusal.INSTANT_PASSED:
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
        names = ", ".join(assigned.name for assigned in line.models) or "none"
        raise LablineError(f"no [[model]] in {path} is called {name}", hint=f"models are: {names}")
    analytes = [candidate for candidate in model.bundle.corrected_by_people if analyte in {None, candidate}]
    if not analytes:
        raise LablineError(
            f"{name} predicts no value{f' {analyte}' if analyte else ''} that is corrected by signature",
            hint='set bias = "signed" in its [[model]]; the bundle must have [output.bias]',
        )
    return model, [output for output in model.bundle.outputs if output.analyte in analytes]


def _as_seen(corrections: list[Correction], bias: float) -> None:
    """Raise LablineError if a proposed correction differs by more than a thousandth from what the signer saw."""
    for correction in corrections:
        proposed = correction.proposal.bias
        if not math.isclose(proposed, bias, rel_tol=1e-3, abs_tol=1e-9):
            raise LablineError(
                f"results now propose {proposed:.6g} {correction.unit} for {correction.analyte}, not {bias:.6g}",
                hint="look again without --key; if the model has several analytes, name one with --analyte",
            )


def _trusted(key: Ed25519PrivateKey, settings: Settings, *, folder: Path) -> Ed25519PrivateKey:
    trusted = trusted_keys(settings, folder=folder)
    if trusted is not None and key.public_key().public_bytes_raw().hex() not in trusted:
        raise LablineError(
            "--key is none of the keys in the folder [approval] trusted_keys",
            hint="let an approver with one of these keys sign, or put this one's public key there",
        )
    return key


def _act(
    model: ModelAssignment, correction: Correction, key: Ed25519PrivateKey, approver: str, meaning: str, at_ns: int
) -> SignedBias:
    act = SignedBias(
        bundle_sha256=model.bundle.identity.sha256,
        analyte=correction.analyte,
        bias=correction.proposal.bias,
        newest_ns=correction.proposal.newest_ns or 0,
        signed_ns=at_ns,
        approver=approver,
        meaning=meaning,
    )
    return signed(act, key)


def _document(model: ModelAssignment, correction: Correction, at_ns: int) -> dict[str, Any]:
    output = model.bundle.output_of(correction.analyte)
    limits = output.value.bias if output is not None and output.value is not None else None

    def bias_now(state: BiasState) -> float:
        return bias_at(state, limits, at_ns)

    newest_ns = correction.proposal.newest_ns
    return {
        "analyte": correction.analyte,
        "unit": correction.unit,
        "in force": bias_now(correction.in_force),
        "signed": correction.in_force.version,
        "proposed": None if newest_ns is None else correction.proposal.bias,
        "results": correction.results,
        "newest": None if newest_ns is None else rfc3339(newest_ns),
    }
