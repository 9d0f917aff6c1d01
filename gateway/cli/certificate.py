"""``labline certificate``: lists certificates of analysis, shows one with its gaps, and does what people do."""

from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from gateway.advice.certificate_mail import file_name
from gateway.advice.certificate_message import data_of, paper_of
from gateway.cli.acts import person_option, reason_option, show_waiting, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import show_json, show_table, show_wrapped
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.certificates import number_of
from gateway.contract.lims.names import normalised
from gateway.contract.times import rfc3339
from gateway.database.file_permissions import making_files_closed_to_others
from gateway.errors import LablineError
from gateway.records.acts import Act, ActOutcome
from gateway.records.certificate_acts import (
    DraftCertificate,
    ReissueCertificate,
    SignCertificate,
    WithdrawCertificate,
)
from gateway.records.certificates import CertificateOnRecord, CertificateState
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.certificates import (
    certificates_of_lot,
    document_of,
    found,
    id_of_number,
    sent_of,
    versions_of,
)
from gateway.texts.catalogue import speak
from gateway.transport.paper import Form, make

app = typer.Typer(help="List, show, sign and issue certificates of analysis.", no_args_is_help=True)

_MOST = 200
_WHICH: Any = typer.Argument(..., help="The certificate's number or id, or a lot that has one certificate.")
_VERSION: Any = typer.Option(None, "--version", metavar="<n>", help="Which version; without it the newest.")


@app.callback()
def _group() -> None:
    """List, show, sign and issue certificates of analysis."""


@app.command(name="list")
def list_certificates(
    search: str = typer.Option(
        "", "--search", metavar="TEXT", help="Only those that name it: lot, order, equipment, material, customer."
    ),
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """List the newest certificates, each in its newest version."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        versions = [version for _place, version in found(connection, query=search, most=_MOST)]
    if as_json:
        show_json({"certificates": [_row(version) for version in versions]})
        return
    columns = ("number", "state", "gaps", "lot", "product", "customer", "drafted")
    cells = [
        (row["number"], row["state"], len(row["gaps"]), row["lot"], row["product"], row["customer"], row["drafted_at"])
        for row in map(_row, versions)
    ]
    show_table("certificates", columns, cells)


@app.command()
def show(
    certificate: str = _WHICH, version: int | None = _VERSION, config: Path = CONFIG, as_json: bool = JSON
) -> None:
    """Show a certificate: what is missing first, then its results and what became of its versions."""
    settings, _sha256 = read(config)
    known = _version(settings, certificate, version)
    of = (known.drafted.certificate_id, known.drafted.version)
    with closing(read_state(settings.store.directory)) as connection:
        document, sent = document_of(connection, *of), sent_of(connection, *of)
    if as_json:
        show_json({
            **_row(known), "sha256": known.drafted.sha256, "data": data_of(known.drafted),
            "document": None if document is None else {"media_type": document.media_type, "sha256": document.sha256},
            "sent": None if sent is None else {"to": list(sent.to), "problem": sent.problem},
        })  # fmt: skip
        return
    _show(known)
    if document is not None:
        show_wrapped(f"document as issued: {document.media_type}, SHA-256 {document.sha256}", hanging=2)
    if sent is not None:
        show_wrapped(f"mailed to {', '.join(sent.to)}{': ' + sent.problem if sent.problem else ''}", hanging=2)


def _show(known: CertificateOnRecord) -> None:
    drafted, content, changed = known.drafted, known.drafted.content, known.changed
    row = _row(known)
    show_wrapped(f"{row['number']}: {row['state']}, version {drafted.version}, draft {drafted.draft}", hanging=2)
    show_wrapped(f"lot {content.material_lot_id}, {content.product_name}, for {content.customer_name}", hanging=2)
    if not known.holds:
        show_wrapped("records of it do not match their hash: it counts as none", hanging=2, style="red")
    if changed is not None and changed.signature is not None:
        signature = changed.signature
        show_wrapped(
            f"signed by {', '.join(signature.signed_by)} ({signature.role}), {rfc3339(signature.signed_ns)}: "
            f"{signature.meaning}",
            hanging=2,
        )
    if changed is not None and changed.why:
        show_wrapped(f"{row['state']} by {changed.person}: {changed.why}", hanging=2)
    for question in () if changed is None else changed.questions:
        show_wrapped(f"in question: {question.text}", hanging=2, style="red")
    for item in content.gaps if known.state is CertificateState.DRAFT else ():
        show_wrapped(f"missing: {item.text}", hanging=2, style="bold")
    cells = [
        (item.name, item.reported or "-", item.unit or "", _limits(item.lower, item.upper), item.compliance.value)
        for item in content.rows
    ]
    show_table("results", ("test", "result", "unit", "limits", "assessment"), cells)


def _limits(lower: float | None, upper: float | None) -> str:
    return f"{'' if lower is None else lower} .. {'' if upper is None else upper}"


@app.command()
def draft(
    lot: str = typer.Argument(..., help="The lot."),
    customer: str = typer.Option(..., "--customer", metavar="NAME", help="The customer, as the requirement names it."),
    part: str = typer.Option("", "--part", metavar="NAME", help="Only for this part of the lot, such as drums 1-10."),
    quantity: str = typer.Option("", "--quantity", metavar="TEXT", help="How much that part is, such as 2000 kg."),
    config: Path = CONFIG,
    person: str | None = person_option(),
    as_json: bool = JSON,
) -> None:
    """Have a certificate drafted now; what there is already is shown, and nothing is drafted twice."""
    act = DraftCertificate(material_lot_id=normalised(lot), customer=customer, part=part, quantity=quantity)
    _done(config, act, person, "", as_json=as_json)


@app.command()
def sign(
    certificate: str = _WHICH, config: Path = CONFIG, person: str | None = person_option(), as_json: bool = JSON
) -> None:
    """Sign the newest draft of a certificate, as show shows it: it is issued, and goes to the customer."""
    settings, _sha256 = read(config)
    known = _version(settings, certificate, None)
    drafted = known.drafted
    if not as_json:
        _show(known)
    act = SignCertificate(certificate_id=drafted.certificate_id, version=drafted.version, sha256=drafted.sha256)
    _done(config, act, person, "", as_json=as_json)


@app.command()
def withdraw(
    certificate: str = _WHICH,
    version: int | None = _VERSION,
    config: Path = CONFIG,
    person: str | None = person_option(),
    reason: str = reason_option("--reason", "Why; it goes on record."),
    as_json: bool = JSON,
) -> None:
    """Withdraw a certificate that was issued: nobody may rely on it any more."""
    settings, _sha256 = read(config)
    drafted = _version(settings, certificate, version).drafted
    act = WithdrawCertificate(certificate_id=drafted.certificate_id, version=drafted.version)
    _done(config, act, person, reason, as_json=as_json)


@app.command()
def reissue(
    certificate: str = _WHICH,
    config: Path = CONFIG,
    person: str | None = person_option(),
    reason: str = reason_option("--reason", "Why; the new version names it."),
    as_json: bool = JSON,
) -> None:
    """Have the next version of a certificate drafted, which replaces the earlier one once it is signed."""
    settings, _sha256 = read(config)
    drafted = _version(settings, certificate, None).drafted
    act = ReissueCertificate(certificate_id=drafted.certificate_id, version=drafted.version)
    _done(config, act, person, reason, as_json=as_json)


@app.command()
def export(
    certificate: str = _WHICH,
    version: int | None = _VERSION,
    config: Path = CONFIG,
    to: Path = typer.Option(Path(), "--to", metavar="<folder>", help="The folder that the document is written into."),
    as_page: bool = typer.Option(False, "--html", help="As a page instead of as PDF."),
) -> None:
    """Write the document of a certificate: a signed one as it was issued, else one that says that it is not valid."""
    settings, _sha256 = read(config)
    known = _version(settings, certificate, version)
    form = Form.HTML if as_page else Form.PDF
    with closing(read_state(settings.store.directory)) as connection:
        document = document_of(connection, known.drafted.certificate_id, known.drafted.version)
    issued = known.holds and known.state is CertificateState.SIGNED and document is not None and document.holds
    if issued and document is not None and document.media_type == form:
        content = document.content
    else:
        content = make(paper_of(known, define_line(settings, path=config.resolve())), form).content
    path = to / file_name(known, "html" if as_page else "pdf")
    try:
        to.mkdir(parents=True, exist_ok=True)
        with making_files_closed_to_others():
            path.write_bytes(content)
    except OSError as error:
        raise LablineError(f"{path} cannot be written: {error.strerror}", hint="name another folder: --to") from error
    show_wrapped(f"{path}: {_row(known)['number']}, {known.state.value}", hanging=2)


def _version(settings: Settings, named: str, version: int | None) -> CertificateOnRecord:
    """Return the version that is meant; raises LablineError where none, or more than one, is."""
    speak(settings.texts.language, settings.texts.units)
    with closing(read_state(settings.store.directory)) as connection:
        own = id_of_number(connection, named)
        versions = () if own is None else versions_of(connection, own)
        if not versions:
            of_lot, _damaged = certificates_of_lot(connection, normalised(named))
            ids = dict.fromkeys(item.drafted.certificate_id for item in of_lot)
            if len(ids) > 1:
                names = ", ".join(sorted(number_of(one, 1) for one in ids))
                raise LablineError(f"lot {named} has several certificates", hint=f"name one of: {names}")
            versions = tuple(reversed(of_lot))
    if not versions:
        raise LablineError(f"no certificate {named} is on record", hint="labline certificate list shows them")
    meant = versions[0] if version is None else next(
        (item for item in versions if item.drafted.version == version), None
    )  # fmt: skip
    if meant is None:
        raise LablineError(f"certificate {named} has no version {version}", hint="leave --version out for the newest")
    return meant


def _row(known: CertificateOnRecord) -> dict[str, Any]:
    drafted, content = known.drafted, known.drafted.content
    return {
        "certificate_id": drafted.certificate_id,
        "number": number_of(drafted.certificate_id, drafted.version),
        "version": drafted.version,
        "draft": drafted.draft,
        "state": known.state.value if known.holds else f"{known.state.value} (damaged)",
        "gaps": [item.text for item in content.gaps] if known.state is CertificateState.DRAFT else [],
        "lot": content.material_lot_id,
        "product": content.product_name,
        "customer": content.customer_name,
        "drafted_at": rfc3339(drafted.drafted_ns),
    }


def _done(config: Path, act: Act, person: str | None, reason: str, *, as_json: bool) -> None:
    """Have an act done, and show what came of it."""
    settings, _sha256 = read(config)
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason=reason)
    if answer.outcome is ActOutcome.PENDING:
        show_waiting(answer, as_json=as_json)
        return
    if as_json:
        show_json(dict(answer.details))
        return
    details = answer.details
    state = details.get("certificate_state") or details["state"]
    show_wrapped(f"{details['number']}: {state}, version {details['version']}, by {details['person']}", hanging=2)
