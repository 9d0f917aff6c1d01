"""``labline lot review LOT``: the record of a lot by exception, the worst first, and counts of what is in order."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.advice.review_page import review_page
from gateway.cli.acts import show_waiting, sign_in_of
from gateway.cli.output import show_json, show_wrapped
from gateway.clock import SystemClock
from gateway.config.line_definition import line_without_models
from gateway.config.tables import Settings
from gateway.contract.signed_bundle import printed
from gateway.contract.times import rfc3339
from gateway.database.file_permissions import making_files_closed_to_others
from gateway.errors import LablineError
from gateway.lab.review.codes import ReviewSeverity
from gateway.lab.review.on_record import ReviewOnRecord
from gateway.records.acts import ActOutcome, SettleException, SignReview
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.reviews import review_on_record
from gateway.store.queries.signatures import signed_record_of
from gateway.texts.catalogue import speak, text

_STYLES = {ReviewSeverity.CRITICAL: "bold red", ReviewSeverity.MAJOR: "yellow", ReviewSeverity.MINOR: ""}


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedOfReview:
    """What a person does with a review: settles or comments on an exception, or signs it; none of it: looks at it."""

    settle: str | None
    comment: str | None
    sign: bool
    person: str | None
    reason: str | None
    html: Path | None = None


def review(settings: Settings, config: Path, lot: str, asked: AskedOfReview, *, as_json: bool) -> int:
    """Show the review of a lot, or have done what is asked; return 1 where exceptions are open, 0 where none is."""
    speak(settings.texts.language, settings.texts.units)
    act = _act(asked, lot, settings)
    if act is not None:
        if asked.reason is None:
            raise LablineError("--settle, --comment and --sign need a reason", hint="give --reason TEXT")
        sign_in = sign_in_of(asked.person)
        answer = perform(settings, act, path=config.resolve(), sign_in=sign_in, reason=asked.reason)
        if answer.outcome is ActOutcome.PENDING:
            show_waiting(answer, as_json=as_json)
            return 0
    shown = _read(settings, lot)
    if asked.html is not None:
        _write_page(settings, shown, asked.html)
    if as_json:
        show_json(review_document(shown))
    else:
        _show(shown)
    return 1 if shown.open else 0


def _act(asked: AskedOfReview, lot: str, settings: Settings) -> SettleException | SignReview | None:
    if asked.sign:
        return SignReview(material_lot_id=lot, review_sha256=_read(settings, lot).sha256)
    if asked.settle is None and asked.comment is None:
        return None
    exception = asked.settle or asked.comment or ""
    return SettleException(material_lot_id=lot, exception_id=exception.strip(), comment_only=asked.settle is None)


def _read(settings: Settings, lot: str) -> ReviewOnRecord:
    """Return the review of a lot as it stands; raises LablineError where nothing is on record of it."""
    with closing(read_state(settings.store.directory)) as connection:
        connection.execute("BEGIN")  # one picture of it, whatever the gateway writes meanwhile
        shown = review_on_record(connection, line_without_models(settings), lot, at_ns=SystemClock().now_ns())
    if shown is None:
        raise LablineError(f"nothing is on record of lot {lot}", hint="write it as its messages do")
    return shown


def _write_page(settings: Settings, shown: ReviewOnRecord, to: Path) -> None:
    """Write the review as a page for printing, with who has signed it."""
    with closing(read_state(settings.store.directory)) as connection:
        signed = None if shown.signed is None else signed_record_of(connection, shown.signed.record_id)
    signatures = () if signed is None else signed.signatures
    page = review_page(shown.document, line=settings.line_path, sha256=shown.sha256, lapsed=shown.lapsed,
                       signatures=[printed(signature) for signature in signatures])  # fmt: skip
    with making_files_closed_to_others():
        to.write_text(page, encoding="utf-8")
    show_wrapped(f"the review of {shown.review.material_lot_id} is in {to}", hanging=2)


def _show(shown: ReviewOnRecord) -> None:
    review = shown.review
    show_wrapped(f"{review.material_lot_id}: {len(shown.open)} open of {len(review.exceptions)} exceptions, "
                 f"{review.data_points} data points looked at", hanging=2)  # fmt: skip
    for item in review.exceptions:
        answers = shown.answers.get(item.exception_id, ())
        state = "settled" if shown.is_settled(item) else "open"
        severity = text("review_severity", item.severity.name)
        show_wrapped(f"{severity}, {state}: {item.text}", hanging=2, style=_STYLES[item.severity])
        evidence = ", ".join(f"{evidence.kind} {evidence.id}" for evidence in item.evidence)
        show_wrapped(f"  {item.code}; {evidence}; exception {item.exception_id}", hanging=4)
        for answer in answers:
            show_wrapped(f"  {answer.person}: {answer.comment}", hanging=4)
    for tally in review.groups:
        group = text("review_group", tally.group.name)
        show_wrapped(f"{group}: {tally.looked_at} looked at, {tally.exceptions} exceptions", hanging=2)
    if shown.signed is not None:
        lapsed = ", lapsed: something new is known since" if shown.lapsed else ""
        show_wrapped(f"signed by {shown.signed.printed_name}, {rfc3339(shown.signed.at_ns)}{lapsed}", hanging=2)


def review_document(shown: ReviewOnRecord) -> dict[str, Any]:
    """Return a review as JSON."""
    return {**shown.document, "sha256": shown.sha256, "open": len(shown.open), "lapsed": shown.lapsed}
