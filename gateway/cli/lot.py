"""``labline lot``: shows why a lot is not released; a person settles a point.

It shows the assessments that are on record: the same from which the gateway's recommendation follows.
"""

import difflib
import shlex
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import typer

from gateway.cli.acts import person_option, reason_option, show_waiting, sign_in_of
from gateway.cli.lot_decision import AskedDecision, decide, decision_document, show_decision
from gateway.cli.lot_document import BESIDES, document_of, evidence_of, other_reasons, point_document
from gateway.cli.lot_parts import AskedPart, divide, parts_document, put_back, show_parts
from gateway.cli.lot_review import AskedOfReview, review
from gateway.cli.options import CONFIG, JSON, takes
from gateway.cli.output import show_json, show_wrapped
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.lims.names import folded, normalised
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.facts.acts import PointOnRecord
from gateway.records.acts import ActOutcome, SettlePoint
from gateway.records.laboratory import Recommendation
from gateway.records.lot_decisions import Verdict
from gateway.records.lot_parts import part_id_of
from gateway.runtime.act_requests import perform
from gateway.store.database import is_in_use, read_state
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lots import LotOnRecord, lot_on_record, names_of_lots

_SHOWN = 10  # points, without --all
_FOR_A_PERSON = frozenset({Recommendation.REVIEW, Recommendation.HOLD})
_STYLES = {Recommendation.HOLD: "bold red", Recommendation.REVIEW: "yellow", Recommendation.RELEASE: "green"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LotOptions:
    """Which lot is shown, or what a person settles or decides of it."""

    name: str = typer.Argument(
        ..., metavar="LOT | review LOT", help="The lot, as the messages name it; or the word review before it."
    )
    reviewed: str | None = typer.Argument(
        None, metavar="[LOT]", help="After the word review: the lot whose record is shown by exception."
    )
    config: Path = CONFIG
    point: str | None = typer.Option(
        None,
        "--settle",
        metavar="POINT",
        help="Settle this point: it no longer speaks against the lot. After review: settle this exception.",
    )
    verdict: Verdict | None = typer.Option(
        None, "--decide", help="Decide on the lot, signed with your user and password: give --person USER."
    )
    over_open_points: int = typer.Option(
        0, "--over-open-points", min=0, metavar="COUNT",
        help="With --decide release: over so many open points, which you have seen; they are on record with it.",
    )  # fmt: skip
    part: str | None = typer.Option(
        None, "--part", metavar="NAME", help="Show, settle or decide this part of the lot instead of the lot."
    )
    divide: str | None = typer.Option(
        None,
        "--divide",
        metavar="NAME",
        help="Set this part apart, with --quantity: it is decided on by itself. Again: correct its quantity.",
    )
    put_back: str | None = typer.Option(
        None, "--undo-division", metavar="NAME",
        help="Put this part back into the lot, where nothing was decided, reported or certified of it by itself.",
    )  # fmt: skip
    quantity: str | None = typer.Option(
        None, "--quantity", metavar="QUANTITY", help="With --divide: how much the part is, such as 2000 kg."
    )
    comment: str | None = typer.Option(
        None, "--comment", metavar="EXCEPTION", help="After review: comment on an exception, and leave it open."
    )
    html: Path | None = typer.Option(None, "--html", help="After review: write it as a page for printing to this file.")
    sign: bool = typer.Option(
        False, "--sign", help="After review: sign it, with your user and password: give --person USER."
    )
    person: str | None = person_option()
    reason: str | None = reason_option(
        "--reason", "With --settle, --decide, --divide and --undo-division: what you found, and why.", required=False
    )
    show_all: bool = typer.Option(False, "--all", help="Show every point. Without it: the ten worst.")
    as_json: bool = JSON


@takes(LotOptions)
def lot(options: LotOptions) -> None:
    """Show what is recommended for a lot, what speaks against its release, and what to do about each point.

    With --settle and --reason you settle one point, and the lot is judged again. A point that asks for a hold
    cannot be settled here. With --decide and --reason quality releases, rejects or holds the lot.
    With --divide a part of the lot gets a disposition of its own; --part names the part that is meant, and
    --undo-division puts it back.
    labline lot review LOT shows its record by exception: what to look at, the worst first, and counts of the rest.
    Exit 1 if something speaks against a release or an exception is open, 2 if no such lot or point is known.
    """
    settings, _sha256 = read(options.config)
    if options.reviewed is not None:
        raise typer.Exit(_reviewed(settings, options, options.reviewed))
    if options.point is not None:
        _settle(settings, options, options.point.strip())
    elif options.verdict is not None:
        _decide(settings, options, options.verdict)
    elif options.divide is not None:
        _divide(settings, options, options.divide)
    elif options.put_back is not None:
        _put_back(settings, options, options.put_back)
    elif options.person is not None or options.reason is not None:
        raise LablineError(
            "--person and --reason need --settle POINT, --decide or --divide NAME",
            hint=f"labline lot {shlex.quote(options.name)} shows the points",
        )
    else:
        known = _shown(settings, options)
        raise typer.Exit(1 if _speaks_against(known) else 0)


def _reviewed(settings: Settings, options: LotOptions, lot: str) -> int:
    """Show the record of a lot by exception; return 1 where exceptions are open."""
    if options.name != "review":
        raise LablineError(f"{options.name} is no word that goes before a lot", hint="write: labline lot review LOT")
    with closing(read_state(settings.store.directory)) as connection:
        name = _known(connection, lot).material_lot_id
    asked = AskedOfReview(
        settle=options.point,
        comment=options.comment,
        sign=options.sign,
        person=options.person,
        reason=options.reason,
        html=options.html,
    )
    return review(settings, options.config, name, asked, as_json=options.as_json)


def _meant(connection: sqlite3.Connection, options: LotOptions) -> LotOnRecord:
    """Return the lot that is named, or with --part that part of it."""
    known = _known(connection, options.name)
    if options.part is None:
        return known
    part = lot_on_record(connection, part_id_of(known.material_lot_id, normalised(options.part) or ""))
    if part is None or part.part is None:
        why = f"lot {known.material_lot_id} has no part {options.part}"
        raise LablineError(why, hint=f"labline lot {shlex.quote(known.material_lot_id)} shows its parts")
    return part


def _known(connection: sqlite3.Connection, name: str) -> LotOnRecord:
    """Return the lot of that name, read as in messages; raises LablineError, with similar names, if none is known."""
    for written in dict.fromkeys((normalised(name), name)):
        if known := lot_on_record(connection, written):
            return known
    names = {folded(other): other for other in names_of_lots(connection)}
    near = [names[match] for match in difflib.get_close_matches(folded(name), names, n=5, cutoff=0.6)]
    did_you_mean = f"did you mean {', '.join(near)}?" if near else "write it as its messages do"
    raise LablineError(
        f"nothing is known of a lot {name}",
        hint=f"{did_you_mean}; a result without a lot is found by its sample: labline audit trace SAMPLE",
    )


def _speaks_against(known: LotOnRecord) -> bool:
    return known.recommendation in _FOR_A_PERSON or bool(known.open_points) or bool(known.damaged)


def _say(text: str, *, indent: int = 0, style: str = "") -> None:
    show_wrapped(f"{' ' * indent}{text}", hanging=indent + 2, style=style)


# --- deciding and settling --------------------------------------------------------------------------------


def _decide(settings: Settings, options: LotOptions, verdict: Verdict) -> None:
    with closing(read_state(settings.store.directory)) as connection:
        known = _meant(connection, options)
    asked = AskedDecision(
        verdict=verdict, person=options.person, reason=options.reason, over_open_points=options.over_open_points
    )
    decide(settings, options.config, known, asked, as_json=options.as_json)


def _divide(settings: Settings, options: LotOptions, part: str) -> None:
    with closing(read_state(settings.store.directory)) as connection:
        known = _known(connection, options.name)
    asked = AskedPart(name=part, quantity=options.quantity, person=options.person, reason=options.reason)
    divide(settings, options.config, known, asked, as_json=options.as_json)


def _put_back(settings: Settings, options: LotOptions, part: str) -> None:
    with closing(read_state(settings.store.directory)) as connection:
        known = _known(connection, options.name)
    asked = AskedPart(name=part, quantity=None, person=options.person, reason=options.reason)
    put_back(settings, options.config, known, asked, as_json=options.as_json)


def _settle(settings: Settings, options: LotOptions, point: str) -> None:
    reason = options.reason
    if reason is None:
        raise LablineError("--settle needs a reason", hint="give --reason TEXT")
    directory = settings.store.directory
    with closing(read_state(directory)) as connection:
        before = _meant(connection, options)
    name = before.material_lot_id
    act = SettlePoint(material_lot_id=name, point_id=point)
    answer = perform(settings, act, path=options.config.resolve(), sign_in=sign_in_of(options.person), reason=reason)
    if answer.outcome is ActOutcome.PENDING:
        show_waiting(answer, as_json=options.as_json)
        return
    with closing(read_state(directory)) as connection:
        after = _known(connection, name)
    settled = next(item for item in (*before.open_points, *after.settled) if item.point.point_id == point)
    left = len(after.open_points)
    runs = is_in_use(directory)
    if options.as_json:
        show_json({"lot": name, "settled": point_document(settled), "open_points": left, "gateway_runs": runs})
        return
    _say(f"settled by {answer.details['person']}: {settled.point.reason.text}")
    more = (
        "nothing else speaks"
        if not left
        else f"{left} more point{'s' if left > 1 else ''} speak{'s' if left == 1 else ''}"
    )
    when = "at once by the running gateway" if runs else "when a gateway starts: none runs with this store now"
    _say(f"{more} against a release of {name}; it is judged again {when}")


# --- showing ----------------------------------------------------------------------------------------------


def _shown(settings: Settings, options: LotOptions) -> LotOnRecord:
    """Show a lot and the decision on it, and return what is known of the lot."""
    with closing(read_state(settings.store.directory)) as connection:
        connection.execute("BEGIN")  # one picture of it, whatever the gateway writes meanwhile
        known = _meant(connection, options)
        decision = decision_of_lot(connection, known.material_lot_id)
        if options.as_json:
            decided = decision_document(connection, known.material_lot_id)
            show_json(document_of(known) | decided | parts_document(connection, known))
        else:
            _show(known, show_all=options.show_all)
            show_decision(connection, decision)
            show_parts(connection, known)
    return known


def _show(known: LotOnRecord, *, show_all: bool) -> None:
    shown = known.open_points if show_all else known.open_points[:_SHOWN]
    _say(_headline(known), style=_STYLES.get(known.recommendation, ""))
    for item in shown:
        _show_open(item)
    if len(shown) < len(known.open_points):
        _say(f"and {len(known.open_points) - len(shown)} more: --all shows them")
    _show_besides(known)
    for item in known.settled:
        _show_settled(item)
    for settlement in known.settled_otherwise:
        when = f"{settlement.person}, {_short(settlement.at_ns)}: {settlement.reason}"
        _say(f"settled, and asked no more: point {settlement.point_id} by {when}")
    if any(item.can_be_settled for item in shown):
        lot = shlex.quote(known.material_lot_id)
        _say(f"settle a point: labline lot {lot} --settle POINT --reason TEXT --config FILE")


def _show_open(item: PointOnRecord) -> None:
    _say(f"{item.point.asks.value}: {item.point.reason.text}", style=_STYLES.get(item.point.asks, ""))
    evidence = {
        name: value for name, value in evidence_of(item.about).items() if value is not None and name != "result"
    }
    if evidence:
        _say(", ".join(f"{name} {value}" for name, value in evidence.items()), indent=2)
    _say(f"to do: {item.point.how}", indent=2)
    _say(f"point {item.point.point_id}", indent=2)


def _show_besides(known: LotOnRecord) -> None:
    """Show the reasons that are no points, the lot's context, its parents and its children."""
    for reason in other_reasons(known):
        _say(f"besides: {reason.text}")
        _say(f"to do: {BESIDES[reason.code]}", indent=2)
    if context := _context(known):
        _say(context)
    for title, lots in (("made of", known.parents), ("went into", known.children)):
        if lots:
            _say(f"{title}: {', '.join(f'{item.material_lot_id} ({item.asks.value})' for item in lots)}")
    if known.damaged:
        named = ", ".join(known.damaged[:_SHOWN])
        _say(f"{len(known.damaged)} record(s) of it do not match their hash: {named}", style="red")


def _show_settled(item: PointOnRecord) -> None:
    settlement = item.settlement
    if settlement is not None:
        _say(f"settled by {settlement.person}, {_short(settlement.at_ns)}: {settlement.reason}")
        _say(item.point.reason.text, indent=2)
        _say(f"point {item.point.point_id}", indent=2)


def _headline(known: LotOnRecord) -> str:
    since = "" if known.since_ns is None else f" since {_short(known.since_ns)}"
    closed = ", closed" if known.closed_ns is not None else ""
    waits = ", waits to be judged again" if known.waits_to_be_judged else ""
    against = "" if known.open_points else "; no point speaks against a release"
    return f"{known.material_lot_id}: {known.recommendation.value}{since}{closed}{waits}{against}"


def _context(known: LotOnRecord) -> str:
    about = {
        "product": " or ".join(known.products) or None,
        "client": known.client_id,
        "order": known.job_order_id,
        "equipment": known.equipment_id,
    }
    return ", ".join(f"{name} {value}" for name, value in about.items() if value is not None)


def _short(at_ns: int) -> str:
    """Return an instant to the second, in UTC."""
    return f"{rfc3339(at_ns)[:19].replace('T', ' ')}Z"
