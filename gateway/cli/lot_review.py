"""``labline lot review LOT``: the record of a lot by exception, the worst first, and counts of what is in order."""

from contextlib import closing
from typing import Any

from gateway.cli.output import show_json, show_wrapped
from gateway.clock import SystemClock
from gateway.config.line_definition import line_without_models
from gateway.config.tables import Settings
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.lab.review.codes import ReviewSeverity
from gateway.store.database import read_state
from gateway.store.queries.reviews import ReviewOnRecord, review_on_record
from gateway.texts.catalogue import speak, text

_STYLES = {ReviewSeverity.CRITICAL: "bold red", ReviewSeverity.MAJOR: "yellow", ReviewSeverity.MINOR: ""}


def show_review(settings: Settings, lot: str, *, as_json: bool) -> int:
    """Show the review of a lot; return 1 where exceptions are open, 0 where none is."""
    speak(settings.texts.language, settings.texts.units)
    with closing(read_state(settings.store.directory)) as connection:
        connection.execute("BEGIN")  # one picture of it, whatever the gateway writes meanwhile
        shown = review_on_record(connection, line_without_models(settings), lot, at_ns=SystemClock().now_ns())
    if shown is None:
        raise LablineError(f"nothing is on record of lot {lot}", hint="write it as its messages do")
    if as_json:
        show_json(review_document(shown))
    else:
        _show(shown)
    return 1 if shown.open else 0


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
